import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCreds } from "../../src/security/identity/creds-file.ts";
import { fakeCell, oneNode, refusal } from "./fake-cell.ts";
import { run } from "./fake-terminal.ts";
import { keeping } from "./keeping-cell.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

const call = (made: MadeCell, argv: string[], cell = keeping(made)) =>
  run(["--data-dir", "data", ...argv], { cwd: made.parent, openCell: cell.openCell });
const identityOf = async (made: MadeCell, file: string) => {
  const parsed = parseCreds(await readFile(join(made.parent, file), "utf8"));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};

describe("client add", () => {
  it("writes a file that only its owner can read, tells the cell, and tries it", async () => {
    await using made = await madeCell();
    const cell = keeping(made);
    const { exitCode, out } = await call(made, ["client", "add", "web-shop", "--target", "support/**"], cell);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/may send \*\* to support\/\*\*/)]);
    expect((await stat(join(made.parent, "web-shop.creds"))).mode & 0o777).toBe(0o600);
    const { principal, certificate } = await identityOf(made, "web-shop.creds");
    expect(principal).toBe("web-shop");
    expect(certificate).toMatchObject({
      kind: "client",
      generation: 1,
      grants: [{ intents: ["**"], targets: ["support/**"] }],
    });
    expect(certificate.notAfterUnixMs - Date.now()).toBeGreaterThan(89.9 * 86_400_000);
    expect(cell.opened).toHaveLength(2);
  });

  it("takes several targets and intents, and a time", async () => {
    await using made = await madeCell();
    const argv = [
      "client",
      "add",
      "probe",
      "--target",
      "a/b",
      "c/*",
      "--intent",
      "x.y",
      "--ttl",
      "1d",
      "--out",
      "p.creds",
    ];
    expect((await call(made, argv)).exitCode).toBe(0);
    expect((await identityOf(made, "p.creds")).certificate.grants).toEqual([
      { intents: ["x.y"], targets: ["a/b", "c/*"] },
    ]);
  });

  it("needs a target, unless a manifest grants it something", async () => {
    await using made = await madeCell();
    expect((await call(made, ["client", "add", "helpdesk"])).err).toMatch(
      /^CLI_USAGE: no manifest grants "helpdesk"/,
    );
    expect((await call(made, ["client", "add", "helpdesk"], keeping(made, ["helpdesk"]))).exitCode).toBe(0);
    expect((await identityOf(made, "helpdesk.creds")).certificate.grants).toEqual([]);
    expect((await call(made, ["client", "add", "later", "--manifest-grants"])).exitCode).toBe(0);
  });

  it.each([
    ["a name that is no token", ["Web", "--target", "a/b"], /a name is 1 to 32/],
    ["the operator's name", ["operator", "--target", "a/b"], /there is a client "operator" already/],
    ["a node's name", ["a", "--target", "a/b"], /is the name of a node already/],
    ["the issuer's name", ["issuer", "--target", "a/b"], /is the name of an issuer already/],
    ["a pattern that is none", ["x", "--target", "a/**/b"], /is not a pattern/],
  ])("refuses %s with 2 and writes nothing", async (_what, argv, message) => {
    await using made = await madeCell();
    const { exitCode, err } = await call(made, ["client", "add", ...argv]);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(message)]);
    expect(await readdir(made.parent)).toEqual(["data"]);
  });

  it("gives a client a new key only when told to", async () => {
    await using made = await madeCell();
    await call(made, ["client", "add", "x", "--target", "a/b", "--out", "one.creds"]);
    expect((await call(made, ["client", "add", "x", "--target", "a/b", "--out", "two.creds"])).exitCode).toBe(
      2,
    );
    const again = await call(made, [
      "client",
      "add",
      "x",
      "--target",
      "a/b",
      "--out",
      "two.creds",
      "--replace",
    ]);
    expect(again.exitCode).toBe(0);
    const [one, two] = [await identityOf(made, "one.creds"), await identityOf(made, "two.creds")];
    expect(two.certificate.generation).toBe(2);
    expect(two.key).not.toEqual(one.key);
  });

  it("leaves no file when the cell refuses", async () => {
    await using made = await madeCell();
    const cell = fakeCell({
      ...oneNode,
      "trust.add": () => {
        throw refusal("AUTHORITY_TRUST_FULL");
      },
    });
    expect((await call(made, ["client", "add", "x", "--target", "a/b"], cell)).exitCode).toBe(3);
    expect(await readdir(made.parent)).toEqual(["data"]);
  });
});

describe("client revoke", () => {
  it("withdraws with the next generation, once", async () => {
    await using made = await madeCell();
    await call(made, ["client", "add", "x", "--target", "a/b"]);
    const cell = keeping(made);
    expect((await call(made, ["client", "revoke", "x", "--yes"], cell)).exitCode).toBe(0);
    expect((await call(made, ["client", "show", "x", "--json"])).json()).toMatchObject([
      { revoked: true, generation: 2 },
    ]);
    expect((await call(made, ["client", "revoke", "x"], cell)).out).toMatch(/was revoked before/);
    expect(cell.asked.filter(({ intent }) => intent === "trust.add")).toHaveLength(1);
  });

  it("of nobody is CLI_TARGET_UNKNOWN", async () => {
    await using made = await madeCell();
    for (const name of ["nobody", "a", "issuer"]) {
      expect((await call(made, ["client", "revoke", name])).err).toMatch(/^CLI_TARGET_UNKNOWN/);
    }
  });
});

describe("node add", () => {
  it("writes a file with which a node joins", async () => {
    await using made = await madeCell();
    const argv = ["--nats", "nats://10.0.0.1:4222", "node", "add", "b", "--shards", "0,200-255,128-130"];
    expect((await call(made, argv)).exitCode).toBe(0);
    const { broker, certificate } = await identityOf(made, "b.creds");
    expect(broker).toBe("nats://10.0.0.1:4222");
    expect(certificate).toMatchObject({
      kind: "node",
      shards: [
        { first: 0, last: 0 },
        { first: 128, last: 130 },
        { first: 200, last: 255 },
      ],
    });
  });

  it("is refused where the issuer's key is not", async () => {
    await using made = await madeCell();
    const { rm } = await import("node:fs/promises");
    await rm(made.dir.issuerKey);
    const { exitCode, err } = await call(made, ["node", "add", "b", "--shards", "1"]);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_NEEDS_LOCAL_CELL/)]);
  });
});

describe("secret", () => {
  it("is kept from standard input without its last end of line, listed by name, and removed", async () => {
    await using made = await madeCell();
    const secret = (argv: string[], input = "") =>
      run(["--data-dir", "data", "secret", ...argv], { cwd: made.parent, input });
    expect((await secret(["set", "api-key"], "s3cret\n")).exitCode).toBe(0);
    const { out } = await secret(["list", "--json"]);
    expect(JSON.parse(out)).toEqual([{ name: "api-key", updatedUnixMs: expect.any(Number) }]);
    expect(out).not.toContain("s3cret");
    expect((await secret(["rm", "api-key"])).exitCode).toBe(0);
    expect((await secret(["rm", "api-key"])).err).toMatch(/^CELL_SECRET_UNKNOWN/);
  });

  it("is asked for on a terminal", async () => {
    await using made = await madeCell();
    const { questions, exitCode } = await run(["--data-dir", "data", "secret", "set", "x"], {
      cwd: made.parent,
      isTerminal: { input: true },
      answers: ["typed"],
    });
    expect([exitCode, questions]).toEqual([0, ["Value of x: "]]);
  });
});
