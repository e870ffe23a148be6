// Puts together what durable actors at this node need: streams, marks, the node's term,
// the relay of their outboxes, and the runtime that holds them all.
import type { OutboxEntry } from "../../actors/durable/ports.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { PlacedGraph } from "../../manifest/graph.ts";
import type { TrustStore } from "../../security/trust/trust-store.ts";
import type { Sealing } from "../../security/wire/seal.ts";
import type { EventInput } from "../../telemetry/event.ts";
import type { BrokerConnection } from "../../transport/connection.ts";
import { journalStream } from "../../transport/durable/journal-stream.ts";
import { stateStream } from "../../transport/durable/state-stream.ts";
import type { DataDir } from "../data-dir.ts";
import type { Messaging } from "../messaging.ts";
import { sendRefused } from "../refusal-event.ts";
import { toolRefusal, toolTarget } from "../tool-grants.ts";
import type { CommitHead } from "./actor-commits.ts";
import type { DurableActor } from "./durable-actor.ts";
import { DurableRuntime } from "./durable-runtime.ts";
import { openMarks } from "./marks.ts";
import { raiseTerm } from "./node-term.ts";
import { recordSigners } from "./record-signer.ts";
import { Relay } from "./relay.ts";

export type OpenDurableOptions = {
  readonly dir: Pick<DataDir, "marks" | "term">;
  readonly cell: string;
  readonly node: string;
  readonly connection: BrokerConnection;
  readonly sealing: Sealing;
  readonly trust: TrustStore;
  readonly placed: () => PlacedGraph;
  readonly messaging: Pick<Messaging, "post" | "inbox" | "responder" | "deliverTo">;
  readonly record: (event: EventInput) => void;
  /** Another process owns a shard of this node. */
  readonly onFenced: (error: CellError) => void;
  readonly onProblem: (error: CellError) => void;
};

export type OpenedDurable = {
  readonly runtime: DurableRuntime;
  /** Of this process: higher than any that the node had. */
  readonly term: number;
  close(): void;
};

/** Throws what the file system throws. */
export function openDurable(options: OpenDurableOptions): OpenedDurable {
  const { dir, cell, node, connection, sealing, trust, placed, messaging, onProblem } = options;
  const term = raiseTerm(dir.term);
  const marks = openMarks({
    path: dir.marks,
    onProblem: (cause) =>
      onProblem(new CellError("CELL_MARKS_BEHIND", undefined, { where: dir.marks, cause })),
    expected: term > 1,
    onDamage: (what) => onProblem(new CellError("CELL_MARKS_DAMAGED", what, { where: dir.marks })),
  });
  const relay = new Relay({
    post: messaging.post,
    inbox: messaging.inbox,
    targetOf: (target) => toolTarget(target, node),
    explain: (from, entry, error) => explained(options, from, entry, error),
    isHere: (target) => placed().placed[target]?.node === node || target.startsWith(`kernel/${node}/`),
    isDurable: (target) => runtime.isDurable(target),
    ...relayRecords(options),
  });
  const runtime: DurableRuntime = new DurableRuntime({
    node,
    journal: journalStream(connection, cell),
    state: stateStream(connection, cell),
    marks,
    sealing,
    term,
    isNodeKey: recordSigners(trust, node, Date.now),
    placed,
    toHost: messaging.deliverTo,
    relay: ({ path }, entry, done, onReply) => relay.relay(path, entry, done, onReply),
    responder: messaging.responder,
    onDamaged: (where, cause) => onProblem(new CellError(cause.code, cause.message, { where, cause })),
    onBegunAnew: (actor, by, before) => options.record(begunAnew(actor, by, before)),
    onFenced: options.onFenced,
    onProblem,
  });
  return {
    runtime,
    term,
    close() {
      relay.stop();
      runtime.stop();
      marks.close();
    },
  };
}

function begunAnew({ path, incarnation }: DurableActor, by: string, before: CommitHead): EventInput {
  const reason = `begun anew by ${by}: its state of commit ${before.number} is not gone on from`;
  const value = { reason, expectedHash: before.hash, next: "fresh" };
  return { actor: path, incarnation, kind: { case: "snapshotSetAside", value } };
}

/** The same answer and record that a volatile actor's request for a tool gets. */
function explained(
  { node, record }: OpenDurableOptions,
  from: string,
  { deadlineUnixMs, cause: _, ...entry }: OutboxEntry,
  error: CellError,
): CellError {
  const intent = { ...entry, cause: undefined, timeoutMs: Math.max(0, deadlineUnixMs - Date.now()) };
  const refused = toolRefusal(from, intent, error, node);
  if (refused === undefined) return error;
  record(refused.event);
  return refused.error;
}

function relayRecords({ node, record }: Pick<OpenDurableOptions, "node" | "record">) {
  return {
    sent(actor: string, id: string, { target, intent, cause }: OutboxEntry): void {
      record({ actor, intent: cause, kind: { case: "sent", value: { id, target, intent } } });
    },
    failed(source: string, entry: OutboxEntry, error: CellError): void {
      record(sendRefused({ ...entry, node, source, error }));
    },
  };
}
