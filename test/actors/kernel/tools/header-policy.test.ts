import { describe, expect, test } from "vitest";
import { checkHeaders, secretValue } from "../../../../src/actors/kernel/tools/http/header-policy.ts";

const secret = { name: "api-key", header: "authorization", format: "Bearer {}" };

describe("headers of an actor", () => {
  test.each([
    ["accept", "application/json"],
    ["content-type", "text/plain; charset=utf-8"],
    ["x-request-id", "1"],
    ["cookie", "a=b"],
    ["x-empty", ""],
  ])("%s: %s is sent", (name, value) => {
    expect(checkHeaders({ [name]: value }, secret)).toMatchObject({
      ok: true,
      value: new Map([[name, value]]),
    });
  });

  test.each([
    ["x", "a\r\nHost: evil.test"],
    ["x", "a\nb"],
    ["x", "a\rb"],
    ["x", "a\u0000b"],
    ["x", "a\u0085b"],
    ["x", "a\u2028b"],
    ["x", " leading"],
    ["x", "trailing "],
    ["x", "ünïcode"],
    ["x", "\u560d\u560aset-cookie: a"],
    ["x\r\nhost", "a"],
    ["x:y", "a"],
    ["x y", "a"],
    ["", "a"],
    ["ｈost", "a"],
    ["Host", "evil.test"],
    ["hOST", "evil.test"],
    ["Content-Length", "0"],
    ["transfer-encoding", "chunked"],
    ["Connection", "keep-alive, authorization"],
    ["keep-alive", "1"],
    ["te", "trailers"],
    ["trailer", "x"],
    ["Upgrade", "h2c"],
    ["http2-settings", "AA"],
    ["expect", "100-continue"],
    ["proxy-authorization", "x"],
    ["Proxy-Connection", "x"],
    ["x-forwarded-for", "127.0.0.1"],
    ["X-Forwarded-Host", "internal"],
    ["forwarded", "for=127.0.0.1"],
    ["x-real-ip", "127.0.0.1"],
    ["x-http-method-override", "DELETE"],
    ["X-Method-Override", "DELETE"],
    ["x-original-url", "/admin"],
    ["accept-encoding", "gzip"],
    ["authorization", "mine"],
    ["Authorization", "mine"],
  ])("%j: %j is refused", (name, value) => {
    expect(checkHeaders({ [name]: value }, secret)).toMatchObject({
      ok: false,
      error: { code: "TOOL_REQUEST_INVALID" },
    });
  });

  test("one name in two spellings is refused", () => {
    expect(checkHeaders({ accept: "a", Accept: "b" }, undefined).ok).toBe(false);
  });

  test("too many headers are refused, and too long ones", () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`x-${at}`, "1"]));
    expect(checkHeaders(many, undefined).ok).toBe(false);
    const long = Object.fromEntries(Array.from({ length: 3 }, (_, at) => [`x-${at}`, "1".repeat(6_000)]));
    expect(checkHeaders(long, undefined).ok).toBe(false);
  });
});

describe("a secret", () => {
  test("goes into its format, whatever it holds", () => {
    expect(secretValue(secret, "$&$1-s3cret-value")).toEqual({ ok: true, value: "Bearer $&$1-s3cret-value" });
  });
  test.each(["x9y8z7", "with\r\nheader: x", "with\u0000nul-inside", "ünïcode-secret", " leading-space"])(
    "%j cannot be used, and the error does not hold it",
    (value) => {
      const made = secretValue(secret, value);
      expect(made).toMatchObject({ ok: false, error: { code: "TOOL_SECRET_UNUSABLE" } });
      if (!made.ok) expect(`${made.error.message} ${made.error.remedy}`).not.toContain(value);
    },
  );
});
