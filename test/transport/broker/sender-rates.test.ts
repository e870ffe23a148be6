import { describe, expect, it } from "vitest";
import {
  MAX_BYTES,
  MAX_MESSAGES,
  SenderRates,
  type Volume,
} from "../../../src/transport/broker/sender-rates.ts";
import { SentByClients } from "../../../src/transport/broker/sent-by-clients.ts";

const of = (name: string, sent: Volume): ReadonlyMap<string, Volume> => new Map([[name, sent]]);

/** Looks, so many seconds after each other, at one who sends so much in a second. */
function looks(each: Volume & { seconds?: number }, count: number): readonly (readonly string[])[] {
  const rates = new SenderRates();
  const { messages, bytes, seconds = 1 } = each;
  const idle = ["ann", { messages: 1_000_000_000, bytes: 1_000_000_000_000 }] as const;
  return Array.from({ length: count }, (_, n) => {
    const times = n * seconds;
    return rates.look(
      new Map([["mallory", { messages: times * messages, bytes: times * bytes }], idle]),
      times * 1_000,
    );
  });
}

describe("who sends too much", () => {
  it.each([
    ["messages", { messages: MAX_MESSAGES + 1, bytes: 0 }],
    ["bytes", { messages: 0, bytes: MAX_BYTES + 1 }],
    ["messages, looked at late", { messages: MAX_MESSAGES + 1, bytes: 0, seconds: 5 }],
  ])("is who does so between two looks and the next: %s", (_, each) => {
    expect(looks(each, 4)).toEqual([[], [], ["mallory"], ["mallory"]]);
  });

  it("is not who sends as much as it may, nor who once sent more", () => {
    expect(looks({ messages: MAX_MESSAGES, bytes: MAX_BYTES }, 5).flat()).toEqual([]);
    const rates = new SenderRates();
    const sent = [0, 2, 2, 4, 4, 6].map((times) => times * MAX_MESSAGES);
    const found = sent.flatMap((messages, second) =>
      rates.look(of("ann", { messages, bytes: 0 }), second * 1_000),
    );
    expect(found).toEqual([]);
  });

  it("is not who was not there the last time", () => {
    const rates = new SenderRates();
    for (const second of [0, 1, 2, 3])
      expect(rates.look(of(`s${second}`, { messages: 1e9, bytes: 1e9 }), second * 1_000)).toEqual([]);
  });

  it("is not whose answers came late, one right after the other", () => {
    const rates = new SenderRates();
    const found = [0, 5_000, 5_001, 5_002, 6_000].flatMap((nowMs, at) =>
      rates.look(of("ann", { messages: at * MAX_MESSAGES, bytes: 0 }), nowMs),
    );
    expect(found).toEqual([]);
  });
});

describe("what a client has sent", () => {
  const open = (id: number, messages: number) => ({ id, messages, bytes: 10 * messages });
  const name = (id: number) => (id < 10 ? "mallory" : id < 20 ? "ann" : undefined);

  it("is the sum of what its connections have, and of those that are no more", () => {
    const sent = new SentByClients();
    expect(sent.sum([open(1, 5), open(2, 7), open(11, 3), open(30, 9)], name)).toEqual(
      new Map([
        ["mallory", { messages: 12, bytes: 120 }],
        ["ann", { messages: 3, bytes: 30 }],
      ]),
    );
    sent.ended("mallory", open(1, 6));
    expect(sent.sum([open(2, 7)], name).get("mallory")).toEqual({ messages: 13, bytes: 130 });
  });

  it("is forgotten once nothing is added to it", () => {
    const sent = new SentByClients();
    sent.ended("mallory", open(1, 6));
    expect(sent.isEmpty).toBe(false);
    sent.sum([], name);
    sent.sum([], name);
    expect([sent.isEmpty, sent.sum([], name).size]).toEqual([true, 0]);
  });
});
