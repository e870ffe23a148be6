// What a node's key agrees to while it is rotated, and when the node takes the next one.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { type KeyRotation, openKeyRotation } from "../../src/runtime/key-rotation.ts";
import { NodeKey } from "../../src/runtime/node-key.ts";
import { fromHex, toHex } from "../../src/security/bytes.ts";
import { formatCreds, parseCreds } from "../../src/security/identity/creds-file.ts";
import {
  type CertificateClaims,
  certificateBody,
  issueCertificate,
} from "../../src/security/trust/certificate.ts";
import { successorClaims } from "../../src/security/trust/succession.ts";
import type { TrustStore } from "../../src/security/trust/trust-store.ts";
import {
  CELL,
  genesis,
  issuerCertificate,
  keys,
  must,
  NOW,
  nodeBCertificate,
  nodeCertificate,
  trustStore,
} from "../security/cell-fixture.ts";
import { end, preserve, UNTIL } from "../security/rotation-fixture.ts";

let directory: string;
let key: NodeKey;
let trust: TrustStore;
let rotation: KeyRotation;
let proven: string[];
let isRefused: boolean;
/** Hex of the keys that were in force when it was asked for, and whether it fails. */
let signedAnewBy: string[];
let isUnsigned: boolean;
let problems: CellError[];
const dir = () => ({
  nodeCreds: join(directory, "node.creds"),
  nodeNextKey: join(directory, "keys", "node.key.next"),
});
const identity = async (path = dir().nodeCreds) => must(parseCreds(await readFile(path, "utf8")));

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  directory = await mkdtemp(join(tmpdir(), "cell0-test-"));
  await mkdir(join(directory, "keys"));
  const text = formatCreds({
    ...{ jwt: "a.b.c", nkeySeed: `SU${"A".repeat(56)}`, cell: CELL, principal: "a" },
    ...{ broker: "nats://127.0.0.1:1", genesis: genesis.bytes, key: new Uint8Array(32).fill(3) },
    certificates: [issuerCertificate.bytes, nodeCertificate.bytes],
  });
  await writeFile(dir().nodeCreds, text, { mode: 0o600 });
  key = new NodeKey(await identity());
  trust = trustStore();
  proven = [];
  signedAnewBy = [];
  isUnsigned = false;
  isRefused = false;
  problems = [];
  const prove = async (_key: unknown, node: string) => {
    if (isRefused) throw new CellError("AUTHORITY_ISSUER_UNKNOWN");
    proven.push(node);
  };
  rotation = openKeyRotation({
    dir: dir(),
    node: "a",
    key,
    trust,
    prove,
    signAnew: async () => {
      signedAnewBy.push(toHex(key.publicKey));
      if (isUnsigned) throw new CellError("CELL_REVISION_CONFLICT");
    },
    onProblem: (error) => problems.push(error),
  });
});
afterEach(async () => {
  rotation.stop();
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

const next = async (): Promise<Uint8Array> => fromHex((await rotation.prepare()).next) ?? new Uint8Array();
async function certified() {
  const claims = successorClaims(nodeCertificate, await next(), preserve);
  const agreement = await rotation.agree(certificateBody(claims));
  const certificate = must(issueCertificate(claims, keys.issuer, genesis.hash, agreement));
  must(trust.add(certificate.bytes, NOW));
  return certificate;
}

test("a node makes one next key, and names that one when it is asked again", async () => {
  const first = await rotation.prepare();
  expect(await rotation.prepare()).toEqual(first);
  expect(first.current).toBe(toHex(keys.nodeA.publicKey));
  expect((await stat(dir().nodeNextKey)).mode & 0o777).toBe(0o600);
});

describe("its key agrees", () => {
  test("to the certificate of its next key", async () => {
    const certificate = await certified();
    expect(trust.byKey(keys.nodeA.publicKey, NOW)).toMatchObject({ ok: true, value: { generation: 2 } });
    expect(certificate.key).toEqual(await next());
  });

  test("to nothing before there is a next key", async () => {
    const claims = successorClaims(nodeCertificate, keys.stranger.publicKey, preserve);
    await expect(rotation.agree(certificateBody(claims))).rejects.toMatchObject({
      code: "CELL_ROTATION_INVALID",
    });
  });

  type Claims = Partial<CertificateClaims>;
  test.each<[string, (claims: CertificateClaims) => Claims]>([
    ["another key", () => ({ key: keys.stranger.publicKey })],
    ["another node", () => ({ principal: "b" })],
    ["a client", () => ({ kind: "client", shards: [] })],
    ["another generation", () => ({ generation: 3 })],
    ["more shards", () => ({ shards: [{ first: 0, last: 254 }] })],
    ["a longer validity", () => ({ notAfterUnixMs: NOW + 86_400_001 })],
    ["no continuity", () => ({ continuity: undefined as never })],
    [
      "another certificate before",
      ({ continuity }) => ({ continuity: { ...given(continuity), previous: new Uint8Array(32) } }),
    ],
    [
      "another key before",
      ({ continuity }) => ({ continuity: { ...given(continuity), previousKey: keys.nodeB.publicKey } }),
    ],
    [
      "an issue long ago",
      ({ continuity }) => ({ continuity: { ...given(continuity), issuedUnixMs: NOW - 70_000 } }),
    ],
    [
      "no time for the key before",
      ({ continuity }) => ({ continuity: { ...given(continuity), preserveUntilUnixMs: NOW } }),
    ],
  ])("to none of %s", async (_what, wrong) => {
    const claims = successorClaims(nodeCertificate, await next(), preserve);
    const { continuity, ...rest } = { ...claims, ...wrong(claims) };
    const body = certificateBody(continuity === undefined ? rest : { ...rest, continuity });
    await expect(rotation.agree(body)).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
  });

  test("to no bytes that are no certificate", async () => {
    await next();
    for (const body of [
      new Uint8Array(),
      new Uint8Array(20_000),
      new TextEncoder().encode("cell0/v1/capsule\0"),
    ])
      await expect(rotation.agree(body)).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
  });
});

describe("a node takes its next key", () => {
  test("once it is certified and tested with every node, and keeps the one before until that counts no more", async () => {
    const certificate = await certified();
    expect(await rotation.test(["b"])).toEqual({ next: toHex(certificate.key) });
    expect(proven).toEqual(["a", "b"]);
    expect(key.publicKey).toEqual(keys.nodeA.publicKey);
    expect(await rotation.switch()).toEqual({ current: toHex(certificate.key) });
    expect(key.publicKey).toEqual(certificate.key);
    expect((await identity()).certificate.generation).toBe(2);
    expect((await identity(`${dir().nodeCreds}.old`)).certificate.generation).toBe(1);
    expect(existsSync(dir().nodeNextKey)).toBe(false);
    // Whoever did not hear the answer asks again.
    expect(await rotation.switch()).toEqual({ current: toHex(certificate.key) });
    await expect(rotation.remove()).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
    must(trust.add(end(certificate).bytes, NOW));
    expect([await rotation.remove(), await rotation.remove()]).toEqual([
      { removed: true },
      { removed: false },
    ]);
    expect(existsSync(`${dir().nodeCreds}.old`)).toBe(false);
  });

  test("and then signs anew what the one before had signed, again until that succeeds, and only once", async () => {
    const certificate = await certified();
    await rotation.test([]);
    isUnsigned = true;
    await rotation.switch();
    await rotation.heal();
    expect(key.publicKey).toEqual(certificate.key);
    expect(signedAnewBy).toEqual([toHex(certificate.key), toHex(certificate.key)]);
    expect(problems.map(({ code }) => code)).toEqual(["CELL_REVISION_CONFLICT", "CELL_REVISION_CONFLICT"]);
    isUnsigned = false;
    await rotation.heal();
    await rotation.heal();
    expect(signedAnewBy).toHaveLength(3);
  });

  test("not before it is certified, and not before it is tested", async () => {
    await next();
    await expect(rotation.test(["a"])).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
    await certified();
    await expect(rotation.switch()).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
    isRefused = true;
    await expect(rotation.test(["a"])).rejects.toMatchObject({ code: "AUTHORITY_ISSUER_UNKNOWN" });
    await expect(rotation.switch()).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
    expect(key.publicKey).toEqual(keys.nodeA.publicKey);
    expect((await identity()).certificate.generation).toBe(1);
  });

  test("by itself only when the key before ends, and its own certificate names the next one", async () => {
    const certificate = await certified();
    vi.setSystemTime(UNTIL - 10_001);
    await rotation.heal();
    expect(key.publicKey).toEqual(keys.nodeA.publicKey);
    // What is signed now may arrive when the key before counts no more.
    vi.setSystemTime(UNTIL - 10_000);
    await rotation.heal();
    expect(key.publicKey).toEqual(certificate.key);
    expect((await identity()).certificate.generation).toBe(2);
    expect(existsSync(`${dir().nodeCreds}.old`)).toBe(true);
    vi.setSystemTime(UNTIL);
    await rotation.heal();
    expect(existsSync(`${dir().nodeCreds}.old`)).toBe(false);
    expect(problems).toEqual([]);
  });

  test("not by itself when another key was put in its place", async () => {
    await next();
    must(trust.add(end(nodeCertificate, keys.issuer, keys.stranger.publicKey).bytes, NOW));
    await rotation.heal();
    expect(key.publicKey).toEqual(keys.nodeA.publicKey);
    expect((await identity()).certificate.generation).toBe(1);
  });

  test("never one that is certified for another node", async () => {
    const claims = successorClaims(nodeBCertificate, await next(), preserve);
    const { continuity: _, ...rest } = claims;
    must(trust.add(must(issueCertificate(rest, keys.issuer, genesis.hash)).bytes, NOW));
    await expect(rotation.test(["a"])).rejects.toMatchObject({ code: "CELL_ROTATION_INVALID" });
  });
});

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("undefined");
  return value;
}
