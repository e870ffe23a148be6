// A behaviour that tries every way out of its process, with all layers that this
// machine has. Each attempt is denied; what ends the process is contained.
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createIsolation, type Isolation } from "../../../src/actors/isolation/isolation.ts";
import { readableByAll } from "../../readable-by-all.ts";
import { attemptNames } from "./behaviours/escape.ts";
import { FIXTURES, type Housed, housed } from "./housed.ts";

const SECRET = "the secret of the house";
let folder: string;
let codeRoot: string;
let house: Isolation;
let server: Server;
let port: string;
let actor: Housed;
let sibling: number;

/** The attacker's folder: its module, and a link that leads out of it. */
async function makeCode(): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), "cell0-escape-"));
  await writeFile(join(folder, "secret.txt"), SECRET);
  await mkdir(join(folder, "code"));
  await cp(join(FIXTURES, "escape.ts"), join(folder, "code", "escape.ts"));
  await symlink(join(folder, "secret.txt"), join(folder, "code", "leak.txt"));
  return join(folder, "code", "escape.ts");
}

const start = async (spec = {}): Promise<Housed> =>
  await housed({
    isolation: "process",
    house,
    spec: {
      path: "test/escape",
      behaviour: { module: join(folder, "code", "escape.ts"), export: "fugitive" },
      ...spec,
    },
  });
const got = async (from: Housed, type: string, what: string, arg = ""): Promise<unknown> => {
  const { values, error } = await from.ask(type, { what, arg }, 20_000);
  if (error !== undefined) throw error;
  return Reflect.get(Object(values[0]), "got");
};
const look = async (from: Housed, what: string): Promise<unknown> =>
  Reflect.get(Object(await got(from, "look", what)), "done");

beforeAll(async () => {
  await makeCode();
  codeRoot = join(tmpdir(), `cell0-code-escape-${process.pid}`);
  house = createIsolation(codeRoot);
  server = createServer((_request, response) => response.end("inside")).listen(0, "127.0.0.1");
  await vi.waitFor(() => expect(server.listening).toBe(true));
  port = String((server.address() as AddressInfo).port);
  const other = await start({ path: "test/sibling" });
  sibling = Number(await look(other, "pid"));
  actor = await start();
});
afterAll(async () => {
  await actor?.host.kill();
  await house.close();
  server.close();
  for (const path of [folder, codeRoot]) await rm(path, { recursive: true, force: true });
});

const args: Readonly<Record<string, () => string>> = {
  "connect by TCP": () => port,
  "send by UDP": () => port,
  fetch: () => port,
  "ask by HTTP": () => port,
  "open a WebSocket": () => port,
  "import from the network": () => port,
  "ask by HTTP/2": () => port,
  "ask by TLS": () => port,
  "connect to a socket's path": () => join(folder, "nothing.sock"),
  "connect to an abstract socket": () => "cell0-user-61184",
  "signal a sibling": () => String(sibling),
  "write a file": () => join(folder, "written.txt"),
};
/** By the permission model, by a lock, or because it is not there. */
const DENIAL =
  /restricted|locked|ACCESS_DENIED|requires full fs|disallowed|fetch failed|refused|ENOENT|Cannot find module|not defined|there is none|Only URLs with a scheme|unsupported while|EEXIST/;
const argOf = (name: string): string => (args[name] ?? (() => join(folder, "secret.txt")))();

/** As root, and where such a user can read what it is to run. */
const hasOwnUsers = process.geteuid?.() === 0 && readableByAll(import.meta.filename);

describe("an attempt is denied:", () => {
  test.each(attemptNames)("to %s", async (name) => {
    expect(await got(actor, "attempt", name, argOf(name))).toEqual({ denied: expect.stringMatching(DENIAL) });
  });

  test("nothing was made, and the secret is where it was, alone", async () => {
    expect((await readdir(folder)).toSorted()).toEqual(["code", "secret.txt"]);
    expect((await readdir(join(folder, "code"))).toSorted()).toEqual(["escape.ts", "leak.txt"]);
    expect((await readdir(tmpdir())).filter((name) => name.startsWith("escape"))).toEqual([]);
  });
});

describe("what it sees of its surroundings", () => {
  test("no environment, no arguments, no permissions, no descriptor but its channel", async () => {
    expect(await look(actor, "environment")).toEqual([]);
    expect(await look(actor, "arguments")).toEqual([]);
    expect(await look(actor, "permissions")).toEqual([]);
    // Text can be made code by other ways than eval: it is code of the same process, under the same locks.
    expect(await look(actor, "code of text")).toEqual(["function", 1]);
    const open = await look(actor, "descriptors");
    // Standard output and error are sockets as Node makes them.
    expect(open).toEqual([1, 2, 3]);
  });

  test.runIf(hasOwnUsers)("as root: a user of its own, without groups or network", async () => {
    const { uid, gid, groups } = Object(await look(actor, "user"));
    expect(uid).toBeGreaterThan(60_000);
    expect([gid, groups]).toEqual([uid, [uid]]);
    expect(await look(actor, "network")).toEqual([]);
    expect(actor.host.bound).not.toContain("weaker");
  });
});

describe("what breaks the rules of the channel ends the actor, and is told as treachery:", () => {
  test.each([
    ["garbage on the channel", /has no field|wrong wire type|not a/],
    ["an oversize frame", /a frame of 2147483647 bytes/],
    ["an empty frame", /a frame of 0 bytes/],
    ["a reply that nobody asked for", /delivery 4000/],
    ["a beginning of nothing", /delivery 4000/],
    ["a record of another's intent", /delivery 4000/],
    ["a second start", /out of place/],
    ["an end that nobody asked for", /it ends as `shutdown`/],
  ])("%s", async (what, told) => {
    const { host, ask } = await start();
    void ask("break", { what });
    const exit = await host.exited;
    expect(exit).toMatchObject({
      kind: "failed",
      failure: {
        class: "treachery",
        name: "ACTOR_CHANNEL_VIOLATED",
        message: expect.stringMatching(told),
        intent: { type: "break" },
        rootActor: "test/escape",
      },
    });
  });
});

describe("what would exhaust the machine is contained:", () => {
  test.each([
    ["an endless loop", "hang", "ACTOR_STUCK"],
    ["a wait without end", "hang", "ACTOR_STUCK"],
    ["a growing heap", "exhaustion", "ACTOR_MEMORY_EXHAUSTED"],
    ["growing buffers", "exhaustion", ""],
    ["growing shared buffers", "exhaustion", ""],
    ["growing WebAssembly memory", "exhaustion", ""],
    ["abort", "loss", "ACTOR_HOST_LOST"],
    ["exit", "crash", "ACTOR_HOST_LOST"],
  ])("%s", async (what, failureClass, name) => {
    const isStuck = failureClass === "hang";
    const { host, ask } = await start({
      limits: { memoryBytes: 64 * 1024 * 1024 },
      ...(isStuck ? { progressMs: 400 } : {}),
    });
    const asked = ask("break", { what }, 60_000);
    expect(await host.exited).toMatchObject({
      kind: "failed",
      failure: { class: failureClass, ...(name === "" ? {} : { name }), intent: { type: "break" } },
    });
    expect((await asked).error?.code).toBe("ACTOR_CRASHED");
  });

  test.each(["output", "errors"])("a flood of %s is cut, and counted", async (what) => {
    const { host, ask, events } = await start();
    expect((await ask("flood", { what }, 30_000)).error).toBeUndefined();
    // It answers before the node has read what it printed; 400 lines always get through.
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(400), { timeout: 20_000 });
    await host.stop(5_000);
    const lines = events.filter(({ kind }) => kind.case === "actorLogged");
    expect(lines.length).toBeLessThan(4_000);
    const told = lines.map(({ kind }) => (kind.case === "actorLogged" ? kind.value.message : ""));
    expect(told.some((line) => /^\d+ lines were dropped/.test(line ?? ""))).toBe(true);
  });
});
