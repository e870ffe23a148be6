import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { journalStream } from "../../../src/transport/durable/journal-stream.ts";
import { KEPT_COMMITS, stateStream } from "../../../src/transport/durable/state-stream.ts";
import { type BrokerFixture, startBroker } from "../broker-fixture.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const word = ({ data }: { data: Uint8Array }): string => new TextDecoder().decode(data);
const node = (principal: string) => ({ kind: "node", principal }) as const;
const all = async <T>(each: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of each) list.push(item);
  return list;
};
const soon = () => AbortSignal.timeout(5_000);

describe("the streams of durable actors", () => {
  let broker: BrokerFixture;
  beforeAll(async () => {
    broker = await startBroker();
    const connection = await broker.connect(node("a"));
    await journalStream(connection, "test").ensure();
    await stateStream(connection, "test").ensure();
  });
  afterAll(() => broker.stop());

  it("refuse what an owner writes after another one has written", async () => {
    const zombie = journalStream(await broker.connect(node("a")), "test");
    const successor = journalStream(await broker.connect(node("b")), "test");
    const first = await zombie.append(3, text("one"), 0, soon());
    if (!first.ok) throw first.error;
    const taken = await successor.append(3, text("taken over"), first.value, soon());
    expect(taken).toMatchObject({ ok: true });
    expect(await zombie.append(3, text("two"), first.value, soon())).toMatchObject({
      ok: false,
      error: { code: "BROKER_STREAM_CONFLICT" },
    });
    expect((await successor.page(3, 1)).map(word)).toEqual(["one", "taken over"]);
  });

  it("keep the shards of the journal apart", async () => {
    const journal = journalStream(await broker.connect(node("a")), "test");
    const results = await Promise.all(
      [10, 11, 12].map((shard) => journal.append(shard, text("x"), 0, soon())),
    );
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(await journal.page(13, 1)).toEqual([]);
  });

  it("take the same write twice as one", async () => {
    const journal = journalStream(await broker.connect(node("a")), "test");
    const first = await journal.append(20, text("same"), 0, soon());
    expect(await journal.append(20, text("same"), 0, soon())).toEqual(first);
    expect(await journal.page(20, 1)).toHaveLength(1);
  });

  it("keep the newest of a journal when all before it is trimmed", async () => {
    const journal = journalStream(await broker.connect(node("a")), "test");
    const first = await journal.append(21, text("old"), 0, soon());
    if (!first.ok) throw first.error;
    const second = await journal.append(21, text("new"), first.value, soon());
    if (!second.ok) throw second.error;
    await journal.trim(21, second.value);
    expect((await journal.page(21, 1)).map(word)).toEqual(["new"]);
    expect(await journal.append(21, text("late"), 0, soon())).toMatchObject({ ok: false });
  });

  it("keep the newest few commits of each actor", async () => {
    const state = stateStream(await broker.connect(node("a")), "test");
    const head = { shard: 4, path: "shop/till", pending: false, wakeAtUnixMs: undefined };
    let expected = 0;
    for (let number = 1; number <= KEPT_COMMITS + 2; number++) {
      const written = await state.commit(head, text(String(number)), expected, soon());
      if (!written.ok) throw written.error;
      expected = written.value;
    }
    expect((await state.history(4, "shop/till")).map(word)).toEqual(["3", "4", "5", "6"]);
    expect(await state.last(4, "shop/none")).toBeUndefined();
    expect(await state.last(4, "shop/till").then((kept) => kept && word(kept))).toBe("6");
  });

  it("show which actors are to be awake without reading their states", async () => {
    const state = stateStream(await broker.connect(node("a")), "test");
    const heads = [
      { shard: 7, path: "x/a", pending: true, wakeAtUnixMs: undefined },
      { shard: 7, path: "x/b", pending: false, wakeAtUnixMs: 1_900_000_000_000 },
      { shard: 8, path: "x/c", pending: false, wakeAtUnixMs: undefined },
    ];
    for (const head of heads) await state.commit(head, text("s"), 0, soon());
    const seen = await all(state.heads(7, AbortSignal.timeout(5_000)));
    expect([...seen].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(heads.slice(0, 2));
    expect(await all(state.heads(9, AbortSignal.timeout(5_000)))).toEqual([]);
  });

  it("answer a write that the broker's death interrupted, once it is back", async () => {
    const journal = journalStream(await broker.connect(node("a")), "test");
    const first = await journal.append(30, text("before"), 0, soon());
    if (!first.ok) throw first.error;
    await broker.kill();
    const writing = journal.append(30, text("meanwhile"), first.value, AbortSignal.timeout(30_000));
    await broker.start();
    expect(await writing).toMatchObject({ ok: true });
    expect((await journal.page(30, 1)).map(word)).toEqual(["before", "meanwhile"]);
  });

  it("let no client and no operator near them", async () => {
    for (const user of [
      { kind: "client", principal: "eve" },
      { kind: "operator", principal: "operator" },
    ] as const) {
      const problems: string[] = [];
      const connection = await broker.connect(user, { onProblem: ({ code }) => void problems.push(code) });
      connection.publish("cell0.v1.test.journal.1", text("x"));
      connection.publish("cell0.v1.test.state.1.a", text("x"));
      connection.publish("$JS.API.STREAM.PURGE.CELL0_test_JOURNAL", text("{}"));
      await connection.flush();
      expect(problems).toEqual(Array.from({ length: 3 }, () => "BROKER_PERMISSION_DENIED"));
    }
  });

  it("let no node purge states, or delete or change a stream", async () => {
    const problems: string[] = [];
    const connection = await broker.connect(node("a"), { onProblem: ({ code }) => void problems.push(code) });
    for (const api of [
      "STREAM.PURGE.CELL0_test_STATE",
      "STREAM.DELETE.CELL0_test_STATE",
      "STREAM.UPDATE.CELL0_test_JOURNAL",
      "STREAM.MSG.DELETE.CELL0_test_JOURNAL",
    ]) {
      connection.publish(`$JS.API.${api}`, text("{}"));
    }
    await connection.flush();
    expect(problems).toEqual(Array.from({ length: 4 }, () => "BROKER_PERMISSION_DENIED"));
  });

  it("answer what was under way when the broker was killed as soon as it is back", async () => {
    const connection = await broker.connect(node("a"));
    const state = stateStream(connection, "test");
    const journal = journalStream(connection, "test");
    const head = { shard: 5, path: "shop/kept", pending: true, wakeAtUnixMs: undefined };
    await state.commit(head, text("kept"), 0, soon());
    await journal.append(31, text("kept"), 0, soon());
    const asked = performance.now();
    const underWay = () => [
      state.last(5, "shop/kept").then((kept) => kept && word(kept)),
      state.history(5, "shop/kept").then((kept) => kept.map(word)),
      journal.page(31, 1).then((kept) => kept.map(word)),
      all(state.heads(5, soon())).then((heads) => [...new Set(heads.map(({ path }) => path))]),
      journal.ensure().then(() => "there"),
    ];
    const lost = underWay();
    await broker.kill();
    const away = underWay();
    await broker.start();
    const answers = ["kept", ["kept"], ["kept"], ["shop/kept"], "there"];
    expect(await Promise.all([...lost, ...away])).toEqual([...answers, ...answers]);
    // Five seconds is what an answer may take that is on its way.
    expect(performance.now() - asked).toBeLessThan(4_500);
  });
});
