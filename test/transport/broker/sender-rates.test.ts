import { describe, expect, it } from "vitest";
import { MAX_BYTES, MAX_MESSAGES, SenderRates } from "../../../src/transport/broker/sender-rates.ts";

/** Looks, so many seconds after each other, at one connection that sends so much in a second. */
function looks(
  each: { messages: number; bytes: number; seconds?: number },
  count: number,
): readonly number[][] {
  const rates = new SenderRates();
  const { messages, bytes, seconds = 1 } = each;
  return Array.from({ length: count }, (_, n) => [
    ...rates.look(
      [
        { id: 7, messages: n * seconds * messages, bytes: n * seconds * bytes },
        { id: 8, messages: 1_000_000_000, bytes: 1_000_000_000_000 },
      ],
      n * seconds * 1_000,
    ),
  ]);
}

describe("who sends too much", () => {
  it.each([
    ["messages", { messages: MAX_MESSAGES + 1, bytes: 0 }],
    ["bytes", { messages: 0, bytes: MAX_BYTES + 1 }],
    ["messages, looked at late", { messages: MAX_MESSAGES + 1, bytes: 0, seconds: 5 }],
  ])("is who does so between two looks and the next: %s", (_, each) => {
    expect(looks(each, 4)).toEqual([[], [], [7], [7]]);
  });

  it("is not who sends as much as it may, nor who once sent more", () => {
    expect(looks({ messages: MAX_MESSAGES, bytes: MAX_BYTES }, 5).flat()).toEqual([]);
    const rates = new SenderRates();
    const sent = [0, 2, 2, 4, 4, 6].map((times) => times * MAX_MESSAGES);
    const found = sent.flatMap((messages, second) =>
      rates.look([{ id: 1, messages, bytes: 0 }], second * 1_000),
    );
    expect(found).toEqual([]);
  });

  it("is not who was not there the last time", () => {
    const rates = new SenderRates();
    for (const second of [0, 1, 2, 3])
      expect(rates.look([{ id: second, messages: 1e9, bytes: 1e9 }], second * 1_000)).toEqual([]);
  });
});
