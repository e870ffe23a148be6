// The bundle that actors start from: when it counts, and that behaviours on it share its
// packages. That it does what the sources do, every other test of isolation shows.
import { execFile } from "node:child_process";
import { on } from "node:events";
import { chmod, mkdir, mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FrameReader } from "../../src/actors/isolation/frames.ts";
import { toActorFrame } from "../../src/actors/isolation/messages.ts";
import { creditBuffer } from "../../src/actors/isolation/worker/credit.ts";
import { bundleRecord, freshBundle } from "../../src/actors/own-code.ts";
import { FromActorSchema } from "../../src/gen/cell0/v1/channel_pb.ts";

const root = join(import.meta.dirname, "../..");
let home: string;
let input: string;
let folder: string;

beforeAll(async () => {
  const own = await realpath(await mkdtemp(join(tmpdir(), "cell0-bundle-")));
  await chmod(own, 0o755);
  home = join(own, "home");
  await mkdir(home);
  input = join(home, "input.ts");
  folder = join(home, "0123456789abcdef");
});
afterAll(async () => await rm(join(home, ".."), { recursive: true, force: true }));

describe("a bundle counts", () => {
  const record = async (given: { readonly folder?: string; readonly changedMs?: number } = {}) => {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    await chmod(home, 0o755);
    await writeFile(input, "one");
    const { size, mtimeMs } = await stat(input);
    const inputs = [[input, size, given.changedMs ?? mtimeMs]];
    await writeFile(bundleRecord(home), JSON.stringify({ folder: given.folder ?? folder, inputs }));
  };

  test("when all that it was made of is as it was, and it is its owner's alone to write", async () => {
    await record();
    expect(freshBundle(home)).toBe(folder);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["when nothing was made", async () => await rm(bundleRecord(home), { force: true })],
    ["when its record is no record", async () => await writeFile(bundleRecord(home), '{"folder":1}')],
    ["when a source has changed", async () => await writeFile(input, "other")],
    ["when a source is gone", async () => await rm(input)],
    ["when a source changed while it was made", async () => await record({ changedMs: -1 })],
    ["when it lies elsewhere", async () => await record({ folder: tmpdir() })],
    ["when others may write it", async () => await chmod(folder, 0o777)],
    ["when others may write beside it", async () => await chmod(home, 0o777)],
    ["when others may not read it", async () => await chmod(folder, 0o700)],
    ["when it is gone", async () => await rm(folder, { recursive: true })],
  ])("not %s", async (_, spoil) => {
    await record();
    await spoil();
    expect(freshBundle(home)).toBeUndefined();
  });
});

test("a behaviour on the bundle gets cell0, xstate and zod from it, by every name that they export", async () => {
  const target = join(home, "made");
  const builder = join(root, "scripts/bundle.ts");
  await promisify(execFile)(process.execPath, ["--no-warnings", builder, target]);
  const names = ["cell0", "cell0/client", "cell0/testkit", "xstate", "xstate/guards", "zod", "zod/v4/core"];
  const module = join(home, "behaviour.mjs");
  await writeFile(
    module,
    `import { defineActor } from "cell0";
     import { setup } from "xstate";
     import { object } from "zod";
     const own = (name) => import.meta.resolve(name).startsWith(${JSON.stringify(pathToFileURL(target).href)});
     const others = ${JSON.stringify(names)}.filter((name) => !own(name));
     throw new Error([typeof defineActor, typeof setup, typeof object, "others:", ...others].join(" "));`,
  );
  expect(await reasonOfNotStarting(join(target, "actors/isolation/worker/entry.js"), module)).toMatch(
    /function function function others:$/,
  );
});

async function reasonOfNotStarting(entry: string, module: string): Promise<string> {
  const worker = new Worker(entry, { env: {}, workerData: creditBuffer() });
  const start = { path: "test/bundled", module, export: "none", codeHash: "1", beatMs: 1_000, window: 1 };
  worker.postMessage(toActorFrame({ case: "start", value: start }));
  try {
    for await (const [bytes] of on(worker, "message")) {
      for (const frame of new FrameReader(1_000_000).push(bytes)) {
        const { kind } = fromBinary(FromActorSchema, frame);
        if (kind.case === "exit") return kind.value.error?.message ?? "";
      }
    }
    return "";
  } finally {
    await worker.terminate();
  }
}
