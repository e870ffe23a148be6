import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchFiles } from "../../src/cli/file-watch.ts";
import { main } from "../../src/cli/main.ts";
import { manifestFiles, moduleFiles } from "../../src/cli/watched-files.ts";
import { loadManifests } from "../../src/manifest/load.ts";
import { lockDirectory } from "../../src/runtime/lock.ts";
import { chunked, fakeCell, oneNode } from "./fake-cell.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { madeCell } from "./made-cell.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-dev-"));
  await writeFile(
    join(directory, "graph.yaml"),
    `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata: { name: hello }
spec:
  strategy: one_for_one
  children: [{ actor: greeter, behaviour: ./greeter.ts#greeter }]
`,
  );
  await writeFile(
    join(directory, "greeter.ts"),
    'import { z } from "zod";\nimport { words } from "./words.ts";\nexport * from "./more.ts";\nexport const greeter = words;\n',
  );
  await writeFile(join(directory, "words.ts"), 'export const words = () => import("./lazy.ts");\n');
  await writeFile(join(directory, "more.ts"), 'import "./greeter.ts";\n');
  await writeFile(join(directory, "lazy.ts"), "export {};\n");
  await writeFile(join(directory, "unrelated.ts"), "export {};\n");
});
afterEach(() => rm(directory, { recursive: true, force: true }));
const inside = (...names: string[]) => names.map((name) => join(directory, name));

describe("the files that a graph depends on", () => {
  it("are its modules and what they import, also lazily and in circles, and no packages", async () => {
    const graph = await loadManifests([directory]);
    if (!graph.ok) throw new Error("the manifest is not valid");
    expect([...(await moduleFiles(graph.value))].sort()).toEqual(
      inside("greeter.ts", "lazy.ts", "more.ts", "words.ts"),
    );
  });

  it("are the manifests that are named, and those of directories", async () => {
    expect(await manifestFiles([directory, join(directory, "other.yaml")])).toEqual(
      inside("graph.yaml", "other.yaml"),
    );
  });
});

describe("a watch", () => {
  it("tells of a save once, in place and by a file put in place, and of nothing else", async () => {
    const heard: (readonly string[])[] = [];
    const watch = watchFiles((files) => heard.push(files));
    try {
      watch.set(inside("greeter.ts"));
      await writeFile(join(directory, "unrelated.ts"), "1");
      await writeFile(join(directory, "greeter.ts"), "1");
      await writeFile(join(directory, "greeter.ts"), "2");
      await vi.waitFor(() => expect(heard).toEqual([inside("greeter.ts")]));
      await writeFile(join(directory, "draft"), "3");
      await rename(join(directory, "draft"), join(directory, "greeter.ts"));
      await vi.waitFor(() => expect(heard).toEqual([inside("greeter.ts"), inside("greeter.ts")]));
    } finally {
      watch.close();
    }
  });

  it("hears of a new manifest in a directory that is watched whole", async () => {
    const heard: (readonly string[])[] = [];
    const watch = watchFiles((files) => heard.push(files));
    try {
      watch.set([], [directory]);
      await writeFile(join(directory, "notes.txt"), "1");
      await writeFile(join(directory, "second.yaml"), "1");
      await vi.waitFor(() => expect(heard).toEqual([inside("second.yaml")]));
    } finally {
      watch.close();
    }
  });
});

describe("dev", () => {
  it("applies at the start and at each save to a cell that runs, shows mistakes, and ends on Ctrl-C", async () => {
    await using made = await madeCell();
    const lock = await lockDirectory(made.dir, "a");
    const added = { path: "hello/greeter", kind: "added", restarts: false, reason: "", fields: [] };
    const plan = { baseRevision: 1, changes: [added], revoked: [], problems: [] };
    const cell = fakeCell({
      ...oneNode,
      "graph.stage": () => [{ complete: true }],
      "graph.plan": chunked(plan),
      "graph.apply": chunked({ ...plan, revision: 2, applied: true, unsatisfied: [] }),
    });
    const { terminal, written, interrupt } = fakeTerminal({ cwd: directory });
    const applied = () => cell.asked.filter(({ intent }) => intent === "graph.apply").length;
    const running = main(["--data-dir", made.dir.root, "dev"], terminal, cell.openCell);
    try {
      await vi.waitFor(() => expect(written.err).toMatch(/Watching 5 files/), 10_000);
      expect(applied()).toBe(1);
      await writeFile(join(directory, "lazy.ts"), "export const changed = 1;\n");
      await vi.waitFor(() => expect(applied()).toBe(2), 10_000);
      await writeFile(join(directory, "graph.yaml"), "apiVersion: cell0.dev/v1\nkind: ActorGraf\n");
      await vi.waitFor(() => expect(written.err).toMatch(/MANIFEST_/), 10_000);
      expect(applied()).toBe(2);
      expect(written.err).toMatch(/saved lazy\.ts\n/);
    } finally {
      interrupt();
      expect(await running).toBe(0);
      await lock.release();
    }
  });
});
