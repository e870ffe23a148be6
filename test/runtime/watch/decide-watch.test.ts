import { describe, expect, test } from "vitest";
import {
  AFTER_STACK_MS,
  decideWatch,
  firstLook,
  LONG_MS,
  type Look,
  STARVED_CPU_MS,
  STARVED_MS,
  STUCK_MS,
  SUSPECT_MS,
  UNANSWERED_MS,
  type WatchDecision,
  YOUNG_STUCK_MS,
} from "../../../src/runtime/watch/decide-watch.ts";

const LOOK_MS = 50;
const still = (nowMs: number, changes: Partial<Look> = {}): Look => ({
  nowMs,
  beats: 1,
  cpuMs: nowMs,
  runnable: true,
  young: false,
  long: undefined,
  ...changes,
});

/** Looks each 50 ms; gives what it decides on the way. */
function watch(
  untilMs: number,
  lookOf: (nowMs: number) => Look,
  { stackAfterMs = 100, isAnswered = true } = {},
) {
  let state = firstLook(lookOf(0));
  let askedMs: number | undefined;
  const effects: [number, WatchDecision["effect"]][] = [];
  for (let nowMs = LOOK_MS; nowMs <= untilMs; nowMs += LOOK_MS) {
    const isTaken = askedMs !== undefined && nowMs - askedMs >= stackAfterMs;
    const stackTakenMs = isTaken && askedMs !== undefined ? askedMs + stackAfterMs : undefined;
    const decision = decideWatch(state, lookOf(nowMs), stackTakenMs, isAnswered);
    state = decision.state;
    if (!state.suspected) askedMs = undefined;
    if (decision.effect === "takeStack") askedMs = nowMs;
    if (decision.effect !== "none") effects.push([nowMs, decision.effect]);
  }
  return effects;
}

describe("a loop that", () => {
  test("turns is left alone", () => {
    expect(watch(5_000, (nowMs) => still(nowMs, { beats: nowMs }))).toEqual([]);
  });

  test("spins is suspected, looked at again, and given up", () => {
    expect(watch(550, still)).toEqual([
      [SUSPECT_MS, "takeStack"],
      [500, "condemn"],
      [550, "condemn"],
    ]);
  });

  test("does a long piece of the kernel's own work is left alone while that is bounded", () => {
    const long = (nowMs: number) => still(nowMs, { long: 7 });
    expect(watch(LONG_MS, long)).toEqual([]);
    expect(watch(LONG_MS + STUCK_MS, long)).toEqual([
      [LONG_MS + 150, "takeStack"],
      [LONG_MS + STUCK_MS, "condemn"],
    ]);
  });

  test("goes from one long piece to the next gets the time of each, and spins after the last", () => {
    const pieces = (nowMs: number) =>
      nowMs < 20_000 ? still(nowMs, { long: nowMs < 10_000 ? 1 : 3 }) : still(nowMs);
    expect(watch(20_450, pieces)).toEqual([
      [20_150, "takeStack"],
      [20_450, "condemn"],
    ]);
  });

  test("belongs to a process that has just taken up work gets a second", () => {
    const young = (nowMs: number) => still(nowMs, { young: true });
    expect(watch(YOUNG_STUCK_MS, young)).toEqual([
      [SUSPECT_MS, "takeStack"],
      [YOUNG_STUCK_MS, "condemn"],
    ]);
  });

  test("sleeps without processor time is given up as well", () => {
    expect(watch(STUCK_MS, () => still(0, { runnable: false }))).toEqual([]);
    const asleep = (nowMs: number) => still(nowMs, { runnable: false, cpuMs: 0 });
    expect(watch(500, asleep)).toContainEqual([500, "condemn"]);
  });

  test("turns again while its stack is taken goes on", () => {
    expect(watch(2_000, (nowMs) => still(nowMs, { beats: nowMs < 350 ? 1 : nowMs }))).toEqual([
      [SUSPECT_MS, "takeStack"],
    ]);
  });

  test("is not given up before its stack is there, or will not come", () => {
    expect(watch(1_000, still, { stackAfterMs: 500 })[1]).toEqual([
      SUSPECT_MS + 500 + AFTER_STACK_MS,
      "condemn",
    ]);
  });

  test("runs and does not say where, as while the engine collects garbage, gets five seconds", () => {
    const silent = { stackAfterMs: 600, isAnswered: false };
    expect(watch(UNANSWERED_MS - LOOK_MS, still, silent)).toEqual([[SUSPECT_MS, "takeStack"]]);
    expect(watch(UNANSWERED_MS, still, silent)).toContainEqual([UNANSWERED_MS, "condemn"]);
    const asleep = (nowMs: number) => still(nowMs, { runnable: false });
    expect(watch(1_000, asleep, silent)).toContainEqual([SUSPECT_MS + 600 + AFTER_STACK_MS, "condemn"]);
  });

  test("wants to run and gets no processor is waited for, but not for ever", () => {
    const starved = (nowMs: number) => still(nowMs, { cpuMs: nowMs / 20 });
    expect(watch(STARVED_MS - LOOK_MS, starved)).toEqual([[SUSPECT_MS, "takeStack"]]);
    expect(watch(STARVED_MS, starved)).toContainEqual([STARVED_MS, "condemn"]);
  });

  test("gets little processor time is given up once it had a second of it", () => {
    const quarter = (nowMs: number) => still(nowMs, { cpuMs: nowMs / 4 });
    const enoughMs = 4 * STARVED_CPU_MS;
    expect(watch(enoughMs - LOOK_MS, quarter)).toEqual([[SUSPECT_MS, "takeStack"]]);
    expect(watch(enoughMs, quarter)).toContainEqual([enoughMs, "condemn"]);
  });

  test("is looked at anew when this thread itself was late: the machine was stopped", () => {
    const state = { ...firstLook(still(0)), suspected: true };
    const decision = decideWatch(state, still(600), 300);
    expect(decision).toMatchObject({ effect: "none", state: { suspected: false, sinceMs: 600 } });
  });
});
