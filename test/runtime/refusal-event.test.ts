import { expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { refusalEvent, turnedAway } from "../../src/runtime/refusal-event.ts";

test.each([
  ["cell0.v1.c.in.ann.support.triage", "ann", "support/triage"],
  ["cell0.v1.c.in.ann.>", "ann", ""],
  ["nowhere", "", ""],
])("a message to %s that finds no room is told as one of %j for %j", (subject, principal, target) => {
  const event = refusalEvent(turnedAway(subject, new CellError("BROKER_OVERLOADED")));
  expect(event.actor).toBe(target === "" ? undefined : target);
  expect(event.kind).toMatchObject({
    case: "intentRefused",
    value: { stage: "room", principal, target, count: 1, error: { code: "BROKER_OVERLOADED" } },
  });
});
