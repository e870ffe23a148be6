import { describe, expect, it } from "vitest";
import { type SignatureCheck, SignatureVerdict } from "../../src/gen/cell0/v1/core_pb.ts";
import { createVerifyAhead } from "../../src/runtime/verify-ahead.ts";
import { verifyByRule } from "../../src/security/keys/verify.ts";
import { sealBatch } from "../../src/security/wire/seal.ts";
import type { IncomingMessage } from "../../src/transport/intake.ts";
import { MIN_AHEAD } from "../../src/transport/turn-queue.ts";
import {
  bytesOf,
  genesis,
  keys,
  NOW,
  SUBJECT,
  sealed,
  sealingOf,
  trustStore,
} from "../security/cell-fixture.ts";

const message = (data: Uint8Array = sealed(), subject = SUBJECT): IncomingMessage => ({ subject, data });
const many = (count = MIN_AHEAD): IncomingMessage[] => Array.from({ length: count }, () => message());
/** The same with another signature than its own. */
function forged(): IncomingMessage {
  const data = Uint8Array.from(sealed());
  const last = data.length - 1;
  data[last] = (data[last] ?? 0) ^ 1;
  return message(data);
}

/** A core that keeps to the rule, unless it is told otherwise. */
function world(answer: "rule" | "down" = "rule") {
  const hand = { nowMs: 0, answer };
  const asked: (readonly SignatureCheck[])[] = [];
  const ahead = createVerifyAhead({
    genesisHash: genesis.hash,
    trust: trustStore(),
    async verify(checks) {
      asked.push(checks);
      if (hand.answer === "down") throw new Error("down");
      return checks.map(({ publicKey, message: text, signature }) =>
        verifyByRule(publicKey, text, signature) ? SignatureVerdict.VALID : SignatureVerdict.INVALID,
      );
    },
    nowMs: () => hand.nowMs,
    nowUnixMs: () => NOW,
  });
  return { hand, asked, ahead };
}

describe("signatures verified ahead", () => {
  it("are those of all messages, alone and in batches, in one question", async () => {
    const { ahead, asked } = world();
    const [batch = new Uint8Array()] = sealBatch([[bytesOf(), bytesOf()]], sealingOf(keys.ann), 1n);
    const messages = [...many(), message(batch)];
    await ahead(messages);
    expect(asked.map(({ length }) => length)).toEqual([MIN_AHEAD + 1]);
    expect(messages.map(({ signed }) => signed?.capsules.length)).toEqual([...many().map(() => 1), 2]);
  });

  it("leave a message whose signature is not valid to be judged as if nobody had asked", async () => {
    const { ahead } = world();
    const bad = forged();
    const messages = [...many(), bad];
    await ahead(messages);
    expect([bad.signed, messages[0]?.signed === undefined]).toEqual([undefined, false]);
  });

  it("are for a second none of a key of which one was not valid", async () => {
    const { ahead, asked, hand } = world();
    await ahead([...many(), forged()]);
    expect(ahead(many())).toBeUndefined();
    hand.nowMs = 1_000;
    const later = many();
    await ahead(later);
    expect([asked.length, later.every(({ signed }) => signed !== undefined)]).toEqual([2, true]);
  });

  it.each([
    ["garbage", message(new Uint8Array([1, 2, 3]))],
    ["under another's name", message(sealed(), SUBJECT.replace(".ann.", ".bob."))],
    ["of a key that nobody has", message(sealed({}, keys.stranger))],
  ])("are none of what is refused for less: %s", async (_, odd) => {
    const { ahead, asked } = world();
    expect(ahead([...many(MIN_AHEAD - 1), odd])).toBeUndefined();
    await ahead([...many(), odd]);
    expect(asked.map(({ length }) => length)).toEqual([MIN_AHEAD]);
    expect(odd.signed).toBeUndefined();
  });

  it("are none for a second after the core did not answer, and then again", async () => {
    const { ahead, hand, asked } = world("down");
    const unanswered = many();
    await ahead(unanswered);
    expect(unanswered.every(({ signed }) => signed === undefined)).toBe(true);
    hand.answer = "rule";
    expect(ahead(many())).toBeUndefined();
    hand.nowMs = 1_000;
    const later = many();
    await ahead(later);
    expect([asked.length, later.every(({ signed }) => signed !== undefined)]).toEqual([2, true]);
  });
});
