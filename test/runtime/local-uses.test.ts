// What is used up before an intent between two actors of one node is begun.
import { expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { LocalUses, type UsePorts } from "../../src/runtime/local-uses.ts";

const NOW = 1_767_225_600_000;
const token = new Uint8Array(32).fill(1);
const counted = {
  root: token,
  links: [{ token, limit: "calls" as const, most: 2, amount: 1, notAfterUnixMs: NOW + 60_000 }],
};
const capsule = (id: number, shard: number | undefined) => ({
  ...{ id: new Uint8Array(16).fill(id), issuer: new Uint8Array(32), hash: new Uint8Array(32).fill(99) },
  ...{ bytes: 100, shard, target: "support/triage", deadlineUnixMs: Date.now() + 5_000 },
});

function setUp(given: Partial<UsePorts> = {}) {
  const spend = vi.fn<NonNullable<UsePorts["spend"]>>((_token, _capsule, decided) => decided(ok(undefined)));
  const count = vi.fn<NonNullable<UsePorts["count"]>>((_use, _bytes, decided) => decided(ok(undefined)));
  const uses = new LocalUses({ spend, count, ...given });
  const use = (what: Parameters<LocalUses["use"]>[0], id = 1, shard?: number) => {
    const decided = vi.fn();
    uses.use(what, capsule(id, shard), decided);
    expect(decided).toHaveBeenCalledOnce();
    return decided.mock.calls[0]?.[0]?.error?.code ?? "ok";
  };
  return { use, spend, count };
}

test("what has no limit is begun at once", () => {
  const { use, spend, count } = setUp();
  expect(use({})).toBe("ok");
  expect([spend, count].map((each) => each.mock.calls.length)).toEqual([0, 0]);
});

test("what serves once is spent, and then counted", () => {
  const { use, spend, count } = setUp();
  expect(use({ once: token, counted })).toBe("ok");
  expect(spend.mock.invocationCallOrder[0]).toBeLessThan(count.mock.invocationCallOrder[0] ?? 0);
});

test("what is spent already is not counted", () => {
  const { use, count } = setUp({
    spend: (_t, _c, decided) => decided(err(new CellError("CAPABILITY_SPENT"))),
  });
  expect(use({ once: token, counted })).toBe("CAPABILITY_SPENT");
  expect(count).not.toHaveBeenCalled();
});

test("the same intent that comes again to who knows it again is counted once, and another one anew", () => {
  const { use, count } = setUp();
  expect([use({ counted }, 1, 7), use({ counted }, 1, 7), use({ counted }, 2, 7)]).toEqual([
    "ok",
    "ok",
    "ok",
  ]);
  expect(count).toHaveBeenCalledTimes(2);
});

test("the same intent that comes again to who would begin it again is counted again, or spent", () => {
  const { use, spend, count } = setUp();
  expect([use({ counted }), use({ counted })]).toEqual(["ok", "ok"]);
  expect(count).toHaveBeenCalledTimes(2);
  expect([use({ once: token }, 2), use({ once: token }, 2)]).toEqual(["ok", "CAPABILITY_SPENT"]);
  expect(spend).toHaveBeenCalledOnce();
});

test("it is spent for another purpose by the next process, but where it is known again", () => {
  const purposes = [setUp(), setUp()].map(({ use, spend }) => {
    use({ once: token });
    use({ once: token }, 2, 7);
    return spend.mock.calls.map(([, { hash }]) => Buffer.from(hash).toString("hex"));
  });
  const [[volatile, kept] = [], [volatileNext, keptNext] = []] = purposes;
  expect(volatile).not.toBe(volatileNext);
  expect(kept).toBe(keptNext);
});

test("what was not counted may be, when it comes again", () => {
  const outcomes = [err(new CellError("CAPABILITY_UNDECIDED")), ok(undefined)];
  const { use } = setUp({ count: (_use, _bytes, decided) => decided(outcomes.shift() ?? ok(undefined)) });
  expect([use({ counted }), use({ counted })]).toEqual(["CAPABILITY_UNDECIDED", "ok"]);
});

test("nothing is used up for who has no room", () => {
  const full = () => new CellError("ACTOR_MAILBOX_FULL");
  const { use, spend, count } = setUp({ refusesBefore: full });
  expect(use({ once: token, counted })).toBe("ACTOR_MAILBOX_FULL");
  expect([spend, count].map((each) => each.mock.calls.length)).toEqual([0, 0]);
});

test("a node that can tell of nothing takes none of them", () => {
  const uses = new LocalUses({});
  for (const what of [{ once: token }, { counted }]) {
    const decided = vi.fn();
    uses.use(what, capsule(1, undefined), decided);
    expect(decided.mock.calls[0]?.[0]).toMatchObject({ error: { code: "CAPABILITY_UNDECIDED" } });
  }
});
