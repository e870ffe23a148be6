import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEAF_MS, decideSilence, SILENT_MS } from "../../../src/supervisor/cradle/decide-silence.ts";
import { describeExit, failureOfExit } from "../../../src/supervisor/cradle/describe-exit.ts";
import type { ProcessExit } from "../../../src/supervisor/cradle/process-spec.ts";
import { decideRestart } from "../../../src/supervisor/cradle/restart-policy.ts";

describe("a process that sends no beats", () => {
  const silence = (beatMs: number, nowMs: number, stopped: boolean | undefined, lookedAtMs = nowMs - 50) =>
    decideSilence({ lookedAtMs, excusedMs: 0 }, { nowMs, beatMs, stopped: () => stopped }).kill;

  test.each([
    ["beats in time", 900, 1_000, true, undefined],
    ["was stopped by a signal", 700, 700 + SILENT_MS, true, /^stopped by a signal/],
    ["is only slow", 0, DEAF_MS - 1, false, undefined],
    ["is slow for too long", 0, DEAF_MS, false, /^silent for 3000 ms/],
    ["cannot be looked at", 0, DEAF_MS - 1, undefined, undefined],
    ["cannot be looked at for too long", 0, DEAF_MS, undefined, /^silent/],
  ] as const)("that %s", (_what, beatMs, nowMs, stopped, kill) => {
    const decided = silence(beatMs, nowMs, stopped);
    if (kill === undefined) expect(decided).toBeUndefined();
    else expect(decided).toMatch(kill);
  });

  test("is not killed by a cradle that was late itself, and not within its time after that", () => {
    expect(silence(0, 10_000, true, 9_800)).toBeUndefined();
    const { state } = decideSilence({ lookedAtMs: 0, excusedMs: 0 }, look(10_000));
    expect(state).toEqual({ lookedAtMs: 10_000, excusedMs: 10_000 });
    expect(decideSilence({ ...state, lookedAtMs: 10_100 }, look(10_150)).kill).toBeUndefined();
    expect(decideSilence({ ...state, lookedAtMs: 10_150 }, look(10_200)).kill).toMatch(/^stopped/);
  });

  const look = (nowMs: number) => ({ nowMs, beatMs: 0, stopped: () => true });
});

describe("the restart of a process", () => {
  const limit = { restarts: 10, periodMs: 60_000 };

  test("is at once when it had worked, and still not without end", () => {
    const decisions = Array.from({ length: 10 }, (_, at) => at).reduce(
      (deaths) => {
        const decision = decideRestart(deaths, 5_000, limit, 0);
        expect(decision).toMatchObject({ kind: "restart", inMs: 0 });
        return decision.deaths;
      },
      [] as readonly number[],
    );
    expect(decideRestart(decisions, 6_000, limit, 0).kind).toBe("giveUp");
  });

  test("is at once after the first death in a row, then later and later, then not at all", () => {
    let deaths: readonly number[] = [];
    const waits: (number | string)[] = [];
    for (let at = 0; at < 11; at++) {
      const decision = decideRestart(deaths, at, limit, at + 1);
      deaths = decision.deaths;
      waits.push(decision.kind === "restart" ? decision.inMs : "gives up");
    }
    expect(waits).toEqual([0, 20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, "gives up"]);
  });

  test("never happens more often than the limit within the period, whenever it dies", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 60 }), fc.nat(12), (gaps, restarts) => {
        let deaths: readonly number[] = [];
        let now = 0;
        const restarted: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const decision = decideRestart(deaths, now, { restarts, periodMs: 60_000 }, 1);
          deaths = decision.deaths;
          if (decision.kind === "giveUp") break;
          restarted.push(now);
        }
        for (const at of restarted)
          expect(restarted.filter((other) => other <= at && at - other < 60_000).length).toBeLessThanOrEqual(
            restarts,
          );
      }),
    );
  });
});

test.each<readonly [ProcessExit, string, string]>([
  [{ code: null, signal: "SIGKILL" }, "SIGKILL", "loss"],
  [{ code: 1, signal: null }, "exit code 1", "crash"],
  [{ code: 134, signal: null }, "exit code 134", "exhaustion"],
  [{ code: null, signal: "SIGABRT" }, "SIGABRT", "exhaustion"],
  [
    { code: null, signal: "SIGKILL", reason: "stuck for 470 ms", stuck: { stuckMs: 470 } },
    "stuck for 470 ms",
    "hang",
  ],
  [{ code: null, signal: "SIGKILL", reason: "silent for 3000 ms" }, "silent for 3000 ms", "hang"],
])("the end %o is told as %s, class %s", (exit, text, failure) => {
  expect([describeExit(exit), failureOfExit(exit)]).toEqual([text, failure]);
});
