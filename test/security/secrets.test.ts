import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_SECRET_BYTES, openSecrets, type SecretStore, seal, unseal } from "../../src/security/secrets.ts";

let root: string;
let store: SecretStore;
const directory = () => join(root, "secrets");
const keyFile = () => join(root, "keys", "secrets.key");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cell0-secrets-"));
  store = openSecrets({ directory: directory(), keyFile: keyFile() });
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("a store of secrets", () => {
  it("gives back what was kept, and lists names in order", async () => {
    await store.set("mail-key", "hunter2");
    await store.set("api-key", "s3cret ☕");
    expect(await store.get("api-key")).toBe("s3cret ☕");
    expect((await store.list()).map(({ name }) => name)).toEqual(["api-key", "mail-key"]);
  });

  it("replaces a value and keeps no other file", async () => {
    await store.set("api-key", "one");
    await store.set("api-key", "two");
    expect(await store.get("api-key")).toBe("two");
    expect(await readdir(directory())).toEqual(["api-key.secret"]);
  });

  it("keeps key and files readable by their owner only, and no value in clear", async () => {
    await store.set("api-key", "in the clear");
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    const file = join(directory(), "api-key.secret");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file)).includes("in the clear")).toBe(false);
  });

  it("keeps its key when two first secrets are set at the same time", async () => {
    const other = openSecrets({ directory: directory(), keyFile: keyFile() });
    await Promise.all([store.set("a", "1"), other.set("b", "2")]);
    expect([await store.get("a"), await store.get("b")]).toEqual(["1", "2"]);
    expect(await readdir(join(root, "keys"))).toEqual(["secrets.key"]);
  });

  it("says whether there was something to remove", async () => {
    await store.set("api-key", "x");
    expect(await store.remove("api-key")).toBe(true);
    expect(await store.remove("api-key")).toBe(false);
    await expect(store.get("api-key")).rejects.toMatchObject({ code: "CELL_SECRET_UNKNOWN" });
  });

  it("refuses a file that was moved to another name", async () => {
    await store.set("test-key", "for tests");
    await rename(join(directory(), "test-key.secret"), join(directory(), "live-key.secret"));
    await expect(store.get("live-key")).rejects.toMatchObject({ code: "CELL_SECRET_DAMAGED" });
  });

  it("refuses a key of the wrong length and never replaces it", async () => {
    await store.set("api-key", "x");
    await writeFile(keyFile(), "short");
    await expect(store.get("api-key")).rejects.toMatchObject({ code: "CELL_KEY_DAMAGED" });
    await expect(store.set("other", "y")).rejects.toMatchObject({ code: "CELL_KEY_DAMAGED" });
  });

  it.each(["", "-a", "a-", "A", "../../genesis", "a/b", "a.b", "a".repeat(64)])(
    "refuses %j as a name",
    async (name) => {
      await expect(store.set(name, "x")).rejects.toMatchObject({ code: "CELL_SECRET_NAME_INVALID" });
      await expect(store.get(name)).rejects.toMatchObject({ code: "CELL_SECRET_NAME_INVALID" });
    },
  );

  it("refuses values that are empty or too large", async () => {
    await expect(store.set("a", "")).rejects.toMatchObject({ code: "CELL_SECRET_DAMAGED" });
    await expect(store.set("a", "x".repeat(MAX_SECRET_BYTES + 1))).rejects.toMatchObject({
      code: "CELL_SECRET_DAMAGED",
    });
  });
});

describe("sealing", () => {
  const key = new Uint8Array(32).fill(7);

  it("is undone by unsealing, for any value and name", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 500 }),
        fc.stringMatching(/^[a-z]{1,20}$/),
        (value, name) => {
          const text = value.toWellFormed();
          expect(unseal(key, name, seal(key, name, Buffer.from(text)))).toBe(text);
        },
      ),
    );
  });

  it("is void after any change of a byte, any cut, another name and another key", () => {
    const sealed = seal(key, "api-key", Buffer.from("value"));
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ bits;
        expect(() => unseal(key, "api-key", changed)).toThrow(
          expect.objectContaining({ code: "CELL_SECRET_DAMAGED" }),
        );
      }),
    );
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => unseal(key, "api-key", sealed.subarray(0, length))).toThrow();
    }
    expect(() => unseal(key, "api-kez", sealed)).toThrow();
    expect(() => unseal(new Uint8Array(32), "api-key", sealed)).toThrow();
  });
});
