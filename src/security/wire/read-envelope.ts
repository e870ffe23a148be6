// The quick way from bytes to the fields of an envelope: for what is written as seal.ts
// writes it. Anything else is left to the strict decoder. Bounds of what the fields hold
// are judged by whoever asks.
import { ProtoReader } from "../../wire/proto-reader.ts";
import type { BatchProof, SingleProof } from "./envelope.ts";

export type EnvelopeFields = {
  readonly issuer: Uint8Array;
  readonly algorithm: number;
  readonly capsules: readonly Uint8Array[];
  readonly proof: SingleProof | BatchProof | undefined;
};

const NOTHING = new Uint8Array();

/** Undefined: it is for the strict decoder to judge. All bytes are views. */
export function readEnvelope(
  bytes: Uint8Array,
  maxCapsules: number,
  maxPath: number,
): EnvelopeFields | undefined {
  const reader = new ProtoReader(bytes);
  let issuer: Uint8Array = NOTHING;
  let algorithm = 0;
  const capsules: Uint8Array[] = [];
  let proof: EnvelopeFields["proof"];
  for (let tag = reader.tag(), before = 0; tag !== 0; before = tag, tag = reader.tag()) {
    const isNext = tag > before || (tag === CAPSULE && capsules.length < maxCapsules);
    if (!isNext || proof !== undefined) return undefined;
    if (tag === 10) issuer = reader.bytes();
    else if (tag === 16) algorithm = reader.uint32();
    else if (tag === CAPSULE) capsules.push(reader.bytes());
    else if (tag === 34) proof = readSingle(reader);
    else if (tag === 42) proof = readBatch(reader, maxPath);
    else return undefined;
  }
  return reader.sound ? { issuer, algorithm, capsules, proof } : undefined;
}

type Draft = { -readonly [K in Exclude<keyof BatchProof, "kind" | "path">]: BatchProof[K] };

const CAPSULE = 26;
const PATH = 50;

function readSingle(reader: ProtoReader): SingleProof {
  const outer = reader.enter();
  let signature: Uint8Array = NOTHING;
  for (let tag = reader.tag(), before = 0; tag !== 0; before = tag, tag = reader.tag()) {
    if (tag === 10 && before === 0) signature = reader.bytes();
    else reader.sound = false;
  }
  reader.leave(outer);
  return { kind: "single", signature };
}

function readBatch(reader: ProtoReader, maxPath: number): BatchProof {
  const outer = reader.enter();
  const path: Uint8Array[] = [];
  const draft: Draft = { signature: NOTHING, batch: 0n, count: 0, firstIndex: 0, root: NOTHING };
  for (let tag = reader.tag(), before = 0; tag !== 0; before = tag, tag = reader.tag()) {
    if (tag <= before && !(tag === PATH && path.length < maxPath)) reader.sound = false;
    else if (tag === 10) draft.signature = reader.bytes();
    else if (tag === 16) draft.batch = BigInt(reader.number());
    else if (tag === 24) draft.count = reader.uint32();
    else if (tag === 32) draft.firstIndex = reader.uint32();
    else if (tag === 42) draft.root = reader.bytes();
    else if (tag === PATH) path.push(reader.bytes());
    else reader.sound = false;
  }
  reader.leave(outer);
  return { kind: "merkle", ...draft, path };
}
