// Processes of one node on a real broker, each with its own runtime: a host that counts,
// so that what is committed, refused and brought back can be seen.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import type { ActorHost } from "../../../src/actors/actor-host.ts";
import type { ExitReason } from "../../../src/actors/child.ts";
import type { CommitMeta, DurableState, StoredReply } from "../../../src/actors/durable/ports.ts";
import type { Delivery, OutgoingReply } from "../../../src/actors/intent.ts";
import { overwriteCommit } from "../../../src/drill/foreign-hand.ts";
import { CellError } from "../../../src/errors/cell-error.ts";
import { err, ok, type Result } from "../../../src/errors/result.ts";
import type { ActorSpec, PlacedGraph } from "../../../src/manifest/graph.ts";
import type { Awakening } from "../../../src/runtime/durable/awakening.ts";
import { DurableRuntime, type DurableRuntimeOptions } from "../../../src/runtime/durable/durable-runtime.ts";
import { openMarks } from "../../../src/runtime/durable/marks.ts";
import { sha256 } from "../../../src/security/bytes.ts";
import { acceptedIntent } from "../../../src/security/intake/describe.ts";
import { buildIntent } from "../../../src/security/intents/build-intent.ts";
import { decodeCapsule } from "../../../src/security/wire/decode-capsule.ts";
import { journalStream } from "../../../src/transport/durable/journal-stream.ts";
import { stateStream } from "../../../src/transport/durable/state-stream.ts";
import { actor, supervisor } from "../../manifest/graphs.ts";
import { genesis, keyOf, must, nextId } from "../../security/cell-fixture.ts";
import type { BrokerFixture } from "../../transport/broker-fixture.ts";

export const PATH = "books/till";
const SHARD = 3;
const nodeKey = keyOf(21);

export type Process = {
  readonly runtime: DurableRuntime;
  readonly host: () => CountingHost | undefined;
  readonly fenced: readonly CellError[];
  readonly damaged: readonly CellError[];
  /** Why marks could not be written. */
  readonly unmarked: readonly unknown[];
  /** Who had it begun anew. */
  readonly begunAnew: readonly string[];
  readonly replies: OutgoingReply[];
  /** How often commits were read back from the broker. */
  readonly reads: number;
  /** Commits that the broker has taken. */
  readonly kept: number;
  /** Journal records do not reach the broker any more, as when both die right then. */
  loseRecords: boolean;
  /** The broker takes no journal records, as when their stream is full. */
  refuseRecords: boolean;
  /** Writes that were refused so. */
  refused: number;
  /** Runs right before the next commit leaves, once. */
  beforeNextCommit: (() => Promise<void>) | undefined;
  /** What a further start throws, once. */
  failNextStart: Error | undefined;
  start(path?: string): Promise<ActorHost>;
  /** Somebody else writes over its newest commit. */
  overwrite(): Promise<unknown>;
  /** Resolves with the answer of the journal. */
  send(entry: number, id?: Uint8Array, principal?: string): Promise<Result<unknown, CellError>>;
  end(): void;
};

/** Keeps the numbers that it is told, in order, and commits after each. */
export class CountingHost implements ActorHost {
  readonly path: string;
  readonly incarnation: Awakening["incarnation"];
  readonly exited: Promise<ExitReason>;
  readonly entries: number[];
  readonly given: DurableState | undefined;
  readonly awakening: Awakening;
  readonly committed: Result<void, CellError>[] = [];
  readonly #resolve: (reason: ExitReason) => void;
  #applied: DurableState["applied"];

  constructor(spec: ActorSpec, awakening: Awakening) {
    this.path = spec.path;
    this.incarnation = awakening.incarnation;
    this.awakening = awakening;
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.exited = promise;
    this.#resolve = resolve;
    const { state } = awakening;
    this.given = state;
    this.entries = Array.isArray(state?.host) ? state.host.map(Number) : [];
    this.#applied = state?.applied ?? { critical: 0, high: 0, normal: 0, low: 0 };
  }

  /** What its next commit holds as answered. */
  answers: DurableState["replies"] = [];

  /** Takes, and does nothing: what it took is in the journal only. */
  isDeaf = false;

  /** Ends by being killed only. */
  hangs = false;

  deliver(delivery: Delivery): Result<void, CellError> {
    if (!this.isDeaf) void this.#handle(delivery);
    return ok(undefined);
  }

  async #handle({ intent, journaled, respond }: Delivery): Promise<void> {
    const position = journaled?.position ?? 0;
    if (position <= this.#applied[intent.priority]) return;
    this.entries.push(Number(JSON.parse(new TextDecoder().decode(intent.payload))));
    this.#applied = { ...this.#applied, [intent.priority]: position };
    const kept = await this.awakening.durable.commit(this.state(), { pending: false });
    this.committed.push(kept);
    if (kept.ok) respond({ kind: "value", value: this.entries.length, final: true });
    else this.#resolve({ kind: "killed" });
  }

  state(): DurableState {
    return {
      format: 1,
      codeHash: "",
      host: [...this.entries],
      applied: this.#applied,
      sources: {},
      outboxSequence: 0,
      outbox: [],
      replies: this.answers,
    };
  }

  async commit(meta: CommitMeta = { pending: false }): Promise<void> {
    this.committed.push(await this.awakening.durable.commit(this.state(), meta));
  }

  stats() {
    return {
      state: "",
      mailboxDepth: 0,
      openRequests: 0,
      handled: this.entries.length,
      refused: 0,
      crashed: 0,
      startedAtUnixMs: 0,
      busySinceUnixMs: undefined,
    };
  }

  progress() {
    return { hasWork: true, steppedAtMs: 1, waitsForOthers: false, deadlineUnixMs: undefined };
  }

  describe() {
    return { intents: {}, states: [] };
  }
  reconfigure = () => ok(undefined);
  lastGoodSnapshot = () => undefined;
  fail = () => this.kill();
  stop(): Promise<ExitReason> {
    if (!this.hangs) this.#resolve({ kind: "shutdown" });
    return this.exited;
  }
  kill(): Promise<ExitReason> {
    this.#resolve({ kind: "killed" });
    return this.exited;
  }
}

export function graphOf(...specs: readonly ActorSpec[]): PlacedGraph {
  const placed = Object.fromEntries(
    specs.map(({ path }) => [path, { shard: SHARD, node: "a", codeHash: "" }]),
  );
  return { roots: [supervisor("books", specs)], clients: [], placed };
}

export const tillSpec = (more: Partial<ActorSpec> = {}): ActorSpec => actor(PATH, { durable: true, ...more });

export async function openProcess(
  broker: BrokerFixture,
  directory: string,
  term: number,
  spec: ActorSpec = tillSpec(),
  bounds: Pick<DurableRuntimeOptions, "maxAwake" | "passivateMs"> = {},
): Promise<Process> {
  const connection = await broker.connect({ kind: "node", principal: "a" });
  const fenced: CellError[] = [];
  const damaged: CellError[] = [];
  const unmarked: unknown[] = [];
  const begunAnew: string[] = [];
  const replies: OutgoingReply[] = [];
  const graph = graphOf(spec);
  let host: CountingHost | undefined;
  let reads = 0;
  let kept = 0;
  const state = stateStream(connection, broker.cell);
  const counted = {
    ...state,
    history: (shard: number, path: string) => {
      reads += 1;
      return state.history(shard, path);
    },
    commit: async (...write: Parameters<typeof state.commit>) => {
      const before = process.beforeNextCommit;
      process.beforeNextCommit = undefined;
      await before?.();
      const written = await state.commit(...write);
      if (written.ok) kept += 1;
      return written;
    },
  };
  const journal = journalStream(connection, broker.cell);
  const append: typeof journal.append = async (...write) => {
    if (process.loseRecords) return await new Promise(() => undefined);
    if (!process.refuseRecords) return journal.append(...write);
    process.refused += 1;
    return err(new CellError("BROKER_STREAM_UNAVAILABLE"));
  };
  const marks = openMarks({
    path: join(directory, "marks"),
    onProblem: (error) => void unmarked.push(error),
  });
  const runtime = new DurableRuntime({
    ...bounds,
    node: "a",
    journal: { ...journal, append },
    state: counted,
    marks,
    sealing: { key: nodeKey, genesisHash: genesis.hash },
    term,
    isNodeKey: (key) => Buffer.compare(key, nodeKey.publicKey) === 0,
    placed: () => graph,
    toHost: (delivery, to) => to.deliver(delivery),
    relay: (_actor, _entry, done) => done(),
    responder: () => (reply) => void replies.push(reply),
    onDamaged: (_path, error) => void damaged.push(error),
    onBegunAnew: (_actor, by) => void begunAnew.push(by),
    onFenced: (error) => void fenced.push(error),
    onProblem: (error) => void damaged.push(error),
  });
  const process: Process = {
    runtime,
    failNextStart: undefined,
    loseRecords: false,
    refuseRecords: false,
    refused: 0,
    beforeNextCommit: undefined,
    get reads() {
      return reads;
    },
    get kept() {
      return kept;
    },
    host: () => host,
    fenced,
    damaged,
    unmarked,
    begunAnew,
    replies,
    overwrite: () => overwriteCommit(state, { path: PATH, shard: SHARD }),
    start: () =>
      runtime.start({
        spec,
        graph,
        incarnation: { term, activation: 1 },
        start: async (given, awakening) => {
          const error = process.failNextStart;
          process.failNextStart = undefined;
          if (error !== undefined) throw error;
          host = new CountingHost(given, awakening);
          if (awakening.state === undefined) await host.commit();
          return host;
        },
        describe: () => ({ intents: {}, states: [] }),
      }),
    send(entry, id = nextId(), principal = "ann") {
      const now = Date.now();
      const built = must(
        buildIntent(
          {
            target: PATH,
            intent: "enter",
            payload: new TextEncoder().encode(JSON.stringify(entry)),
            contentType: "application/json",
            deadlineUnixMs: now + 60_000,
            replyInbox: "",
          },
          { nextId: () => id, tick: () => ({ unixMs: now, counter: 0 }) },
        ),
      );
      const intent = acceptedIntent(must(decodeCapsule(built.bytes)), sha256(built.bytes), principal);
      return new Promise((resolve) =>
        runtime.accept({
          intent,
          capsule: built.bytes,
          issuer: nodeKey.publicKey,
          principal,
          authority: "test",
          returnAddress: null,
          respond: (reply) => void replies.push(reply),
          taken: resolve,
        }),
      );
    },
    end() {
      runtime.stop();
      marks.close();
    },
  };
  return process;
}

/** Flips a bit in the newest commit that the broker holds. */
export async function damageNewest(broker: BrokerFixture): Promise<void> {
  const connection = await broker.connect({ kind: "node", principal: "a" });
  const state = stateStream(connection, broker.cell);
  const last = await state.last(SHARD, PATH);
  if (last === undefined) throw new Error("there is no commit");
  const data = Uint8Array.from(last.data);
  data[20] = (data[20] ?? 0) ^ 1;
  const head = { shard: SHARD, path: PATH, pending: false, wakeAtUnixMs: undefined };
  must(await state.commit(head, data, last.sequence, AbortSignal.timeout(5_000)));
}

export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "cell0-durable-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export const eventually = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 5_000, interval: 5 });

/** Its host has these entries, and nothing waits for it. */
export const applied = (process: Process, entries: readonly number[]): Promise<void> =>
  eventually(() => {
    expect(process.host()?.entries).toEqual(entries);
    expect(process.runtime.child(PATH)?.actor.backlog).toBe(0);
  });

/** An answer that a commit holds. */
export const stored = (intentId: string): StoredReply => ({
  intentId,
  hash: "",
  sender: "ann",
  deadlineUnixMs: Date.now() + 60_000,
  returnAddress: null,
  index: 0,
  outcome: { value: intentId, final: true },
});
