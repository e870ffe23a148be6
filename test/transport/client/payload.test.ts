import { expect, test } from "vitest";
import type { OpenedReply } from "../../../src/security/replies/open-replies.ts";
import { toReply } from "../../../src/transport/client/payload.ts";
import { KEYS, POISONED, poisonParser } from "../../wire/poisoned-parser.ts";

const replyOf = (text: string) =>
  toReply({
    payload: new TextEncoder().encode(text),
    contentType: "application/json",
    ...{ index: 0, final: true, node: "a", actor: "support/triage" },
  } as OpenedReply);

test("a reply reads the same, whatever was read before", () => {
  poisonParser();
  expect(Object.keys(Object(replyOf(POISONED).value))).toEqual(KEYS);
});

test.for(['{"\\n"', '{"\\x":1}', "[1,]"])("%s is no JSON", (text) => {
  expect(() => replyOf(text)).toThrow(expect.objectContaining({ code: "CAPSULE_MALFORMED" }));
});
