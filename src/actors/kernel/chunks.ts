// Values larger than one capsule, as a stream of replies: JSON, gzipped, cut.
import { gunzipSync, gzipSync } from "node:zlib";

/** Bytes of gzipped JSON in one chunk; base64 of it fits a capsule's 64 KiB. */
const CHUNK_BYTES = 40 * 1024;
/** What one value may hold when unpacked. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;
const MAX_CHUNKS = 1024;

export type Chunk = { readonly chunk: string; readonly more: boolean };

/** Cuts a JSON value into chunks, at least one. */
export function toChunks(value: unknown): readonly Chunk[] {
  const packed = gzipSync(JSON.stringify(value), { level: 1 });
  const chunks: Chunk[] = [];
  for (let at = 0; at === 0 || at < packed.length; at += CHUNK_BYTES) {
    const more = at + CHUNK_BYTES < packed.length;
    chunks.push({ chunk: packed.subarray(at, at + CHUNK_BYTES).toString("base64"), more });
  }
  return chunks;
}

/** Joins the chunks of one value. Throws RangeError beyond 1,024 chunks or 64 MiB unpacked. */
export function fromChunks(chunks: readonly Chunk[]): unknown {
  if (chunks.length > MAX_CHUNKS) throw new RangeError(`more than ${MAX_CHUNKS} chunks`);
  const packed = Buffer.concat(chunks.map(({ chunk }) => Buffer.from(chunk, "base64")));
  return JSON.parse(gunzipSync(packed, { maxOutputLength: MAX_VALUE_BYTES }).toString("utf8"));
}

/** Answers with a value of any size: all chunks but the last as partial replies, the last as the reply. */
export function inChunks(context: { partial(chunk: Chunk): void }, value: unknown): Chunk {
  const chunks = toChunks(value);
  for (const chunk of chunks.slice(0, -1)) context.partial(chunk);
  return chunks.at(-1) ?? { chunk: "", more: false };
}
