import { expect, test } from "vitest";
import { RestartHistory } from "../../src/runtime/restart-history.ts";
import type { EventInput } from "../../src/telemetry/event.ts";

const crashed = (actor: string, message = "boom"): EventInput => ({
  actor,
  kind: {
    case: "actorCrashed",
    value: { failure: "crash", name: "TypeError", message, event: "ticket.open", origin: "transition" },
  },
});
const restarted = (actor: string, cause: string, failure: string): EventInput => ({
  actor,
  kind: { case: "actorRestarted", value: { cause, restarts: 1, elapsedUs: 1_500, backoffMs: 0, failure } },
});

test("a restart is kept with its class, its failure, its time and its duration", () => {
  const history = new RestartHistory(() => 1_000);
  history.observe(crashed("g/x"));
  history.observe(restarted("g/x", "crash: TypeError: boom", "crash"));
  expect(history.of("g/x")).toEqual([
    {
      atUnixMs: 1_000,
      class: "crash",
      cause: "crash: TypeError: boom",
      failure: {
        class: "crash",
        name: "TypeError",
        message: "boom",
        event: "ticket.open",
        origin: "transition",
        rootActor: "g/x",
      },
      elapsedUs: 1_500,
    },
  ]);
});

test("one that is restarted for a sibling's failure, or after a normal end, has none of its own", () => {
  const history = new RestartHistory(() => 1_000);
  history.observe(restarted("g/y", "with g/x: hang: Stuck: no progress", "hang"));
  history.observe(restarted("g/z", "normal", "unspecified"));
  expect(history.of("g/y")).toEqual([
    { atUnixMs: 1_000, class: "hang", cause: "with g/x: hang: Stuck: no progress", elapsedUs: 1_500 },
  ]);
  expect(history.of("g/z")).toEqual([{ atUnixMs: 1_000, cause: "normal", elapsedUs: 1_500 }]);
});

test("the last 32 of a path are kept, oldest first", () => {
  const history = new RestartHistory(() => 1_000);
  for (let each = 0; each < 40; each++) history.observe(restarted("g/x", `crash: ${each}`, "crash"));
  const causes = history.of("g/x").map(({ cause }) => cause);
  expect(causes).toHaveLength(32);
  expect([causes[0], causes[31]]).toEqual(["crash: 8", "crash: 39"]);
});
