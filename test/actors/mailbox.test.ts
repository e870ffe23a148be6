import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PriorityName } from "../../src/actors/intent.ts";
import { Mailbox } from "../../src/actors/mailbox.ts";

const PRIORITIES: readonly PriorityName[] = ["critical", "high", "normal", "low"];
const drain = <T>(mailbox: Mailbox<T>): T[] => {
  const taken: T[] = [];
  for (let item = mailbox.take(); item !== undefined; item = mailbox.take()) taken.push(item);
  return taken;
};

describe("a mailbox", () => {
  test("hands out higher priorities more often, and starves none", () => {
    const mailbox = new Mailbox<PriorityName>({ bound: 10_000, whenFull: "refuse" });
    for (let round = 0; round < 100; round++) for (const name of PRIORITIES) mailbox.put(name, name);
    const first = Array.from({ length: 15 }, () => mailbox.take());
    const counts = PRIORITIES.map((name) => first.filter((taken) => taken === name).length);
    expect(counts).toEqual([8, 4, 2, 1]);
  });

  test("refuses at its bound", () => {
    const mailbox = new Mailbox<number>({ bound: 2, whenFull: "refuse" });
    expect([1, 2, 3].map((item) => mailbox.put(item, "normal").kind)).toEqual([
      "queued",
      "queued",
      "refused",
    ]);
    expect(mailbox.isFullFor("critical")).toBe(true);
    expect(drain(mailbox)).toEqual([1, 2]);
  });

  test("drops the oldest of the lowest priority, and never one above the newcomer", () => {
    const mailbox = new Mailbox<string>({ bound: 3, whenFull: "drop_oldest" });
    mailbox.put("high", "high");
    mailbox.put("low 1", "low");
    mailbox.put("low 2", "low");
    expect(mailbox.put("normal", "normal")).toEqual({ kind: "queued", dropped: "low 1" });
    expect(mailbox.put("normal 2", "normal")).toEqual({ kind: "queued", dropped: "low 2" });
    expect(mailbox.put("low 3", "low")).toEqual({ kind: "refused" });
    expect(mailbox.put("normal 3", "normal")).toEqual({ kind: "queued", dropped: "normal" });
  });

  test("keeps what it holds when its bound shrinks", () => {
    const mailbox = new Mailbox<number>({ bound: 3, whenFull: "refuse" });
    for (const item of [1, 2, 3]) mailbox.put(item, "normal");
    mailbox.configure({ bound: 1, whenFull: "refuse" });
    expect(mailbox.put(4, "normal").kind).toBe("refused");
    expect(drain(mailbox)).toEqual([1, 2, 3]);
  });

  test("keeps order within a priority, loses and invents nothing, and never exceeds its bound", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...PRIORITIES) },
      { weight: 2, arbitrary: fc.constant("take" as const) },
    );
    const property = fc.property(
      fc.array(operation, { maxLength: 300 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom("refuse" as const, "drop_oldest" as const),
      (operations, bound, whenFull) => {
        const mailbox = new Mailbox<{ readonly name: PriorityName; readonly order: number }>({
          bound,
          whenFull,
        });
        const inside = new Set<object>();
        const last = new Map<PriorityName, number>();
        const out = (item: { readonly name: PriorityName; readonly order: number } | undefined): void => {
          if (item === undefined) return;
          expect(inside.delete(item)).toBe(true);
          expect(item.order).toBeGreaterThan(last.get(item.name) ?? -1);
          last.set(item.name, item.order);
        };
        for (const [order, name] of operations.entries()) {
          if (name === "take") out(mailbox.take());
          else {
            const item = { name, order };
            const put = mailbox.put(item, name);
            if (put.kind === "refused") continue;
            inside.add(item);
            out(put.dropped);
          }
          expect(mailbox.size).toBe(inside.size);
          expect(mailbox.size).toBeLessThanOrEqual(bound);
        }
        for (const item of drain(mailbox)) out(item);
        expect(inside.size).toBe(0);
      },
    );
    fc.assert(property, { verbose: 1 });
  });
});
