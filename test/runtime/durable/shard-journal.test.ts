import { expect, test, vi } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import type { ErrorCode } from "../../../src/errors/registry.ts";
import { err, ok, type Result } from "../../../src/errors/result.ts";
import { type Appended, type JournalHead, ShardJournal } from "../../../src/runtime/durable/shard-journal.ts";

const HEAD: JournalHead = { sequence: 1, number: 1, hash: new Uint8Array(32) };
const entry = {
  ...{ capsule: new Uint8Array(8), issuer: new Uint8Array(32), principal: "alice", authority: "grant" },
  returnAddress: null,
};

/** Two entries, one in the record that is being written and one behind it, and what each is told. */
async function journalThatFails(code: ErrorCode, { stopping = false, unclear = false } = {}) {
  const stop = new AbortController();
  const writes: PromiseWithResolvers<Result<number, CellError>>[] = [];
  const journal = new ShardJournal(
    {
      stream: {
        append: () => {
          const write = Promise.withResolvers<Result<number, CellError>>();
          writes.push(write);
          return write.promise;
        },
      },
      sealer: { seal: ({ bytes }, done) => done(bytes) },
      marks: { get: () => undefined, note: async () => undefined, lines: () => 0, close: () => undefined },
      nowUnixMs: () => 0,
      onFenced: () => undefined,
      signal: stop.signal,
    },
    3,
    1,
    HEAD,
  );
  const told: (string | undefined)[] = [undefined, undefined];
  const tell = (at: number) => (outcome: Result<Appended, CellError>) => {
    told[at] = outcome.ok ? "accepted" : outcome.error.code;
  };
  journal.append(entry, { accepted: tell(0) });
  await Promise.resolve();
  journal.append(entry, { accepted: tell(1) });
  if (stopping) stop.abort();
  writes[0]?.resolve(err(new CellError(code, undefined, { details: { unclear } })));
  await new Promise((resolve) => setImmediate(resolve));
  return told;
}

test("at the node's stop nobody is told that an intent was refused which may be in the journal", async () => {
  expect(await journalThatFails("BROKER_UNREACHABLE", { stopping: true })).toEqual([
    undefined,
    "CELL_STOPPING",
  ]);
});

test("what another owner kept from being written is refused, with all that waited behind it", async () => {
  expect(await journalThatFails("BROKER_STREAM_CONFLICT")).toEqual(["ACTOR_FENCED", "ACTOR_FENCED"]);
});

test("what may be in the journal though another owner has it now is not refused", async () => {
  expect(await journalThatFails("BROKER_STREAM_CONFLICT", { unclear: true })).toEqual([
    undefined,
    "ACTOR_FENCED",
  ]);
});

test("what had no place before its record was kept comes to its actor before what the next record places", async () => {
  const order: string[] = [];
  const writes: PromiseWithResolvers<Result<number, CellError>>[] = [];
  const append = () => {
    const write = Promise.withResolvers<Result<number, CellError>>();
    writes.push(write);
    return write.promise;
  };
  const journal = new ShardJournal(
    {
      stream: { append },
      sealer: { seal: ({ bytes }, done) => done(bytes) },
      marks: { get: () => undefined, note: async () => undefined, lines: () => 0, close: () => undefined },
      nowUnixMs: () => 0,
      onFenced: () => undefined,
      signal: new AbortController().signal,
    },
    3,
    1,
    HEAD,
  );
  journal.append(entry, { accepted: () => void order.push("first") });
  await Promise.resolve();
  const placed = () => void order.push("second is placed");
  journal.append(entry, { placed, accepted: () => void order.push("second") });
  writes[0]?.resolve(ok(2));
  await vi.waitFor(() => expect(writes).toHaveLength(2));
  writes[1]?.resolve(ok(3));
  await vi.waitFor(() => expect(order).toEqual(["first", "second is placed", "second"]));
});
