import { expect, test } from "vitest";
import type { StoredReply } from "../../../src/actors/durable/ports.ts";
import { Routes } from "../../../src/actors/durable/routes.ts";
import type { Delivery, OutgoingReply } from "../../../src/actors/intent.ts";
import { CellError } from "../../../src/errors/cell-error.ts";

const intent = {
  ...{ id: "i1", rootId: "i1", causeId: "", hash: "h1", type: "count", principal: "alice", source: "" },
  ...{ epoch: 0, target: "a/b", contentType: "", payload: new Uint8Array(), issuedAtUnixMs: 0 },
  ...{ deadlineUnixMs: 1_000, priority: "normal" as const, hopLimit: 1, traceparent: "", wantsReply: true },
};

test("a later incarnation tells of an intent that was not begun that it was not, so that a copy may be", () => {
  const stored: StoredReply[] = [];
  const told: OutgoingReply[] = [];
  const respond = (reply: OutgoingReply) => void told.push(reply);
  const delivery: Delivery = { intent, journaled: { position: 1, returnAddress: null }, respond };
  const first = new Routes(
    () => respond,
    [],
    (reply) => void (reply === undefined || stored.push(reply)),
  );
  const error = new CellError("ACTOR_INTENT_DROPPED");
  first.of(delivery).respond({ kind: "error", error, begun: false });
  const next = new Routes(
    () => respond,
    stored,
    () => undefined,
  );
  next.replay(stored, 0);
  expect(next.repeat(delivery)).toBe(true);
  const turnedAway = { kind: "error", error: { code: "ACTOR_INTENT_DROPPED" }, begun: false };
  expect(told).toMatchObject([turnedAway, turnedAway]);
});
