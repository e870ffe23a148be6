// http.fetch against real servers on loopback.
import { createServer as createTcpServer } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { HttpGrant } from "../../../../src/manifest/tools.ts";
import {
  ACTOR,
  httpGrant,
  type Loopback,
  serve,
  startWorld,
  toolsOf,
  type World,
  type WorldOptions,
} from "./tool-world.ts";

const SECRET = "s3cret/value+of-the-agent";
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function server(answer: Parameters<typeof serve>[0]): Promise<Loopback> {
  const made = await serve(answer);
  open.push(made);
  return made;
}

async function world(http: readonly HttpGrant[], options: WorldOptions = {}): Promise<World> {
  const made = await startWorld({ tools: toolsOf({ http }), ...options });
  open.push({ close: () => made.stop() });
  return made;
}

const withSecret = { secret: { name: "api-key", header: "authorization", format: "Bearer {}" } };

test("a granted request is made and its answer given back", async () => {
  const { host, requests } = await server((_, response) => {
    response.writeHead(201, { "content-type": "text/plain", "x-one": "1" }).end("héllo");
  });
  const { call, events } = await world([httpGrant({ hosts: [host], methods: ["GET", "POST"] })]);
  const reply = await call("http.fetch", {
    url: `${host}/v1/items?q=1#top`,
    method: "POST",
    headers: { "X-Request": "7" },
    body: "content",
  });
  expect(reply).toMatchObject({
    status: 201,
    url: `${host}/v1/items?q=1`,
    headers: { "content-type": "text/plain", "x-one": "1" },
    content: "héllo",
    encoding: "text",
    redirects: 0,
  });
  expect(requests).toMatchObject([
    {
      method: "POST",
      url: "/v1/items?q=1",
      headers: {
        host: host.slice(7),
        "x-request": "7",
        "content-length": "7",
        "accept-encoding": "identity",
      },
    },
  ]);
  expect(events).toMatchObject([
    {
      actor: ACTOR,
      intent: { type: "http.fetch" },
      kind: {
        case: "toolUsed",
        value: {
          tool: "http.fetch",
          asked: `POST ${host}/v1/items?...`,
          outcome: "201",
          bytesIn: 6,
          bytesOut: 7,
        },
      },
    },
  ]);
});

test("bytes that are no text come back as base64", async () => {
  const { host } = await server((_, response) => response.end(Buffer.from([0xff, 0, 0xfe])));
  const { call } = await world([httpGrant({ hosts: [host] })]);
  expect(await call("http.fetch", { url: host })).toMatchObject({ encoding: "base64", content: "/wD+" });
});

test("an actor without the grant is refused, and nothing is sent", async () => {
  const { host, requests } = await server((_, response) => response.end());
  const { outcome, events } = await world([httpGrant({ hosts: ["api.example.com"] })]);
  expect(await outcome("http.fetch", { url: host })).toBe("TOOL_NOT_GRANTED");
  expect(requests).toEqual([]);
  expect(events).toMatchObject([
    {
      actor: ACTOR,
      kind: { case: "toolRefused", value: { tool: "http.fetch", error: { code: "TOOL_NOT_GRANTED" } } },
    },
  ]);
});

describe("addresses", () => {
  test.each([
    ["a loopback name", ["127.0.0.1"]],
    ["a private name", ["10.0.0.1"]],
    ["the metadata service", ["169.254.169.254"]],
    ["the metadata service, mapped", ["::ffff:a9fe:a9fe"]],
    ["a public address beside a private one", ["93.184.216.34", "10.0.0.1"]],
    ["a public address beside loopback in IPv6", ["93.184.216.34", "::1"]],
    ["an unspecified address", ["0.0.0.0"]],
    ["a multicast address", ["224.0.0.1"]],
  ])("a granted name that leads to %s is not connected to", async (_, addresses) => {
    const { outcome, events } = await world(
      [httpGrant({ hosts: ["https://rebound.example.com"], privateAddresses: false })],
      { net: { resolve: async () => addresses } },
    );
    expect(await outcome("http.fetch", { url: "https://rebound.example.com/" })).toBe(
      "TOOL_ADDRESS_FORBIDDEN",
    );
    expect(events).toMatchObject([{ kind: { case: "toolRefused" } }]);
  });

  test("a listed loopback address needs privateAddresses all the same", async () => {
    const { host, requests } = await server((_, response) => response.end());
    const { outcome } = await world([httpGrant({ hosts: [host], privateAddresses: false })]);
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_ADDRESS_FORBIDDEN");
    expect(requests).toEqual([]);
  });

  test("private addresses do not open the metadata service to a name", async () => {
    const { outcome } = await world([httpGrant({ hosts: ["http://meta.example.com"] })], {
      net: { resolve: async () => ["169.254.169.254"] },
    });
    expect(await outcome("http.fetch", { url: "http://meta.example.com/" })).toBe("TOOL_ADDRESS_FORBIDDEN");
  });

  test("a name is resolved once, and the connection goes to the address that was judged", async () => {
    const { port, requests } = await server((_, response) => response.end("reached"));
    // A rebinding name: the first answer is the one that counts.
    const resolve = vi.fn().mockResolvedValueOnce(["127.0.0.1"]).mockResolvedValue(["169.254.169.254"]);
    const { call, outcome } = await world([httpGrant({ hosts: [`http://one.example.com:${port}`] })], {
      net: { resolve },
    });
    expect(await call("http.fetch", { url: `http://one.example.com:${port}/` })).toMatchObject({
      content: "reached",
    });
    expect(resolve).toHaveBeenCalledTimes(1);
    expect(requests).toMatchObject([{ headers: { host: `one.example.com:${port}` } }]);
    expect(await outcome("http.fetch", { url: `http://one.example.com:${port}/` })).toBe(
      "TOOL_ADDRESS_FORBIDDEN",
    );
  });

  test("when one address does not answer the next is tried", async () => {
    const { port } = await server((_, response) => response.end("reached"));
    const { call } = await world([httpGrant({ hosts: [`http://two.example.com:${port}`] })], {
      net: { resolve: async () => ["127.0.0.2", "127.0.0.1"] },
    });
    expect(await call("http.fetch", { url: `http://two.example.com:${port}/` })).toMatchObject({
      content: "reached",
    });
  });

  test("a name that does not resolve, and a port where nobody listens, are coded", async () => {
    const closed = await serve(() => {});
    await closed.close();
    const { outcome } = await world([httpGrant({ hosts: ["https://gone.example.com", closed.host] })]);
    expect(await outcome("http.fetch", { url: "https://gone.example.com/" })).toBe("TOOL_UNREACHABLE");
    expect(await outcome("http.fetch", { url: closed.host })).toBe("TOOL_UNREACHABLE");
  });
});

describe("redirects", () => {
  const redirecting = (location: (url: string) => string | undefined, status = 302) =>
    server((request, response) => {
      const to = location(request.url ?? "");
      if (to === undefined) response.end("arrived");
      else response.writeHead(status, { location: to }).end();
    });

  test("none is followed by default: the redirect is the answer", async () => {
    const { host } = await redirecting(() => "/next");
    const { call } = await world([httpGrant({ hosts: [host] })]);
    expect(await call("http.fetch", { url: host })).toMatchObject({
      status: 302,
      headers: { location: "/next" },
    });
  });

  test("as many as granted are followed, and no more", async () => {
    const { host } = await redirecting((url) => (url === "/3" ? undefined : `/${Number(url.slice(1)) + 1}`));
    const { call, outcome } = await world([httpGrant({ hosts: [host], redirects: 2 })]);
    expect(await call("http.fetch", { url: `${host}/1` })).toMatchObject({
      content: "arrived",
      redirects: 2,
      url: `${host}/3`,
    });
    expect(await outcome("http.fetch", { url: `${host}/0` })).toBe("TOOL_REDIRECT_REFUSED");
  });

  test.each([
    ["another host", "http://169.254.169.254/latest/meta-data/", "TOOL_NOT_GRANTED"],
    ["another port", "http://127.0.0.1:1/", "TOOL_NOT_GRANTED"],
    ["a path outside", "/admin", "TOOL_NOT_GRANTED"],
    ["a path outside by dots", "/v1/../admin", "TOOL_NOT_GRANTED"],
    ["a file", "file:///etc/passwd", "TOOL_REDIRECT_REFUSED"],
    ["a user", "http://user@127.0.0.1/", "TOOL_REDIRECT_REFUSED"],
    ["nonsense", "http://[", "TOOL_REDIRECT_REFUSED"],
  ])("a redirect to %s is authorised anew", async (_, location, code) => {
    const { host, requests } = await redirecting(() => location);
    const { outcome } = await world([httpGrant({ hosts: [host], paths: ["/v1/**"], redirects: 3 })]);
    expect(await outcome("http.fetch", { url: `${host}/v1/items` })).toBe(code);
    expect(requests).toHaveLength(1);
  });

  test("a redirect to a granted name that leads to a private address is judged by its own grant", async () => {
    const { host } = await redirecting(() => "https://inner.example.com/");
    const { outcome } = await world(
      [
        httpGrant({ hosts: [host], redirects: 1 }),
        httpGrant({ hosts: ["inner.example.com"], privateAddresses: false }),
      ],
      { net: { resolve: async () => ["10.0.0.7"] } },
    );
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_ADDRESS_FORBIDDEN");
  });

  test("a secret and what is personal stay behind when the origin changes, and are not put in again", async () => {
    const second = await server((_, response) =>
      response.writeHead(302, { location: `${first.host}/back` }).end(),
    );
    const first = await redirecting((url) => (url === "/back" ? undefined : second.host));
    const { call } = await world(
      [httpGrant({ hosts: [first.host, second.host], redirects: 3, ...withSecret })],
      {
        secrets: { "api-key": SECRET },
      },
    );
    const headers = { cookie: "session=1", "x-auth-token": "mine", "x-plain": "stays" };
    await call("http.fetch", { url: first.host, headers });
    const sent = [...first.requests, ...second.requests].map(
      ({ headers: { authorization, cookie, "x-plain": plain } }) => [authorization, cookie, plain],
    );
    expect(sent).toEqual([
      [`Bearer ${SECRET}`, "session=1", "stays"],
      [undefined, undefined, "stays"],
      [undefined, undefined, "stays"],
    ]);
  });

  test("a secret stays behind when another grant allows the next step at the same origin", async () => {
    const { host, requests } = await redirecting((url) => (url === "/public" ? undefined : "/public"));
    const { call } = await world(
      [
        httpGrant({ hosts: [host], paths: ["/v1/**"], redirects: 1, ...withSecret }),
        httpGrant({ hosts: [host], paths: ["/public"] }),
      ],
      { secrets: { "api-key": SECRET } },
    );
    await call("http.fetch", { url: `${host}/v1/x` });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${SECRET}`, undefined]);
  });

  test.each([
    [301, "GET"],
    [302, "GET"],
    [303, "GET"],
    [307, "POST"],
    [308, "POST"],
  ])("after a POST, %i leads on with %s", async (status, method) => {
    const { host, requests } = await redirecting((url) => (url === "/end" ? undefined : "/end"), status);
    const { call } = await world([httpGrant({ hosts: [host], methods: ["GET", "POST"], redirects: 1 })]);
    await call("http.fetch", {
      url: host,
      method: "POST",
      body: "x",
      headers: { "content-type": "text/plain" },
    });
    expect(requests[1]).toMatchObject({ method });
    expect(requests[1]?.headers["content-length"]).toBe(method === "POST" ? "1" : undefined);
  });
});

describe("a secret", () => {
  test("is put in by the kernel, and taken out of whatever comes back", async () => {
    const { host, requests } = await server((request, response) => {
      const { authorization = "" } = request.headers;
      const raw = authorization.slice("Bearer ".length);
      response.writeHead(200, { "x-echo": authorization, "x-base64": Buffer.from(raw).toString("base64") });
      response.end(
        JSON.stringify({
          authorization,
          url: encodeURIComponent(raw),
          hex: Buffer.from(raw).toString("hex"),
        }),
      );
    });
    const { call, events } = await world([httpGrant({ hosts: [host], ...withSecret })], {
      secrets: { "api-key": SECRET },
    });
    const reply = JSON.stringify(await call("http.fetch", { url: host }));
    expect(requests[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
    for (const form of [
      SECRET,
      encodeURIComponent(SECRET),
      Buffer.from(SECRET).toString("hex"),
      Buffer.from(SECRET).toString("base64"),
    ]) {
      expect(reply).not.toContain(form);
      expect(JSON.stringify(events)).not.toContain(form);
    }
    expect(reply).toContain("[secret]");
  });

  test("is taken out when it is asked for as base64", async () => {
    const { host } = await server((request, response) => response.end(request.headers.authorization));
    const { call } = await world([httpGrant({ hosts: [host], ...withSecret })], {
      secrets: { "api-key": SECRET },
    });
    const reply = (await call("http.fetch", { url: host, as: "base64" })) as { content: string };
    expect(Buffer.from(reply.content, "base64").toString()).toBe("[secret]");
  });

  test.each([
    ["in a granted address", (host: string, raw: string) => `${host}/leak?k=${encodeURIComponent(raw)}`],
    ["as a host", (_: string, raw: string) => `https://${Buffer.from(raw).toString("hex")}.evil.test/`],
    ["as a scheme", (_: string, raw: string) => `${raw}://x`],
  ])("does not come back by a redirect %s, nor by its error", async (_, location) => {
    const { host, requests } = await server((request, response) => {
      const raw = (request.headers.authorization ?? "").slice("Bearer ".length);
      response.writeHead(302, { location: location(host, raw) }).end();
    });
    const { call, events } = await world([httpGrant({ hosts: [host], redirects: 5, ...withSecret })], {
      secrets: { "api-key": "s3cretvalueoftheagent" },
    });
    const error = await call("http.fetch", { url: host }).catch((thrown: unknown) => thrown as Error);
    const told = JSON.stringify([
      error,
      (error as Error).message,
      Reflect.get(error as Error, "remedy"),
      events,
    ]);
    expect(told).toContain("TOOL_REDIRECT_REFUSED");
    expect(told).not.toContain("s3cretvalueoftheagent");
    expect(told).not.toContain(Buffer.from("s3cretvalueoftheagent").toString("hex"));
    expect(requests).toHaveLength(1);
  });

  test.each([
    ["that is not there", {}],
    ["that is too short", { "api-key": "short" }],
  ])("%s: no request is made", async (_, secrets) => {
    const { host, requests } = await server((_request, response) => response.end());
    const { outcome } = await world([httpGrant({ hosts: [host], ...withSecret })], { secrets });
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_SECRET_UNUSABLE");
    expect(requests).toEqual([]);
  });
});

describe("bounds", () => {
  const big = Buffer.alloc(1_000_000);
  test.each([
    ["a declared length", {}, "length", big],
    ["a stream without length", {}, "stream", big],
    ["a gzip bomb", { "content-encoding": "gzip" }, "length", gzipSync(big)],
    ["a brotli bomb", { "content-encoding": "br" }, "length", brotliCompressSync(big)],
    ["a deflate bomb", { "content-encoding": "deflate" }, "length", deflateSync(big)],
  ])("%s beyond the grant's bytes", async (_, headers, form, body) => {
    const { host } = await server((_request, response) => {
      response.writeHead(200, form === "length" ? { ...headers, "content-length": body.length } : headers);
      response.end(body);
    });
    const { outcome } = await world([httpGrant({ hosts: [host], maxBytes: 10_000 })]);
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_TOO_LARGE");
  });

  test("a stream without end is cut off where the bytes end", async () => {
    let sent = 0;
    const { host } = await server((_request, response) => {
      const more = () => {
        sent += 16_384;
        if (!response.destroyed && response.write(Buffer.alloc(16_384))) setImmediate(more);
        else response.once("drain", more);
      };
      response.on("error", () => {});
      more();
    });
    const { outcome } = await world([httpGrant({ hosts: [host], maxBytes: 100_000 })]);
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_TOO_LARGE");
    expect(sent).toBeLessThan(50_000_000);
  });

  test.each(["gzip, gzip", "zstd", "compress", "nonsense"])(
    "the encoding %j is not tried",
    async (encoding) => {
      const { host } = await server((_request, response) => {
        response.writeHead(200, { "content-encoding": encoding }).end("x");
      });
      const { outcome } = await world([httpGrant({ hosts: [host] })]);
      expect(await outcome("http.fetch", { url: host })).toBe("TOOL_RESPONSE_INVALID");
    },
  );

  test("a compressed body within the bounds is read", async () => {
    const { host } = await server((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("packed"));
    });
    const { call } = await world([httpGrant({ hosts: [host] })]);
    expect(await call("http.fetch", { url: host })).toMatchObject({ content: "packed" });
  });

  test.each([
    ["that never answers", () => {}],
    [
      "that sends its body drop by drop",
      (_request: unknown, response: { write(text: string): void }) => response.write("a"),
    ],
  ])("a server %s is left at the grant's timeout", async (_, answer) => {
    const { host } = await server(answer as Parameters<typeof serve>[0]);
    const { outcome, events } = await world([httpGrant({ hosts: [host], timeoutMs: 100 })]);
    expect(await outcome("http.fetch", { url: host })).toBe("TOOL_TIMEOUT");
    expect(events).toMatchObject([
      { kind: { case: "toolUsed", value: { error: { code: "TOOL_TIMEOUT" } } } },
    ]);
  });

  test("a look-up that never ends is left at the grant's timeout", async () => {
    const { outcome } = await world([httpGrant({ hosts: ["https://slow.example.com"], timeoutMs: 100 })], {
      net: { resolve: () => new Promise(() => {}) },
    });
    expect(await outcome("http.fetch", { url: "https://slow.example.com/" })).toBe("TOOL_TIMEOUT");
  });

  test.each([
    ["no HTTP at all", "SSH-2.0-OpenSSH\r\n", "TOOL_RESPONSE_INVALID"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "TOOL_RESPONSE_INVALID",
    ],
    ["too long headers", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}\r\n\r\n`, "TOOL_RESPONSE_INVALID"],
    ["a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "TOOL_RESPONSE_INVALID"],
    ["nothing", "", "TOOL_UNREACHABLE"],
    [
      "another protocol",
      "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
      "TOOL_RESPONSE_INVALID",
    ],
  ])("a server that answers with %s is coded", async (_, answer, code) => {
    const raw = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    open.push({ close: () => new Promise((resolve) => raw.close(resolve)) });
    const { port } = raw.address() as { port: number };
    const { outcome } = await world([httpGrant({ hosts: [`http://127.0.0.1:${port}`] })]);
    expect(await outcome("http.fetch", { url: `http://127.0.0.1:${port}/` })).toBe(code);
  });

  test("a body larger than the grant, on a GET, or no base64 is refused before anything is sent", async () => {
    const { host, requests } = await server((_request, response) => response.end());
    const { outcome } = await world([httpGrant({ hosts: [host], methods: ["GET", "POST"], maxBytes: 4 })]);
    expect(await outcome("http.fetch", { url: host, method: "POST", body: "12345" })).toBe("TOOL_TOO_LARGE");
    expect(await outcome("http.fetch", { url: host, body: "1" })).toBe("TOOL_REQUEST_INVALID");
    const wrong = { url: host, method: "POST", body: "*", bodyEncoding: "base64" };
    expect(await outcome("http.fetch", wrong)).toBe("TOOL_REQUEST_INVALID");
    expect(requests).toEqual([]);
  });

  test.each(["CONNECT", "TRACE", "get"])("the method %s does not exist", async (method) => {
    const { outcome } = await world([httpGrant({ hosts: ["api.example.com"] })]);
    expect(await outcome("http.fetch", { url: "https://api.example.com", method })).toBe(
      "ACTOR_PAYLOAD_INVALID",
    );
  });
});
