// The rotation of the issuer's key as the command line does it: whom it certifies anew, what it leaves behind
// when a step fails or it is cut off, and how it goes on.
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { issueCertificate, readCertificate } from "../../src/security/trust/certificate.ts";
import { agree, successorClaims } from "../../src/security/trust/succession.ts";
import { codeOf, must } from "../security/cell-fixture.ts";
import { refusal } from "./fake-cell.ts";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";
import { type Cell, failing, rotate, standing, UNKNOWN } from "./rotation.ts";
import { trustingCell } from "./trusting-cell.ts";

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
    expect(JSON.parse(out)).toMatchObject({ principal: "issuer", generation: 2, renewed: 3 });
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

  /** A client whom the issuer's key of a moment certified; its key is made of the number. */
  const clientBy = (cell: Cell, issuer: SigningKey, principal: string, number: number) => {
    const claims = {
      ...{ principal, generation: 1, revoked: false, shards: [], grants: [] },
      kind: "client",
      key: SigningKey.fromSeed(Buffer.alloc(32, number)).publicKey,
      ...{ notBeforeUnixMs: Date.now(), notAfterUnixMs: Date.now() + 86_400_000 },
    } as const;
    return must(issueCertificate(claims, issuer, cell.trust.genesis.hash));
  };
  const issuerOf = async (made: MadeCell) => SigningKey.fromSeed(await seed(made.dir.issuerKey));

  it("goes on where it stopped while it certified others anew", async () => {
    await using made = await madeCell();
    let isOff = true;
    const cell = await trustingCell(made, {
      "trust.add": async (payload, target) => {
        const { certificate } = payload as { certificate: string };
        const read = must(readCertificate(new Uint8Array(Buffer.from(certificate, "base64"))));
        if (isOff && read.principal === "shop") throw refusal("ACTOR_DEADLINE_EXCEEDED");
        return (await cell.handlers["trust.add"]?.(payload, target)) ?? [];
      },
    });
    await cell.add(clientBy(cell, await issuerOf(made), "shop", 5).bytes);
    const stopped = await rotate(made, cell, "issuer");
    expect(JSON.parse(stopped.err).error.message).toContain("stopped at `switch`");
    const next = await seed(`${made.dir.issuerKey}.next`);
    const backup = await run(["--data-dir", "data", "backup", "half.tar.gz"], { cwd: made.parent });
    expect([backup.exitCode, backup.err]).toEqual([0, ""]);
    expect((await rotate(made, cell, "issuer", "--remove")).err).toContain("CLI_ROTATION_PENDING");
    for (const argv of [["operator"], ["node", "a"]])
      expect((await rotate(made, cell, ...argv)).err).toMatch(/CLI_ROTATION_PENDING.*keys rotate issuer/);
    isOff = false;
    expect(JSON.parse((await rotate(made, cell, "issuer")).out)).toMatchObject({ generation: 2, renewed: 1 });
    expect(await seed(made.dir.issuerKey)).toEqual(next);
    // A key that another has followed is in no backup.
    expect(existsSync(`${made.dir.issuerKey}.old`)).toBe(true);
    await run(["--data-dir", "data", "backup", "whole.tar.gz"], { cwd: made.parent });
    const restored = await run(["--data-dir", "restored", "restore", "whole.tar.gz"], { cwd: made.parent });
    expect(restored.exitCode).toBe(0);
    expect(await readdir(join(made.parent, "restored", "keys"))).not.toContain("issuer.key.old");
  });

  it("leaves nodes and the operator counting, wherever it is cut off once they are certified", async () => {
    await using made = await madeCell();
    let adds = 0;
    const cell = await trustingCell(made, {
      "trust.add": async (payload, target) => {
        adds += 1;
        if (adds > 3) throw refusal("ACTOR_DEADLINE_EXCEEDED");
        return (await cell.handlers["trust.add"]?.(payload, target)) ?? [];
      },
    });
    await cell.add(clientBy(cell, await issuerOf(made), "shop", 5).bytes);
    expect((await rotate(made, cell, "issuer")).exitCode).toBe(4);
    const afterwards = Date.now() + 3_600_000;
    expect(codeOf(cell.trust.byPrincipal("a", afterwards))).toBe("ok");
    expect(codeOf(cell.trust.byPrincipal("operator", afterwards))).toBe("ok");
    expect(codeOf(cell.trust.byPrincipal("shop", afterwards))).toBe("AUTHORITY_CHAIN_BROKEN");
  });

  it("refuses a time within which not everybody can be certified anew", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    const issuer = await issuerOf(made);
    for (let at = 0; at < 310; at += 1) {
      const key = SigningKey.fromSeed(Buffer.alloc(32, `${at}-`)).publicKey;
      const claims = { ...clientBy(cell, issuer, `c${at}`, 9), key };
      await cell.add(must(issueCertificate(claims, issuer, cell.trust.genesis.hash)).bytes);
    }
    const { exitCode, err } = await rotate(made, cell, "issuer", "--preserve", "1m");
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/CLI_USAGE.*--preserve 2m/)]);
    expect(cell.trust.newest("issuer")?.generation).toBe(1);
  });

  /** Cut off right after the next key was certified, and its time is over. */
  const cutOff = async (made: MadeCell, cell: Cell) => {
    const before = await issuerOf(made);
    const seedOfNext = Buffer.alloc(32, 42);
    const next = SigningKey.fromSeed(seedOfNext);
    const genesisKey = SigningKey.fromSeed(await seed(made.dir.genesisKey));
    const known = cell.trust.newest("issuer");
    if (known === undefined) throw new Error("there is no issuer");
    const now = Date.now();
    const time = { issuedUnixMs: now - 120_000, preserveUntilUnixMs: now - 60_000 };
    const claims = successorClaims(known, next.publicKey, time);
    const { hash } = cell.trust.genesis;
    await cell.add(must(issueCertificate(claims, genesisKey, hash, agree(claims, before, hash))).bytes);
    await writeFile(`${made.dir.issuerKey}.next`, seedOfNext, { mode: 0o600 });
    return { before, next };
  };

  it("goes on without the cell when its time was over before this node was certified", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    await cell.add(clientBy(cell, await issuerOf(made), "shop", 5).bytes);
    const { next } = await cutOff(made, cell);
    expect(codeOf(cell.trust.byPrincipal("a", Date.now()))).toBe("AUTHORITY_CHAIN_BROKEN");
    const held = { pid: process.pid, startTime: "", sinceUnixMs: 1, node: "a", children: {} };
    await writeFile(made.dir.lock, JSON.stringify(held));
    const up = await rotate(made, cell, "issuer");
    expect([up.exitCode, up.err]).toEqual([1, expect.stringMatching(/CLI_ROTATION_PENDING.*cell0 down/)]);
    expect((await rotate(made, cell, "issuer", "--remove")).err).toContain("CLI_ROTATION_PENDING");
    await rm(made.dir.lock);
    const { exitCode, out } = await rotate(made, cell, "issuer");
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ generation: 2, renewed: 3, left: [] });
    expect(cell.cell.asked).toEqual([]);
    const { trust } = await trustingCell(made);
    for (const name of ["a", "operator", "shop"])
      expect(trust.byPrincipal(name, Date.now())).toMatchObject({ value: { signer: next.publicKey } });
    expect((await issuerOf(made)).publicKey).toEqual(next.publicKey);
    expect(existsSync(`${made.dir.issuerKey}.next`)).toBe(false);
    expect((await rotate(made, { ...cell, cell: (await trustingCell(made)).cell }, "issuer")).exitCode).toBe(
      0,
    );
  });

  it("certifies nobody anew whom it has not named, and goes on with them when it is run again", async () => {
    await using made = await madeCell();
    const before = await issuerOf(made);
    let isLate = true;
    const cell = await trustingCell(made, {
      "node.status": async (payload, target) => {
        if (isLate) await cell.add(clientBy(cell, before, "backdoor", 66).bytes);
        isLate = false;
        return (await cell.handlers["node.status"]?.(payload, target)) ?? [];
      },
    });
    const { exitCode, out } = await rotate(made, cell, "issuer");
    expect(exitCode).toBe(5);
    expect(JSON.parse(out)).toMatchObject({
      renewed: 2,
      certified: [{ principal: "a" }, { principal: "operator" }],
      left: [{ principal: "backdoor", keyFingerprint: expect.any(String) }],
    });
    expect(cell.trust.newest("backdoor")?.signer).toEqual(before.publicKey);
    // The file is switched, and somebody is left: neither a dead end nor a further rotation.
    const early = await rotate(made, cell, "issuer", "--remove");
    expect([early.exitCode, early.err]).toEqual([1, expect.stringContaining("CLI_ROTATION_PENDING")]);
    const asked = await run(["--data-dir", "data", "keys", "rotate", "issuer"], {
      cwd: made.parent,
      openCell: cell.cell.openCell,
      isTerminal: { input: true, output: true, error: true },
      answers: ["n"],
    });
    expect([asked.exitCode, asked.err]).toEqual([1, expect.stringMatching(/client backdoor, key [0-9a-f]+/)]);
    expect(cell.trust.newest("backdoor")?.signer).toEqual(before.publicKey);
    const again = await rotate(made, cell, "issuer");
    expect([again.exitCode, JSON.parse(again.out)]).toMatchObject([
      0,
      { generation: 2, renewed: 1, left: [] },
    ]);
    expect((await rotate(made, cell, "issuer", "--remove")).exitCode).toBe(0);
    expect(codeOf(cell.trust.byPrincipal("backdoor", Date.now()))).toBe("ok");
  });

  it("leaves a client alone whose key was rotated meanwhile: both its keys count on", async () => {
    await using made = await madeCell();
    const issuer = await issuerOf(made);
    let isLate = true;
    const cell = await trustingCell(made, {
      "node.status": async (payload, target) => {
        if (isLate) {
          const claims = successorClaims(shop, SigningKey.fromSeed(Buffer.alloc(32, 6)).publicKey, {
            ...{ issuedUnixMs: Date.now(), preserveUntilUnixMs: Date.now() + 600_000 },
          });
          const { hash } = cell.trust.genesis;
          const consent = agree(claims, SigningKey.fromSeed(Buffer.alloc(32, 5)), hash);
          await cell.add(must(issueCertificate(claims, issuer, hash, consent)).bytes);
        }
        isLate = false;
        return (await cell.handlers["node.status"]?.(payload, target)) ?? [];
      },
    });
    const shop = clientBy(cell, issuer, "shop", 5);
    await cell.add(shop.bytes);
    const { exitCode, out } = await rotate(made, cell, "issuer");
    expect([exitCode, JSON.parse(out)]).toMatchObject([5, { left: [{ principal: "shop" }] }]);
    expect((await rotate(made, cell, "issuer")).exitCode).toBe(5);
    expect(codeOf(cell.trust.byKey(shop.key, Date.now()))).toBe("ok");
  });

  it("gives up with --remove whom it left out until the time was over, and certifies them when it goes on", async () => {
    for (const argv of [[], ["--remove"]]) {
      await using made = await madeCell();
      const cell = await trustingCell(made);
      const { before, next } = await cutOff(made, cell);
      await rotate(made, cell, "issuer");
      const at = { ...cell, ...(await trustingCell(made)) };
      // As it lies on the disk since it was certified in time.
      const shop = clientBy(at, before, "shop", 5);
      await (await openMirror(made.dir.trust, "cert")).put("shop", shop.bytes);
      const { exitCode, out } = await rotate(made, at, "issuer", ...argv);
      expect(exitCode).toBe(0);
      const isGivenUp = argv.length > 0;
      expect(JSON.parse(out)).toMatchObject(isGivenUp ? { generation: 3 } : { generation: 2, renewed: 1 });
      const known = at.trust.byPrincipal("shop", Date.now());
      expect(codeOf(known)).toBe(isGivenUp ? UNKNOWN : "ok");
      if (known.ok) expect(known.value.signer).toEqual(next.publicKey);
      const further = await rotate(made, at, "issuer");
      expect([further.exitCode, JSON.parse(further.out)]).toMatchObject([0, { renewed: isGivenUp ? 2 : 3 }]);
    }
  });

  it("needs the genesis key, and says how to bring it back", async () => {
    await using made = await madeCell();
    const cell = await trustingCell(made);
    await run(["--data-dir", "data", "keys", "genesis", "--export", "g.key"], { cwd: made.parent });
    const { exitCode, err } = await rotate(made, cell, "issuer");
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/CELL_KEY_DAMAGED.*--import/)]);
  });
});
