// What a process is started with when the machine cannot give all of it, and what
// becomes of what leaves more behind than itself.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinkEnd } from "../../../../src/actors/isolation/link.ts";
import { endAllOf } from "../../../../src/actors/isolation/process/end-all-of.ts";
import {
  expectedLayers,
  type Layers,
  thisPlatform,
} from "../../../../src/actors/isolation/process/layers.ts";
import { ProcessLink } from "../../../../src/actors/isolation/process/process-link.ts";
import { openProcesses } from "../../../../src/actors/isolation/process/processes.ts";
import { startSandboxed } from "../../../../src/actors/isolation/process/sandboxed-process.ts";
import { runningAs, Users } from "../../../../src/actors/isolation/process/users.ts";
import { hashBehaviour } from "../../../../src/actors/loader/code-files.ts";
import { FIXTURES } from "../housed.ts";

const isRoot = process.geteuid?.() === 0 && existsSync("/usr/bin/setpriv");
const codeRoot = join(tmpdir(), `cell0-code-closed-${process.pid}`);
const needs = { memoryBytes: 64 * 2 ** 20, cpu: undefined, readable: [], typescript: false };
beforeAll(async () => await rm(codeRoot, { recursive: true, force: true }));
afterAll(async () => await rm(codeRoot, { recursive: true, force: true }));

describe("where each process has a user of its own", () => {
  const layers: Layers = { ...expectedLayers(thisPlatform), ownUser: true };

  test("none is started when no user is left: never as the node's own", async () => {
    const users = { claim: async () => undefined, release: () => {} };
    await expect(startSandboxed({ layers, users, codeRoot }, needs)).rejects.toMatchObject({
      code: "ACTOR_HOST_LOST",
    });
    expect(await readdir(codeRoot).catch(() => [])).toEqual([]);
  });
});

test("`sandbox: required` is refused where there are cgroups and none can be made for the process", async () => {
  const module = join(FIXTURES, "desk.ts");
  // No folder can be made in it.
  const cgroups = () => ({ cgroups: { folder: "/dev/null" }, why: "" });
  const processes = openProcesses(codeRoot, { ...thisPlatform, cgroups });
  const spec = {
    kind: "actor",
    path: "test/desk",
    behaviour: { module, export: "desk" },
    input: null,
    restart: "permanent",
    shutdownMs: 1000,
    isolation: "process",
    durable: false,
    mailbox: { bound: 100, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
    sandbox: "required",
  } as const;
  await expect(processes.house(spec, await hashBehaviour(module))).rejects.toMatchObject({
    code: "ACTOR_SANDBOX_UNAVAILABLE",
  });
  const housing = await processes.house({ ...spec, sandbox: "best_effort" }, await hashBehaviour(module));
  expect(housing.link.bound).toContain("no cgroup");
  housing.link.kill();
  await processes.close();
});

test("a process that does not read what it is sent is ended before that fills the node", async () => {
  const link = new ProcessLink({
    command: [process.execPath, "-e", "setInterval(() => {}, 1000)"],
    ranOutOfMemory: async () => false,
  });
  const { promise, resolve } = Promise.withResolvers<LinkEnd>();
  link.listen({ data: () => {}, output: () => {}, ended: resolve });
  for (let sent = 0; sent < 80; sent++) link.send(new Uint8Array(2 ** 20));
  expect(await promise).toEqual({ kind: "memory", what: "its process leaves more than 64 MiB unread" });
});

describe.runIf(isRoot)("what runs as a user of one process", () => {
  test("is ended whatever session it is in, and is then nobody's", async () => {
    const users = new Users();
    const user = (await users.claim()) ?? 0;
    const other = (await users.claim()) ?? 0;
    const start = (uid: number) =>
      spawn("/usr/bin/setpriv", [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "sleep", "60"], {
        detached: true,
        stdio: "ignore",
      });
    const [first, second, kept] = [start(user), start(user), start(other)];
    const ended = (child: typeof first) => new Promise((resolve) => child.once("exit", resolve));
    const both = Promise.all([ended(first), ended(second)]);
    await expect.poll(() => runningAs(user)).toBe(true);
    await expect.poll(() => runningAs(other)).toBe(true);
    expect(await endAllOf(user, "/usr/bin/setpriv")).toBe(true);
    await both;
    expect(await runningAs(user)).toBe(false);
    expect(await runningAs(other)).toBe(true);
    expect(await endAllOf(other, undefined)).toBe(false);
    kept.kill("SIGKILL");
    users.close();
  });
});
