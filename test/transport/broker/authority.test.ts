import { decode } from "@nats-io/jwt";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type BrokerAuthority,
  createBrokerAuthority,
  parseBrokerAuthority,
  serialiseBrokerAuthority,
} from "../../../src/transport/broker/authority.ts";
import { brokerConfig } from "../../../src/transport/broker/config.ts";
import { issueUser } from "../../../src/transport/broker/user.ts";

describe("the broker's authority", () => {
  let authority: BrokerAuthority;
  beforeAll(async () => {
    authority = await createBrokerAuthority("test");
  });

  it("comes back from its file as it was", () => {
    expect(parseBrokerAuthority(serialiseBrokerAuthority(authority))).toEqual(authority);
  });

  it.each([
    ["nothing", () => ""],
    ["no JSON", () => "{"],
    ["a missing seed", () => JSON.stringify({ ...authority, signingSeed: undefined })],
    ["a seed of another kind", () => JSON.stringify({ ...authority, accountSeed: authority.operatorSeed })],
    [
      "a seed with a wrong letter",
      () =>
        JSON.stringify({
          ...authority,
          signingSeed: authority.signingSeed.replace(/.(?=.{20}$)/, (is) => (is === "A" ? "B" : "A")),
        }),
    ],
    ["an unknown field", () => JSON.stringify({ ...authority, more: 1 })],
  ])("is not read from a file with %s", (_what, text) => {
    expect(() => parseBrokerAuthority(text())).toThrow(
      expect.objectContaining({ code: "BROKER_AUTHORITY_INVALID" }),
    );
  });

  it("signs users with the signing key, for the account, until their expiry", async () => {
    const expiresUnixMs = Date.UTC(2030, 0, 1);
    const user = await issueUser({
      authority,
      cell: "test",
      kind: "client",
      principal: "alice",
      expiresUnixMs,
    });
    const claims = decode<{ issuer_account: string }>(user.jwt);
    expect(claims).toMatchObject({ name: "alice", sub: user.publicKey, exp: expiresUnixMs / 1000 });
    expect(claims.iss).not.toBe(claims.nats.issuer_account);
  });

  it("refuses to make a user whose name would reach into other subjects", async () => {
    await expect(
      issueUser({ authority, cell: "test", kind: "client", principal: "*" }),
    ).rejects.toMatchObject({
      code: "BROKER_SUBJECT_INVALID",
    });
  });

  it("writes a configuration that is quoted and bounded", () => {
    const base = { port: 4222, storeDir: '/tmp/a "b"\\c', serverName: "a", authority };
    const text = brokerConfig(base);
    expect(text).toContain('store_dir: "/tmp/a \\"b\\"\\\\c"');
    expect(text).toContain('host: "127.0.0.1"');
    expect(text).toContain("max_payload: 8388608");
    expect(text).toContain("sync_interval: 1s");
    expect(text).not.toContain(authority.signingSeed);
    expect(text).not.toContain("websocket");
  });

  it("lets browsers in on the loopback address alone, from the origins that are named", () => {
    const websocket = { port: 8080, allowedOrigins: ["http://localhost:1", "https://a.example"] };
    const base = { port: 4222, host: "0.0.0.0", storeDir: "/tmp/a", serverName: "a", authority };
    const [, listener] = brokerConfig({ ...base, websocket }).split("websocket {");
    expect(listener).toContain('  host: "127.0.0.1"\n  port: 8080\n');
    expect(listener).toContain('  allowed_origins: ["http://localhost:1", "https://a.example"]\n');
  });

  it.each([
    ["a port", { port: 65_536 }],
    ["a payload", { maxPayloadBytes: 1 }],
    ["a name with a line break", { serverName: "a\nport: 1" }],
    ["an empty directory", { storeDir: "" }],
    ["a listener for pages of nowhere", { websocket: { port: 8080, allowedOrigins: [] } }],
    ["an origin with a line break", { websocket: { port: 8080, allowedOrigins: ["http://a\n"] } }],
  ])("refuses %s that is out of range", (_what, change) => {
    const options = { port: 4222, storeDir: "/tmp/a", serverName: "a", authority, ...change };
    expect(() => brokerConfig(options)).toThrow(expect.objectContaining({ code: "BROKER_CONFIG_INVALID" }));
  });
});
