import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FailureClass } from "../../../src/actors/child.ts";
import { DEAF_MS, decideSilence, SILENT_MS } from "../../../src/supervisor/cradle/decide-silence.ts";
import { describeExit, failureOfExit } from "../../../src/supervisor/cradle/describe-exit.ts";
import { OUT_OF_MEMORY, watchMemoryEnds } from "../../../src/supervisor/cradle/out-of-memory.ts";
import type { ProcessExit, Suspect } from "../../../src/supervisor/cradle/process-spec.ts";
import { type Death, decideRestart } from "../../../src/supervisor/cradle/restart-policy.ts";
import { actorToBlame, withDeath } from "../../../src/supervisor/cradle/suspects.ts";
import { matrix, PARKED_AFTER } from "../../../src/supervisor/matrix.ts";
import type { ResurrectionMatrix } from "../../../src/supervisor/matrix-rules.ts";
import { processRules } from "../../../src/supervisor/process-rules.ts";

const rules = processRules(matrix.process);

describe("a process of which nothing is heard", () => {
  const silence = (heardMs: number, nowMs: number, stopped: boolean | undefined, lookedAtMs = nowMs - 50) =>
    decideSilence({ lookedAtMs, excusedMs: 0 }, { nowMs, heardMs, deafMs: DEAF_MS, stopped: () => stopped })
      .kill;

  test.each([
    ["beats in time", 900, 1_000, true, undefined],
    ["was stopped by a signal", 700, 700 + SILENT_MS, true, /^stopped by a signal/],
    ["is only slow", 0, DEAF_MS - 1, false, undefined],
    ["is slow for too long", 0, DEAF_MS, false, /^silent for 3000 ms/],
    ["cannot be looked at", 0, DEAF_MS - 1, undefined, undefined],
    ["cannot be looked at for too long", 0, DEAF_MS, undefined, /^silent/],
  ] as const)("that %s", (_what, heardMs, nowMs, stopped, kill) => {
    const decided = silence(heardMs, nowMs, stopped);
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

  const look = (nowMs: number) => ({ nowMs, heardMs: 0, deafMs: DEAF_MS, stopped: () => true });
});

describe("the restart of a process", () => {
  test("is at once when it had worked, and still not without end", () => {
    const decisions = Array.from({ length: 10 }, (_, at) => at).reduce(
      (deaths) => {
        const decision = decideRestart(deaths, { atMs: 5_000, failure: "crash" }, rules, 0);
        expect(decision).toMatchObject({ kind: "restart", inMs: 0 });
        return decision.deaths;
      },
      [] as readonly Death[],
    );
    expect(decideRestart(decisions, { atMs: 6_000, failure: "crash" }, rules, 0).kind).toBe("giveUp");
  });

  test("is at once after the first death in a row, then later and later, then not at all", () => {
    let deaths: readonly Death[] = [];
    const waits: (number | string)[] = [];
    for (let at = 0; at < 11; at++) {
      const decision = decideRestart(deaths, { atMs: at, failure: "crash" }, rules, at + 1);
      deaths = decision.deaths;
      waits.push(decision.kind === "restart" ? decision.inMs : "gives up");
    }
    expect(waits).toEqual([0, 20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, "gives up"]);
  });

  test("does not count the deaths that an actor is parked for, of however many actors", () => {
    let deaths: readonly Death[] = [];
    for (let at = 0; at < 5 * 20; at++) {
      const decision = decideRestart(
        deaths,
        { atMs: at, failure: "crash", actor: `shop/a${at % 20}` },
        rules,
        0,
      );
      expect(decision.kind).toBe("restart");
      deaths = decision.deaths;
    }
  });

  test("counts them once parking does not help: beyond five of one actor, and all that nobody is named for", () => {
    let deaths: readonly Death[] = [];
    const kinds: string[] = [];
    for (let at = 0; at < 16; at++) {
      const decision = decideRestart(deaths, { atMs: at, failure: "crash", actor: "shop/a" }, rules, 0);
      deaths = decision.deaths;
      kinds.push(decision.kind);
    }
    expect(kinds.indexOf("giveUp")).toBe(15);
  });

  test("follows the rule of what it died of, and changes with that rule", () => {
    const kindsOf = (layer: ResurrectionMatrix["process"], failure: FailureClass) => {
      let deaths: readonly Death[] = [];
      return [0, 1, 2].map((atMs) => {
        const decision = decideRestart(deaths, { atMs, failure }, processRules(layer), 0);
        deaths = decision.deaths;
        return decision.kind;
      });
    };
    const { crash, loss } = matrix.process;
    const once = { ...crash, counting: { restarts: 1, periodMs: 60_000 } };
    const shortly = { ...crash, counting: { restarts: 1, periodMs: 2 } };
    const halted = { ...loss, action: "halt" } as const;
    expect(kindsOf(matrix.process, "crash")).toEqual(["restart", "restart", "restart"]);
    expect(kindsOf({ ...matrix.process, crash: once }, "crash")).toEqual(["restart", "giveUp", "giveUp"]);
    expect(kindsOf({ ...matrix.process, crash: shortly }, "crash")[2]).toBe("giveUp");
    expect(kindsOf({ ...matrix.process, crash: once }, "loss")).toEqual(["restart", "restart", "restart"]);
    expect(kindsOf({ ...matrix.process, loss: halted }, "loss")[0]).toBe("giveUp");
    expect(kindsOf(matrix.process, "treachery")[0]).toBe("giveUp");
  });

  test("spares as many deaths of one actor as its rule says", () => {
    const { crash } = matrix.process;
    const parkedAfter = { ...PARKED_AFTER, deaths: 2 };
    const changed = { ...crash, counting: { restarts: 0, periodMs: 60_000 }, parkedAfter };
    let deaths: readonly Death[] = [];
    const kinds = [0, 1, 2].map((atMs) => {
      const death = { atMs, failure: "crash", actor: "shop/a" } as const;
      const decision = decideRestart(deaths, death, processRules({ ...matrix.process, crash: changed }), 0);
      deaths = decision.deaths;
      return decision.kind;
    });
    expect(kinds).toEqual(["restart", "restart", "giveUp"]);
  });

  test("takes its number from the command line where that says one, its period from the matrix", () => {
    const { crash } = processRules(matrix.process, 0);
    expect(crash).toMatchObject({ restarts: 0, periodMs: 60_000, parkedAfter: { deaths: 5 } });
  });

  test("never happens more often than the limit within the period, whenever it dies", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 60 }), fc.nat(12), (gaps, restarts) => {
        const lossRule = { loss: { restarts, periodMs: 60_000 } };
        let deaths: readonly Death[] = [];
        let now = 0;
        const restarted: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const decision = decideRestart(deaths, { atMs: now, failure: "loss" }, lossRule, 1);
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

describe("what a process had in hand at its end", () => {
  const inHand = { actor: "shop/a", intent: "ab" };
  test.each<readonly [string, ProcessExit, string | undefined]>([
    ["a stuck loop", { code: null, signal: "SIGKILL", reason: "stuck", stuck: { stuckMs: 500 } }, "hang"],
    ["an end of its own", { code: 3, signal: null }, "crash"],
    ["a full heap", { code: null, signal: "SIGABRT" }, "exhaustion"],
    ["a fault", { code: null, signal: "SIGSEGV" }, "crash"],
    ["want of memory", { code: null, signal: "SIGKILL", reason: OUT_OF_MEMORY }, "exhaustion"],
    ["kill -9", { code: null, signal: "SIGKILL" }, undefined],
    [
      "a stop",
      { code: null, signal: "SIGKILL", reason: "stopped by a signal, silent for 200 ms" },
      undefined,
    ],
    [
      "a start that takes too long",
      { code: null, signal: "SIGKILL", reason: "not ready after 1 ms" },
      undefined,
    ],
    ["an end in order", { code: 0, signal: null }, undefined],
  ])("is told with its class after %s, when its own code did it", (_what, exit, failure) => {
    const [suspect] = withDeath([], { ...exit, inHand }, 7, rules);
    expect(suspect).toEqual({ ...inHand, atUnixMs: 7, ...(failure === undefined ? {} : { failure }) });
    expect(actorToBlame({ ...exit, inHand })).toBe(failure === undefined ? undefined : "shop/a");
  });

  test("is laid to no actor when that is the node's own", () => {
    const exit = { code: 1, signal: null, inHand: { actor: "kernel/a/fs", intent: "" } };
    expect(actorToBlame(exit)).toBeUndefined();
  });

  test("is forgotten after an hour, and the oldest beyond 64", () => {
    const exit = { code: 1, signal: null, inHand };
    let suspects: readonly Suspect[] = [];
    for (let at = 0; at < 70; at++) suspects = withDeath(suspects, exit, at, rules);
    expect(suspects.map(({ atUnixMs }) => atUnixMs)).toEqual(Array.from({ length: 64 }, (_, at) => at + 6));
    const next = { code: 1, signal: null };
    expect(withDeath(suspects, next, 3_600_000 + 68, rules)).toHaveLength(1);
    const longer = { crash: { restarts: 1, periodMs: 1, parkedAfter: { deaths: 1, periodMs: 7_200_000 } } };
    expect(withDeath(suspects, next, 3_600_000 + 68, longer)).toHaveLength(64);
  });
});

test("an end for want of memory is one that the system has just counted", () => {
  let count: number | undefined = 3;
  const watch = watchMemoryEnds(() => count);
  expect(watch.hasEnded()).toBe(false);
  count = 4;
  expect(watch.hasEnded()).toBe(true);
  count = undefined;
  expect(watch.hasEnded()).toBe(false);
  watch.stop();
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
