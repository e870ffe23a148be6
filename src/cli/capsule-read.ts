// Bytes of an envelope from a file or standard input, as they are, in hex or in
// base64; and an envelope as JSON.
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import { readChain } from "../security/capability/chain.ts";
import type { Capsule } from "../security/wire/capsule.ts";
import { decodeCapsule } from "../security/wire/decode-capsule.ts";
import { decodeEnvelope, type Envelope, MAX_ENVELOPE_BYTES } from "../security/wire/envelope.ts";
import { chainToJson } from "./cap-show.ts";
import type { Context } from "./context.ts";
import { formatError } from "./error-output.ts";
import { openInput, readAll } from "./payload-input.ts";

export type EnvelopeInput = { readonly bytes: Uint8Array; readonly envelope: Envelope };
export type BytesInput = { readonly bytes: Uint8Array; readonly envelope: Envelope | undefined };

/** Throws CLI_CAPSULE_UNREADABLE; with `any bytes` only for an empty input. */
export async function readEnvelope(context: Context, file: string | undefined): Promise<EnvelopeInput>;
export async function readEnvelope(
  context: Context,
  file: string | undefined,
  form: "any bytes",
): Promise<BytesInput>;
export async function readEnvelope(
  context: Context,
  file: string | undefined,
  form?: "any bytes",
): Promise<BytesInput> {
  // Hex doubles the length, a line's end adds to it.
  const input = await readAll(openInput(context, file ?? "-"), MAX_ENVELOPE_BYTES * 2 + 16);
  if (input.length === 0) throw new CellError("CLI_CAPSULE_UNREADABLE", "the input is empty");
  let fault: CellError | undefined;
  for (const bytes of readings(input)) {
    const decoded = decodeEnvelope(bytes);
    if (decoded.ok) return { bytes, envelope: decoded.value };
    fault ??= decoded.error;
  }
  if (form === "any bytes") return { bytes: readings(input)[0] ?? input, envelope: undefined };
  throw new CellError(
    "CLI_CAPSULE_UNREADABLE",
    fault === undefined ? undefined : `this is no envelope: ${formatError(fault)}`,
    {
      ...(fault === undefined ? {} : { cause: fault }),
    },
  );
}

/** What the input may mean, the most specific first. */
function readings(input: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(input).toString("latin1").trim();
  const found: Uint8Array[] = [];
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) found.push(Buffer.from(text, "hex"));
  if (/^[A-Za-z0-9+/_\s-]+={0,2}$/.test(text)) found.push(Buffer.from(text.replace(/\s/g, ""), "base64"));
  return [...found, input];
}

export function envelopeToJson({ issuer, capsules, proof }: Envelope): object {
  return {
    issuer: toHex(issuer),
    algorithm: "ed25519",
    proof:
      proof.kind === "single"
        ? { kind: proof.kind, signature: toHex(proof.signature) }
        : {
            kind: proof.kind,
            signature: toHex(proof.signature),
            batch: proof.batch.toString(),
            count: proof.count,
            firstIndex: proof.firstIndex,
            root: toHex(proof.root),
            path: proof.path.map(toHex),
          },
    capsules: capsules.map((bytes) => {
      const decoded = decodeCapsule(bytes);
      return decoded.ok ? capsuleToJson(decoded.value) : { unreadable: formatError(decoded.error) };
    }),
  };
}

function capsuleToJson(capsule: Capsule): object {
  const { id, rootId, causeId, payload, capability, reply, ...rest } = capsule;
  return {
    id: toHex(id),
    rootId: toHex(rootId),
    causeId: toHex(causeId),
    ...rest,
    issuedAt: { ...capsule.issuedAt, iso: isoOf(capsule.issuedAt.unixMs) },
    deadline: isoOf(capsule.deadlineUnixMs),
    payload: payloadToJson(payload, capsule.contentType),
    ...(capability.length === 0 ? {} : { capability: capabilityToJson(capability) }),
    ...(reply === undefined
      ? {}
      : { reply: { ...reply, requestId: toHex(reply.requestId), requestHash: toHex(reply.requestHash) } }),
  };
}

function capabilityToJson(bytes: Uint8Array): unknown {
  const chain = readChain(bytes);
  return chain.ok ? chainToJson(chain.value) : { unreadable: formatError(chain.error) };
}

const isoOf = (unixMs: number): string | null => (unixMs <= 8.64e15 ? new Date(unixMs).toISOString() : null);

/** JSON as its value, everything else as base64. */
function payloadToJson(payload: Uint8Array, contentType: string): unknown {
  if (contentType === "application/json" && payload.length > 0) {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    } catch {
      // Shown as bytes, since that is what it is.
    }
  }
  return { base64: Buffer.from(payload).toString("base64") };
}
