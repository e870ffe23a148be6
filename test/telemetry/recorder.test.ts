import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EventInput } from "../../src/telemetry/event.ts";
import { createRecorder } from "../../src/telemetry/recorder.ts";
import { type RefusalInput, Refusals } from "../../src/telemetry/refusals.ts";
import { allEvents, logged, openLog, refused, temporaryFolder } from "./samples.ts";

const countOf = (event: EventInput): number =>
  event.kind.case === "intentRefused" ? Number(event.kind.value.count) : 0;

function isRefusal(input: EventInput): input is RefusalInput {
  return input.kind.case === "intentRefused";
}

test("the counts recorded add up to the refusals made, and stay few however many there were", () => {
  const refusal = fc.record({
    principal: fc.constantFrom("a", "b", "c"),
    code: fc.constantFrom("CAPSULE_BAD", "AUTHORITY_NONE"),
    stepMs: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(refusal, { maxLength: 300 }), (made) => {
      const out: EventInput[] = [];
      const refusals = new Refusals((input) => out.push(input));
      const seconds = new Set<number>();
      let nowMs = 0;
      for (const { principal, code, stepMs } of made) {
        nowMs += stepMs;
        seconds.add(Math.floor(nowMs / 1000));
        const input = refused(principal, code);
        if (isRefusal(input)) refusals.add(input, nowMs);
      }
      refusals.flush();
      expect(out.reduce((sum, event) => sum + countOf(event), 0)).toBe(made.length);
      expect(out.length).toBeLessThanOrEqual(2 * 6 * seconds.size);
    }),
  );
});

test("a flood from ever new principals stays bounded, and its sum is kept", () => {
  const out: EventInput[] = [];
  const refusals = new Refusals((input) => out.push(input));
  for (let i = 0; i < 100_000; i++) {
    const input = refused(`p${i}`);
    if (isRefusal(input)) refusals.add(input, 5_000);
  }
  refusals.flush();
  expect(out.length).toBeLessThan(600);
  expect(out.reduce((sum, event) => sum + countOf(event), 0)).toBe(100_000);
});

test("the first refusal of a second is recorded at once, the rest with their count", async () => {
  const path = join(temporaryFolder(), "events.log");
  let unixMs = 10_000;
  const recorder = createRecorder({ node: "a", log: openLog(path), now: () => ({ unixMs, counter: 0 }) });
  recorder.record(refused("mallory"));
  await new Promise((resolve) => setImmediate(resolve));
  const counts = async () =>
    (await allEvents(path)).map(({ kind }) => (kind.case === "intentRefused" ? kind.value.count : 0n));
  expect(await counts()).toEqual([1n]);
  for (let i = 0; i < 999; i++) recorder.record(refused("mallory"));
  unixMs = 11_000;
  recorder.record(refused("mallory"));
  recorder.close();
  expect(await counts()).toEqual([1n, 999n, 1n]);
});

test("subscribers hear of each event; one that throws harms neither the log nor the others", async () => {
  const path = join(temporaryFolder(), "events.log");
  const heard: string[] = [];
  const recorder = createRecorder({
    node: "a",
    log: openLog(path),
    publish: () => {
      throw new Error("broker away");
    },
  });
  const unsubscribe = recorder.subscribe((kind) => heard.push(kind));
  recorder.record(logged("one"));
  unsubscribe();
  recorder.record(logged("two"));
  recorder.flush();
  expect(heard).toEqual(["actorLogged"]);
  expect(await allEvents(path)).toHaveLength(2);
  expect(recorder.stats()).toMatchObject({ recorded: 2, publishFailures: 2, lastError: "broker away" });
});

test("an input that is no event is counted, not thrown", () => {
  const recorder = createRecorder({ node: "a", log: openLog(join(temporaryFolder(), "events.log")) });
  recorder.record({ kind: { case: "actorCrashed", value: { failure: "no such class" } } });
  expect(recorder.stats()).toMatchObject({ recorded: 0, dropped: 1 });
});
