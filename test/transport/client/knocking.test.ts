import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { Knocking } from "../../../src/transport/client/knocking.ts";
import { PendingRequest } from "../../../src/transport/client/pending-request.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Requests under way, and a cell that nobody listens in until it is up. */
function open(subjects: readonly string[]) {
  let up = false;
  const sent: number[] = [];
  const pending = new Set<PendingRequest>();
  const knocking = new Knocking({ pending: () => pending, nowMs: () => performance.now() });
  const requests = subjects.map((subject, at) => {
    const bytes = Uint8Array.of(at);
    const request = new PendingRequest(
      { id: bytes, bytes, hash: bytes, subject, timeoutMs: 20_000, mayRetry: true },
      { onReply: () => {}, onEnd: () => {} },
      {
        random: Math.random,
        onEnd: (ended) => {
          pending.delete(ended);
          knocking.forget(ended);
        },
        resend: (again) => {
          send(again, at);
          return true;
        },
        late: () => new CellError("ACTOR_DEADLINE_EXCEEDED"),
      },
    );
    pending.add(request);
    return request;
  });
  const send = (request: PendingRequest, at: number) => {
    sent.push(at);
    request.sent(Uint8Array.of(1), undefined);
    if (!up && request.refuse(new CellError("BROKER_NO_RESPONDERS"), 1)) knocking.refused(request);
    if (!up) return;
    knocking.answered(request);
    request.cancel();
  };
  const since = () => sent.splice(0);
  const goUp = () => {
    up = true;
  };
  return { requests, send, since, pending, knocking, goUp };
}

test("while nobody listens one request knocks in turn, each 25 ms, whatever waits", () => {
  const { requests, send, since } = open(Array.from({ length: 500 }, () => "a"));
  for (const [at, request] of requests.entries()) send(request, at);
  since();
  vi.advanceTimersByTime(250);
  expect(since()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("once somebody answers all go again, in waves, and nobody waits any longer", () => {
  const { requests, send, since, goUp, pending } = open(Array.from({ length: 600 }, (_, at) => `${at % 3}`));
  for (const [at, request] of requests.entries()) send(request, at);
  since();
  goUp();
  vi.advanceTimersByTime(25);
  expect(since()).toHaveLength(1 + 256);
  vi.advanceTimersByTime(20);
  expect(since()).toHaveLength(600 - 1 - 256);
  expect(pending.size).toBe(0);
});

test("what left before nobody listened and was not answered goes again too; what left since does not", () => {
  const { requests, send, since, goUp, knocking } = open(["a", "a", "a"]);
  const [early, refused, late] = requests;
  if (early === undefined || refused === undefined || late === undefined) throw new Error("three requests");
  early.sent(Uint8Array.of(1), undefined);
  vi.advanceTimersByTime(5);
  send(refused, 1);
  vi.advanceTimersByTime(5);
  late.sent(Uint8Array.of(1), undefined);
  goUp();
  since();
  knocking.answered(refused);
  expect(since()).toEqual([0]);
});

test("shortly before its deadline a request is not sent again: that nobody listened is its answer", () => {
  const { requests, send, since } = open(["a"]);
  const [request] = requests;
  if (request === undefined) throw new Error("one request");
  vi.advanceTimersByTime(19_880);
  send(request, 0);
  since();
  vi.advanceTimersByTime(19);
  expect(since()).toEqual([]);
  vi.advanceTimersByTime(200);
  expect([since(), request.ended]).toEqual([[], true]);
});

test("an answer says nothing where nobody was missed, and a subject that stays unheard is knocked at less often", () => {
  const { requests, send, since, knocking } = open(["a", "b"]);
  const [heard, unheard] = requests;
  if (heard === undefined || unheard === undefined) throw new Error("two requests");
  heard.sent(Uint8Array.of(1), undefined);
  send(unheard, 1);
  since();
  knocking.answered(heard);
  expect(since()).toEqual([]);
  vi.advanceTimersByTime(6_000);
  since();
  vi.advanceTimersByTime(1_000);
  expect(since().filter((at) => at === 1).length).toBeLessThanOrEqual(12);
});
