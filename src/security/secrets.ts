// Secrets at rest: one file each, AES-256-GCM under a key of the node's own,
// bound to the secret's name so that files cannot be exchanged. Manifests refer
// to them as `{ $secret: NAME }`; the node puts the values in when an actor
// starts. Nothing here logs, prints or returns a value but to who asks by name.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CellError } from "../errors/cell-error.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Version of the file's layout: magic, nonce, ciphertext, tag. */
const MAGIC = Buffer.from("cell0-secret/1\n");
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const EXTENSION = ".secret";

/** Longest value, in bytes of UTF-8. */
export const MAX_SECRET_BYTES = 64 * 1024;

export type SecretRow = { readonly name: string; readonly updatedUnixMs: number };

export type SecretStore = {
  /** Writes or replaces; complete or not at all, even after a power loss. */
  set(name: string, value: string): Promise<void>;
  /** Throws CELL_SECRET_UNKNOWN, or CELL_SECRET_DAMAGED when it does not open. */
  get(name: string): Promise<string>;
  /** By name. */
  list(): Promise<readonly SecretRow[]>;
  /** Whether there was one. */
  remove(name: string): Promise<boolean>;
};

export type SecretPlaces = {
  /** Directory of the secrets; made at the first `set`. */
  readonly directory: string;
  /** File of the key; made at the first `set`. */
  readonly keyFile: string;
};

export function openSecrets({ directory, keyFile }: SecretPlaces): SecretStore {
  const fileOf = (name: string) => join(directory, `${checked(name)}${EXTENSION}`);
  return {
    async set(name, value) {
      const path = fileOf(name);
      const plain = Buffer.from(value, "utf8");
      if (plain.length === 0 || plain.length > MAX_SECRET_BYTES) {
        throw new CellError("CELL_SECRET_DAMAGED", `a secret holds 1 to ${MAX_SECRET_BYTES} bytes`, {
          where: name,
          remedy: "Give a shorter value, and not an empty one.",
        });
      }
      const key = await readOrCreateKey(keyFile);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeDurably(path, seal(key, name, plain));
    },
    async get(name) {
      const sealed = await readIfThere(fileOf(name));
      if (sealed === undefined) {
        throw new CellError("CELL_SECRET_UNKNOWN", `there is no secret "${name}"`, { where: directory });
      }
      const key = await readKey(keyFile);
      if (key === undefined) {
        throw new CellError("CELL_SECRET_DAMAGED", "the key of the secrets is missing", { where: keyFile });
      }
      return unseal(key, name, sealed);
    },
    async list() {
      const rows: SecretRow[] = [];
      for (const entry of await entriesOf(directory)) {
        if (!entry.endsWith(EXTENSION)) continue;
        const name = entry.slice(0, -EXTENSION.length);
        if (NAME.test(name)) {
          rows.push({ name, updatedUnixMs: Math.floor((await stat(join(directory, entry))).mtimeMs) });
        }
      }
      return rows.sort((left, right) => (left.name < right.name ? -1 : 1));
    },
    async remove(name) {
      try {
        await unlink(fileOf(name));
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },
  };
}

/** Nonces are random: a key seals far fewer than the 2^32 messages at which NIST SP 800-38D draws the line. */
export function seal(key: Uint8Array, name: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(associated(name));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([MAGIC, nonce, body, cipher.getAuthTag()]);
}

/** Throws CELL_SECRET_DAMAGED for any change of a byte, and for another name or key. */
export function unseal(key: Uint8Array, name: string, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  const start = MAGIC.length + NONCE_BYTES;
  const end = bytes.length - TAG_BYTES;
  try {
    if (end < start || end - start > MAX_SECRET_BYTES) throw new RangeError("wrong length");
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError("not a secret's file");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(MAGIC.length, start), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(name)).setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(start, end)), decipher.final()]).toString("utf8");
  } catch (cause) {
    throw new CellError("CELL_SECRET_DAMAGED", undefined, { where: name, cause });
  }
}

const associated = (name: string) => Buffer.from(`cell0/v1/secret\0${name}`);

function checked(name: string): string {
  if (!NAME.test(name))
    throw new CellError("CELL_SECRET_NAME_INVALID", undefined, { where: name.slice(0, 80) });
  return name;
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  const key = await readIfThere(path);
  if (key !== undefined && key.length !== KEY_BYTES) {
    throw new CellError("CELL_KEY_DAMAGED", "the key of the secrets has the wrong length", { where: path });
  }
  return key;
}

async function readOrCreateKey(path: string): Promise<Uint8Array> {
  const known = await readKey(path);
  if (known !== undefined) return known;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFileSynced(draft, randomBytes(KEY_BYTES));
  try {
    // A link fails when somebody made the key in between: a key is never overwritten.
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readKey(path);
  if (made === undefined) throw new CellError("CELL_KEY_DAMAGED", undefined, { where: path });
  return made;
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  await writeFileSynced(draft, bytes);
  await rename(draft, path);
}

async function writeFileSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
