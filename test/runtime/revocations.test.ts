// What stands against a stream of revocations that is forged, rolled back, kept from a node or lost,
// and against an authority that forgets.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err } from "../../src/errors/result.ts";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import {
  type CellRevocations,
  openRevocations,
  type RevocationPorts,
} from "../../src/runtime/revocations.ts";
import { toHex } from "../../src/security/bytes.ts";
import { readHead, signHead } from "../../src/security/revocation/head.ts";
import { type Revocations, readRevocations } from "../../src/security/revocation/revocations.ts";
import { joined, type Revoked, withRaisedEpoch, withToken } from "../../src/security/revocation/revoked.ts";
import type { TrustStore } from "../../src/security/trust/trust-store.ts";
import {
  annCertificate,
  certify,
  genesis,
  issuerCertificate,
  keyOf,
  keys,
  must,
  NOW,
  nodeBCertificate,
  nodeCertificate,
  trustStore,
} from "../security/cell-fixture.ts";
import { bare, forge, hashOf, revocationsOf, revokedOf } from "../security/revocation/revocation-fixture.ts";
import { HostileStream } from "./hostile-stream.ts";

const asked = { author: "operator", causeId: new Uint8Array(16) };
const revokes = (n: number) => (revoked: Revoked) => withToken(revoked, { hash: hashOf(n) });
const raises = (revoked: Revoked) => withRaisedEpoch(revoked, "shop", Date.now());
const subjectOf = (node: string) => `revocations.${node}`;

/** Carries what is said to everybody who listens, as the broker does: what one of them throws is its own. */
class Bus {
  readonly said: Uint8Array[] = [];
  #hearers: ((node: string, head: Uint8Array) => void)[] = [];
  #askers: (() => void)[] = [];
  readonly problems: string[] = [];
  say(node: string, head: Uint8Array): void {
    this.said.push(head);
    for (const hear of this.#hearers) {
      try {
        hear(node, head);
      } catch (error) {
        this.problems.push((error as CellError).code);
      }
    }
  }
  readonly headsOf = (node: string): RevocationPorts["heads"] => ({
    say: (head) => this.say(node, head),
    ask: () => {
      // In a later millisecond than the one before.
      vi.setSystemTime(Date.now() + 1);
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
  });
  ask(): void {
    this.headsOf("").ask();
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

async function open({ on = stream, at, ...given }: Given = {}): Promise<CellRevocations> {
  const node = given.node ?? "a";
  const made = await openRevocations({
    node,
    stream: {
      ensure: on.ensure,
      follow: on.follow,
      last: async (writer) => on.lastOf(subjectOf(writer)),
      publish: async (bytes) => on.write(subjectOf(node), bytes),
    },
    heads: bus.headsOf(node),
    mirror: await openMirror(join(directory, at ?? node), "revoked"),
    trust: trustStore(),
    key: keys.nodeA,
    standby: false,
    onChange: () => {},
    onProblem: ({ code }: CellError) => problems.push(code),
    ...given,
  });
  opened.push(made);
  return made;
}
/** A node that does not own shard 0. */
const openOther = (given: Given = {}) => open({ node: "b", key: keys.nodeB, ...given });

const inStream = (node = "a", on = stream): Revocations | undefined => {
  const last = on.lastOf(subjectOf(node));
  return last === undefined ? undefined : must(readRevocations(last.data, genesis, Date.now()));
};
const inject = (record: Revocations, node = "a", on = stream) => on.inject(subjectOf(node), record.bytes);
const unheard = ({ list }: CellRevocations) => list.unheard(Date.now(), performance.now())?.code;
const revoked = ({ list }: CellRevocations, ...numbers: readonly number[]) =>
  numbers.map((n) => list.isRevoked(hashOf(n)));
const headOf = (hash: Uint8Array, key = keys.nodeA) => {
  vi.setSystemTime(Date.now() + 1);
  return signHead({ hash, atUnixMs: Date.now() }, key, genesis.hash);
};

describe("what is revoked", () => {
  test("is in force, in the stream and in the own copy once the change has ended", async () => {
    const changes: number[] = [];
    const revocations = await open({
      onChange: ({ tokens }, before) => changes.push(tokens.size - before.tokens.size),
    });
    expect(unheard(revocations)).toBeUndefined();
    await revocations.change(revokes(1), asked);
    expect(revoked(revocations, 1)).toEqual([true]);
    const record = inStream();
    expect(record).toMatchObject({ author: "operator", signer: keys.nodeA.publicKey });
    expect(await readdir(join(directory, "a"))).toEqual([`${toHex(record?.hash ?? hashOf(0))}.revoked`]);
    await Promise.all([revocations.change(revokes(2), asked), revocations.change(raises, asked)]);
    expect(inStream()?.tokens.size).toBe(2);
    expect([...(inStream()?.epochs.keys() ?? [])]).toEqual(["shop"]);
    expect(await readdir(join(directory, "a"))).toHaveLength(1);
    expect(changes).toEqual([1, 1, 0]);
    expect(problems).toEqual([]);
  });

  test("asked for again makes no further record", async () => {
    const revocations = await open();
    await revocations.change(revokes(1), asked);
    const written = stream.records.length;
    await revocations.change(revokes(1), asked);
    expect(stream.records).toHaveLength(written);
  });

  test("outlives a restart and a broker that lost it, and is written there again", async () => {
    const before = await open();
    await before.change(revokes(1), asked);
    const older = stream.lastOf(subjectOf("a"));
    await before.change(revokes(2), asked);
    const newest = inStream();
    await before.stop();
    const rolledBack = new HostileStream();
    if (older !== undefined) rolledBack.write(subjectOf("a"), older.data);
    const after = await open({ on: rolledBack });
    expect(revoked(after, 1, 2)).toEqual([true, true]);
    expect(inStream("a", rolledBack)).toEqual(newest);
    expect(problems).toContain("CELL_ROLLED_BACK");
  });

  test("is not forgotten by an authority with another key and an empty disk", async () => {
    const before = await open();
    await before.change(joinedChange, asked);
    await before.stop();
    const trust = trustStore();
    const shards = [{ first: 0, last: 255 }];
    must(
      trust.add(
        certify({ key: keyOf(40).publicKey, principal: "a", kind: "node", generation: 2, shards }).bytes,
        NOW,
      ),
    );
    const after = await open({ trust, key: keyOf(40), at: "fresh" });
    expect(revoked(after, 1, 2)).toEqual([true, true]);
    // It signs what it has learned, and says that.
    await vi.waitFor(() => expect(inStream()?.signer).toEqual(keyOf(40).publicKey));
    bus.ask();
    const said = must(readHead(bus.said.at(-1) ?? new Uint8Array(), [keyOf(40).publicKey], genesis.hash));
    expect(said.hash).toEqual(inStream()?.hash);
    expect(inStream()?.epochs.get("shop")).toBeGreaterThan(0);
  });

  test("is not forgotten when shard 0 goes to a node that has never heard of it", async () => {
    const before = await open();
    await before.change(joinedChange, asked);
    await before.stop();
    const c = certify({
      key: keyOf(41).publicKey,
      principal: "c",
      kind: "node",
      shards: [{ first: 0, last: 255 }],
      notBeforeUnixMs: NOW - 100,
    });
    const withdrawn = certify({
      key: keys.nodeA.publicKey,
      principal: "a",
      kind: "node",
      generation: 2,
      revoked: true,
    });
    const trust = trustStore([issuerCertificate, nodeCertificate, c, withdrawn]);
    const after = await open({ node: "c", key: keyOf(41), trust });
    expect(revoked(after, 1, 2)).toEqual([true, true]);
    await vi.waitFor(() => expect(inStream("c")?.tokens.size).toBe(2));
  });

  test("is joined when two records were made of one, so that each has its own", async () => {
    const authority = await open();
    const [one, two] = [revocationsOf(bare(1)), revocationsOf(bare(2))];
    await inject(one);
    await inject(two);
    await vi.waitFor(() => expect(inStream()?.tokens.size).toBe(2), { timeout: 3_000 });
    expect(authority.list.records()).toHaveLength(1);
  });

  test("is in force at the authority, and nothing counts elsewhere, when the broker does not take it", async () => {
    let fault: CellError | undefined;
    const publish = async (bytes: Uint8Array) => {
      if (fault !== undefined) return err(fault);
      return stream.write(subjectOf("a"), bytes);
    };
    const authority = await open({
      stream: { ensure: stream.ensure, follow: stream.follow, last: async () => undefined, publish },
    });
    const other = await openOther({ on: new HostileStream() });
    expect(unheard(other)).toBeUndefined();
    fault = new CellError("BROKER_STREAM_UNAVAILABLE");
    await expect(authority.change(revokes(1), asked)).rejects.toMatchObject({
      code: "CAPABILITY_REVOCATIONS_UNWRITTEN",
    });
    expect(revoked(authority, 1)).toEqual([true]);
    // The others are given a second to get it before it is said.
    await vi.waitFor(() => expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD"), { timeout: 3_000 });
    fault = undefined;
    // Tried again each second, and by whoever asks again.
    await vi.waitFor(() => expect(inStream()?.tokens.size).toBe(1), { timeout: 3_000 });
  });

  test("is in force and in the stream when the disk does not take it, which is said", async () => {
    const mirror = await openMirror(join(directory, "a"), "revoked");
    let isFull = true;
    const authority = await open({
      mirror: {
        ...mirror,
        put: async (name, bytes) => {
          if (isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
          await mirror.put(name, bytes);
        },
      },
    });
    await expect(authority.change(revokes(1), asked)).rejects.toMatchObject({
      code: "CAPABILITY_REVOCATIONS_UNWRITTEN",
    });
    expect(revoked(authority, 1)).toEqual([true]);
    expect([inStream()?.tokens.size, (await mirror.all()).size]).toEqual([1, 0]);
    isFull = false;
    await authority.change(revokes(1), asked);
    expect((await mirror.all()).size).toBe(1);
  });

  test("is neither said nor written while another process of this node does so", async () => {
    await inject(revocationsOf(bare(1)));
    const standby = await open({ standby: true });
    bus.ask();
    await expect(standby.change(revokes(2), asked)).rejects.toMatchObject({
      code: "CELL_NOT_ACCEPTING",
    });
    expect([bus.said.length, stream.records.length]).toEqual([0, 1]);
    // Its own copy has got one more meanwhile, which the stream has not.
    const written = revocationsOf(bare(1, 3));
    await (await openMirror(join(directory, "a"), "revoked")).put(toHex(written.hash), written.bytes);
    await standby.activate();
    expect(revoked(standby, 1, 3)).toEqual([true, true]);
    expect(inStream()).toEqual(written);
    expect(bus.said.length).toBeGreaterThan(0);
  });

  test("leaves no trace of its own where another process of this node keeps it", async () => {
    await open({ standby: true });
    for (const n of [1, 2, 3]) await inject(revocationsOf(bare(n)));
    expect(await readdir(join(directory, "a"))).toEqual([]);
  });

  test("is said by a process that takes over in spite of a damaged file, which stays, when the stream has told", async () => {
    await inject(revocationsOf(bare(1)));
    await (await openMirror(join(directory, "a"), "revoked")).put("00", Uint8Array.of(1));
    const standby = await open({ standby: true });
    await standby.activate();
    expect(bus.said.length).toBeGreaterThan(0);
    expect(unheard(standby)).toBeUndefined();
    const name = `${toHex(inStream()?.hash ?? hashOf(0))}.revoked`;
    const there = async () => (await readdir(join(directory, "a"))).toSorted();
    await vi.waitFor(async () => expect(await there()).toEqual(["00.revoked", name].toSorted()), {
      timeout: 3_000,
    });
  });

  test("is not said by a process that takes over before it has read its own copy, of which nothing is lost", async () => {
    await inject(revocationsOf(bare(1)));
    const mirror = await openMirror(join(directory, "a"), "revoked");
    let isUnreadable = false;
    const all = async () => {
      if (isUnreadable) throw new Error("EIO");
      return await mirror.all();
    };
    const standby = await open({ standby: true, mirror: { ...mirror, all } });
    // Of the process before: the stream has not got it.
    const written = revocationsOf(bare(1, 3));
    await mirror.put(toHex(written.hash), written.bytes);
    isUnreadable = true;
    await standby.activate();
    expect(bus.said).toEqual([]);
    isUnreadable = false;
    await vi.waitFor(() => expect(bus.said.length).toBeGreaterThan(0), { timeout: 3_000 });
    expect(revoked(standby, 1, 3)).toEqual([true, true]);
    expect([...(await mirror.all()).keys()]).toEqual([toHex(written.hash)]);
  });

  test("is written again when the broker loses it under a node that runs", async () => {
    const authority = await open();
    await authority.change(revokes(1), asked);
    await authority.change(revokes(2), asked);
    const newest = inStream();
    stream.rollBack(1);
    expect(inStream()?.tokens.size).toBe(1);
    await vi.waitFor(() => expect(inStream()).toEqual(newest), { timeout: 3_000 });
    expect(problems).toContain("CELL_ROLLED_BACK");
  });

  test("is not guessed from a damaged own copy: nothing is said until somebody else tells", async () => {
    await openMirror(join(directory, "a"), "revoked");
    await writeFile(join(directory, "a", "00.revoked"), "damaged");
    const authority = await open();
    expect(problems).toEqual(["CAPABILITY_REVOCATIONS_INVALID"]);
    bus.ask();
    expect(bus.said).toEqual([]);
    expect(unheard(authority)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    await inject(revocationsOf(bare(1)));
    bus.ask();
    expect(bus.said).toHaveLength(1);
    const name = `${toHex(inStream()?.hash ?? hashOf(0))}.revoked`;
    await vi.waitFor(async () =>
      expect((await readdir(join(directory, "a"))).toSorted()).toEqual(["00.revoked", name].toSorted()),
    );
  });
});

/** Two tokens, one of them with the epoch of a scope. */
const joinedChange = (before: Revoked) =>
  withRaisedEpoch(joined(before, joined(bare(1, 2), revokedOf([], { other: 3 }))), "shop", Date.now());

describe("a record in the stream", () => {
  test.for([
    ["a node that is not certified for shard 0", { key: keys.nodeB, certificate: nodeBCertificate }],
    ["a client", { key: keys.ann, certificate: annCertificate }],
    ["nobody, under the authority's certificate", { key: keys.stranger, certificate: nodeCertificate }],
  ] as const)("of %s does not count, and keeps no other out", async ([, { key, certificate }]) => {
    const authority = await open();
    const record = revocationsOf(bare(1));
    const forged = forge(revocationsOf(bare(9)), key, certificate.bytes);
    for (const node of ["a", "b"]) await stream.inject(subjectOf(node), forged);
    expect(problems).toEqual(["CAPABILITY_REVOCATIONS_INVALID", "CAPABILITY_REVOCATIONS_INVALID"]);
    expect(revoked(authority, 9)).toEqual([false]);
    await authority.change(revokes(1), asked);
    expect(inStream()?.tokens).toEqual(record.tokens);
    // Who begins to read finds both.
    const copy = new HostileStream();
    copy.records.push(...stream.records);
    const joiner = await openOther({ on: copy });
    bus.ask();
    expect([unheard(joiner), ...revoked(joiner, 1, 9)]).toEqual([undefined, true, false]);
  });

  test("of old, said again by anybody, takes nothing back", async () => {
    const authority = await open();
    await authority.change(revokes(1), asked);
    const old = inStream();
    await authority.change(revokes(2), asked);
    if (old !== undefined) await inject(old, "b");
    expect(revoked(authority, 1, 2)).toEqual([true, true]);
    expect(inStream()?.tokens.size).toBe(2);
  });

  test("is not made by a node that does not own shard 0", async () => {
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
    const late = await openOther({ at: "late" });
    expect(unheard(late)).toBeUndefined();
  });

  test("lets nothing count while the record that the authority has is kept from it, and looks for it", async () => {
    const authority = await open();
    let isKeptBack = true;
    const last = async () => (isKeptBack ? undefined : stream.lastOf(subjectOf("a")));
    const deaf = new HostileStream();
    const other = await openOther({
      stream: {
        ensure: deaf.ensure,
        follow: deaf.follow,
        last,
        publish: async (bytes) => deaf.write("b", bytes),
      },
    });
    expect(unheard(other)).toBeUndefined();
    await authority.change(revokes(1), asked);
    bus.ask();
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    isKeptBack = false;
    // The authority speaks each second.
    await vi.waitFor(() => expect(unheard(other)).toBeUndefined(), { timeout: 3_000 });
    expect(revoked(other, 1)).toEqual([true]);
  });

  test("gives an authority what that has forgotten, which signs it and goes on", async () => {
    const record = revocationsOf(bare(1, 2));
    await openMirror(join(directory, "b"), "revoked").then((mirror) =>
      mirror.put(toHex(record.hash), record.bytes),
    );
    const shared = new HostileStream();
    const authority = await open({ on: shared });
    const offered: Uint8Array[] = [];
    const deaf = new HostileStream();
    const other = await openOther({
      stream: {
        ensure: deaf.ensure,
        follow: deaf.follow,
        last: async () => undefined,
        publish: async (bytes) => {
          offered.push(bytes);
          await shared.inject(subjectOf("b"), bytes);
          return { ok: true as const, value: { sequence: 1 } };
        },
      },
    });
    // It knows more than the authority does: that is enough for what it knows.
    expect(unheard(other)).toBeUndefined();
    await vi.waitFor(() => expect(inStream("a", shared)?.tokens.size).toBe(2), { timeout: 3_000 });
    expect(revoked(authority, 1, 2)).toEqual([true, true]);
    expect(offered[0]).toEqual(record.bytes);
  });

  test.for([
    ["a node that is not certified for shard 0", keys.nodeB],
    ["a client", keys.ann],
    ["nobody", keys.stranger],
  ] as const)("does not take the word of %s", async ([, key]) => {
    const other = await openOther();
    bus.say("a", headOf(new Uint8Array(), key));
    expect(bus.problems).toEqual(["CAPABILITY_REVOCATIONS_INVALID"]);
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    bus.say("a", headOf(new Uint8Array()));
    expect(unheard(other)).toBeUndefined();
  });

  test("does not take the authority's word from whom else it may come", async () => {
    const other = await openOther();
    bus.say("b", headOf(new Uint8Array()));
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("does not take the word of a node that was certified for shard 0 before, and has lost it", async () => {
    const trust: TrustStore = trustStore();
    const c = {
      key: keyOf(41).publicKey,
      principal: "c",
      kind: "node",
      shards: [{ first: 0, last: 255 }],
    } as const;
    must(trust.add(certify({ ...c, notBeforeUnixMs: NOW - 100 }).bytes, NOW));
    const other = await openOther({ trust });
    bus.say("a", headOf(new Uint8Array()));
    expect(unheard(other)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
    bus.say("c", headOf(new Uint8Array(), keyOf(41)));
    expect(unheard(other)).toBeUndefined();
  });
});
