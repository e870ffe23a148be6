// The files of behaviours that were read of late, so that a restart does not read and
// hash them again: good as long as each is the very file that was read, by what the
// system says of it, and as those that were missing are still missing.
import { type BigIntStats, statSync } from "node:fs";
import { type CodeFile, hashFiles, readCodeFiles } from "./code-files.ts";

export type KnownCode = { readonly files: readonly CodeFile[]; readonly hash: string };

const MAX_MODULES = 64;
const MAX_BYTES = 32 * 1024 * 1024;
/** Of one module; looking at more takes longer than reading them elsewhere does. */
const MAX_LOOKS = 64;
/** A change so shortly before the reading need not show in the time of a change right after it. */
const SETTLED_NS = 1_000_000_000n;

type Entry = {
  readonly code: KnownCode;
  readonly stamps: ReadonlyMap<string, string>;
  readonly bytes: number;
};

/** The one used last stands last. */
const known = new Map<string, Entry>();
let knownBytes = 0;

/** @throws CellError as `codeFiles` */
export async function knownCode(module: string): Promise<KnownCode> {
  const entry = known.get(module);
  if (entry !== undefined) {
    forget(module, entry);
    if (isAsItWas(entry.stamps)) return keep(module, entry);
  }
  const readAtNs = BigInt(Date.now()) * 1_000_000n;
  const { files, looked } = await readCodeFiles(module);
  const code = { files, hash: hashFiles(files) };
  const stamps = stampsOf(looked, readAtNs);
  if (stamps === undefined) return code;
  const bytes = files.reduce((sum, file) => sum + file.bytes.byteLength, 0);
  return keep(module, { code, stamps, bytes });
}

function keep(module: string, entry: Entry): KnownCode {
  known.set(module, entry);
  knownBytes += entry.bytes;
  for (const [oldest, other] of known) {
    if (known.size <= MAX_MODULES && knownBytes <= MAX_BYTES) break;
    forget(oldest, other);
  }
  return entry.code;
}

function forget(module: string, entry: Entry): void {
  known.delete(module);
  knownBytes -= entry.bytes;
}

const MISSING = "missing";

/** Undefined: they are too many, or too young for a later change to be sure to show. */
function stampsOf(paths: readonly string[], readAtNs: bigint): ReadonlyMap<string, string> | undefined {
  if (paths.length > MAX_LOOKS) return undefined;
  const stamps = new Map<string, string>();
  for (const path of paths) {
    const stats = look(path);
    if (stats !== undefined && stats.ctimeNs + SETTLED_NS > readAtNs) return undefined;
    stamps.set(path, stampOf(stats));
  }
  return stamps;
}

const isAsItWas = (stamps: ReadonlyMap<string, string>): boolean =>
  [...stamps].every(([path, stamp]) => stampOf(look(path)) === stamp);

const stampOf = (stats: BigIntStats | undefined): string =>
  stats === undefined
    ? MISSING
    : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.mode}`;

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
