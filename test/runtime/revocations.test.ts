// What stands against a stream of revocations that is forged, rolled back or kept from a node.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import {
  type CellRevocations,
  openRevocations,
  type RevocationPorts,
} from "../../src/runtime/revocations.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { readHead, signHead } from "../../src/security/revocation/head.ts";
import {
  type Revocations,
  readRevocations,
  withRaisedEpoch,
  withToken,
} from "../../src/security/revocation/revocations.ts";
import { certify, genesis, keyOf, keys, must, NOW, trustStore } from "../security/cell-fixture.ts";
import { hashOf, revocationsOf, tokensOf } from "../security/revocation/revocation-fixture.ts";
import { HostileStream } from "./hostile-stream.ts";

const SUBJECT = "revocations";
const asked = { author: "operator", causeId: new Uint8Array(16) };
const revokes = (n: number) => (revoked: Parameters<typeof withToken>[0]) =>
  withToken(revoked, { hash: hashOf(n) });
const raises = (revoked: Parameters<typeof withToken>[0]) => withRaisedEpoch(revoked, "shop");

/** Carries what is said to everybody who listens, as the broker does. */
class Bus {
  readonly said: Uint8Array[] = [];
  #hearers: ((head: Uint8Array) => void)[] = [];
  #askers: (() => void)[] = [];
  readonly heads: RevocationPorts["heads"] = {
    say: (head) => {
      this.said.push(head);
      for (const hear of this.#hearers) hear(head);
    },
    ask: () => {
      for (const ask of this.#askers) ask();
    },
    hear: (onHead, onQuestion) => {
      this.#hearers.push(onHead);
      this.#askers.push(onQuestion);
      return () => {
        this.#hearers = this.#hearers.filter((each) => each !== onHead);
        this.#askers = this.#askers.filter((each) => each !== onQuestion);
      };
    },
  };
  generations(): readonly number[] {
    return this.said.map((head) => must(readHead(head, genesis)).generation);
  }
}

let directory: string;
let stream: HostileStream;
let bus: Bus;
let problems: string[];
let opened: CellRevocations[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  directory = await mkdtemp(join(tmpdir(), "cell0-test-"));
  stream = new HostileStream();
  bus = new Bus();
  problems = [];
  opened = [];
});
afterEach(async () => {
  for (const each of opened) await each.stop();
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

type Given = Partial<RevocationPorts> & { readonly on?: HostileStream; readonly at?: string };

async function open({ on = stream, at = "a", ...given }: Given = {}): Promise<CellRevocations> {
  const made = await openRevocations({
    stream: {
      ensure: on.ensure,
      follow: on.follow,
      last: async () => on.lastOf(SUBJECT),
      publish: async (bytes) => on.write(SUBJECT, bytes),
    },
    heads: bus.heads,
    mirror: await openMirror(join(directory, at), "revoked"),
    trust: trustStore(),
    key: keys.nodeA,
    isAuthority: () => true,
    standby: false,
    onChange: () => {},
    onProblem: ({ code }: CellError) => problems.push(code),
    ...given,
  });
  opened.push(made);
  return made;
}
/** Another node, which writes and says nothing of its own. */
const openOther = (given: Given = {}) =>
  open({ at: "b", key: keys.nodeB, isAuthority: () => false, ...given });

const inStream = (on = stream): Revocations | undefined => {
  const last = on.lastOf(SUBJECT);
  return last === undefined ? undefined : must(readRevocations(last.data, genesis));
};
const unheard = ({ list }: CellRevocations) => list.unheard(performance.now())?.code;

describe("what is revoked", () => {
  test("is in force, in the stream and in the own copy once the change has ended", async () => {
    const changes: number[] = [];
    const revocations = await open({ onChange: ({ generation }) => changes.push(generation) });
    expect(unheard(revocations)).toBeUndefined();
    const record = await revocations.change(revokes(1), asked);
    expect(record).toMatchObject({ generation: 1, author: "operator", issuedUnixMs: NOW });
    expect(revocations.list.isRevoked(hashOf(1))).toBe(true);
    expect(inStream()).toEqual(record);
    expect([...(await (await openMirror(join(directory, "a"), "revoked")).all()).values()]).toEqual([
      record.bytes,
    ]);
    bus.heads.ask();
    expect(bus.generations().at(-1)).toBe(1);
    await Promise.all([revocations.change(revokes(2), asked), revocations.change(raises, asked)]);
    expect(inStream()).toMatchObject({ generation: 3, epochs: new Map([["shop", 1]]) });
    expect(changes).toEqual([1, 2, 3]);
    expect(problems).toEqual([]);
  });

  test("outlives a restart and a broker that lost it, and is written there again", async () => {
    const before = await open();
    await before.change(revokes(1), asked);
    const older = stream.lastOf(SUBJECT);
    const newest = await before.change(raises, asked);
    await before.stop();
    const rolledBack = new HostileStream();
    if (older !== undefined) rolledBack.write(SUBJECT, older.data);
    const after = await open({ on: rolledBack });
    expect(after.list.record()).toEqual(newest);
    expect(inStream(rolledBack)).toEqual(newest);
    expect(problems).toContain("CELL_ROLLED_BACK");
  });

  test("is taken from another writer who was faster", async () => {
    const revocations = await open();
    const theirs = revocationsOf({ tokens: tokensOf({ hash: hashOf(7) }) });
    const last = vi.spyOn(stream, "lastOf");
    last.mockImplementationOnce(() => ({ subject: SUBJECT, sequence: 1, data: theirs.bytes, unixMs: 0 }));
    const ours = await revocations.change(revokes(1), asked);
    expect(ours.generation).toBe(2);
    expect([...ours.tokens.values()].map(({ hash }) => hash[0])).toEqual([1, 7]);
  });

  test("is signed anew after the key of the authority's node was replaced", async () => {
    const before = await open();
    const record = await before.change(raises, asked);
    await before.stop();
    const trust = trustStore();
    const shards = [{ first: 0, last: 255 }];
    const next = certify({ key: keyOf(40).publicKey, principal: "a", kind: "node", generation: 2, shards });
    must(trust.add(next.bytes, NOW));
    const after = await open({ trust, key: keyOf(40) });
    expect(inStream()).toMatchObject({
      generation: record.generation + 1,
      signer: keyOf(40).publicKey,
      epochs: record.epochs,
    });
    expect(after.list.record()).toEqual(inStream());
  });

  test("is said by nobody, and written by nobody, while another process of this node does so", async () => {
    const standby = await open({ standby: true });
    bus.heads.ask();
    expect(bus.said).toEqual([]);
    await stream.inject(SUBJECT, revocationsOf().bytes);
    expect(standby.list.record()?.generation).toBe(1);
    await standby.activate();
    expect(bus.generations()).toEqual([1]);
  });
});

describe("a record in the stream", () => {
  test.for<[who: string, key: SigningKey]>([
    ["a node that is not certified for shard 0", keys.nodeB],
    ["a client", keys.ann],
    ["the issuer", keys.issuer],
    ["nobody", keys.stranger],
  ])("of %s does not count, and keeps no other out", async ([, key]) => {
    const revocations = await open();
    await stream.inject(SUBJECT, revocationsOf({ generation: 9_999 }, key).bytes);
    expect(revocations.list.record()).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/^(CAPABILITY_REVOCATIONS_INVALID|AUTHORITY_)/)]);
    const record = await revocations.change(revokes(1), asked);
    expect(inStream()).toEqual(record);
  });

  test("that lacks what was revoked, or is no record at all, is told and does not count", async () => {
    const revocations = await open();
    const record = await revocations.change(revokes(1), asked);
    await stream.inject(SUBJECT, revocationsOf({ generation: 2 }).bytes);
    await stream.inject(SUBJECT, Uint8Array.of(1, 2, 3));
    expect(problems).toEqual(["CELL_ROLLED_BACK", "CAPABILITY_REVOCATIONS_INVALID"]);
    expect(revocations.list.record()).toEqual(record);
  });

  test("is not written by a node that is not certified for shard 0", async () => {
    const other = await openOther();
    await expect(other.change(revokes(1), asked)).rejects.toMatchObject({
      code: "CAPABILITY_REVOCATIONS_INVALID",
    });
    expect(stream.records).toEqual([]);
  });
});

describe("another node", () => {
  test("lets nothing count until it hears the authority, whom it asks at once", async () => {
    const other = await openOther();
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    await open({ on: new HostileStream() });
    expect(unheard(other)).toBeUndefined();
    const late = await openOther({ at: "c" });
    expect(unheard(late)).toBeUndefined();
  });

  test("lets nothing count while the record that the authority has is kept from it", async () => {
    const kept = new HostileStream();
    const other = await openOther({ on: kept });
    const authority = await open();
    expect(unheard(other)).toBeUndefined();
    const record = await authority.change(revokes(1), asked);
    bus.heads.ask();
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    await kept.inject(SUBJECT, record.bytes);
    expect(unheard(other)).toBeUndefined();
    expect(other.list.isRevoked(hashOf(1))).toBe(true);
  });

  test("gives an authority that was restored from an old copy what it lacks", async () => {
    const authority = await open();
    const other = await openOther({ on: stream });
    const record = await authority.change(raises, asked);
    await stream.inject(SUBJECT, record.bytes);
    expect(other.list.record()).toEqual(record);
    await authority.stop();
    stream.records.length = 0;
    await rm(join(directory, "a"), { recursive: true });
    bus.heads.say(signHead({ generation: 0, hash: new Uint8Array(), atUnixMs: NOW }, keys.nodeA, genesis));
    await vi.waitFor(() => expect(inStream()).toEqual(record));
  });

  test.for<[who: string, key: SigningKey]>([
    ["a node that is not certified for shard 0", keys.nodeB],
    ["a client", keys.ann],
    ["nobody", keys.stranger],
  ])("does not take the word of %s", async ([, key]) => {
    const other = await openOther();
    const head = signHead({ generation: 0, hash: new Uint8Array(), atUnixMs: NOW }, key, genesis);
    expect(() => bus.heads.say(head)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(CAPABILITY_REVOCATIONS_INVALID|AUTHORITY_)/),
      }),
    );
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });
});
