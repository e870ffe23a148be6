// A snapshot as it is kept: the bytes of its JSON and their SHA-256. Whoever goes on from
// it checks the hash first, so that a state that changed by itself is never believed.
// The bytes are canonical as they are: members keep their order, because a behaviour may
// rely on it, and nothing is written anew before it is hashed again.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { equalBytes, sha256 } from "../security/bytes.ts";
import { parseJson } from "../wire/json-keys.ts";

/** Larger states are not kept: a restart then begins afresh, on record. */
export const MAX_SNAPSHOT_BYTES = 16 * 1024 * 1024;

export type SealedSnapshot = {
  /** UTF-8 JSON. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly hash: Uint8Array;
};

/** The bytes that a plain JSON value is hashed and kept as. @throws TypeError for what is no JSON */
export function snapshotBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError("the snapshot is not JSON");
  return Buffer.from(text, "utf8");
}

/** ACTOR_SNAPSHOT_UNSUPPORTED when it is no JSON or too large. */
export function sealSnapshot(value: unknown): Result<SealedSnapshot, CellError> {
  try {
    const bytes = snapshotBytes(value);
    if (bytes.length <= MAX_SNAPSHOT_BYTES) return ok({ bytes, hash: sha256(bytes) });
    const what = `the snapshot has ${bytes.length} bytes, at most ${MAX_SNAPSHOT_BYTES} are kept`;
    return err(new CellError("ACTOR_SNAPSHOT_UNSUPPORTED", what));
  } catch (cause) {
    return err(new CellError("ACTOR_SNAPSHOT_UNSUPPORTED", undefined, { cause }));
  }
}

/** ACTOR_SNAPSHOT_CORRUPT when the bytes are not those that were hashed. */
export function openSnapshot({ bytes, hash }: SealedSnapshot): Result<unknown, CellError> {
  if (!equalBytes(sha256(bytes), hash)) return err(new CellError("ACTOR_SNAPSHOT_CORRUPT"));
  try {
    return ok(parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")));
  } catch (cause) {
    return err(new CellError("ACTOR_SNAPSHOT_CORRUPT", "its bytes are no JSON", { cause }));
  }
}
