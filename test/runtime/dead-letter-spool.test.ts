// The waiting room of dead letters, with a broker that says what the test wants.
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { type DeadLetterSpool, openSpool, type SpoolOptions } from "../../src/runtime/dead-letter-spool.ts";

let directory: string;
let taken: string[];
let problems: CellError[];
let isAway: boolean;
let fire: (() => void) | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cell0-spool-"));
  [taken, problems, isAway, fire] = [[], [], false, undefined];
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const open = (options: Partial<SpoolOptions> = {}): DeadLetterSpool =>
  openSpool({
    directory,
    append: async (actor, bytes) => {
      if (isAway) return err(new CellError("BROKER_UNREACHABLE"));
      taken.push(`${actor} ${text(bytes)}`);
      return ok(undefined);
    },
    setTimer: (_delayMs, run) => {
      fire = run;
      return () => {};
    },
    onProblem: (error) => problems.push(error),
    ...options,
  });
const letter = (n: number, content = String(n)) => ({
  id: n.toString(16).padStart(32, "0"),
  actor: "g/x",
  bytes: new TextEncoder().encode(content),
});
const settled = (spool: DeadLetterSpool) =>
  vi.waitFor(() => expect(spool.size).toBe(0), { timeout: 5_000, interval: 2 });

describe("a letter", () => {
  // `npm run chaos -- --minutes 2 --seed 11 --every 60` stopped the node between the two.
  test("outlives the process from the moment on in which its sender may hear of it", async () => {
    isAway = true;
    const spool = open();
    const kept = spool.put(letter(1));
    expect(readdirSync(directory)).toEqual([`${letter(1).id}_g.x.letter`]);
    await kept;
    await spool.stop();
  });

  test("that the broker takes leaves no file", async () => {
    const spool = open();
    await spool.put(letter(1));
    await settled(spool);
    expect([taken, readdirSync(directory)]).toEqual([["g/x 1"], []]);
  });

  test("waits in its file while the broker is away, and goes when it is back, by itself or when told", async () => {
    isAway = true;
    const spool = open();
    await spool.put(letter(1));
    await vi.waitFor(() => expect(fire).toBeDefined());
    expect(readdirSync(directory)).toHaveLength(1);
    isAway = false;
    fire?.();
    await settled(spool);
    isAway = true;
    await spool.put(letter(2));
    isAway = false;
    await vi.waitFor(() => {
      spool.nudge();
      expect(taken).toEqual(["g/x 1", "g/x 2"]);
    });
    await spool.stop();
  });

  test("outlives the process that wrote it, in order; what was not written to its end does not", async () => {
    isAway = true;
    const before = open();
    for (const n of [1, 2, 3]) await before.put(letter(n));
    await before.stop();
    writeFileSync(join(directory, "half.letter.new"), "x");
    isAway = false;
    await settled(open());
    expect([taken, readdirSync(directory)]).toEqual([["g/x 1", "g/x 2", "g/x 3"], []]);
  });

  test("is lost never and sent once, whatever the broker's comings and goings, put one by one or at once", async () => {
    const step = fc.constantFrom("put", "put both", "away", "back", "nudge", "timer", "restart");
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      rmSync(directory, { recursive: true, force: true });
      [taken, isAway] = [[], false];
      let spool = open();
      let made = 0;
      const put = () => spool.put(letter(++made));
      for (const each of steps) {
        if (each === "put") await put();
        else if (each === "put both") await Promise.all([put(), put()]);
        else if (each === "away") isAway = true;
        else if (each === "back") isAway = false;
        else if (each === "nudge") spool.nudge();
        else if (each === "timer") fire?.();
        else {
          await spool.stop();
          spool = open();
        }
      }
      isAway = false;
      await vi.waitFor(() => {
        spool.nudge();
        expect(spool.size).toBe(0);
      });
      await spool.stop();
      expect(taken.toSorted()).toEqual(Array.from({ length: made }, (_, n) => `g/x ${n + 1}`).toSorted());
    });
    await fc.assert(property, { numRuns: 40, verbose: 1 });
  });
});

describe("a letter that finds no place is told to who put it", () => {
  test.each([
    ["by count", { maxFiles: 2 }],
    ["by bytes", { maxBytes: 2 }],
  ])("%s, and room comes back with the broker", async (_bound, bounds) => {
    isAway = true;
    const spool = open(bounds);
    await spool.put(letter(1));
    await spool.put(letter(2));
    await expect(spool.put(letter(3))).rejects.toThrow("2 letters of 2 bytes wait");
    isAway = false;
    spool.nudge();
    await settled(spool);
    await spool.put(letter(4));
    await settled(spool);
    expect(taken).toEqual(["g/x 1", "g/x 2", "g/x 4"]);
  });

  test("because the disk takes nothing; with the broker there it goes from memory", async () => {
    const spool = open();
    rmSync(directory, { recursive: true });
    await spool.put(letter(1));
    expect(taken).toEqual(["g/x 1"]);
    isAway = true;
    await expect(spool.put(letter(2))).rejects.toThrow("ENOENT");
    expect(spool.size).toBe(0);
    open();
  });
});

test("a damaged file is told and set aside, and holds up none behind it", async () => {
  isAway = true;
  const before = open();
  for (const n of [1, 2]) await before.put(letter(n));
  await before.stop();
  const [first = ""] = readdirSync(directory).sort();
  writeFileSync(join(directory, first), "damaged");
  isAway = false;
  const spool = open({
    append: async (_actor, bytes) => {
      if (text(bytes) === "damaged") return err(new CellError("ACTOR_DEADLETTER_INVALID"));
      taken.push(text(bytes));
      return ok(undefined);
    },
  });
  await settled(spool);
  expect(taken).toEqual(["2"]);
  expect(problems.map(({ code }) => code)).toEqual(["ACTOR_DEADLETTER_LOST"]);
  expect(readdirSync(directory)).toEqual([`${first}.damaged`]);
});
