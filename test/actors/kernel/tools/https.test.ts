// http.fetch over TLS: the connection goes to the judged address, the certificate is
// the name's. fixtures/tls-example.pem is a key and a certificate for tls.example.com
// that no one else trusts.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { httpGrant, startWorld, toolsOf } from "./tool-world.ts";

const pem = readFileSync(join(import.meta.dirname, "fixtures", "tls-example.pem"), "utf8");
const names: (string | false | null)[] = [];
const server = createServer({ key: pem, cert: pem }, (request, response) => {
  names.push((request.socket as TLSSocket & { servername: string | false | null }).servername);
  response.end(`secret door for ${request.headers.host}`);
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function fetchFrom(host: string, trusted: boolean): Promise<unknown> {
  const url = `https://${host}:${port}`;
  const world = await startWorld({
    tools: toolsOf({ http: [httpGrant({ hosts: [url] })] }),
    net: { resolve: async () => ["127.0.0.1"], ...(trusted ? { authorities: [pem] } : {}) },
  });
  try {
    return await world.call("http.fetch", { url: `${url}/` });
  } finally {
    await world.stop();
  }
}

test("a name whose certificate is trusted is reached at its judged address, under its own name", async () => {
  expect(await fetchFrom("tls.example.com", true)).toMatchObject({
    status: 200,
    content: `secret door for tls.example.com:${port}`,
  });
  expect(names).toEqual(["tls.example.com"]);
});

test.each([
  ["another name's certificate", "other.example.com", true],
  ["a certificate that nobody vouches for", "tls.example.com", false],
  ["an address, which the certificate does not name", "127.0.0.1", true],
])("%s is not talked to", async (_, host, trusted) => {
  const before = names.length;
  await expect(fetchFrom(host, trusted)).rejects.toMatchObject({ code: "TOOL_UNREACHABLE" });
  expect(names).toHaveLength(before);
});
