// What whoever owns the broker, another node or another client may try with what durable
// actors keep: each is one that was possible once.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { blankState } from "../../../src/actors/durable/blank-state.ts";
import { readHostState } from "../../../src/actors/durable/host-state.ts";
import { JournalTrimmer } from "../../../src/runtime/durable/journal-trimmer.ts";
import { NO_HASH, openMarks, trimMark } from "../../../src/runtime/durable/marks.ts";
import { recordSigners } from "../../../src/runtime/durable/record-signer.ts";
import { positionOf } from "../../../src/runtime/durable/records.ts";
import { journalStream } from "../../../src/transport/durable/journal-stream.ts";
import { stateStream } from "../../../src/transport/durable/state-stream.ts";
import { certify, keyOf, keys, must, NOW, nextId, trustStore } from "../../security/cell-fixture.ts";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { applied, openProcess, PATH, tillSpec, withDirectory } from "./durable-fixture.ts";

const SHARD = 3;
const soon = () => AbortSignal.timeout(5_000);

describe("what durable actors keep, in a hostile broker", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  const streams = async () => {
    const connection = await broker.connect({ kind: "node", principal: "a" });
    const both = {
      journal: journalStream(connection, broker.cell),
      state: stateStream(connection, broker.cell),
    };
    await both.journal.ensure();
    await both.state.ensure();
    return both;
  };
  const deafAfter = async (directory: string, heard: readonly number[], unheard: readonly number[]) => {
    const process = await openProcess(broker, directory, 1);
    await process.start();
    for (const entry of heard) await process.send(entry);
    await applied(process, heard);
    const host = process.host();
    if (host !== undefined) host.isDeaf = true;
    for (const entry of unheard) expect(await process.send(entry)).toMatchObject({ ok: true });
    process.end();
  };

  /**
   * A broker that has of the journal's records only those, after so many of another shard, and all commits.
   * @returns how many there were
   */
  const withRecords = async (kept: (number: number, count: number) => boolean, others = 0) => {
    const old = await streams();
    const records = await old.journal.page(SHARD, 1);
    const commits = await old.state.history(SHARD, PATH);
    await broker.kill();
    await broker.wipe();
    await broker.start();
    const copy = await streams();
    let last = 0;
    for (let at = 0; at < others; at++)
      last = must(await copy.journal.append(SHARD + 1, Uint8Array.of(at), last, soon()));
    last = 0;
    for (const [at, { data }] of records.entries())
      if (kept(at + 1, records.length)) last = must(await copy.journal.append(SHARD, data, last, soon()));
    const head = { shard: SHARD, path: PATH, pending: false, wakeAtUnixMs: undefined };
    last = 0;
    for (const { data } of commits) last = must(await copy.state.commit(head, data, last, soon()));
    return records.length;
  };
  it("is applied once, wherever the broker says that the journal's records lie", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1, 2], [3]);
      await withRecords(() => true, 20);
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await applied(second, [1, 2, 3]);
      second.end();
    });
  });

  it("is not begun from a journal that has lost its beginning", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1], [2, 3]);
      const { journal } = await streams();
      const [last] = (await journal.page(SHARD, 1)).slice(-1);
      await journal.trim(SHARD, last?.sequence ?? 0);
      const second = await openProcess(broker, directory, 2);
      await expect(second.start()).rejects.toMatchObject({ code: "STATE_JOURNAL_BROKEN" });
      second.end();
    });
  });

  it("goes on from a journal that the node itself has trimmed", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1], [2]);
      const { journal } = await streams();
      const records = await journal.page(SHARD, 1);
      const marks = openMarks({ path: join(directory, "marks"), onProblem: () => undefined });
      await marks.note(trimMark(SHARD), { number: records.length, hash: NO_HASH });
      marks.close();
      await journal.trim(SHARD, records.at(-1)?.sequence ?? 0);
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await applied(second, [1, 2]);
      second.end();
    });
  });

  const startAnd = async (
    directory: string,
    then: (process: Awaited<ReturnType<typeof openProcess>>) => unknown,
  ) => {
    const second = await openProcess(broker, directory, 2);
    try {
      await then(second);
    } finally {
      second.end();
    }
  };

  // The broker was killed while the node trimmed: chaos, seed 110.
  it("goes on from a journal of which the broker has brought back a part that the node has trimmed", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1, 2, 3], [4]);
      const count = await withRecords((number, all) => number <= 2 || number === all);
      expect(count).toBeGreaterThan(4);
      const marks = openMarks({ path: join(directory, "marks"), onProblem: () => undefined });
      await marks.note(trimMark(SHARD), { number: count, hash: NO_HASH });
      marks.close();
      await startAnd(directory, async (process) => {
        await process.start();
        await applied(process, [1, 2, 3, 4]);
      });
    });
  });

  it("is not begun from a journal that has lost some in its middle, which the node has not trimmed", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1, 2, 3], [4]);
      await withRecords((number, all) => number <= 2 || number === all);
      await startAnd(directory, (process) =>
        expect(process.start()).rejects.toMatchObject({ code: "STATE_JOURNAL_BROKEN" }),
      );
    });
  });

  it("is begun for each of two clients that chose the same id", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      const id = nextId();
      const host = first.host();
      if (host !== undefined) host.isDeaf = true;
      await first.send(1, id, "ann");
      await first.send(2, id, "bob");
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await applied(second, [1, 2]);
      await second.send(3, id, "eve");
      await applied(second, [1, 2, 3]);
      second.end();
    });
  });

  it("gives nobody another capsule's place who uses its id again", async () => {
    await withDirectory(async (directory) => {
      const id = nextId();
      const first = await openProcess(broker, directory, 1);
      await first.start();
      await first.send(1, id);
      await applied(first, [1]);
      first.end();
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await second.send(7, id);
      expect(second.replies).toMatchObject([{ kind: "error", error: { code: "CAPSULE_ID_REUSED" } }]);
      await second.send(2);
      await applied(second, [1, 2]);
      second.end();
    });
  });

  const overwrite = async (count: number) => {
    const { state } = await streams();
    const head = { shard: SHARD, path: PATH, pending: false, wakeAtUnixMs: undefined };
    let last = (await state.last(SHARD, PATH))?.sequence ?? 0;
    for (let at = 0; at < count; at++) last = must(await state.commit(head, Uint8Array.of(at), last, soon()));
  };

  it("outlives what others write over it, while a commit of its own is kept", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1, 2], []);
      await overwrite(3);
      const second = await openProcess(broker, directory, 2);
      await second.start();
      await second.send(3);
      await applied(second, [1, 2, 3]);
      second.end();
    });
  });

  it("begins anew with places in its outbox that no target has seen", async () => {
    await withDirectory(async (directory) => {
      await deafAfter(directory, [1, 2], []);
      await overwrite(1);
      const second = await openProcess(broker, directory, 2, tillSpec({ onCorruption: "fresh" }));
      await second.start();
      await second.send(3);
      await vi.waitFor(() => expect(second.host()?.given?.outboxSequence).toBeGreaterThan(2 * 2_048));
      expect(readHostState(blankState(1))).toMatchObject({ machine: null });
      second.end();
    });
  });

  it("answers what it was removed before it came to", async () => {
    await withDirectory(async (directory) => {
      const process = await openProcess(broker, directory, 1);
      await process.start();
      const host = process.host();
      if (host !== undefined) host.isDeaf = true;
      await process.send(1);
      const { actor } = process.runtime.child(PATH) ?? {};
      const trimmed: number[] = [];
      const trimmer = new JournalTrimmer({
        stream: { trim: async (_shard, before) => void trimmed.push(before) },
        marks: { note: async () => undefined },
        headOf: () => ({ sequence: 9, number: 4 }),
        repeat: async () => undefined,
        isGone: () => true,
        onProblem: () => undefined,
      });
      const position = actor?.unapplied.next()?.position ?? positionOf(2, 0);
      if (actor !== undefined)
        trimmer.note({ actor, priority: "normal", position, sequence: 2, neededUntilUnixMs: 0 });
      await trimmer.sweep(1);
      expect(process.replies).toMatchObject([{ kind: "error", error: { code: "ACTOR_NOT_FOUND" } }]);
      expect(actor?.backlog).toBe(0);
      expect(trimmed).toEqual([9]);
      process.end();
    });
  });

  it("wakes for a timer though it was stopped and started before it was ever awake", async () => {
    await withDirectory(async (directory) => {
      const first = await openProcess(broker, directory, 1);
      await first.start();
      await first.host()?.commit({ pending: false, wakeAtUnixMs: Date.now() + 1_500 });
      first.end();
      const second = await openProcess(broker, directory, 2);
      const child = await second.start();
      expect(second.host()).toBeUndefined();
      await child.stop(1_000);
      await second.start();
      expect(second.host()).toBeUndefined();
      await vi.waitFor(() => expect(second.host()).toBeDefined(), { timeout: 5_000, interval: 10 });
      second.end();
    });
  });
});

describe("a record of a shard", () => {
  it("counts only under the key of a node that is certified for it", () => {
    const trust = trustStore();
    const node = (principal: string, key: Uint8Array, first: number, last: number) =>
      certify({ kind: "node", principal, key, generation: 2, grants: [], shards: [{ first, last }] });
    must(trust.add(node("a", keys.nodeA.publicKey, 0, 127).bytes, NOW));
    must(trust.add(node("b", keys.nodeB.publicKey, 128, 255).bytes, NOW));
    const counts = recordSigners(trust, "a", () => NOW);
    const table = [
      [keys.nodeA, 3],
      [keys.nodeB, 3],
      [keys.nodeB, 128],
      [keys.ann, 3],
      [keys.stranger, 3],
    ] as const;
    expect(table.map(([key, shard]) => counts(key.publicKey, shard))).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it("counts under this node's own earlier keys too, for its shards, until it was withdrawn", () => {
    const trust = trustStore();
    const shards = [{ first: 0, last: 127 }];
    const add = (principal: string, key: Uint8Array, generation: number, revoked = false) => {
      const claims = { kind: "node", principal, key, generation, grants: [], shards, revoked } as const;
      must(trust.add(certify(claims).bytes, NOW));
    };
    const old = keys.stranger.publicKey;
    add("a", old, 2);
    add("a", keys.nodeA.publicKey, 3);
    const counts = (node: string, shard: number) => recordSigners(trust, node, () => NOW)(old, shard);
    expect([counts("a", 3), counts("a", 128), counts("b", 3)]).toEqual([true, false, false]);
    add("a", keys.nodeA.publicKey, 4, true);
    expect(counts("a", 3)).toBe(false);
    add("a", keyOf(9).publicKey, 5);
    expect(counts("a", 3)).toBe(false);
  });
});
