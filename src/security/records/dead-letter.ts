// A dead letter, and what closes it, as signed records. Reads them strictly: they come
// from the broker, and who may sign one is checked against the cell's certificates.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import {
  type DeadLetterClosed,
  DeadLetterClosedSchema,
  type DeadLetterDeath,
  type DeadLetter as DeadLetterMessage,
  DeadLetterRecordSchema,
  DeadLetterSchema,
} from "../../gen/cell0/v1/deadletter_pb.ts";
import { FailureClass, FailureClassSchema } from "../../gen/cell0/v1/events_pb.ts";
import { equalBytes, fromHex, toHex } from "../bytes.ts";
import { isActorPath } from "../names.ts";
import type { TrustStore } from "../trust/trust-store.ts";
import { ID_BYTES } from "../wire/capsule.ts";
import type { Sealing } from "../wire/seal.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { openRecord, sealRecords } from "./sealed-record.ts";

export const MAX_DEATHS = 16;
const CLASSES: ReadonlyMap<string, FailureClass> = new Map(
  Object.entries(FailureClass).map(([name, value]) => [name.toLowerCase(), value]),
);
const BOUNDS = { "DeadLetter.deaths": MAX_DEATHS };

/** Ids and hash in hex. */
export type DeadLetter = {
  readonly id: string;
  readonly actor: string;
  readonly node: string;
  readonly setAsideUnixMs: number;
  readonly intent: {
    readonly id: string;
    readonly rootId: string;
    readonly causeId: string;
    readonly type: string;
    readonly principal: string;
    readonly hash: string;
    readonly epoch: number;
  };
  /** Path of the sending actor; empty for a client. */
  readonly source: string;
  readonly deadlineUnixMs: number;
  /** As received; empty when it is not known any more. */
  readonly capsule: Uint8Array;
  readonly contentType: string;
  readonly payload: Uint8Array;
  /** Oldest first. */
  readonly deaths: readonly LetterDeath[];
};

export type LetterDeath = {
  readonly atUnixMs: number;
  readonly incarnation: { readonly term: number; readonly activation: number };
  /** Of the eight, e.g. "crash". */
  readonly class: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly origin: string;
};

export type ClosedLetter = {
  readonly id: string;
  readonly actor: string;
  readonly how: "retried" | "dropped";
  readonly by: string;
  readonly atUnixMs: number;
  /** Of the intent that it was retried as; empty when it was dropped. */
  readonly retryId: string;
};

export type DeadLetterRecord =
  | { readonly kind: "letter"; readonly letter: DeadLetter }
  | { readonly kind: "closed"; readonly closed: ClosedLetter };

/** @param batch number of the signature, rising */
export function signDeadLetter(record: DeadLetterRecord, sealing: Sealing, batch: bigint): Uint8Array {
  const message = create(DeadLetterRecordSchema, { record: toMessage(record) });
  const bytes = toBinary(DeadLetterRecordSchema, message);
  const [sealed] = sealRecords([{ kind: "deadletter", bytes }], sealing, batch);
  if (sealed === undefined) throw new RangeError("a record was sealed to nothing");
  return sealed;
}

/**
 * The same record under the key that this node has now, when it was sealed under another.
 * For what lay in this node's own directory while its key was rotated. ACTOR_DEADLETTER_INVALID.
 */
export function resealDeadLetter(
  sealed: Uint8Array,
  sealing: Sealing,
  batch: bigint,
): Result<Uint8Array, CellError> {
  const opened = openRecord("deadletter", sealed, sealing.genesisHash);
  if (!opened.ok) return invalid(opened.error.message);
  if (equalBytes(opened.value.signer, sealing.key.publicKey)) return ok(sealed);
  const [again = sealed] = sealRecords([{ kind: "deadletter", bytes: opened.value.bytes }], sealing, batch);
  return ok(again);
}

/**
 * Signed by a node of this cell: by the key that it is certified for now, or by one that it was
 * certified for when the broker took the record. ACTOR_DEADLETTER_INVALID: anything else.
 */
export function openDeadLetter(
  sealed: Uint8Array,
  trust: TrustStore,
  { takenUnixMs, nowUnixMs }: { readonly takenUnixMs: number; readonly nowUnixMs: number },
): Result<DeadLetterRecord, CellError> {
  const opened = openRecord("deadletter", sealed, trust.genesis.hash);
  if (!opened.ok) return invalid(opened.error.message);
  const signer = trust.nodeOfKeyAt(opened.value.signer, takenUnixMs, nowUnixMs);
  if (!signer.ok) return invalid(signer.error.message);
  if (signer.value.kind !== "node") return invalid("it was not signed by a node");
  const decoded = decodeStrict(DeadLetterRecordSchema, opened.value.bytes, BOUNDS);
  if (!decoded.ok) return invalid(decoded.error.message);
  const record = fromMessage(decoded.value.record);
  if (record === undefined) return invalid("a field of it is missing");
  const { principal } = signer.value;
  return record.kind === "letter" && record.letter.node !== principal
    ? invalid(`\`${principal}\` signed it in another node's name`)
    : ok(record);
}

function toMessage(record: DeadLetterRecord) {
  if (record.kind === "closed") {
    const { id, retryId, atUnixMs, ...rest } = record.closed;
    const value = { ...rest, id: bytesOf(id), retryId: bytesOf(retryId), unixMs: BigInt(atUnixMs) };
    return { case: "closed", value: create(DeadLetterClosedSchema, value) } as const;
  }
  const { id, intent, setAsideUnixMs, deadlineUnixMs, deaths, capsule, payload, ...rest } = record.letter;
  const value = {
    ...rest,
    id: bytesOf(id),
    setAsideUnixMs: BigInt(setAsideUnixMs),
    deadlineUnixMs: BigInt(Math.trunc(deadlineUnixMs)),
    capsule: Uint8Array.from(capsule),
    payload: Uint8Array.from(payload),
    intent: {
      id: bytesOf(intent.id),
      rootId: bytesOf(intent.rootId),
      causeId: bytesOf(intent.causeId),
      hash: bytesOf(intent.hash),
      intent: intent.type,
      principal: intent.principal,
      epoch: BigInt(intent.epoch),
    },
    deaths: deaths.slice(-MAX_DEATHS).map(deathToMessage),
  };
  return { case: "letter", value: create(DeadLetterSchema, value) } as const;
}

function deathToMessage({ atUnixMs, incarnation, class: failure, ...rest }: LetterDeath) {
  return {
    ...rest,
    unixMs: BigInt(Math.trunc(atUnixMs)),
    incarnation: { term: BigInt(incarnation.term), activation: BigInt(incarnation.activation) },
    failure: CLASSES.get(failure) ?? FailureClass.UNSPECIFIED,
  };
}

type Message = { case: "letter"; value: DeadLetterMessage } | { case: "closed"; value: DeadLetterClosed };

function fromMessage(record: Message | { case: undefined }): DeadLetterRecord | undefined {
  if (record.case === undefined || record.value.id.length !== ID_BYTES) return undefined;
  if (!isActorPath(record.value.actor)) return undefined;
  if (record.case === "letter") return readLetter(record.value);
  const { id, actor, how, by, unixMs, retryId } = record.value;
  if (how !== "retried" && how !== "dropped") return undefined;
  const closed = {
    id: toHex(id),
    actor,
    how,
    by,
    atUnixMs: Number(unixMs),
    retryId: toHex(retryId),
  } as const;
  return { kind: "closed", closed };
}

function readLetter(message: DeadLetterMessage): DeadLetterRecord | undefined {
  const { id, actor, node, setAsideUnixMs, intent, source, deadlineUnixMs } = message;
  if (intent === undefined || message.deaths.length === 0) return undefined;
  const { principal, intent: type } = intent;
  const letter = {
    id: toHex(id),
    actor,
    node,
    setAsideUnixMs: Number(setAsideUnixMs),
    intent: {
      id: toHex(intent.id),
      rootId: toHex(intent.rootId),
      causeId: toHex(intent.causeId),
      hash: toHex(intent.hash),
      type,
      principal,
      epoch: Number(intent.epoch),
    },
    source,
    deadlineUnixMs: Number(deadlineUnixMs),
    capsule: message.capsule,
    contentType: message.contentType,
    payload: message.payload,
    deaths: message.deaths.map(deathOf),
  };
  return { kind: "letter", letter };
}

function deathOf({
  unixMs,
  incarnation,
  failure,
  name,
  message,
  stack,
  origin,
}: DeadLetterDeath): LetterDeath {
  const known = FailureClassSchema.values.find(({ number }) => number === failure);
  return {
    atUnixMs: Number(unixMs),
    incarnation: {
      term: Number(incarnation?.term ?? 0n),
      activation: Number(incarnation?.activation ?? 0n),
    },
    class: known?.localName.toLowerCase() ?? "crash",
    name,
    message,
    stack,
    origin,
  };
}

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(fromHex(hex) ?? []);
const invalid = (why: string) => err(new CellError("ACTOR_DEADLETTER_INVALID", why));
