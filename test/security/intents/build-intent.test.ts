import { describe, expect, test } from "vitest";
import { equalBytes, sha256, toHex } from "../../../src/security/bytes.ts";
import { buildIntent } from "../../../src/security/intents/build-intent.ts";
import { decodeCapsule } from "../../../src/security/wire/decode-capsule.ts";
import { codeOf, must, NOW, nextId } from "../cell-fixture.ts";

const maker = { nextId, tick: () => ({ unixMs: NOW, counter: 3 }) };
const draft = {
  target: "support/triage",
  intent: "ticket.open",
  payload: new Uint8Array(),
  contentType: "application/json",
  deadlineUnixMs: NOW + 1_000.7,
  replyInbox: "",
};

describe("building an intent", () => {
  test("begins a chain of its own without a cause", () => {
    const built = must(buildIntent(draft, maker));
    const capsule = must(decodeCapsule(built.bytes));
    expect(equalBytes(capsule.rootId, built.id)).toBe(true);
    expect(capsule).toMatchObject({
      hopLimit: 64,
      deadlineUnixMs: NOW + 1_000,
      issuedAt: { unixMs: NOW, counter: 3 },
    });
    expect(toHex(built.hash)).toBe(toHex(sha256(built.bytes)));
  });

  test("carries on the chain of its cause, with one hop less", () => {
    const [id, rootId] = [nextId(), nextId()];
    const cause = { id: toHex(id), rootId: toHex(rootId), hopLimit: 5 };
    const capsule = must(decodeCapsule(must(buildIntent({ ...draft, cause }, maker)).bytes));
    expect([toHex(capsule.causeId), toHex(capsule.rootId), capsule.hopLimit]).toEqual([
      cause.id,
      cause.rootId,
      4,
    ]);
  });

  test("ends where no hop is left, so that no circle of actors runs for ever", () => {
    const cause = { id: toHex(nextId()), rootId: toHex(nextId()), hopLimit: 0 };
    expect(codeOf(buildIntent({ ...draft, cause }, maker))).toBe("CAPSULE_HOPS_EXHAUSTED");
  });

  test("refuses what no receiver would take", () => {
    const cause = { id: "zz", rootId: "", hopLimit: 3 };
    for (const fields of [
      { target: "" },
      { replyInbox: "_INBOX.x" },
      { deadlineUnixMs: Number.NaN },
      { cause },
    ]) {
      expect(codeOf(buildIntent({ ...draft, ...fields }, maker))).toBe("CAPSULE_FIELD_INVALID");
    }
  });
});
