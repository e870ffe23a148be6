// What stands against a forged, rolled back or crowded stream of revisions.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { SignedRevisionSchema } from "../../src/gen/cell0/v1/trust_pb.ts";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { openRevisions, type Revisions } from "../../src/runtime/revisions.ts";
import { sha256 } from "../../src/security/bytes.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { signRevision } from "../../src/security/trust/revision.ts";
import type { TrustStore } from "../../src/security/trust/trust-store.ts";
import { decodeStrict } from "../../src/security/wire/strict-decode.ts";
import { certify, genesis, keyOf, keys, must, NOW, trustStore } from "../security/cell-fixture.ts";
import { HostileStream } from "./hostile-stream.ts";

const SUBJECT = "revisions";
const empty = { roots: [], clients: [], placed: {} };
const bodyHash = (bytes: Uint8Array) => sha256(must(decodeStrict(SignedRevisionSchema, bytes, {})).body);
const wanted = { graph: empty, author: "operator", rollbackOf: 0, causeId: new Uint8Array() };

function signed(revision: number, previous: Uint8Array | undefined, key: SigningKey, note = ""): Uint8Array {
  const claims = {
    revision,
    createdUnixMs: revision,
    author: note === "" ? "operator" : note,
    graph: gzipSync(JSON.stringify(empty)),
    rollbackOf: 0,
    previousHash: previous === undefined ? new Uint8Array() : bodyHash(previous),
    causeId: new Uint8Array(),
  };
  return must(signRevision(claims, key, genesis.hash));
}

let directory: string;
let stream: HostileStream;
let problems: string[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  directory = await mkdtemp(join(tmpdir(), "cell0-test-"));
  stream = new HostileStream();
  problems = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

async function open(trust: TrustStore = trustStore(), on = stream): Promise<Revisions> {
  return await openRevisions({
    stream: {
      ensure: on.ensure,
      follow: on.follow,
      last: async () => on.lastOf(SUBJECT),
      publish: async (bytes) => on.write(SUBJECT, bytes),
    },
    mirror: await openMirror(directory, "rev"),
    trust,
    key: keys.nodeA,
    onChange: () => {},
    onProblem: ({ code }: CellError) => problems.push(code),
  });
}

describe("revisions in a hostile stream", () => {
  test("a node that is not certified for shard 0 cannot write one, be it first or next", async () => {
    const first = await open();
    await stream.inject(SUBJECT, signed(1, undefined, keys.nodeB));
    expect(first.current()).toBeUndefined();
    const mine = await first.append(wanted);
    await stream.inject(SUBJECT, signed(2, mine.bytes, keys.nodeB));
    expect(first.current()?.revision).toBe(1);
    expect(problems).toEqual(["AUTHORITY_REVISION_INVALID", "AUTHORITY_REVISION_INVALID"]);
  });

  test("a node keeps the graph that it has seen when the key that signed it is replaced", async () => {
    const before = await open();
    await before.append(wanted);
    await before.append(wanted);
    await before.stop();
    const trust = trustStore();
    const shards = [{ first: 0, last: 255 }];
    const next = certify({ key: keyOf(40).publicKey, principal: "a", kind: "node", generation: 2, shards });
    must(trust.add(next.bytes, Date.now()));
    const after = await open(trust);
    expect(after.current()?.revision).toBe(2);
  });

  test("a garbage record at the end hides no rollback: what is missing is written again and said so", async () => {
    const before = await open();
    const first = await before.append(wanted);
    await before.append(wanted);
    await before.stop();
    const rolledBack = new HostileStream();
    rolledBack.write(SUBJECT, first.bytes);
    rolledBack.write(SUBJECT, new Uint8Array([1, 2, 3]));
    const after = await open(trustStore(), rolledBack);
    expect(problems).toContain("CELL_ROLLED_BACK");
    expect(rolledBack.lastOf(SUBJECT)?.data).toEqual(after.current()?.bytes);
  });

  test("another history under numbers that were seen is told, and does not count", async () => {
    const revisions = await open();
    const first = await revisions.append(wanted);
    await revisions.append(wanted);
    await stream.inject(SUBJECT, signed(2, first.bytes, keys.nodeA, "somebody"));
    expect(problems).toEqual(["CELL_ROLLED_BACK"]);
    expect(revisions.current()?.author).toBe("operator");
  });

  test("this node's own copy is bounded", async () => {
    const revisions = await open();
    for (let count = 0; count < 258; count += 1) await revisions.append(wanted);
    expect(await readdir(directory)).toHaveLength(256);
    await revisions.stop();
    expect((await open()).all()).toHaveLength(256);
  });
});

test("a revision is in force when its append ends, also when the stream brings it before the broker's word", async () => {
  const inForce: number[] = [];
  const mirror = await openMirror(directory, "rev");
  let told = Promise.withResolvers<void>();
  const revisions = await openRevisions({
    stream: {
      ensure: stream.ensure,
      follow: stream.follow,
      last: async () => stream.lastOf(SUBJECT),
      publish: async (bytes) => {
        const written = stream.write(SUBJECT, bytes);
        await vi.waitFor(() => expect(revisions.all()).toHaveLength(written.value.sequence));
        told.resolve();
        return written;
      },
    },
    // A slow disk: it has not written the record by the time of the broker's word.
    mirror: { ...mirror, put: (name, bytes) => told.promise.then(() => mirror.put(name, bytes)) },
    trust: trustStore(),
    key: keys.nodeA,
    onChange: ({ revision }) => inForce.push(revision),
    onProblem: ({ code }: CellError) => problems.push(code),
  });
  for (const revision of [1, 2]) {
    told = Promise.withResolvers();
    await revisions.append(wanted);
    expect(inForce.at(-1)).toBe(revision);
    expect([...(await mirror.all()).keys()]).toContain(String(revision));
  }
  expect(problems).toEqual([]);
});

test("writes of one record at the same time end with the last one whole, and leave nothing beside it", async () => {
  const mirror = await openMirror(directory, "cert");
  const long = new Uint8Array(100_000).fill(1);
  const short = new Uint8Array(10).fill(2);
  await Promise.all([mirror.put("ann", long), mirror.put("ann", short), mirror.put("ann", short)]);
  expect([...(await mirror.all())]).toEqual([["ann", short]]);
  expect(await readdir(directory)).toEqual(["ann.cert"]);
});
