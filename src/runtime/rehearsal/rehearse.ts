// A made-up group of actors fails and is restarted, by the very code that restarts real ones,
// on streams in memory. A process that has done so is several times as fast at its first real
// failure, since its code is compiled by then. Nothing of the cell is in it, nothing of it
// stays, and when it does not come to its end nothing is lost but that.
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import type { OutgoingReply } from "../../actors/intent.ts";
import { CellError } from "../../errors/cell-error.ts";
import { SigningKey } from "../../security/keys/signing-key.ts";
import type { Sealing } from "../../security/wire/seal.ts";
import { matrix } from "../../supervisor/matrix.ts";
import { systemClock } from "../../supervisor/ports.ts";
import { startTree } from "../../supervisor/tree.ts";
import { type EventInput, encodeEvent, eventId } from "../../telemetry/event.ts";
import { DurableRuntime } from "../durable/durable-runtime.ts";
import { RunningActors } from "../running-actors.ts";
import { childStarter } from "../start-child.ts";
import { SuccessionDesk } from "../succession-desk.ts";
import { type MadeUpGroup, madeUpGroup, NODE, type Way, ways } from "./made-up-group.ts";
import { type MemoryStreams, memoryStreams } from "./memory-streams.ts";

/** Failures, of each way and form in turn: the code that they run is compiled by then. */
const ROUNDS = 120;
/** Nodes that run the group one after the other, each from what the one before has left. */
const NODES = 4;
const ROUND_MS = 2_000;

export type RehearsalOptions = {
  readonly rounds?: number;
  /** Between two failures: other work goes first. Default: a turn of the event loop. */
  readonly pause?: () => Promise<unknown>;
  readonly signal?: AbortSignal;
};

/** How many failures were survived. Never rejects. */
export async function rehearse({
  rounds = ROUNDS,
  pause = () => turn(),
  signal,
}: RehearsalOptions = {}): Promise<number> {
  let survived = 0;
  let stage: Stage | undefined;
  try {
    const sealing = { key: SigningKey.fromSeed(randomBytes(32)), genesisHash: randomBytes(32) };
    const cell = { group: madeUpGroup(), streams: memoryStreams(), sealing };
    for (let n = 0; n < rounds && signal?.aborted !== true; n += 1) {
      if (n % Math.ceil(rounds / NODES) === 0) {
        await stage?.close();
        stage = await openStage(cell, n + 1);
      }
      const how = ways[n % ways.length] ?? "throw";
      const reply = await stage?.fail(n, how, n % 4 >= 2);
      if (reply?.kind === "value") survived += 1;
      await pause();
    }
  } catch {
    // A real failure will be the first one, then.
  } finally {
    await stage?.close();
  }
  return survived;
}

type Stage = {
  fail(n: number, how: Way, durable: boolean): Promise<OutgoingReply>;
  close(): Promise<void>;
};

/** What every node has of it. */
type Cell = { readonly group: MadeUpGroup; readonly streams: MemoryStreams; readonly sealing: Sealing };

async function openStage({ group, streams, sealing }: Cell, term: number): Promise<Stage> {
  const { graph, parts } = group;
  let owed: (reply: OutgoingReply) => void = () => {};
  const durable = new DurableRuntime({
    ...streams,
    ...{ node: NODE, term, sealing },
    isNodeKey: () => true,
    placed: () => graph,
    toHost: (delivery, host) => host.deliver(delivery),
    relay: () => {},
    // An answer that is owed outlives who began with it.
    responder: () => (reply) => owed(reply),
    onDamaged: () => {},
    onBegunAnew: () => {},
    onFenced: () => {},
    onProblem: () => {},
  });
  const actors = new RunningActors();
  const desk = new SuccessionDesk({ clock: systemClock, bury: () => {}, record });
  const tree = await startTree({
    roots: graph.roots,
    matrix,
    ports: {
      startChild: childStarter({
        ...{ actors, kernel: parts, graph: () => graph, record, succession: desk, durable },
        secret: () => Promise.reject(new RangeError("it has no secrets")),
        send: () => {},
        isolation: { house: () => Promise.reject(new RangeError("it has no house")), close: async () => {} },
      }),
      clock: systemClock,
      term,
      random: Math.random,
      record,
    },
  });
  return {
    fail: (n, how, isDurable) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new CellError("ACTOR_DEADLINE_EXCEEDED")), ROUND_MS);
        const respond = (reply: OutgoingReply) => {
          clearTimeout(late);
          resolve(reply);
        };
        owed = respond;
        const { intent, capsule } = group.intent(n, how, isDurable);
        const refused = (error: CellError) => respond({ kind: "error", error });
        if (isDurable) {
          durable.accept({
            ...{ intent, capsule, issuer: sealing.key.publicKey, principal: intent.principal },
            ...{ authority: "", returnAddress: null, respond },
            taken: (outcome) => {
              if (!outcome.ok) refused(outcome.error);
            },
          });
        } else {
          const taken = actors.deliver({ intent, respond });
          if (!taken.ok) refused(taken.error);
        }
      }),
    async close() {
      await tree.stop(ROUND_MS);
      durable.stop();
    },
  };
}

let sequence = 0n;

/** Encoded as a real one is, and gone. */
function record(event: EventInput): void {
  const unixMs = Date.now();
  sequence += 1n;
  encodeEvent(event, { node: NODE, id: eventId(unixMs), time: { unixMs, counter: 0 }, sequence });
}
