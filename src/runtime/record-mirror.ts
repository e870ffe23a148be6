// This node's own copy of the cell's signed records (certificates, revisions),
// one file each. The broker may be restored from an old copy or be rewritten by
// its owner; what lies here tells.
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

export type RecordMirror = {
  /** Writes a record durably: the file is complete or absent, even after a power loss. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** All records, by name. */
  all(): Promise<ReadonlyMap<string, Uint8Array>>;
};

/** @param extension of the files, e.g. "cert"; names are the caller's and must be plain tokens */
export async function openMirror(directory: string, extension: string): Promise<RecordMirror> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const suffix = `.${extension}`;
  const fileOf = (name: string) => {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new RangeError(`not a record name: ${name}`);
    return join(directory, `${name}${suffix}`);
  };
  return {
    async put(name, bytes) {
      const path = fileOf(name);
      const file = await open(`${path}.new`, "w", 0o600);
      await file.writeFile(bytes);
      await file.sync();
      await file.close();
      await rename(`${path}.new`, path);
    },
    async all() {
      const records = new Map<string, Uint8Array>();
      for (const entry of await readdir(directory)) {
        if (entry.endsWith(suffix)) {
          records.set(entry.slice(0, -suffix.length), new Uint8Array(await readFile(join(directory, entry))));
        }
      }
      return records;
    },
  };
}
