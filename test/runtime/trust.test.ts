// What stands against a stream of certificates that holds made-up ones.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { type CellTrust, openTrust } from "../../src/runtime/trust.ts";
import { sha256, toHex } from "../../src/security/bytes.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import type { Certificate } from "../../src/security/trust/certificate.ts";
import { ISSUED_AFTER_MS } from "../../src/security/trust/retired-keys.ts";
import {
  annCertificate,
  certify,
  genesis,
  issuerCertificate,
  keys,
  NOW,
  nodeCertificate,
} from "../security/cell-fixture.ts";
import { end, follow } from "../security/rotation-fixture.ts";
import { HostileStream } from "./hostile-stream.ts";

let directory: string;
let stream: HostileStream;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  directory = await mkdtemp(join(tmpdir(), "cell0-test-"));
  stream = new HostileStream();
  problems.length = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

const subject = (principal: string) => `trust.${principal}`;
const inject = ({ principal, bytes }: Certificate) => stream.inject(subject(principal), bytes);

const problems: string[] = [];

async function open(): Promise<CellTrust> {
  return await openTrust({
    genesis,
    mirror: await openMirror(directory, "cert"),
    retired: await openMirror(directory, "retired"),
    stream: {
      ensure: stream.ensure,
      follow: stream.follow,
      last: async (principal) => stream.lastOf(subject(principal)),
      publish: async (principal, bytes) => stream.write(subject(principal), bytes),
    },
    onChange: () => {},
    onProblem: ({ code }) => problems.push(code),
  });
}

const withdrawn = certify({ generation: 2, revoked: true });

test.each([
  ["nobody signed", certify({ generation: 9_999 }, keys.stranger)],
  ["a client signed", certify({ generation: 9_999 }, keys.bob)],
])(
  "a certificate of a high generation that %s keeps no withdrawal out of the stream",
  async (_who, forged) => {
    const trust = await open();
    for (const certificate of [issuerCertificate, annCertificate, forged]) await inject(certificate);
    await trust.publish(withdrawn.bytes);
    expect(stream.lastOf(subject("ann"))?.data).toEqual(withdrawn.bytes);
  },
);

test("a certificate that the stream holds in a newer generation is not put in its place", async () => {
  const trust = await open();
  await inject(issuerCertificate);
  await inject(withdrawn);
  await expect(trust.publish(annCertificate.bytes)).rejects.toMatchObject({
    code: "AUTHORITY_GENERATION_SUPERSEDED",
  });
  expect(stream.lastOf(subject("ann"))?.data).toEqual(withdrawn.bytes);
});

test("a withdrawal outlives a restart and a broker that lost it, in a cell of many clients", async () => {
  const before = await open();
  await inject(issuerCertificate);
  await before.publish(withdrawn.bytes);
  for (let at = 0; at < 300; at += 1) {
    const key = SigningKey.fromSeed(sha256(new TextEncoder().encode(String(at)))).publicKey;
    const name = `client-${at}`;
    await before.publish(certify({ principal: name, key }).bytes);
  }
  await before.stop();
  stream = new HostileStream();
  await inject(issuerCertificate);
  await inject(annCertificate);
  const after = await open();
  expect(after.store.newest("ann")?.revoked).toBe(true);
});

test("what a node signed under the key before stays its own, over restarts of this node too", async () => {
  const before = await open();
  await inject(issuerCertificate);
  await inject(nodeCertificate);
  const rotated = {
    principal: "a",
    kind: "node",
    key: keys.stranger.publicKey,
    notBeforeUnixMs: NOW,
  } as const;
  await before.publish(certify({ ...rotated, generation: 2 }).bytes);
  await before.stop();
  stream = new HostileStream();
  const after = await open();
  const old = (atUnixMs: number) => after.store.nodeOfKeyAt(keys.nodeA.publicKey, atUnixMs, NOW + 120_000);
  expect(old(NOW)).toMatchObject({ ok: true, value: { principal: "a", generation: 1 } });
  expect(old(NOW + ISSUED_AFTER_MS)).toMatchObject({ ok: false });
  expect(after.store.byKey(keys.nodeA.publicKey, NOW)).toMatchObject({ ok: false });
});

test("a node that was away finds those whom the issuer's next key certified, though its certificate stands behind them", async () => {
  const before = await open();
  await inject(issuerCertificate);
  await before.stop();
  stream = new HostileStream();
  const next = keys.stranger;
  const rotated = follow(issuerCertificate, keys.issuer, next);
  const client = (at: number) =>
    SigningKey.fromSeed(sha256(new TextEncoder().encode(`late-${at}`))).publicKey;
  for (let at = 0; at < 300; at += 1)
    await inject(certify({ principal: `client-${at}`, key: client(at) }, next));
  await inject(end(rotated, keys.genesis));
  const after = await open();
  for (const at of [0, 299])
    expect(after.store.byKey(client(at), NOW)).toMatchObject({
      ok: true,
      value: { principal: `client-${at}` },
    });
});

test("a node that was away while the issuer's and a node's keys were rotated, and ended, judges as one that was there", async () => {
  const [nextIssuer, nextNode] = [keys.stranger, keys.bob];
  const issuer2 = follow(issuerCertificate, keys.issuer, nextIssuer);
  const issuer3 = end(issuer2, keys.genesis);
  const node2 = follow(nodeCertificate, keys.nodeA, nextNode);
  const node3 = end(node2);
  const node4 = end(node3, nextIssuer);
  const all = [issuerCertificate, nodeCertificate, node2, node3, issuer2, node4, issuer3];
  const judge = ({ store }: CellTrust) => ({
    issuer: store.formerKeys("issuer").map(({ key }) => key),
    node: store.formerKeys("a").map(({ key }) => key),
    signed: store.nodeOfKeyAt(keys.nodeA.publicKey, NOW, NOW).ok,
  });
  const expected = { issuer: [keys.issuer.publicKey], node: [keys.nodeA.publicKey], signed: true };
  const away = await open();
  await inject(issuerCertificate);
  await inject(nodeCertificate);
  await away.stop();
  stream = new HostileStream();
  for (const each of all) await inject(each);
  const back = await open();
  expect(judge(back)).toEqual(expected);
  await back.stop();
  // From its own disk alone, more than once, and with a record gone for a time.
  stream = new HostileStream();
  for (const _ of [1, 2]) {
    const again = await open();
    expect(judge(again)).toEqual(expected);
    await again.stop();
  }
  const gone = join(directory, `${toHex(sha256(issuer2.bytes))}.retired`);
  const bytes = await readFile(gone);
  await rm(gone);
  stream = new HostileStream();
  const lacking = await open();
  await inject(end(node4, nextIssuer));
  expect(judge(lacking)).not.toEqual(expected);
  await lacking.stop();
  await writeFile(gone, bytes);
  const whole = await open();
  expect(judge(whole)).toEqual(expected);
  await whole.stop();
  // A new node, which reads no more than the stream, has nothing to complain of.
  await rm(directory, { recursive: true });
  stream = new HostileStream();
  for (const each of all) await inject(each);
  problems.length = 0;
  expect(judge(await open())).toEqual(expected);
  expect(problems).toEqual([]);
});
