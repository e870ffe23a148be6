import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Cradle, type CradleEvent, startCradle } from "../../../src/supervisor/cradle/cradle.ts";
import type { ProcessSpec } from "../../../src/supervisor/cradle/process-spec.ts";
import type { RestartRules } from "../../../src/supervisor/cradle/restart-policy.ts";
import { matrix } from "../../../src/supervisor/matrix.ts";
import { processRules } from "../../../src/supervisor/process-rules.ts";

const WAIT = { timeout: 30_000, interval: 20 };
const READY = "console.log(JSON.stringify({ pid: process.pid, ready: true }));";
const STAYS = "setInterval(() => {}, 1000);";

let directory: string;
let cradle: Cradle | undefined;
let events: CradleEvent[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cell0-cradle-"));
  events = [];
  rules = processRules(matrix.process);
});

afterEach(async () => {
  await cradle?.kill();
  cradle = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** Of the matrix, unless a test has its own. */
let rules: RestartRules;

const spec = (name: string, script: string, changes: Partial<ProcessSpec> = {}): ProcessSpec => ({
  name,
  command: process.execPath,
  args: ["-e", script],
  env: { PATH: process.env.PATH ?? "" },
  cwd: directory,
  log: join(directory, `${name}.log`),
  readiness: { kind: "stdout" },
  readyTimeoutMs: 20_000,
  stopTimeoutMs: 5_000,
  ...changes,
});

const start = (...specs: readonly ProcessSpec[]): Cradle => {
  cradle = startCradle(specs, rules, (event) => events.push(event));
  return cradle;
};
const seen = (kind: CradleEvent["kind"]) => events.filter((event) => event.kind === kind);
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("a cradle", () => {
  test("is ready when every process has said so", async () => {
    await start(spec("core", READY + STAYS), spec("node", READY + STAYS)).ready;
    expect(
      seen("ready")
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(["core", "node"]);
  });

  test("starts a process again that was killed, and leaves the other alone", async () => {
    const running = start(spec("core", READY + STAYS), spec("node", READY + STAYS));
    await running.ready;
    const { core = 0, node = 0 } = running.pids();
    process.kill(node, "SIGKILL");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(3), WAIT);
    expect(seen("died")).toMatchObject([{ name: "node", exit: { signal: "SIGKILL" }, restartInMs: 0 }]);
    expect(running.pids().core).toBe(core);
    expect(running.pids().node).not.toBe(node);
  });

  test("gives up on a process that ends again and again, stops the rest and names its log", async () => {
    const running = start(
      spec("core", READY + STAYS),
      spec("node", 'console.error("no luck"); process.exit(3);'),
    );
    const { core = 0 } = running.pids();
    const end = await running.ended;
    expect(end).toEqual({ gaveUp: { name: "node", log: join(directory, "node.log") } });
    expect(seen("died").length).toBe(10);
    expect(isAlive(core)).toBe(false);
    expect(readFileSync(join(directory, "node.log"), "utf8")).toContain("no luck");
  });

  test("goes by the rules it is given, by what a process died of", async () => {
    const { crash, loss } = matrix.process;
    const halted = { ...crash, action: "halt" } as const;
    const once = { ...loss, counting: { restarts: 1, periodMs: 60_000 } };
    rules = processRules({ ...matrix.process, crash: halted, loss: once });
    const running = start(spec("node", READY + STAYS));
    await running.ready;
    process.kill(running.pids().node ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    process.kill(running.pids().node ?? 0, "SIGKILL");
    expect((await running.ended).gaveUp?.name).toBe("node");
    expect(seen("gaveUp")).toMatchObject([{ limit: { restarts: 1, periodMs: 60_000 } }]);

    const fragile = start(spec("node", "process.exit(3);"));
    expect((await fragile.ended).gaveUp?.name).toBe("node");
    expect(seen("died")).toHaveLength(1);
    expect(seen("gaveUp").at(-1)).toEqual({
      kind: "gaveUp",
      name: "node",
      exit: { code: 3, signal: null },
      log: join(directory, "node.log"),
    });
  });

  test("kills and counts as failed a process that is not ready in time", async () => {
    start(spec("core", STAYS, { readyTimeoutMs: 100 }));
    await vi.waitFor(() => expect(seen("died").length).toBeGreaterThan(0), WAIT);
    expect(seen("died")[0]).toMatchObject({ exit: { reason: "not ready after 100 ms" } });
  });

  test("stops in reverse order, each in its own time", async () => {
    const told = (name: string) =>
      `process.on("SIGTERM", () => { require("node:fs").appendFileSync("order", "${name} "); process.exit(0); }); ${READY} ${STAYS}`;
    const running = start(
      spec("broker", told("broker")),
      spec("core", told("core")),
      spec("node", told("node")),
    );
    await running.ready;
    const pids = Object.values(running.pids());
    await running.stop();
    expect(readFileSync(join(directory, "order"), "utf8")).toBe("node core broker ");
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("kills what does not stop within its time", async () => {
    const stubborn = `process.on("SIGTERM", () => {}); ${READY} ${STAYS}`;
    const running = start(spec("node", stubborn, { stopTimeoutMs: 50 }));
    await running.ready;
    const { node = 0 } = running.pids();
    await running.stop();
    expect(isAlive(node)).toBe(false);
  });

  test("a program that cannot be started counts as died, with the reason", async () => {
    start(spec("core", "", { command: join(directory, "nothing-here"), readyTimeoutMs: 1_000 }));
    await vi.waitFor(() => expect(seen("died").length).toBeGreaterThan(0), WAIT);
  });
});

describe("a process that serves and speaks first", () => {
  const PATH = "socket";
  /** Until there is a file of that name it speaks; its successor removes that file. */
  const SERVES = `
    const fs = require("node:fs");
    for (const name of ["${PATH}", "mute"]) fs.rmSync(name, { force: true });
    const hear = (socket) => fs.existsSync("mute") ? fs.writeFileSync("asked", "") : socket.end("hello");
    require("node:net").createServer(hear).listen("${PATH}", () => { ${READY} });`;
  const serving = () => spec("core", SERVES, { speaksFirstAt: { path: join(directory, PATH) } });

  test("is killed and started again when it was stopped by a signal", async () => {
    const running = start(serving());
    await running.ready;
    process.kill(running.pids().core ?? 0, "SIGSTOP");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    expect(seen("died")).toMatchObject([{ exit: { reason: expect.stringMatching(/^stopped by a signal/) } }]);
  });

  test("likewise when it lives, takes each connection and says nothing", async () => {
    const running = start(serving());
    await running.ready;
    writeFileSync(join(directory, "mute"), "");
    await vi.waitFor(() => expect(existsSync(join(directory, "asked"))).toBe(true), WAIT);
    expect(seen("died")).toEqual([]);
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    expect(seen("died")).toMatchObject([{ exit: { reason: expect.stringMatching(/^silent for/) } }]);
  });
});

describe("a process that takes over", () => {
  /** Says that it stands by, works once it is promoted, and notes what it was told. */
  const TAKES_OVER = `
    process.on("message", (message) => {
      require("node:fs").appendFileSync("told", JSON.stringify({ ...message, pid: process.pid }) + "\\n");
      if (message.type === "promote") process.send({ type: "ready", pid: process.pid });
      if (message.type === "stop") process.exit(0);
    });
    process.send({ type: "standby" });`;
  const node = (changes: Partial<ProcessSpec> = {}) =>
    spec("node", TAKES_OVER, {
      readiness: { kind: "ipc" },
      takeover: { spare: true, standbyArgs: [], spareDelayMs: 500 },
      ...changes,
    });
  const told = (): Record<string, unknown>[] =>
    readFileSync(join(directory, "told"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const standby = (count: number) => vi.waitFor(() => expect(spares("standby")).toHaveLength(count), WAIT);
  const spares = (state: string) =>
    seen("spare").filter((event) => "state" in event && event.state === state);

  test("is replaced by the one that stands by, and only after its end; a new one stands by then", async () => {
    const running = start(node());
    await running.ready;
    await standby(1);
    const { node: first = 0, "node-spare": spare = 0 } = running.pids();
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    expect(running.pids().node).toBe(spare);
    expect(seen("ready")[1]).toMatchObject({ recovery: { name: "node", by: "spare", deathsInPeriod: 1 } });
    await standby(2);
    expect(running.pids()["node-spare"]).not.toBe(spare);
    await vi.waitFor(() => expect(told().map(({ type }) => type)).toContain("recovered"), WAIT);
    expect(told().map(({ type, pid }) => [type, pid])).toEqual([
      ["promote", first],
      ["promote", spare],
      ["recovered", spare],
    ]);
  });

  test("is started anew when the one that stood by is gone too", async () => {
    const running = start(node());
    await running.ready;
    await standby(1);
    const { node: first = 0, "node-spare": spare = 0 } = running.pids();
    process.kill(spare, "SIGKILL");
    await vi.waitFor(() => expect(spares("gone")).toHaveLength(1), WAIT);
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    expect(seen("ready")[1]).toMatchObject({ recovery: { by: "cold" } });
    expect(seen("died")).toHaveLength(1);
  });

  test("is told of every death before it, also of those that were never ready", async () => {
    const fragile = `require("node:fs").appendFileSync("lives", "x");
      if (require("node:fs").readFileSync("lives", "utf8").length === 2) process.exit(7);`;
    const running = start({
      ...node({ takeover: { spare: false, standbyArgs: [], spareDelayMs: 500 } }),
      args: ["-e", fragile + TAKES_OVER],
    });
    await running.ready;
    process.kill(running.pids().node ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(told().filter(({ type }) => type === "recovered")).toHaveLength(2), WAIT);
    expect(told().filter(({ type }) => type === "recovered")).toMatchObject([
      { recovery: { exit: { signal: "SIGKILL" }, deathsInPeriod: 1 } },
      { recovery: { exit: { code: 7 }, deathsInPeriod: 2 } },
    ]);
  });

  test("leaves no spare behind when the cradle stops", async () => {
    const running = start(node());
    await running.ready;
    await standby(1);
    const pids = Object.values(running.pids());
    expect(pids).toHaveLength(2);
    await running.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("hears of the deaths of the others, once it is there", async () => {
    const running = start(
      spec("core", READY + STAYS),
      node({ takeover: { spare: false, standbyArgs: [], spareDelayMs: 500 } }),
    );
    await running.ready;
    process.kill(running.pids().core ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(told().map(({ type }) => type)).toContain("recovered"), WAIT);
    expect(told().at(-1)).toMatchObject({
      recovery: { name: "core", exit: { signal: "SIGKILL" }, by: "cold" },
    });
  });

  test("hears of each death, also of those before it was ready, until it has said that they are recorded", async () => {
    // Ready and dead at once, dead before it is ready, ready and dead unheard; the fourth one says that it records.
    const script = `
      const fs = require("node:fs");
      fs.appendFileSync("lives", "x");
      const life = fs.readFileSync("lives", "utf8").length;
      process.on("message", (message) => {
        fs.appendFileSync("told", JSON.stringify({ ...message, life }) + "\\n");
        if (message.type === "promote" && life === 2) process.exit(12);
        if (message.type === "promote") process.send({ type: "ready" });
        if (message.type === "promote" && life === 1) setImmediate(() => process.exit(11));
        if (message.type === "recovered" && life === 3) process.exit(13);
        if (message.type === "recovered") process.send({ type: "recorded" });
      });
      process.send({ type: "standby" });`;
    start(
      spec("node", script, {
        readiness: { kind: "ipc" },
        takeover: { spare: false, standbyArgs: [], spareDelayMs: 500 },
      }),
    );
    const heard = (life: number) =>
      told().flatMap((each) => (each.type === "recovered" && each.life === life ? [each.recovery] : []));
    await vi.waitFor(() => expect(heard(4)).toHaveLength(3), WAIT);
    expect(heard(4)).toMatchObject([11, 12, 13].map((code) => ({ name: "node", exit: { code } })));
    process.kill(cradle?.pids().node ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(heard(5)).toMatchObject([{ exit: { signal: "SIGKILL" } }]), WAIT);
  });

  test("that sends no beats because it was stopped is killed; its successor hears what it had in hand", async () => {
    const beats = `
      const say = () => require("node:fs").writeSync(4, JSON.stringify({ beat: 1, inHand: { actor: "a/b", intent: "ab" } }) + "\\n");
      setInterval(say, 20); say();`;
    const running = start({
      ...node({ takeover: { spare: false, standbyArgs: [], spareDelayMs: 500 }, beats: true }),
      args: ["-e", TAKES_OVER + beats],
    });
    await running.ready;
    process.kill(running.pids().node ?? 0, "SIGSTOP");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(2), WAIT);
    expect(seen("died")[0]).toMatchObject({
      exit: {
        signal: "SIGKILL",
        reason: expect.stringMatching(/^stopped by a signal/),
        inHand: { actor: "a/b" },
      },
    });
    expect(told().filter(({ type }) => type === "promote")).toMatchObject([
      { suspects: [] },
      { suspects: [{ actor: "a/b", intent: "ab" }] },
    ]);
    // It answered in between: the same intent may come a third time all the same.
    process.kill(running.pids().node ?? 0, "SIGSTOP");
    await vi.waitFor(() => expect(seen("ready")).toHaveLength(3), WAIT);
    expect(told().findLast(({ type }) => type === "promote")).toMatchObject({
      suspects: [
        { actor: "a/b", intent: "ab" },
        { actor: "a/b", intent: "ab" },
      ],
    });
  });
});
