// The rotation of a client's or the operator's key as the command line does it: what it leaves behind when a
// step fails, and how it goes on.
import { existsSync } from "node:fs";
import { chmod, lstat, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatCreds, parseCreds, signingKeyOf } from "../../src/security/identity/creds-file.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { issueCertificate } from "../../src/security/trust/certificate.ts";
import { agree, endingClaims, successorClaims } from "../../src/security/trust/succession.ts";
import { must } from "../security/cell-fixture.ts";
import { refusal } from "./fake-cell.ts";
import { madeCell } from "./made-cell.ts";
import { failing, rotate, standing, UNKNOWN } from "./rotation.ts";
import { trustingCell } from "./trusting-cell.ts";

const keyIn = async (path: string) => {
  const { certificate } = must(parseCreds(await readFile(path, "utf8")));
  return certificate.key;
};

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

  it("goes on with the next key when the time was over before the file was switched", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    const cell = await trustingCell(made);
    const identity = must(parseCreds(await readFile(file, "utf8")));
    const issuer = SigningKey.fromSeed(await readFile(made.dir.issuerKey));
    const { hash } = cell.trust.genesis;
    const seed = Buffer.alloc(32, 43);
    const now = Date.now();
    const claims = successorClaims(identity.certificate, SigningKey.fromSeed(seed).publicKey, {
      ...{ issuedUnixMs: now - 120_000, preserveUntilUnixMs: now - 60_000 },
    });
    const certificate = must(
      issueCertificate(claims, issuer, hash, agree(claims, signingKeyOf(identity), hash)),
    );
    const certificates = [...identity.certificates.slice(0, 1).map(({ bytes }) => bytes), certificate.bytes];
    const next = formatCreds({ ...identity, genesis: identity.genesis.bytes, key: seed, certificates });
    await cell.add(certificate.bytes);
    await writeFile(`${file}.next`, next);
    const { exitCode, out } = await rotate(made, cell, "operator");
    expect([exitCode, JSON.parse(out)]).toMatchObject([0, { generation: 2 }]);
    // Nothing was asked with the key that counts no more.
    expect(cell.cell.opened).toEqual([next, next]);
    expect(await readFile(file, "utf8")).toBe(next);
    expect(existsSync(`${file}.next`)).toBe(false);
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

  it("leaves owner, mode and place of a file as they were, and goes where a link leads", async () => {
    await using made = await madeCell();
    const file = made.dir.operatorCreds;
    const cell = await trustingCell(made);
    const before = await keyIn(file);
    await chmod(file, 0o640);
    const link = join(made.parent, "link.creds");
    await symlink(file, link);
    const target = join(made.parent, "target");
    await writeFile(target, "kept");
    // Whoever may write there leads nobody astray.
    await symlink(target, `${file}.next.draft`);
    const { exitCode, out } = await rotate(made, cell, "client", "operator", "--file", link);
    expect([exitCode, JSON.parse(out)]).toMatchObject([0, { file }]);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await keyIn(file)).not.toEqual(before);
    expect(await keyIn(`${file}.old`)).toEqual(before);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readFile(target, "utf8")).toBe("kept");
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
