import { describe, expect, test } from "vitest";
import { permits } from "../../../src/security/capability/permits.ts";
import { toWireError } from "../../../src/security/replies/wire-error.ts";

describe("what a token permits", () => {
  const last = {
    permissions: [
      {
        intents: ["pay"],
        targets: ["bank/*"],
        constraints: [{ path: "/amount", rule: { kind: "range", least: undefined, most: 10 } as const }],
      },
      { intents: ["look"], targets: ["**"], constraints: [] },
    ],
  };
  test.for<[intent: string, target: string, payload: unknown, code: string]>([
    ["pay", "bank/a", { amount: 10 }, ""],
    ["pay", "bank/a", { amount: 11 }, "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["pay", "bank/a", {}, "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["pay", "bank/a", undefined, "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["pay", "shop", { amount: 1 }, "CAPABILITY_INTENT_FORBIDDEN"],
    ["look", "shop/b/c", undefined, ""],
    ["look", "kernel/graph", undefined, "CAPABILITY_INTENT_FORBIDDEN"],
  ])("%s to %s with %o", ([intent, target, payload, code]) => {
    expect(permits(last, intent, target, () => payload)?.code ?? "").toBe(code);
  });

  test("names the part that does not hold, also to who is far away", () => {
    const rule = { kind: "range", least: undefined, most: 10 } as const;
    const nested = { intents: ["pay"], targets: ["bank"], constraints: [{ path: "/order/amount", rule }] };
    const refused = permits({ permissions: [nested] }, "pay", "bank", () => ({ order: { amount: 11 } }));
    expect(refused && toWireError(refused).message).toBe(
      "the constraint on payload/order/amount does not hold",
    );
  });

  test("asks for the payload only where a constraint is on it", () => {
    const fail = () => {
      throw new Error("it was read");
    };
    expect(permits(last, "look", "shop", fail)).toBeUndefined();
    expect(() => permits(last, "pay", "bank/a", fail)).toThrow("it was read");
  });
});
