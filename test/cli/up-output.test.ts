// What `cell0 up` prints of a process that dies and comes back, for people and as JSON.
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createContext } from "../../src/cli/context.ts";
import { openSession } from "../../src/cli/session.ts";
import { printEvent } from "../../src/cli/up-output.ts";
import type { CradleEvent } from "../../src/supervisor/cradle/cradle.ts";
import { fakeTerminal } from "./fake-terminal.ts";

function printed(json: boolean, ...events: readonly CradleEvent[]): readonly string[] {
  const { terminal, written } = fakeTerminal();
  const program = new Command("cell0");
  const session = openSession(program, terminal, async () => program);
  const context = createContext(session, { color: false, ...(json ? { json: true } : {}) });
  for (const event of events) printEvent(context, event);
  expect(written.err).toBe("");
  return written.out.split("\n").slice(0, -1);
}

const exit = { code: null, signal: "SIGKILL", inHand: { actor: "shop/till", intent: "ab12" } } as const;
const died: CradleEvent = { kind: "died", name: "node", exit, restartInMs: 0, by: "spare" };
const recovery = {
  name: "node",
  exit,
  diedAtUnixMs: 1_700_000_000_000,
  downMs: 17.4,
  by: "spare",
  deathsInPeriod: 1,
} as const;
const back: CradleEvent = { kind: "ready", name: "node", elapsedMs: 12, detail: {}, recovery };

describe("a recovery", () => {
  test("is one line for people, with the layer, the time and what took over", () => {
    expect(printed(false, died, back)).toEqual([
      "! node died: SIGKILL",
      "  in hand: shop/till, intent ab12",
      "✓ node is back after 17 ms (layer 4, process; the one that stood by took over)",
    ]);
  });

  test("says that it started anew when nothing stood by, and how long it waits before", () => {
    const again = { ...died, exit: { code: 3, signal: null }, restartInMs: 40 } as const;
    const cold = { ...back, recovery: { ...recovery, by: "cold", downMs: 401.6 } } as const;
    expect(printed(false, again, cold)).toEqual([
      "! node died: exit code 3; again in 40 ms",
      "✓ node is back after 402 ms (layer 4, process; started anew)",
    ]);
  });

  test("is one line of JSON with the same, and nothing else", () => {
    const lines = printed(true, died, back);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { recovered: "node", ...recovery, cause: "SIGKILL" },
    ]);
  });
});

test("a process that comes up for the first time is no recovery", () => {
  const first: CradleEvent = { kind: "ready", name: "core", elapsedMs: 12.3, detail: {} };
  expect(printed(false, first)).toEqual(["✓ core 12 ms"]);
  expect(printed(true, first)).toEqual([]);
});

test("a process that does not stay up is told with the bound that it exceeded, or that there is none", () => {
  const gaveUp = {
    kind: "gaveUp",
    name: "core",
    exit: { code: 1, signal: null },
    log: "/l/core.log",
  } as const;
  const limit = { restarts: 10, periodMs: 60_000 };
  expect(printed(false, { ...gaveUp, limit })[0]).toBe(
    "✗ core does not stay up: ended 11 times in 60 s, the last time by exit code 1. Everything is stopped; its log: /l/core.log",
  );
  expect(printed(false, gaveUp)[0]).toContain("is not started again after this");
});
