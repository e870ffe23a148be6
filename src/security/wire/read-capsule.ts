// The quick way from bytes to a capsule: for what is written as encodeCapsule writes it,
// fields in their order, none twice. Anything else is left to the strict decoder, which
// comes to the same capsule or names the fault; so this one need not explain itself.
import { ProtoReader } from "../../wire/proto-reader.ts";
import type { Capsule, HybridTime, Incarnation, ReplyPart, Source, WireError } from "./capsule.ts";
import { priorityName } from "./priority.ts";

type Trace = Pick<Capsule, "traceparent" | "tracestate">;
type Draft = { -readonly [K in keyof Capsule]: Capsule[K] };

const NOTHING = new Uint8Array();
const NO_TIME: HybridTime = { unixMs: 0, counter: 0 };
/** Texts of the capsule that was read last: those of the next are mostly the same. */
const last = { target: "", intent: "", contentType: "", replyInbox: "", actor: "" };

/** Undefined: it is for the strict decoder to judge. Payload and ids are views of `bytes`. */
export function readCapsule(bytes: Uint8Array): Capsule | undefined {
  const reader = new ProtoReader(bytes);
  const draft: Draft = {
    id: NOTHING,
    rootId: NOTHING,
    causeId: NOTHING,
    hopLimit: 0,
    target: "",
    intent: "",
    contentType: "",
    payload: NOTHING,
    issuedAt: NO_TIME,
    deadlineUnixMs: 0,
    priority: "normal",
    epoch: 0,
    capability: NOTHING,
    traceparent: "",
    tracestate: "",
    replyInbox: "",
    source: undefined,
    reply: undefined,
  };
  for (let tag = reader.tag(), before = 0; tag !== 0; before = tag, tag = reader.tag()) {
    if (tag <= before || !readField(tag, reader, draft)) return undefined;
  }
  return reader.sound ? draft : undefined;
}

/** Tags are a field's number times eight, and 2 where it has a length. */
function readField(tag: number, reader: ProtoReader, draft: Draft): boolean {
  switch (tag) {
    case 10:
      draft.id = reader.bytes();
      return true;
    case 18:
      draft.rootId = reader.bytes();
      return true;
    case 26:
      draft.causeId = reader.bytes();
      return true;
    case 32:
      draft.hopLimit = reader.uint32();
      return true;
    case 42:
      draft.target = last.target = reader.text(last.target);
      return true;
    case 50:
      draft.intent = last.intent = reader.text(last.intent);
      return true;
    case 58:
      draft.contentType = last.contentType = reader.text(last.contentType);
      return true;
    case 66:
      draft.payload = reader.bytes();
      return true;
    case 74:
      draft.issuedAt = readTime(reader);
      return true;
    case 80:
      draft.deadlineUnixMs = reader.number();
      return true;
    case 88:
      return readPriority(reader, draft);
    case 96:
      draft.epoch = reader.number();
      return true;
    default:
      return readRest(tag, reader, draft);
  }
}

function readRest(tag: number, reader: ProtoReader, draft: Draft): boolean {
  switch (tag) {
    case 106:
      draft.capability = reader.bytes();
      return true;
    case 114:
      Object.assign(draft, readTrace(reader));
      return true;
    case 122:
      draft.replyInbox = last.replyInbox = reader.text(last.replyInbox);
      return true;
    case 130:
      draft.source = readSource(reader);
      return true;
    case 138:
      draft.reply = readReply(reader);
      return true;
    default:
      return false;
  }
}

function readPriority(reader: ProtoReader, draft: Draft): boolean {
  const name = priorityName(reader.uint32());
  if (name === undefined) return false;
  draft.priority = name;
  return true;
}

/** Reads the fields of a message within by their tags, which must rise. */
function readFields(reader: ProtoReader, read: (tag: number) => boolean): void {
  const outer = reader.enter();
  for (let tag = reader.tag(), before = 0; tag !== 0; before = tag, tag = reader.tag()) {
    if (tag <= before || !read(tag)) reader.sound = false;
  }
  reader.leave(outer);
}

function readTime(reader: ProtoReader): HybridTime {
  let unixMs = 0;
  let counter = 0;
  readFields(reader, (tag) => {
    if (tag === 8) unixMs = reader.number();
    else if (tag === 16) counter = reader.uint32();
    else return false;
    return true;
  });
  return { unixMs, counter };
}

function readTrace(reader: ProtoReader): Trace {
  let traceparent = "";
  let tracestate = "";
  readFields(reader, (tag) => {
    if (tag === 10) traceparent = reader.text();
    else if (tag === 18) tracestate = reader.text();
    else return false;
    return true;
  });
  return { traceparent, tracestate };
}

function readSource(reader: ProtoReader): Source {
  let actor = "";
  let incarnation: Incarnation | undefined;
  let sequence = 0;
  readFields(reader, (tag) => {
    if (tag === 10) actor = last.actor = reader.text(last.actor);
    else if (tag === 18) incarnation = readIncarnation(reader);
    else if (tag === 24) sequence = reader.number();
    else return false;
    return true;
  });
  return { actor, incarnation, sequence };
}

function readIncarnation(reader: ProtoReader): Incarnation {
  let term = 0;
  let activation = 0;
  readFields(reader, (tag) => {
    if (tag === 8) term = reader.number();
    else if (tag === 16) activation = reader.number();
    else return false;
    return true;
  });
  return { term, activation };
}

function readReply(reader: ProtoReader): ReplyPart {
  const draft: { -readonly [K in keyof ReplyPart]: ReplyPart[K] } = {
    requestId: NOTHING,
    requestHash: NOTHING,
    index: 0,
    final: false,
    error: undefined,
    turnedAway: 0,
  };
  readFields(reader, (tag) => {
    if (tag === 10) draft.requestId = reader.bytes();
    else if (tag === 18) draft.requestHash = reader.bytes();
    else if (tag === 24) draft.index = reader.uint32();
    else if (tag === 32) draft.final = reader.flag();
    else if (tag === 42) draft.error = readError(reader);
    else if (tag === 48) draft.turnedAway = reader.uint32();
    else return false;
    return true;
  });
  return draft;
}

function readError(reader: ProtoReader): WireError {
  const draft = { code: "", message: "", remedy: "", retryable: false, retryAfterMs: 0 };
  readFields(reader, (tag) => {
    if (tag === 10) draft.code = reader.text();
    else if (tag === 18) draft.message = reader.text();
    else if (tag === 26) draft.remedy = reader.text();
    else if (tag === 32) draft.retryable = reader.flag();
    else if (tag === 40) draft.retryAfterMs = reader.uint32();
    else return false;
    return true;
  });
  return draft;
}
