// A snapshot as it is kept: the bytes of its JSON and their SHA-256. Whoever goes on from
// it checks the hash first, so that a state that changed by itself is never believed.
// The bytes are canonical as they are: members keep their order, because a behaviour may
// rely on it, and nothing is written anew before it is hashed again.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { copyOf, equalBytes, sha256 } from "../security/bytes.ts";

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

/** What was opened is not changed by whoever goes on from it: when it comes back it needs not be written anew. */
const openedFrom = new WeakMap<WeakKey, SealedSnapshot>();

/** ACTOR_SNAPSHOT_UNSUPPORTED when it is no JSON or too large. */
export function sealSnapshot(value: unknown): Result<SealedSnapshot, CellError> {
  const known = isObject(value) ? openedFrom.get(value) : undefined;
  // Bytes of its own, so that what damages the one leaves the other whole.
  if (known !== undefined) return ok({ bytes: copyOf(known.bytes), hash: known.hash });
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
export function openSnapshot(sealed: SealedSnapshot): Result<unknown, CellError> {
  const { bytes, hash } = sealed;
  if (!equalBytes(sha256(bytes), hash)) return err(new CellError("ACTOR_SNAPSHOT_CORRUPT"));
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
    const value: unknown = JSON.parse(text);
    if (isObject(value)) openedFrom.set(value, sealed);
    return ok(value);
  } catch (cause) {
    return err(new CellError("ACTOR_SNAPSHOT_CORRUPT", "its bytes are no JSON", { cause }));
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
