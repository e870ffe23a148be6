// The list of ways around a host list, as found in other filters.
import { describe, expect, test } from "vitest";
import {
  findGrant,
  matchesPath,
  mayEscape,
  parseUrl,
  shownUrl,
} from "../../../../src/actors/kernel/tools/http/url-policy.ts";
import type { HttpGrant } from "../../../../src/manifest/tools.ts";

const grantOf = (fields: Partial<HttpGrant>): HttpGrant => ({
  hosts: ["api.example.com", "*.example.org"],
  methods: ["GET"],
  paths: ["/**"],
  maxBytes: 1024,
  timeoutMs: 1_000,
  privateAddresses: false,
  redirects: 0,
  ...fields,
});

/** What becomes of it: "granted", or the code. */
function judge(url: string, grant: HttpGrant, method: "GET" | "POST" = "GET"): string {
  const parsed = parseUrl(url);
  if (!parsed.ok) return parsed.error.code;
  const found = findGrant("g/a", [grant], method, parsed.value);
  return found.ok ? "granted" : found.error.code;
}

describe("hosts", () => {
  test.each([
    ["https://api.example.com/", "granted"],
    ["https://API.EXAMPLE.COM/", "granted"],
    ["https://api.example.com:443/", "granted"],
    ["https://%61pi.example.com/", "granted"],
    ["https://a.example.org/", "granted"],
    ["https://a.b.example.org/x?y#z", "granted"],
    ["https://example.org/", "TOOL_NOT_GRANTED"],
    ["https://notexample.org/", "TOOL_NOT_GRANTED"],
    ["https://example.org.evil.test/", "TOOL_NOT_GRANTED"],
    ["https://api.example.com.evil.test/", "TOOL_NOT_GRANTED"],
    ["https://evil.test/api.example.com", "TOOL_NOT_GRANTED"],
    ["https://evil.test/?api.example.com", "TOOL_NOT_GRANTED"],
    ["https://evil.test#api.example.com", "TOOL_NOT_GRANTED"],
    ["http://api.example.com/", "TOOL_NOT_GRANTED"],
    ["https://api.example.com:8443/", "TOOL_NOT_GRANTED"],
    ["https://api.example.com:22/", "TOOL_NOT_GRANTED"],
    ["https://api.example.com./", "TOOL_REQUEST_INVALID"],
    ["https://api.example.com@evil.test/", "TOOL_REQUEST_INVALID"],
    ["https://user:pass@api.example.com/", "TOOL_REQUEST_INVALID"],
    ["https://api.example.com:pass@evil.test/", "TOOL_REQUEST_INVALID"],
    ["https://evil.test\\@api.example.com/", "TOOL_REQUEST_INVALID"],
    ["https:\\\\api.example.com/", "TOOL_REQUEST_INVALID"],
    ["https://api.example.com\t.evil.test/", "TOOL_REQUEST_INVALID"],
    ["https://api.example.com\n/", "TOOL_REQUEST_INVALID"],
    [" https://api.example.com/", "TOOL_REQUEST_INVALID"],
    ["https://api.example.com\u0000/", "TOOL_REQUEST_INVALID"],
    ["//api.example.com/", "TOOL_REQUEST_INVALID"],
    ["api.example.com", "TOOL_REQUEST_INVALID"],
    ["file:///etc/passwd", "TOOL_REQUEST_INVALID"],
    ["ftp://api.example.com/", "TOOL_REQUEST_INVALID"],
    ["gopher://api.example.com/", "TOOL_REQUEST_INVALID"],
    ["data:text/plain,hello", "TOOL_REQUEST_INVALID"],
    ["javascript:alert(1)", "TOOL_REQUEST_INVALID"],
    ["unix:/var/run/docker.sock", "TOOL_REQUEST_INVALID"],
    ["blob:https://api.example.com/1", "TOOL_REQUEST_INVALID"],
    ["", "TOOL_REQUEST_INVALID"],
  ])("%j: %s", (url, expected) => {
    expect(judge(url, grantOf({}))).toBe(expected);
  });

  test("the full-width and circled forms of a name are the name, and are judged as it", () => {
    expect(judge("https://ａｐｉ.example.com/", grantOf({}))).toBe("granted");
    expect(judge("https://ⓔxample.org/", grantOf({ hosts: ["example.org"] }))).toBe("granted");
    expect(judge("https://ⓔvil.test/", grantOf({}))).toBe("TOOL_NOT_GRANTED");
    expect(judge("https://api。example。com/", grantOf({}))).toBe("granted");
  });
});

describe("addresses as hosts have one form, which a grant must list itself", () => {
  const spellings = [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://①②⑦.0.0.1/",
    "http://%31%32%37.0.0.1/",
  ];
  test.each(spellings)("%s", (url) => {
    expect(judge(url, grantOf({ hosts: ["http://127.0.0.1"] }))).toBe("granted");
    expect(judge(url, grantOf({ hosts: ["http://127.0.0.2", "http://*.0.0.1.test"] }))).toBe(
      "TOOL_NOT_GRANTED",
    );
  });
  test.each(["http://[::1]/", "http://[0:0:0:0:0:0:0:1]/"])("%s", (url) => {
    expect(judge(url, grantOf({ hosts: ["http://[::1]"] }))).toBe("granted");
    expect(judge(url, grantOf({}))).toBe("TOOL_NOT_GRANTED");
  });
  test.each(["http://[::1%25eth0]/", "http://256.256.256.256/", "http://1.2.3.4.5/", "http://[::1/"])(
    "%s cannot be read",
    (url) => {
      expect(judge(url, grantOf({}))).toBe("TOOL_REQUEST_INVALID");
    },
  );
});

test("a method that no grant lists is refused, with the entry that would allow it", () => {
  const url = parseUrl("https://api.example.com/v1/items");
  if (!url.ok) throw url.error;
  const found = findGrant("g/a", [grantOf({})], "POST", url.value);
  expect(found.ok || found.error).toMatchObject({
    code: "TOOL_NOT_GRANTED",
    message: "no grant allows POST to api.example.com",
    remedy:
      "If it should be allowed, add to `g/a` in the manifest: tools: { http: [{ hosts: [api.example.com], methods: [POST], paths: [/v1/items] }] }; then apply.",
  });
});

describe("paths", () => {
  test.each([
    ["/v1/**", "/v1/items", true],
    ["/v1/**", "/v1/items/7", true],
    ["/v1/**", "/v1/", true],
    ["/v1/**", "/v1", false],
    ["/v1/**", "/v10/items", false],
    ["/v1/**", "/V1/items", false],
    ["/v1/*", "/v1/items", true],
    ["/v1/*", "/v1/", false],
    ["/v1/*", "/v1/items/7", false],
    ["/v1/*/name", "/v1/ann/name", true],
    ["/v1/items", "/v1/items", true],
    ["/v1/items", "/v1/items/", false],
    ["/v1/items", "/v1/%69tems", false],
    ["/v1/**", "/v1/..%2fadmin", false],
    ["/v1/**", "/v1/%2e%2e%2fadmin", false],
    ["/v1/**", "/v1/%252e%252e/admin", false],
    ["/v1/**", "/v1/%252e%252e%252fadmin", false],
    ["/v1/**", "/v1/..;/admin", false],
    ["/v1/**", "/v1/..%3b/admin", false],
    ["/v1/**", "/v1/..%5cadmin", false],
    ["/v1/**", "/v1/a%2fb", false],
    ["/v1/**", "/v1/a%00b", false],
    ["/v1/**", "/v1/%ff", false],
    ["/v1/**", "/v1/%c0%ae%c0%ae/admin", false],
    ["/v1/**", "/v1/100%25", false],
    ["/**", "/v1/a%2fb", true],
  ])("%s and %s: %s", (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });

  test.each([
    "https://api.example.com/v1/../admin",
    "https://api.example.com/v1/%2e%2e/admin",
    "https://api.example.com/v1/.%2E/admin",
  ])("%s is judged as what it means", (url) => {
    expect(judge(url, grantOf({ paths: ["/v1/**"] }))).toBe("TOOL_NOT_GRANTED");
    expect(judge(url, grantOf({ paths: ["/admin"] }))).toBe("granted");
  });

  test("a path that is encoded without end escapes", () => {
    expect(mayEscape(`/v1/%${"25".repeat(20)}2e`)).toBe(true);
  });
});

test("a record shows no query, no user and no fragment", () => {
  expect(shownUrl("https://ann:pw@api.example.com/x?key=s3cret#frag")).toBe("https://api.example.com/x?...");
  expect(shownUrl("nonsense")).toBe("a URL that cannot be read");
});
