import { expect, test } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { unreadRequest } from "../../../src/security/intake/describe.ts";
import { RefusalCounters } from "../../../src/security/intake/refusal-counters.ts";
import type { Refused } from "../../../src/security/intake/verdict.ts";

const refused = (principal: string, target = "a"): Refused => ({
  kind: "refused",
  stage: "decode",
  error: new CellError("CAPSULE_MALFORMED"),
  principal,
  target,
  request: unreadRequest(new Uint8Array()),
  replyTo: undefined,
});

test("many refusals of one principal, stage and code are one count, which is drained once", () => {
  const counters = new RefusalCounters();
  for (const target of ["a", "b", "c"]) counters.count(refused("ann", target));
  expect(counters.drain()).toEqual([
    { principal: "ann", stage: "decode", code: "CAPSULE_MALFORMED", target: "c", count: 3 },
  ]);
  expect(counters.drain()).toEqual([]);
  expect(counters.totals()).toEqual({ CAPSULE_MALFORMED: 3 });
});

test("principals that find no room are counted together", () => {
  const counters = new RefusalCounters(2);
  for (let at = 0; at < 50; at += 1) counters.count(refused(`p${at}`));
  const counts = counters.drain();
  expect(counts.map(({ principal, count }) => [principal, count])).toEqual([
    ["p0", 1],
    ["p1", 1],
    ["*", 48],
  ]);
});
