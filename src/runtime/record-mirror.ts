// This node's own copy of the cell's signed records (certificates, revisions),
// one file each. The broker may be restored from an old copy or be rewritten by
// its owner; what lies here tells.
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export type RecordMirror = {
  /** Writes a record durably: the file is complete or absent, even after a power loss. Writes happen in the order of these calls. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Forgets a record; nothing happens when there is none. */
  remove(name: string): Promise<void>;
  /** All records, by name. */
  all(): Promise<ReadonlyMap<string, Uint8Array>>;
};

/** A mirror that another process of this node writes: what is put into it waits until this one may. */
export type StandbyMirror = RecordMirror & {
  /** Writes what waits, in order; from then on it is a mirror like any other. */
  activate(): Promise<void>;
};

/** Records that wait: later ones of a name take the place of earlier ones. */
export function standbyMirror(mirror: RecordMirror): StandbyMirror {
  let waiting: Map<string, Uint8Array | undefined> | undefined = new Map();
  const wait = (name: string, bytes: Uint8Array | undefined): boolean => {
    waiting?.delete(name);
    waiting?.set(name, bytes);
    return waiting !== undefined;
  };
  return {
    all: () => mirror.all(),
    async put(name, bytes) {
      if (!wait(name, bytes)) await mirror.put(name, bytes);
    },
    async remove(name) {
      if (!wait(name, undefined)) await mirror.remove(name);
    },
    async activate() {
      const writes = waiting ?? new Map<string, Uint8Array>();
      waiting = undefined;
      for (const [name, bytes] of writes)
        await (bytes === undefined ? mirror.remove(name) : mirror.put(name, bytes));
    },
  };
}

const MAX_READINGS = 5;

/** @param extension of the files, e.g. "cert"; names are the caller's and must be plain tokens */
export async function openMirror(directory: string, extension: string): Promise<RecordMirror> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const suffix = `.${extension}`;
  const fileOf = (name: string) => {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new RangeError(`not a record name: ${name}`);
    return join(directory, `${name}${suffix}`);
  };
  // Two writers of one record would mix in the file beside it, and the older could end up on top.
  let writing: Promise<void> = Promise.resolve();
  const inTurn = (write: () => Promise<void>): Promise<void> => {
    const written = writing.then(write);
    writing = written.catch(() => undefined);
    return written;
  };
  return {
    async put(name, bytes) {
      const path = fileOf(name);
      await inTurn(async () => {
        await writeSynced(`${path}.new`, bytes);
        await rename(`${path}.new`, path);
        await syncDirectory(directory);
      });
    },
    async remove(name) {
      const path = fileOf(name);
      await inTurn(() => rm(path, { force: true }));
    },
    async all() {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await readRecords(directory, suffix);
        } catch (error) {
          // Its writer has put another in the place of one meanwhile.
          const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
          if (!isGone || attempt === MAX_READINGS) throw error;
        }
      }
    },
  };
}

async function readRecords(directory: string, suffix: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>();
  for (const entry of await readdir(directory)) {
    if (entry.endsWith(suffix)) {
      records.set(entry.slice(0, -suffix.length), new Uint8Array(await readFile(join(directory, entry))));
    }
  }
  return records;
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So that the new name outlives a power loss; some file systems cannot. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync().catch(() => undefined);
  } finally {
    await directory.close();
  }
}
