// Processes of one node on a real broker with real durable actors and the real relay: ledgers
// that write down numbers and forward them to one another. What the relay does with an entry
// can be held back, as by a process that dies just then.
import { join } from "node:path";
import { assign, setup } from "xstate";
import { z } from "zod";
import { startDurableActor } from "../../../src/actors/durable/start-durable-actor.ts";
import { defineActor, type IntentEvents, intent, send } from "../../../src/index.ts";
import { DurableRuntime } from "../../../src/runtime/durable/durable-runtime.ts";
import { openMarks } from "../../../src/runtime/durable/marks.ts";
import { Relay, type RelayPorts } from "../../../src/runtime/durable/relay.ts";
import { sha256 } from "../../../src/security/bytes.ts";
import { acceptedIntent } from "../../../src/security/intake/describe.ts";
import { buildIntent } from "../../../src/security/intents/build-intent.ts";
import { outboxSequenceOf } from "../../../src/security/intents/outbox-id.ts";
import { decodeCapsule } from "../../../src/security/wire/decode-capsule.ts";
import { systemClock } from "../../../src/supervisor/ports.ts";
import { journalStream } from "../../../src/transport/durable/journal-stream.ts";
import { stateStream } from "../../../src/transport/durable/state-stream.ts";
import { actor } from "../../manifest/graphs.ts";
import { genesis, keyOf, must, nextId } from "../../security/cell-fixture.ts";
import type { BrokerFixture } from "../../transport/broker-fixture.ts";
import { graphOf } from "./durable-fixture.ts";

const nodeKey = keyOf(21);
const intents = {
  enter: intent({ payload: z.object({ entry: z.int() }) }),
  forward: intent({ payload: z.object({ target: z.string(), entry: z.int() }) }),
};
const machine = setup({
  types: {
    context: {} as { readonly entries: readonly number[] },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: { entries: [] },
  on: {
    enter: {
      actions: assign({ entries: ({ context, event }) => [...context.entries, event.payload.entry] }),
    },
    forward: {
      actions: send(({ event }) => ({
        target: event.payload.target,
        intent: "enter",
        payload: { entry: event.payload.entry },
        timeoutMs: 60_000,
      })),
    },
  },
});
const behaviour = defineActor({ machine, intents });

export type LedgerProcess = {
  /** Starts both ledgers. */
  start(): Promise<void>;
  /** Starts one again that has ended. */
  restart(path: string): Promise<void>;
  /** What an awake ledger has; undefined: it sleeps. */
  entries(path: string): readonly number[] | undefined;
  /** Intents brought to their targets, each time counted. */
  readonly posted: number;
  /** Resolves when it is in the journal. */
  forward(entry: number): Promise<void>;
  /** The same for one that the receiver is told by a client. */
  enter(entry: number): Promise<void>;
  /** Newest commit of an actor. */
  readonly runtime: DurableRuntime;
  /** As by kill -9: nothing is said or written any more. */
  end(): void;
};

/**
 * Where a process of this test dies, in the life of an entry of an outbox; or, once it is told,
 * the sender alone, before a commit of it can say so.
 */
export type Death = "before it left" | "after it was taken, untold" | "after it was told";

export const SENDER = "books/sender";
export const RECEIVER = "books/receiver";
const PATHS = [SENDER, RECEIVER];
const specs = PATHS.map((path) => actor(path, { durable: true }));
const graph = graphOf(...specs);

export async function openLedgers(
  broker: BrokerFixture,
  directory: string,
  term: number,
  death?: Death,
): Promise<LedgerProcess> {
  const connection = await broker.connect({ kind: "node", principal: "a" });
  const marks = openMarks({ path: join(directory, "marks"), onProblem: () => undefined });
  const read = new Map<string, () => unknown>();
  let posted = 0;
  const accept = (bytes: Uint8Array, taken: Parameters<RelayPorts["post"]>[2]) => {
    const capsule = must(decodeCapsule(bytes));
    const sourceSequence = outboxSequenceOf(capsule);
    runtime.accept({
      intent: acceptedIntent(capsule, sha256(bytes), "a"),
      capsule: bytes,
      issuer: nodeKey.publicKey,
      principal: "a",
      authority: "test",
      returnAddress: null,
      ...(sourceSequence === undefined ? {} : { sourceSequence }),
      respond: () => undefined,
      taken,
    });
  };
  const relay = new Relay({
    post: ({ bytes }, _intent, taken) => {
      if (death === "before it left") return;
      posted += 1;
      accept(bytes, (outcome) => {
        if (death !== "after it was taken, untold") taken(outcome);
        if (death === "after it was told") void runtime.child(SENDER)?.kill();
      });
    },
    inbox: "test.inbox",
    targetOf: (target) => target,
    isHere: () => true,
    explain: (_from, _entry, error) => error,
    isDurable: (target) => runtime.isDurable(target),
    sent: () => undefined,
    failed: (_from, _entry, error) => {
      throw error;
    },
  });
  const runtime: DurableRuntime = new DurableRuntime({
    node: "a",
    journal: journalStream(connection, broker.cell),
    state: stateStream(connection, broker.cell),
    marks,
    sealing: { key: nodeKey, genesisHash: genesis.hash },
    term,
    isNodeKey: (key) => Buffer.compare(key, nodeKey.publicKey) === 0,
    placed: () => graph,
    toHost: (delivery, to) => to.deliver(delivery),
    relay: ({ path }, entry, done, onReply) => relay.relay(path, entry, done, onReply),
    responder: () => () => undefined,
    onDamaged: (_path, error) => {
      throw error;
    },
    onBegunAnew: () => undefined,
    onFenced: () => undefined,
    onProblem: () => undefined,
  });
  const startOne = (spec: (typeof specs)[number]) =>
    runtime.start({
      spec,
      graph,
      incarnation: { term, activation: 1 },
      start: async (present, { state, ...awakening }) =>
        startDurableActor({
          spec: present,
          behaviour,
          codeHash: "",
          ports: { send: () => {}, record: () => {}, clock: systemClock, random: Math.random },
          onSnapshot: (look) => read.set(spec.path, () => look().context),
          ...awakening,
          ...(state === undefined ? {} : { state }),
        }),
      describe: () => ({ intents: {}, states: [] }),
    });
  const tell = async (target: string, type: string, payload: object) => {
    const now = Date.now();
    const draft = {
      target,
      intent: type,
      payload: new TextEncoder().encode(JSON.stringify(payload)),
      contentType: "application/json",
      deadlineUnixMs: now + 60_000,
      replyInbox: "",
    };
    const built = must(buildIntent(draft, { nextId, tick: () => ({ unixMs: now, counter: 0 }) }));
    await new Promise<void>((resolve, reject) => {
      accept(built.bytes, (outcome) => (outcome.ok ? resolve() : reject(outcome.error)));
    });
  };
  return {
    runtime,
    get posted() {
      return posted;
    },
    async start() {
      for (const spec of specs) await startOne(spec);
    },
    async restart(path) {
      for (const spec of specs) if (spec.path === path) await startOne(spec);
    },
    entries: (path) =>
      runtime.child(path)?.isAwake === true
        ? z.object({ entries: z.array(z.int()) }).parse(read.get(path)?.()).entries
        : undefined,
    forward: (entry) => tell(SENDER, "forward", { target: RECEIVER, entry }),
    enter: (entry) => tell(RECEIVER, "enter", { entry }),
    end() {
      relay.stop();
      runtime.stop();
      marks.close();
    },
  };
}
