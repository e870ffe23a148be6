import fc from "fast-check";
import { expect, test } from "vitest";
import { FairSlots } from "../../../../src/actors/kernel/tools/exec/fair-slots.ts";

/** Begins as many as it may; says how many that were, and what ends them. */
function take(slots: FairSlots, actor: string): readonly (() => void)[] {
  const begun = slots.begin(actor);
  return begun.ok ? [begun.value, ...take(slots, actor)] : [];
}

test("an actor alone has four of sixteen, and is told that it is busy beyond", () => {
  const slots = new FairSlots(16);
  expect(take(slots, "g/a")).toHaveLength(4);
  expect(slots.begin("g/a")).toMatchObject({ ok: false, error: { code: "TOOL_BUSY", retryable: true } });
});

test("at least eight actors run programs at once, though each takes all that it may", () => {
  const slots = new FairSlots(16);
  const taken = Array.from({ length: 8 }, (_, at) => take(slots, `g/a${at}`).length);
  expect(taken.every((count) => count > 0)).toBe(true);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(16);
});

test("one that has ended is free again, once", () => {
  const slots = new FairSlots(4);
  const [end] = take(slots, "g/a");
  expect(slots.begin("g/a").ok).toBe(false);
  end?.();
  end?.();
  expect(take(slots, "g/a")).toHaveLength(1);
});

test("never more than there are, whoever begins and ends", () => {
  const steps = fc.array(fc.record({ actor: fc.nat(20), ends: fc.boolean() }), { maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (all, size) => {
      const slots = new FairSlots(size);
      const running: (() => void)[] = [];
      for (const { actor, ends } of all) {
        if (ends) running.shift()?.();
        else {
          const begun = slots.begin(`g/a${actor}`);
          if (begun.ok) running.push(begun.value);
        }
        expect(running.length).toBeLessThanOrEqual(size);
      }
    }),
  );
});
