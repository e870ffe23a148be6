import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import type { ErrorCode } from "../../../src/errors/registry.ts";
import type { OpenedReply } from "../../../src/security/replies/open-replies.ts";
import { PendingRequest } from "../../../src/transport/client/pending-request.ts";

const id = new Uint8Array(16).fill(1);
const hash = new Uint8Array(32).fill(2);
const TIMEOUT_MS = 3_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A request whose first copy has left, all that it was told, and how to tell it more. */
function sentRequest({ leaves = true, mayRetry = false } = {}) {
  const ends: (string | undefined)[] = [];
  const values: unknown[] = [];
  let copies = 1;
  const request = new PendingRequest(
    { id, bytes: new Uint8Array(1), hash, subject: "s", timeoutMs: TIMEOUT_MS, mayRetry },
    { onReply: ({ payload }) => values.push(payload), onEnd: (error) => ends.push(error?.code) },
    {
      random: Math.random,
      onEnd: () => undefined,
      resend: (again) => {
        if (leaves) copies += 1;
        if (leaves) again.sent(new Uint8Array(32), undefined);
        return leaves;
      },
      late: (_request, cause) => new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { cause }),
    },
  );
  request.sent(new Uint8Array(32), undefined);
  const reply = (fields: Partial<OpenedReply>): void =>
    request.take({
      ...{ requestId: id, requestHash: hash, index: 0, final: true, turnedAway: 0, error: undefined },
      ...{ payload: new Uint8Array([7]), contentType: "", node: "a", actor: "" },
      capsule: {} as OpenedReply["capsule"],
      ...fields,
    });
  const refuse = (code: ErrorCode, turnedAway = 1): void => reply({ error: new CellError(code), turnedAway });
  return { ends, values, request, reply, refuse, copies: () => copies };
}

/** Until it has been sent again without a word. */
function again(made: ReturnType<typeof sentRequest>): void {
  const before = made.copies();
  while (made.copies() === before) {
    if (made.request.ended) throw new Error("it ended before it was sent again");
    vi.advanceTimersByTime(10);
  }
}

test("what is refused for lack of room is sent again, and told when its time is over", () => {
  const made = sentRequest({ mayRetry: true });
  for (let refusals = 0; made.ends.length === 0; refusals += 1) {
    if (refusals > 100) throw new Error("it is sent again without an end");
    const before = made.copies();
    made.refuse("ACTOR_MAILBOX_FULL");
    while (made.copies() === before && made.ends.length === 0) vi.advanceTimersByTime(10);
  }
  expect(made.copies()).toBeGreaterThan(3);
  expect(made.ends).toEqual(["ACTOR_MAILBOX_FULL"]);
});

test.each([
  ["ACTOR_CRASHED", 1],
  ["AUTHORITY_INTENT_FORBIDDEN", 1],
  ["CAPABILITY_REVOKED", 1],
  ["CAPSULE_STALE", 1],
  // Its actor has taken it: sent again, it would get the same answer.
  ["TOOL_BUSY", 0],
] as const)("%s is the answer, also for who sends again", (code, turnedAway) => {
  const made = sentRequest({ mayRetry: true });
  made.refuse(code, turnedAway);
  expect(made.ends).toEqual([code]);
});

test("a refusal of the only copy is the answer for who does not send again", () => {
  const made = sentRequest();
  made.refuse("ACTOR_MAILBOX_FULL");
  expect(made.ends).toEqual(["ACTOR_MAILBOX_FULL"]);
});

test.each(["ACTOR_MAILBOX_FULL", "AUTHORITY_INTENT_FORBIDDEN"] as const)(
  "%s of one copy is no answer while another is on its way, and may be begun",
  (code) => {
    const made = sentRequest();
    again(made);
    made.refuse(code);
    expect(made.ends).toEqual([]);
    made.reply({});
    expect([made.values.length, made.ends]).toEqual([1, [undefined]]);
  },
);

test("it is the answer once every copy was refused", () => {
  const made = sentRequest();
  again(made);
  made.refuse("ACTOR_MAILBOX_FULL");
  made.refuse("ACTOR_MAILBOX_FULL");
  expect(made.ends).toEqual(["ACTOR_MAILBOX_FULL"]);
});

test("one refusal may tell of all copies that had come", () => {
  const made = sentRequest();
  again(made);
  made.refuse("ACTOR_MAILBOX_FULL", 2);
  expect(made.ends).toEqual(["ACTOR_MAILBOX_FULL"]);
});

test("an answer that holds for every copy ends it at once", () => {
  const made = sentRequest();
  again(made);
  made.refuse("ACTOR_CRASHED", 0);
  expect(made.ends).toEqual(["ACTOR_CRASHED"]);
});

test("a copy of which nobody said anything may have been begun: at the deadline no refusal is told", () => {
  const made = sentRequest({ mayRetry: true });
  again(made);
  made.refuse("CELL_NOT_ACCEPTING");
  for (let at = 0; at < 20; at += 1) {
    again(made);
    made.request.refuse(new CellError("CELL_NOT_ACCEPTING"), 1);
    if (made.copies() > 8) break;
  }
  vi.advanceTimersByTime(TIMEOUT_MS);
  expect(made.ends).toEqual(["ACTOR_DEADLINE_EXCEEDED"]);
});

test("when nobody ever took a copy the last refusal is told at the deadline", () => {
  const made = sentRequest({ mayRetry: true });
  for (let atMs = 0; atMs <= TIMEOUT_MS && made.ends.length === 0; atMs += 10) {
    made.request.refuse(new CellError("BROKER_NO_RESPONDERS"), 1);
    vi.advanceTimersByTime(10);
  }
  expect(made.ends).toEqual(["BROKER_NO_RESPONDERS"]);
});

test("what could not leave is no copy", () => {
  const made = sentRequest({ leaves: false });
  vi.advanceTimersByTime(500);
  made.refuse("ACTOR_MAILBOX_FULL");
  expect(made.ends).toEqual(["ACTOR_MAILBOX_FULL"]);
});

test("a refusal that comes after the deadline, on a machine that is late, arms no timer in the past", () => {
  const armed = vi.spyOn(globalThis, "setTimeout");
  const made = sentRequest({ mayRetry: true });
  vi.setSystemTime(Date.now());
  const late = vi.spyOn(performance, "now").mockReturnValue(performance.now() + TIMEOUT_MS + 11);
  made.request.refuse(new CellError("BROKER_NO_RESPONDERS"), 1);
  late.mockRestore();
  expect(armed.mock.calls.map(([, ms = 0]) => ms).filter((ms) => ms < 0)).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(made.ends).toEqual(["BROKER_NO_RESPONDERS"]);
  armed.mockRestore();
});
