// The messages of the channel: plain values <-> protobuf. The node reads strictly
// what an actor's side sends; every field of it is judged again where it is used.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { type ErrorCode, errorRegistry } from "../../errors/registry.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ErrorSchema } from "../../gen/cell0/v1/capsule_pb.ts";
import {
  type ActorOutcome,
  type ActorOutcomeSchema,
  type FromActor,
  FromActorSchema,
  type ToActor,
  ToActorSchema,
} from "../../gen/cell0/v1/channel_pb.ts";
import type { Json } from "../../manifest/graph.ts";
import { fromWireError, toWireError } from "../../security/replies/wire-error.ts";
import { priorityName, priorityNumber } from "../../security/wire/priority.ts";
import { decodeStrict } from "../../security/wire/strict-decode.ts";
import { asCellError } from "../as-cell-error.ts";
import type { Journaled } from "../durable/ports.ts";
import type { OutgoingReply, ReceivedIntent } from "../intent.ts";
import { jsonBytes, parseBounded } from "./bounded-json.ts";
import { encodeFrame } from "./frames.ts";

type FromActorKind = NonNullable<MessageInitShape<typeof FromActorSchema>["kind"]>;
type ToActorKind = NonNullable<MessageInitShape<typeof ToActorSchema>["kind"]>;

/** Nothing that an actor's side sends repeats. */
const BOUNDS = {};

/** A value of a reply in one frame; larger ones are no replies. */
export const MAX_VALUE_BYTES = 1024 * 1024;

export const toActorFrame = (kind: ToActorKind): Uint8Array =>
  encodeFrame(toBinary(ToActorSchema, create(ToActorSchema, { kind })));

export const fromActorFrame = (kind: FromActorKind): Uint8Array =>
  encodeFrame(toBinary(FromActorSchema, create(FromActorSchema, { kind })));

/** On the actor's side, of the node that started it. */
export const readToActor = (frame: Uint8Array): ToActor => fromBinary(ToActorSchema, frame);

/** On the node, of foreign code. @throws CellError ACTOR_CHANNEL_VIOLATED */
export function readFromActor(frame: Uint8Array): FromActor {
  const decoded = decodeStrict(FromActorSchema, frame, BOUNDS);
  if (decoded.ok && decoded.value.kind.case !== undefined) return decoded.value;
  const what = decoded.ok ? "an empty frame" : decoded.error.message;
  throw new CellError("ACTOR_CHANNEL_VIOLATED", what);
}

/** @throws CellError ACTOR_REPLY_INVALID when it is too large, TypeError when JSON does not hold it */
export function toOutcome(reply: OutgoingReply): MessageInitShape<typeof ActorOutcomeSchema> {
  if (reply.kind === "error") {
    return { kind: { case: "error", value: toWireError(reply.error) }, final: true };
  }
  const { value, final } = reply;
  const isRaw = value instanceof Uint8Array;
  const bytes = isRaw ? value : jsonBytes(value);
  if (bytes.byteLength > MAX_VALUE_BYTES) {
    const what = `a reply of ${bytes.byteLength} bytes does not fit the channel, which takes ${MAX_VALUE_BYTES}`;
    throw new CellError("ACTOR_REPLY_INVALID", what);
  }
  return { kind: { case: isRaw ? "raw" : "json", value: bytes }, final };
}

export type Outcome = Result<{ readonly value: unknown; readonly final: boolean }, CellError>;

/** @throws CellError ACTOR_CHANNEL_VIOLATED */
export function fromOutcome(outcome: ActorOutcome | undefined): Outcome {
  const kind = outcome?.kind;
  const final = outcome?.final === true;
  switch (kind?.case) {
    case "error":
      return err(fromWireError(kind.value));
    case "raw":
      return ok({ value: new Uint8Array(withinValue(kind.value, "a value")), final });
    case "json":
      return ok({
        value:
          kind.value.byteLength === 0
            ? undefined
            : parseBounded(withinValue(kind.value, "a value"), "a value"),
        final,
      });
    case undefined:
      throw new CellError("ACTOR_CHANNEL_VIOLATED", "a reply without an outcome");
  }
}

/** @throws CellError ACTOR_CHANNEL_VIOLATED: that side's own code refuses such a value */
export function withinValue(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.byteLength <= MAX_VALUE_BYTES) return bytes;
  throw new CellError("ACTOR_CHANNEL_VIOLATED", `${what} has ${bytes.byteLength} bytes`);
}

/** An answer for the actor's side; what it cannot be told becomes an error. */
export function encodable(outcome: Outcome): ReturnType<typeof toOutcome> {
  if (!outcome.ok) return toOutcome({ kind: "error", error: outcome.error });
  try {
    return toOutcome({ kind: "value", ...outcome.value });
  } catch (cause) {
    const error =
      asCellError(cause) ?? new CellError("ACTOR_REPLY_INVALID", "the reply is not JSON", { cause });
    return toOutcome({ kind: "error", error });
  }
}

const MAX_ERROR_CHARS = 1_024;

/** Why an actor did not start, for this node's eyes: paths are left in it. */
export function toStartError({ code, message, remedy }: CellError): MessageInitShape<typeof ErrorSchema> {
  return { code, message: message.slice(0, MAX_ERROR_CHARS), remedy: remedy.slice(0, MAX_ERROR_CHARS) };
}

/** @param original turns what that side says of files into what they are here */
export function fromStartError(
  { code, message, remedy }: { code: string; message: string; remedy: string },
  original: (text: string) => string,
): CellError {
  const text = original(message.slice(0, MAX_ERROR_CHARS).toWellFormed());
  const known = isErrorCode(code) ? code : "ACTOR_START_FAILED";
  return new CellError(known, text, remedy === "" ? {} : { remedy: remedy.slice(0, MAX_ERROR_CHARS) });
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorRegistry, code);

/** What a delivery to a durable actor has beside the intent. */
export type DurableDelivery = {
  readonly journaled: Journaled;
  /** What the node has decided in the actor's place. */
  readonly refused: CellError | undefined;
};

/** A delivery without its way back. */
export function deliveryFrame(number: bigint, intent: ReceivedIntent, durable?: DurableDelivery): Uint8Array {
  const { epoch, issuedAtUnixMs, deadlineUnixMs, priority, target: _, ...rest } = intent;
  return toActorFrame({
    case: "delivery",
    value: {
      ...rest,
      number,
      epoch: BigInt(epoch),
      issuedAtUnixMs: BigInt(Math.floor(issuedAtUnixMs)),
      deadlineUnixMs: BigInt(Math.floor(deadlineUnixMs)),
      priority: priorityNumber(priority),
      ...(durable === undefined ? {} : durableFields(durable)),
    },
  });
}

function durableFields({ journaled, refused }: DurableDelivery) {
  const { position, returnAddress, sourceSequence = 0 } = journaled;
  return {
    position: BigInt(position),
    returnAddress: jsonBytes(returnAddress),
    sourceSequence: BigInt(sourceSequence),
    ...(refused === undefined ? {} : { refused: toWireError(refused) }),
  };
}

type Start = Extract<ToActor["kind"], { case: "start" }>["value"];

/** On the actor's side: by the intent's id. */
export const readRefusals = ({ refusals }: Start): ReadonlyMap<string, CellError> =>
  new Map(refusals.flatMap(({ id, error }) => (error === undefined ? [] : [[id, fromWireError(error)]])));

/** For `start`. */
export const toRefusals = (refusals: readonly { readonly id: string; readonly error: CellError }[]) =>
  refusals.map(({ id, error }) => ({ id, error: toWireError(error) }));

/** On the actor's side. */
export function readDurable(
  message: Extract<ToActor["kind"], { case: "delivery" }>["value"],
): DurableDelivery {
  const sourceSequence = Number(message.sourceSequence);
  // Of the node that started it.
  const returnAddress = parseBounded(message.returnAddress, "a return address") as Json;
  const journaled = {
    position: Number(message.position),
    returnAddress,
    ...(sourceSequence === 0 ? {} : { sourceSequence }),
  };
  return { journaled, refused: message.refused && fromWireError(message.refused) };
}

export function readDelivery(
  message: Extract<ToActor["kind"], { case: "delivery" }>["value"],
  target: string,
): ReceivedIntent {
  const { id, rootId, causeId, hash, type, principal, source, contentType, payload } = message;
  return {
    ...{ id, rootId, causeId, hash, type, principal, source, contentType, payload, target },
    epoch: Number(message.epoch),
    issuedAtUnixMs: Number(message.issuedAtUnixMs),
    deadlineUnixMs: Number(message.deadlineUnixMs),
    priority: priorityName(message.priority) ?? "normal",
    hopLimit: message.hopLimit,
    traceparent: message.traceparent,
    wantsReply: message.wantsReply,
  };
}
