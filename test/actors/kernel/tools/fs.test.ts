// fs.read, fs.list and fs.write on a real disk, with everything in the way that a
// hostile neighbour can put there.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { placeOf } from "../../../../src/actors/kernel/tools/fs/path-policy.ts";
import type { FsGrant } from "../../../../src/manifest/tools.ts";
import { ACTOR, fsGrant, makeFolder, startWorld, toolsOf, type World } from "./tool-world.ts";

let folder: { readonly path: string; remove(): Promise<void> };
let root: string;
let worlds: World[] = [];
beforeEach(async () => {
  folder = await makeFolder();
  root = join(folder.path, "granted");
  mkdirSync(root);
  mkdirSync(join(root, "notes"));
  writeFileSync(join(root, "notes", "today.md"), "a note");
  writeFileSync(join(folder.path, "secret.txt"), "outside");
});
afterEach(async () => {
  for (const each of worlds) await each.stop();
  worlds = [];
  await folder.remove();
});

async function world(...fs: readonly FsGrant[]): Promise<World> {
  const made = await startWorld({ tools: toolsOf({ fs: fs.length === 0 ? [fsGrant(root)] : fs }) });
  worlds.push(made);
  return made;
}

describe("paths", () => {
  test.each([
    ["workspace/notes/today.md", "ok"],
    ["workspace/notes/today.md/", "ok"],
    ["workspace/notes/none.md", "TOOL_NOT_FOUND"],
    ["workspace/none/today.md", "TOOL_NOT_FOUND"],
    ["workspace/notes", "TOOL_PATH_REFUSED"],
    ["workspace", "TOOL_PATH_REFUSED"],
    ["workspace/notes/today.md/x", "TOOL_PATH_REFUSED"],
    ["/etc/passwd", "TOOL_REQUEST_INVALID"],
    ["../secret.txt", "TOOL_REQUEST_INVALID"],
    ["workspace/../secret.txt", "TOOL_REQUEST_INVALID"],
    ["workspace/notes/../../../secret.txt", "TOOL_REQUEST_INVALID"],
    ["workspace/./notes/today.md", "TOOL_REQUEST_INVALID"],
    ["workspace//notes/today.md", "TOOL_REQUEST_INVALID"],
    ["workspace/..", "TOOL_REQUEST_INVALID"],
    ["workspace\\..\\secret.txt", "TOOL_REQUEST_INVALID"],
    ["workspace/notes/today.md\u0000.txt", "TOOL_REQUEST_INVALID"],
    ["workspace/notes/\u001b[2Jtoday.md", "TOOL_REQUEST_INVALID"],
    ["workspace/%2e%2e/secret.txt", "TOOL_NOT_FOUND"],
    ["workspace/…/secret.txt", "TOOL_NOT_FOUND"],
    ["workspace/．．/secret.txt", "TOOL_NOT_FOUND"],
    ["workspace/~/secret.txt", "TOOL_NOT_FOUND"],
    ["workspace/$HOME", "TOOL_NOT_FOUND"],
    ["~/secret.txt", "TOOL_NOT_GRANTED"],
    ["secret.txt", "TOOL_NOT_GRANTED"],
    ["granted/notes/today.md", "TOOL_NOT_GRANTED"],
    ["Workspace/notes/today.md", "TOOL_NOT_GRANTED"],
    ["file:///etc/passwd", "TOOL_REQUEST_INVALID"],
    ["proc/self/environ", "TOOL_NOT_GRANTED"],
    [`workspace/${"a".repeat(256)}`, "TOOL_REQUEST_INVALID"],
    [`workspace/${"a/".repeat(40)}b`, "TOOL_REQUEST_INVALID"],
    ["workspace/.cell0-draft-00", "TOOL_REQUEST_INVALID"],
    ["workspace/\ud800", "TOOL_REQUEST_INVALID"],
  ])("%j: %s", async (path, code) => {
    const { outcome } = await world();
    expect(await outcome("fs.read", { path })).toBe(code);
  });

  test("whatever the text, what is placed has plain tokens only", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom("workspace", "/", ".", "..", "\\", "\0", "a") }),
        ),
        (path) => {
          const place = placeOf(ACTOR, [fsGrant("/x")], path, "read");
          if (!place.ok) return;
          for (const token of place.value.tokens) expect(token).toMatch(/^(?!\.{1,2}$)[^/\\\0]+$/);
        },
      ),
    );
  });
});

describe("what stands in the way", () => {
  test("a symbolic link is not followed, at any token, to read, list or write", async () => {
    symlinkSync(join(folder.path, "secret.txt"), join(root, "link.txt"));
    symlinkSync(folder.path, join(root, "up"));
    symlinkSync("today.md", join(root, "notes", "alias.md"));
    symlinkSync(join(folder.path, "made-by-write.txt"), join(root, "dangling.txt"));
    const { outcome, events } = await world();
    for (const path of [
      "workspace/link.txt",
      "workspace/up/secret.txt",
      "workspace/notes/alias.md",
      "workspace/up",
    ]) {
      expect([path, await outcome("fs.read", { path })]).toEqual([path, "TOOL_PATH_REFUSED"]);
    }
    expect(await outcome("fs.list", { path: "workspace/up" })).toBe("TOOL_PATH_REFUSED");
    for (const path of ["workspace/link.txt", "workspace/up/new.txt", "workspace/dangling.txt"]) {
      for (const mode of ["replace", "append", "create"]) {
        const write = { path, content: "overwritten", mode, parents: true };
        expect([path, mode, await outcome("fs.write", write)]).toEqual([path, mode, "TOOL_PATH_REFUSED"]);
      }
    }
    expect(readFileSync(join(folder.path, "secret.txt"), "utf8")).toBe("outside");
    expect(existsSync(join(folder.path, "made-by-write.txt"))).toBe(false);
    expect(existsSync(join(folder.path, "new.txt"))).toBe(false);
    expect(new Set(events.map(({ kind }) => kind.case))).toEqual(new Set(["toolRefused"]));
  });

  test("a file with several names is not read, nor appended to", async () => {
    linkSync(join(folder.path, "secret.txt"), join(root, "hard.txt"));
    const { outcome } = await world();
    expect(await outcome("fs.read", { path: "workspace/hard.txt" })).toBe("TOOL_PATH_REFUSED");
    const append = { path: "workspace/hard.txt", content: "x", mode: "append" };
    expect(await outcome("fs.write", append)).toBe("TOOL_PATH_REFUSED");
    // The name is replaced; the file that it shared with somebody else is not touched.
    expect(await outcome("fs.write", { path: "workspace/hard.txt", content: "own" })).toBe("ok");
    expect(readFileSync(join(folder.path, "secret.txt"), "utf8")).toBe("outside");
  });

  test("a pipe, a socket and a folder are no files, and nobody waits for them", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve));
    const { outcome } = await world();
    for (const name of ["pipe", "socket", "notes"]) {
      expect(await outcome("fs.read", { path: `workspace/${name}` })).toBe("TOOL_PATH_REFUSED");
      expect(await outcome("fs.write", { path: `workspace/${name}`, content: "x" })).toBe(
        "TOOL_PATH_REFUSED",
      );
    }
    await new Promise((resolve) => server.close(resolve));
  });

  test("another file system below the folder is not entered", async () => {
    const { outcome } = await world(fsGrant("/"));
    expect(await outcome("fs.read", { path: "workspace/proc/version" })).toBe("TOOL_PATH_REFUSED");
    expect(await outcome("fs.list", { path: "workspace/proc/self" })).toBe("TOOL_PATH_REFUSED");
  });

  test("a folder that is exchanged for a link again and again never leads outside", async () => {
    mkdirSync(join(root, "swap"));
    writeFileSync(join(root, "swap", "secret.txt"), "inside");
    symlinkSync(folder.path, join(root, "lure"));
    const { call } = await world();
    const seen = new Set<string>();
    let swapping = true;
    const swapper = (async () => {
      while (swapping) {
        renameSync(join(root, "swap"), join(root, "away"));
        renameSync(join(root, "lure"), join(root, "swap"));
        await new Promise((resolve) => setImmediate(resolve));
        renameSync(join(root, "swap"), join(root, "lure"));
        renameSync(join(root, "away"), join(root, "swap"));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 300; round += 1) {
      const read = call("fs.read", { path: "workspace/swap/secret.txt" });
      seen.add(
        await read.then(
          (reply) => (reply as { content: string }).content,
          (error: { code: string }) => error.code,
        ),
      );
    }
    swapping = false;
    await swapper;
    seen.delete("TOOL_PATH_REFUSED");
    seen.delete("TOOL_NOT_FOUND");
    expect([...seen]).toEqual(["inside"]);
  });

  test("a granted folder that is not there is told", async () => {
    const { outcome } = await world(fsGrant(join(folder.path, "none")));
    expect(await outcome("fs.list", { path: "workspace" })).toBe("TOOL_NOT_FOUND");
  });
});

describe("access", () => {
  const requests = {
    read: ["fs.read", { path: "workspace/notes/today.md" }],
    list: ["fs.list", { path: "workspace" }],
    write: ["fs.write", { path: "workspace/new.md", content: "x" }],
  } as const;
  test.each(["read", "list", "write"] as const)("%s alone allows nothing else", async (access) => {
    const { outcome } = await world(fsGrant(root, { access: [access] }));
    for (const [name, [intent, payload]] of Object.entries(requests)) {
      expect([name, await outcome(intent, payload)]).toEqual([
        name,
        name === access ? "ok" : "TOOL_NOT_GRANTED",
      ]);
    }
  });

  test("there is no intent that deletes, renames, links or changes modes", async () => {
    const { outcome } = await world();
    for (const intent of ["fs.delete", "fs.remove", "fs.rename", "fs.link", "fs.chmod"]) {
      expect(await outcome(intent, { path: "workspace/notes/today.md" })).toBe("ACTOR_INTENT_UNKNOWN");
    }
  });
});

describe("reading and listing", () => {
  test("a part, the size, text and bytes", async () => {
    const { call } = await world();
    const path = "workspace/notes/today.md";
    expect(await call("fs.read", { path })).toEqual({ content: "a note", encoding: "text", size: 6 });
    expect(await call("fs.read", { path, offset: 2, length: 2 })).toEqual({
      content: "no",
      encoding: "text",
      size: 6,
    });
    expect(await call("fs.read", { path, offset: 9 })).toEqual({ content: "", encoding: "text", size: 6 });
    expect(await call("fs.read", { path, as: "base64" })).toEqual({
      content: "YSBub3Rl",
      encoding: "base64",
      size: 6,
    });
  });

  test("a file beyond the grant's bytes is read in parts only", async () => {
    writeFileSync(join(root, "large"), Buffer.alloc(3_000, 97));
    const { call, outcome } = await world();
    expect(await outcome("fs.read", { path: "workspace/large" })).toBe("TOOL_TOO_LARGE");
    expect(await call("fs.read", { path: "workspace/large", offset: 2_500, length: 1_000 })).toMatchObject({
      size: 3_000,
    });
  });

  test("entries by name and kind, page by page, links as links", async () => {
    for (const name of ["b", "a", "c"]) writeFileSync(join(root, name), name);
    symlinkSync("/etc/passwd", join(root, "z-link"));
    const { call } = await world();
    expect(await call("fs.list", { path: "workspace", limit: 2 })).toEqual({
      entries: [
        { name: "a", kind: "file", size: 1 },
        { name: "b", kind: "file", size: 1 },
      ],
      more: true,
    });
    expect(await call("fs.list", { path: "workspace", after: "b" })).toEqual({
      entries: [
        { name: "c", kind: "file", size: 1 },
        { name: "notes", kind: "directory" },
        { name: "z-link", kind: "link" },
      ],
      more: false,
    });
  });
});

describe("writing", () => {
  test("creates, replaces, appends; with the folders above when asked", async () => {
    const { call, outcome } = await world();
    const path = "workspace/deep/er/new.md";
    expect(await outcome("fs.write", { path, content: "1" })).toBe("TOOL_NOT_FOUND");
    expect(await call("fs.write", { path, content: "one", mode: "create", parents: true })).toEqual({
      size: 3,
    });
    expect(await outcome("fs.write", { path, content: "two", mode: "create" })).toBe("TOOL_EXISTS");
    expect(await call("fs.write", { path, content: "IA==", encoding: "base64", mode: "append" })).toEqual({
      size: 4,
    });
    expect(readFileSync(join(root, "deep/er/new.md"), "utf8")).toBe("one ");
    expect(await call("fs.write", { path, content: "2" })).toEqual({ size: 1 });
    expect(readFileSync(join(root, "deep/er/new.md"), "utf8")).toBe("2");
    expect(readdirSync(join(root, "deep/er"))).toEqual(["new.md"]);
  });

  test("many at once leave each file whole, and no draft behind", async () => {
    const { call } = await world(fsGrant(root));
    await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        call("fs.write", { path: "workspace/one", content: String(at).repeat(500) }),
      ),
    );
    expect(readFileSync(join(root, "one"), "utf8")).toMatch(/^(\d)\1{499}$/);
    expect(readdirSync(root).sort()).toEqual(["notes", "one"]);
  });

  test("of many that create one file at once, one succeeds", async () => {
    const { outcome } = await world();
    const create = { path: "workspace/one", content: "x", mode: "create" };
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => outcome("fs.write", create)));
    expect(outcomes.sort()).toEqual([
      "TOOL_EXISTS",
      "TOOL_EXISTS",
      "TOOL_EXISTS",
      "TOOL_EXISTS",
      "TOOL_EXISTS",
      "ok",
    ]);
  });

  test("appends at once lose nothing", async () => {
    const { call } = await world();
    await Promise.all(
      Array.from({ length: 8 }, () =>
        call("fs.write", { path: "workspace/log", content: "line\n", mode: "append" }),
      ),
    );
    expect(readFileSync(join(root, "log"), "utf8")).toBe("line\n".repeat(8));
  });

  test("a file that is larger than memory is judged by its size, and never read for an append", async () => {
    const { outcome } = await world();
    writeFileSync(join(root, "sparse"), "");
    truncateSync(join(root, "sparse"), 2 ** 40);
    const append = { path: "workspace/sparse", content: "x", mode: "append" };
    expect(await outcome("fs.write", append)).toBe("TOOL_TOO_LARGE");
  });

  test("nothing grows beyond the grant's file, nor all files beyond its quota", async () => {
    const { outcome } = await world();
    expect(await outcome("fs.write", { path: "workspace/a", content: "x".repeat(1_025) })).toBe(
      "TOOL_TOO_LARGE",
    );
    expect(await outcome("fs.write", { path: "workspace/a", content: "x".repeat(1_000) })).toBe("ok");
    const append = { path: "workspace/a", content: "x".repeat(100), mode: "append" };
    expect(await outcome("fs.write", append)).toBe("TOOL_TOO_LARGE");
    for (const name of ["b", "c", "d"]) {
      expect(await outcome("fs.write", { path: `workspace/${name}`, content: "x".repeat(1_000) })).toBe("ok");
    }
    expect(await outcome("fs.write", { path: "workspace/e", content: "x".repeat(1_000) })).toBe(
      "TOOL_QUOTA_EXCEEDED",
    );
    // What gives way does not count.
    expect(await outcome("fs.write", { path: "workspace/d", content: "y".repeat(1_000) })).toBe("ok");
    expect(existsSync(join(root, "e"))).toBe(false);
  });

  test("writes at once do not share one rest of the quota", async () => {
    const { outcome } = await world(fsGrant(root, { quotaBytes: 1_006 }));
    const outcomes = await Promise.all(
      ["a", "b", "c"].map((name) =>
        outcome("fs.write", { path: `workspace/${name}`, content: "x".repeat(1_000) }),
      ),
    );
    expect(outcomes.sort()).toEqual(["TOOL_QUOTA_EXCEEDED", "TOOL_QUOTA_EXCEEDED", "ok"]);
  });
});

test("no file is left open", async () => {
  const { outcome } = await world();
  const before = readdirSync("/proc/self/fd").length;
  symlinkSync("/etc", join(root, "etc"));
  for (const path of [
    "workspace/notes/today.md",
    "workspace/etc/passwd",
    "workspace/notes/none",
    "workspace/notes",
  ]) {
    await outcome("fs.read", { path });
    await outcome("fs.list", { path });
    await outcome("fs.write", { path, content: "x" });
  }
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});
