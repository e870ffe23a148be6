// The rotation of keys as the command line does it: what it leaves behind when a step fails, and how it goes on.
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCreds } from "../../src/security/identity/creds-file.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { issueCertificate } from "../../src/security/trust/certificate.ts";
import { endingClaims } from "../../src/security/trust/succession.ts";
import { codeOf, must } from "../security/cell-fixture.ts";
import { type Handler, refusal } from "./fake-cell.ts";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";
import { trustingCell } from "./trusting-cell.ts";

type Cell = Awaited<ReturnType<typeof trustingCell>>;
const rotate = (made: MadeCell, { cell }: Cell, ...argv: readonly string[]) =>
  run(["--data-dir", "data", "--json", "keys", "rotate", ...argv], {
    cwd: made.parent,
    openCell: cell.openCell,
  });
const keyIn = async (path: string) => {
  const { certificate } = must(parseCreds(await readFile(path, "utf8")));
  return certificate.key;
};
const standing = ({ trust }: Cell, ...keys: readonly Uint8Array[]) =>
  keys.map((key) => codeOf(trust.byKey(key, Date.now())));
const UNKNOWN = "AUTHORITY_ISSUER_UNKNOWN";

/** Fails so many times, then does as the one that it stands before. */
function failing(times: number, handler: () => Handler | undefined): Handler {
  let left = times;
  return async (payload, target) => {
    left -= 1;
    if (left >= 0) throw refusal("ACTOR_DEADLINE_EXCEEDED");
    return (await handler()?.(payload, target)) ?? [];
  };
}

describe("keys rotate operator", () => {
  it("puts a new key into the file, keeps the one before beside it, and ends that with --remove", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    const cell = await trustingCell(made);
    const before = await keyIn(file);
    const { exitCode, out } = await rotate(made, cell, "operator", "--preserve", "1h");
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ principal: "operator", generation: 2, file });
    const after = await keyIn(file);
    expect(await keyIn(`${file}.old`)).toEqual(before);
    expect(standing(cell, before, after)).toEqual(["ok", "ok"]);
    for (const path of [file, `${file}.old`]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.next`)).toBe(false);
    const again = await rotate(made, cell, "operator");
    expect([again.exitCode, again.err]).toEqual([1, expect.stringContaining("CLI_ROTATION_PENDING")]);
    const removed = await rotate(made, cell, "operator", "--remove");
    expect(JSON.parse(removed.out)).toMatchObject({ generation: 3, removed: true });
    expect(standing(cell, before, after)).toEqual([UNKNOWN, "ok"]);
    expect(existsSync(`${file}.old`)).toBe(false);
    expect(JSON.parse((await rotate(made, cell, "operator", "--remove")).out)).toMatchObject({
      removed: false,
    });
    expect((await rotate(made, cell, "operator")).exitCode).toBe(0);
    expect(cell.trust.newest("operator")?.generation).toBe(4);
  });

  it("gives the key before back when the next one is refused, and starts anew when it is run again", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    const cell = await trustingCell(made, { "node.status": failing(1, () => cell.handlers["node.status"]) });
    const text = await readFile(file, "utf8");
    const { exitCode, err } = await rotate(made, cell, "operator");
    expect(exitCode).toBe(4);
    expect(JSON.parse(err).error).toMatchObject({
      code: "CLI_ROTATION_STOPPED",
      message: expect.stringMatching(/stopped at `test`.*the key before counts on, alone/),
    });
    expect(await readFile(file, "utf8")).toBe(text);
    expect(existsSync(`${file}.next`)).toBe(false);
    expect(cell.trust.newest("operator")).toMatchObject({ generation: 3, key: await keyIn(file) });
    expect(cell.trust.newest("operator")?.continuity).toBeUndefined();
    expect((await rotate(made, cell, "operator")).exitCode).toBe(0);
    expect(cell.trust.newest("operator")).toMatchObject({ generation: 4, key: await keyIn(file) });
  });

  it("goes on with the same key after it was cut off between establishing and switching", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    let isOff = false;
    const cell = await trustingCell(made, {
      // The broker is gone once the certificate is out.
      "trust.add": async (payload, target) => {
        if (isOff) throw refusal("ACTOR_DEADLINE_EXCEEDED");
        const added = (await cell.handlers["trust.add"]?.(payload, target)) ?? [];
        isOff = true;
        return added;
      },
      "trust.list": async (payload, target) => {
        if (isOff) throw refusal("ACTOR_DEADLINE_EXCEEDED");
        return (await cell.handlers["trust.list"]?.(payload, target)) ?? [];
      },
    });
    const before = await keyIn(file);
    const { err } = await rotate(made, cell, "operator");
    expect(JSON.parse(err).error.message).toMatch(
      /stopped at `establish`.*counts until .* run it again by then/,
    );
    const next = await keyIn(`${file}.next`);
    expect(standing(cell, before, next)).toEqual(["ok", "ok"]);
    expect(await keyIn(file)).toEqual(before);
    isOff = false;
    const healthy = { ...cell, cell: (await trustingCell(made)).cell };
    expect(JSON.parse((await rotate(made, healthy, "operator")).out)).toMatchObject({ generation: 2 });
    expect([await keyIn(file), await keyIn(`${file}.old`)]).toEqual([next, before]);
  });

  it("lets nobody in again who is withdrawn meanwhile", async () => {
    await using made = await madeCell();
    const issuer = SigningKey.fromSeed(await readFile(made.dir.issuerKey));
    const cell = await trustingCell(made, {
      "trust.add": async (payload, target) => {
        const newest = cell.trust.newest("operator");
        if (newest?.revoked === false) {
          const claims = { ...endingClaims(newest), grants: [], revoked: true };
          await cell.add(must(issueCertificate(claims, issuer, cell.trust.genesis.hash)).bytes);
        }
        return (await cell.handlers["trust.add"]?.(payload, target)) ?? [];
      },
    });
    const { exitCode, err } = await rotate(made, cell, "operator");
    expect(exitCode).not.toBe(0);
    expect(JSON.parse(err).error.message).toContain("AUTHORITY_GENERATION_CONFLICT");
    expect(cell.trust.newest("operator")).toMatchObject({ generation: 2, revoked: true });
    const again = await rotate(made, cell, "operator");
    expect(again.err).toContain("AUTHORITY_REVOKED");
  });

  it.each([
    ["less than a minute", ["operator", "--preserve", "59s"], "CLI_USAGE", 2],
    ["more than a day", ["operator", "--preserve", "25h"], "CLI_USAGE", 2],
    ["a client that there is not", ["client", "nobody", "--file", "data/operator.creds"], "CLI_USAGE", 2],
    ["a client's file that is not there", ["client", "shop"], "CLI_USAGE", 2],
    ["a node that there is not", ["node", "z"], "CLI_TARGET_UNKNOWN", 3],
  ])("refuses %s, and changes nothing", async (_what, argv, code, exit) => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    const before = cell.trust.snapshot(Date.now());
    const { exitCode, err } = await rotate(made, cell, ...argv);
    expect([exitCode, err]).toEqual([exit, expect.stringContaining(code)]);
    expect(cell.trust.snapshot(Date.now())).toMatchObject(before.map(({ certificate }) => ({ certificate })));
  });

  it("runs once at a time in a directory, and takes over from one that died", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    const lock = join(made.dir.keys, "rotation.lock");
    await writeFile(lock, JSON.stringify({ pid: process.pid, startTime: "" }));
    const held = await rotate(made, cell, "operator");
    expect([held.exitCode, held.err]).toEqual([1, expect.stringContaining("CLI_ROTATION_PENDING")]);
    expect(cell.trust.newest("operator")?.generation).toBe(1);
    await writeFile(lock, JSON.stringify({ pid: process.pid, startTime: "1" }));
    expect((await rotate(made, cell, "operator")).exitCode).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it("goes not on from a file that is not the one that was rotated", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    const cell = await trustingCell(made);
    const first = await readFile(file, "utf8");
    await rotate(made, cell, "operator");
    await rotate(made, cell, "operator", "--remove");
    const stuck = await trustingCell(made, { "trust.list": failing(9, () => undefined) });
    await rotate(made, stuck, "operator");
    const { generation } = stuck.trust.newest("operator") ?? {};
    await writeFile(file, first);
    const { err } = await rotate(made, stuck, "operator");
    expect(err).toContain("is not the one of operator that counts now");
    expect(stuck.trust.newest("operator")?.generation).toBe(generation);
  });

  it("refuses a file of a key that counts no more", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    const old = join(made.parent, "copy.creds");
    await writeFile(old, await readFile(made.dir.operatorCreds));
    await rotate(made, cell, "operator");
    await rotate(made, cell, "operator", "--remove");
    const { exitCode, err } = await rotate(made, cell, "client", "operator", "--file", old);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining("is not the one of operator that counts now"),
    ]);
  });
});

describe("keys rotate issuer", () => {
  const seed = (path: string) => readFile(path);

  it("certifies all anew, withdrawn ones too, but nobody whom another key certified", async () => {
    await using made = await madeCell(1);
    const cell = await trustingCell(made);
    const before = SigningKey.fromSeed(await seed(made.dir.issuerKey));
    const gone = must(
      issueCertificate(
        {
          ...{
            principal: "gone",
            kind: "client",
            generation: 5,
            key: SigningKey.fromSeed(Buffer.alloc(32, 77)).publicKey,
          },
          ...{ shards: [], grants: [], revoked: true, notBeforeUnixMs: 1, notAfterUnixMs: 2 },
        },
        before,
        cell.trust.genesis.hash,
      ),
    );
    await cell.add(gone.bytes);
    const { exitCode, out, err } = await rotate(made, cell, "issuer");
    expect([exitCode, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ principal: "issuer", generation: 2, renewed: 2 });
    const after = SigningKey.fromSeed(await seed(made.dir.issuerKey));
    expect(await seed(`${made.dir.issuerKey}.old`)).toHaveLength(32);
    for (const { certificate } of cell.trust.snapshot(Date.now())) {
      if (certificate.kind !== "issuer")
        expect(certificate.signer, certificate.principal).toEqual(after.publicKey);
    }
    expect(cell.trust.newest("gone")).toMatchObject({ generation: 6, revoked: true });
    const backup = async (file: string) =>
      (await run(["--data-dir", "data", "backup", file], { cwd: made.parent })).err;
    expect(await backup("while.tgz")).toBe("");
    expect((await rotate(made, cell, "issuer", "--remove")).exitCode).toBe(0);
    expect(await backup("after.tgz")).toBe("");
    expect(standing(cell, before.publicKey, after.publicKey)).toEqual([UNKNOWN, "ok"]);
    expect(codeOf(cell.trust.byPrincipal("a", Date.now()))).toBe("ok");
  });

  it("gives the key before back when a node does not take the next one, and everybody counts on", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made, { "node.status": failing(1, () => cell.handlers["node.status"]) });
    const before = await seed(made.dir.issuerKey);
    const { err } = await rotate(made, cell, "issuer");
    expect(JSON.parse(err).error.message).toMatch(/stopped at `test`.*the key before counts on, alone/);
    expect(await seed(made.dir.issuerKey)).toEqual(before);
    expect(existsSync(`${made.dir.issuerKey}.next`)).toBe(false);
    const key = SigningKey.fromSeed(before).publicKey;
    expect(cell.trust.newest("issuer")).toMatchObject({ generation: 3, key });
    for (const name of ["operator", "a"]) {
      expect(codeOf(cell.trust.byPrincipal(name, Date.now() + 86_400_000))).toBe("ok");
      expect(cell.trust.newest(name)?.signer).toEqual(key);
    }
    expect((await rotate(made, cell, "issuer")).exitCode).toBe(0);
  });

  it("goes on where it stopped while it certified others anew", async () => {
    await using made = await madeCell();
    let adds = 0;
    const cell = await trustingCell(made, {
      "trust.add": async (payload, target) => {
        adds += 1;
        if (adds === 3) throw refusal("ACTOR_DEADLINE_EXCEEDED");
        return (await cell.handlers["trust.add"]?.(payload, target)) ?? [];
      },
    });
    const stopped = await rotate(made, cell, "issuer");
    expect(JSON.parse(stopped.err).error.message).toContain("stopped at `switch`");
    const next = await seed(`${made.dir.issuerKey}.next`);
    expect((await rotate(made, cell, "issuer", "--remove")).err).toContain("CLI_ROTATION_PENDING");
    expect(JSON.parse((await rotate(made, cell, "issuer")).out)).toMatchObject({ generation: 2, renewed: 1 });
    expect(await seed(made.dir.issuerKey)).toEqual(next);
  });

  it("needs the genesis key, and says how to bring it back", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    await run(["--data-dir", "data", "keys", "genesis", "--export", "g.key"], { cwd: made.parent });
    const { exitCode, err } = await rotate(made, cell, "issuer");
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/CELL_KEY_DAMAGED.*--import/)]);
  });
});
