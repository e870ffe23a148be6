// The log of a node that was killed, read by its next process.
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openReplayLog, type ReplayLog, type ReplayLogOptions } from "../../src/runtime/replay-log.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";

const bytes = (size: number, value: number) => new Uint8Array(size).fill(value);
const issuer = bytes(32, 1);
const id = (n: number) => {
  const made = new Uint8Array(16);
  new DataView(made.buffer).setUint32(0, n);
  return made;
};
const hash = (n: number) => bytes(32, n);

let root: string;
let directory: string;
let problems: unknown[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cell0-replay-"));
  directory = join(root, "replay");
  problems = [];
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

const open = (changes: Partial<ReplayLogOptions> = {}): ReplayLog =>
  openReplayLog({
    directory,
    bootId: "this run",
    startedAtUnixMs: Date.now(),
    floorUnixMs: 0,
    onProblem: (problem) => problems.push(problem),
    ...changes,
  });
const windowOf = (log: ReplayLog): ReplayWindow => {
  const window = new ReplayWindow({ journal: log });
  window.restore(log.remembered);
  return window;
};
const until = () => Date.now() + 30_000;
const accept = (window: ReplayWindow, n: number, h = n, wantsReply = true) =>
  window.remember(issuer, id(n), hash(h), until(), Date.now(), { wantsReply });

describe("a log that is whole", () => {
  test("lets what was accepted and not answered begin again, once", () => {
    const first = open();
    accept(windowOf(first), 1);
    first.flush();
    const next = windowOf(open());
    expect(accept(next, 1)).toEqual({ kind: "new" });
    expect(accept(next, 1)).toMatchObject({ kind: "duplicate", state: "pending" });
  });

  test("gives what was answered its answers again", () => {
    const first = open();
    const window = windowOf(first);
    accept(window, 1);
    window.storeReply(issuer, id(1), Uint8Array.of(1), false);
    window.storeReply(issuer, id(1), Uint8Array.of(2), true);
    window.flush();
    expect(accept(windowOf(open()), 1)).toEqual({
      kind: "duplicate",
      state: "answered",
      replies: [Uint8Array.of(1), Uint8Array.of(2)],
    });
  });

  test("says so where the answer was too large to be kept, and does not begin again", () => {
    const first = open();
    const window = windowOf(first);
    accept(window, 1);
    window.storeReply(issuer, id(1), new Uint8Array(60_000), true);
    window.flush();
    expect(accept(windowOf(open()), 1)).toMatchObject({ kind: "duplicate", state: "dropped" });
  });

  test("never begins again what nobody waits for", () => {
    const first = open();
    const window = windowOf(first);
    accept(window, 1, 1, false);
    window.flush();
    expect(accept(windowOf(open()), 1, 1, false)).toMatchObject({ kind: "duplicate", state: "dropped" });
  });

  test("leaves what a durable actor keeps itself to that actor, but refuses repetitions while the process lasts", () => {
    const first = open();
    const window = windowOf(first);
    const forDurable = () =>
      window.remember(issuer, id(1), hash(1), until(), Date.now(), { isKeptElsewhere: true });
    expect(forDurable()).toEqual({ kind: "new" });
    window.storeReply(issuer, id(1), Uint8Array.of(1), true);
    expect(forDurable()).toMatchObject({ kind: "duplicate", state: "answered" });
    window.flush();
    expect(open().remembered).toEqual([]);
  });

  test("refuses another capsule under an id", () => {
    const first = open();
    accept(windowOf(first), 1);
    first.flush();
    expect(accept(windowOf(open()), 1, 2)).toMatchObject({
      kind: "refused",
      error: { code: "CAPSULE_ID_REUSED" },
    });
  });

  test("vouches for all that was accepted since its beginning, over many starts", () => {
    const first = open({ startedAtUnixMs: Date.now() - 5_000 });
    const { sinceUnixMs } = first;
    for (let start = 0; start < 5; start++) {
      const log = start === 0 ? first : open();
      expect(log).toMatchObject({ sinceUnixMs, inherited: start > 0 });
      accept(windowOf(log), start);
      log.flush();
    }
    const last = windowOf(open());
    for (let n = 0; n < 5; n++) expect(accept(last, n, 99)).toMatchObject({ kind: "refused" });
  });

  test("stays whole over starts that took nothing", () => {
    for (const takes of [true, false, true, false, false, true]) {
      const log = open();
      if (takes) accept(windowOf(log), 1);
      log.flush();
      log.close();
    }
    const last = open();
    expect([last.inherited, last.remembered.length]).toEqual([true, 1]);
  });

  test("is written before the turn's microtasks that come later", async () => {
    const log = open();
    accept(windowOf(log), 1);
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    expect(accept(windowOf(open()), 1, 2)).toMatchObject({ kind: "refused" });
  });

  test("a record that was cut short was never acted upon", () => {
    const log = open();
    const window = windowOf(log);
    accept(window, 1);
    log.flush();
    const path = join(directory, "ids-1.log");
    const size = readFileSync(path).length;
    accept(window, 2);
    log.flush();
    truncateSync(path, size + 20);
    const next = open();
    expect(next.inherited).toBe(true);
    expect(next.remembered).toHaveLength(1);
    const third = open();
    expect([third.inherited, third.remembered.length]).toEqual([true, 1]);
  });

  test("a process that died before it wrote anything leaves it whole", () => {
    accept(windowOf(open()), 1);
    writeFileSync(join(directory, "ids-2.log"), "");
    expect(open().inherited).toBe(true);
  });
});

describe("what cannot vouch", () => {
  const spoil: readonly (readonly [string, () => void, Partial<ReplayLogOptions>])[] = [
    ["none", () => rmSync(directory, { recursive: true }), {}],
    ["one of another run of the machine", () => {}, { bootId: "the next run" }],
    ["one that is newer than the clock", () => utimesSync(join(directory, "ids-1.log"), 9e9, 9e9), {}],
    ["one with a file missing in between", () => writeFileSync(join(directory, "ids-3.log"), ""), {}],
    ["one with a damaged record", () => flip(join(directory, "ids-1.log")), {}],
    ["one with a header that is none", () => writeFileSync(join(directory, "ids-1.log"), "{}\n"), {}],
    [
      "one with rubbish behind it",
      () => appendFileSync(join(directory, "ids-1.log"), new Uint8Array(50)),
      {},
    ],
  ];
  test.each(spoil)("%s: a new one begins, not before this start nor the floor", (_what, damage, changes) => {
    const first = open();
    accept(windowOf(first), 1);
    first.flush();
    first.close();
    damage();
    const startedAtUnixMs = Date.now();
    const next = open({ ...changes, startedAtUnixMs, floorUnixMs: startedAtUnixMs + 700 });
    expect(next).toMatchObject({ inherited: false, remembered: [], sinceUnixMs: startedAtUnixMs + 700 });
    accept(windowOf(next), 2);
    next.flush();
    expect(open(changes)).toMatchObject({ inherited: true, sinceUnixMs: startedAtUnixMs + 700 });
  });

  function flip(path: string): void {
    const content = readFileSync(path);
    content[content.length - 10] = (content[content.length - 10] ?? 0) ^ 1;
    writeFileSync(path, content);
  }

  test("a log that could not be written is gone, and begins again beyond any clock that is ahead", () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    const log = open();
    const window = windowOf(log);
    // A file where its folder should be: nothing can be written.
    log.close();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "");
    accept(window, 1);
    log.flush();
    expect(problems).toHaveLength(1);
    expect(existsSync(directory)).toBe(false);
    vi.advanceTimersByTime(1_100);
    accept(window, 2);
    log.flush();
    const next = open({ startedAtUnixMs: Date.now() + 1 });
    expect(next.inherited).toBe(true);
    expect(next.sinceUnixMs).toBeGreaterThanOrEqual(Date.now() + 5_000);
  });
});

describe("the log's room", () => {
  test("what freshness refuses by itself is dropped, file by file; of answers the newest stay", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const log = open({ segmentBytes: 4_096 });
    const window = windowOf(log);
    for (let n = 0; n < 2_000; n++) {
      vi.advanceTimersByTime(100);
      accept(window, n);
      window.storeReply(issuer, id(n), new Uint8Array(100), true);
      window.flush();
    }
    const names = readdirSync(directory);
    // 35 s at 10/s and some 155 bytes each, in files of 4 KiB.
    expect(names.filter((name) => name.startsWith("ids-")).length).toBeLessThan(20);
    expect(names.filter((name) => name.startsWith("replies-")).length).toBeLessThanOrEqual(2);
    vi.useRealTimers();
    const next = open({ startedAtUnixMs: Number.MAX_SAFE_INTEGER });
    expect([next.inherited, next.remembered.length]).toEqual([true, 0]);
  });
});
