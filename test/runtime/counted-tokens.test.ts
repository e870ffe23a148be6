// Tokens that serve so many intents: never one more, at however many nodes and however many at once.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { CountedTokens } from "../../src/runtime/counted-tokens.ts";
import { MAX_NARROWED } from "../../src/runtime/tally.ts";
import { LIMIT_NAMES } from "../../src/security/capability/token.ts";
import type { CountedUse } from "../../src/security/intake/authority.ts";
import type { Counts } from "../../src/transport/streams/counted-stream.ts";
import { codeOf, NOW } from "../security/cell-fixture.ts";
import { hashOf } from "../security/revocation/revocation-fixture.ts";

/** As the broker's: a record is written over the one that its writer knows of, and over no other. */
class Records {
  readonly records = new Map<string, Counts>();
  written = 0;
  fault: CellError | undefined;
  /** Of the next writes, which are kept though nobody hears so. */
  unheard = 0;
  readonly stream = {
    countsOf: async (root: string): Promise<Counts | undefined> =>
      this.records.get(root) ?? { tallies: [], sequence: 0 },
    write: async (root: string, { tallies, sequence }: Counts) => {
      if (this.fault !== undefined) return err(this.fault);
      if ((this.records.get(root)?.sequence ?? 0) !== sequence)
        return err(new CellError("BROKER_STREAM_CONFLICT"));
      this.written += 1;
      this.records.set(root, { tallies, sequence: this.written });
      if (this.unheard-- > 0) return err(new CellError("BROKER_UNREACHABLE"));
      return ok({ sequence: this.written });
    },
  };
}
const openAt = ({ stream }: Pick<Records, "stream">, problems: string[] = []) =>
  new CountedTokens({ stream, onProblem: ({ code }) => problems.push(code), nowUnixMs: () => NOW });
type Link = CountedUse["links"][number];
const link = (most: number, n = 1, given: Partial<Link> = {}): Link => ({
  ...{ token: hashOf(n), limit: "calls", most, amount: 1, notAfterUnixMs: NOW + 60_000 },
  ...given,
});
const use = (...links: readonly Link[]): CountedUse => ({ root: hashOf(1), links });
const SPENT = "CAPABILITY_SPENT";
const UNDECIDED = "CAPABILITY_UNDECIDED";
const many = (count: number, ask: (n: number) => Promise<string>) =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n)));

describe("a token that serves so many intents", () => {
  test("serves no more, also after a restart and at another node", async () => {
    const records = new Records();
    const here = openAt(records);
    const by = async (tokens: CountedTokens) => codeOf(await tokens.count(use(link(3)), 100));
    expect([await by(here), await by(openAt(records)), await by(here), await by(here)]).toEqual([
      ...["ok", "ok", "ok", SPENT],
    ]);
    expect(await by(openAt(records))).toBe(SPENT);
    expect(codeOf(await here.count({ ...use(link(3, 2)), root: hashOf(2) }, 100))).toBe("ok");
  });

  test("counts those that come together in few words to the broker", async () => {
    const records = new Records();
    const tokens = openAt(records);
    const codes = await many(64, async () => codeOf(await tokens.count(use(link(50)), 100)));
    expect(codes.filter((code) => code === "ok")).toHaveLength(50);
    expect(codes.filter((code) => code === SPENT)).toHaveLength(14);
    expect(records.written).toBe(2);
  });

  test("serves never more than it says, whoever asks when, whatever the broker does not say", async () => {
    const asks = fc.array(
      fc.record({
        ...{ node: fc.nat(2), together: fc.integer({ min: 1, max: 4 }), unheard: fc.nat(1) },
        isNarrowed: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(asks, fc.integer({ min: 1, max: 12 }), async (asked, uses) => {
        const records = new Records();
        const nodes = [openAt(records), openAt(records), openAt(records)];
        const served = { all: 0, narrowed: 0 };
        await Promise.all(
          asked.flatMap(({ node, together, unheard, isNarrowed }) => {
            records.unheard += unheard;
            const asks = isNarrowed ? use(link(uses), link(2, 2)) : use(link(uses));
            return Array.from({ length: together }, async () => {
              const code = codeOf((await nodes[node]?.count(asks, 1)) ?? ok(undefined));
              expect(["ok", SPENT, UNDECIDED]).toContain(code);
              if (code !== "ok") return;
              served.all += 1;
              served.narrowed += isNarrowed ? 1 : 0;
            });
          }),
        );
        expect(served.all).toBeLessThanOrEqual(uses);
        expect(served.narrowed).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("is counted under all links or under none, so that one that is used up takes nothing of another", async () => {
    const tokens = openAt(new Records());
    const [root, one, other] = [link(3, 1), link(1, 2), link(2, 3)];
    const by = async (...links: readonly Link[]) => codeOf(await tokens.count(use(...links), 100));
    expect([await by(root, one), await by(root, one), await by(root, one)]).toEqual(["ok", SPENT, SPENT]);
    expect([await by(root, other), await by(root, other), await by(root, other)]).toEqual([
      "ok",
      "ok",
      SPENT,
    ]);
    expect(await by(root)).toBe(SPENT);
  });

  test("is told apart from at most 63 others that were narrowed from its root, and from those that have ended", async () => {
    const records = new Records();
    let now = NOW;
    const tokens = new CountedTokens({ stream: records.stream, onProblem: () => {}, nowUnixMs: () => now });
    const by = async (n: number) => {
      const narrowed = link(1, 1, { token: numbered(n), notAfterUnixMs: now + 60_000 });
      return codeOf(await tokens.count(use(link(1_000, 1, { notAfterUnixMs: now + 9e9 }), narrowed), 1));
    };
    for (let n = 0; n < MAX_NARROWED; n += 1) expect(await by(n)).toBe("ok");
    expect(await by(MAX_NARROWED)).toBe(SPENT);
    expect(codeOf(await tokens.count(use(link(1_000)), 1))).toBe("ok");
    now += 3_600_000 + 60_000;
    expect(await by(MAX_NARROWED)).toBe("ok");
  });

  test("counts the agents that it starts beside the intents that it serves", async () => {
    const tokens = openAt(new Records());
    const [call, agent] = [link(3, 1), link(1, 1, { limit: "agents" })];
    const by = async (...links: readonly Link[]) => codeOf(await tokens.count(use(...links), 1));
    expect([await by(call, agent), await by(call, agent), await by(call), await by(call)]).toEqual([
      ...["ok", SPENT, "ok", "ok"],
    ]);
    expect(await by(call)).toBe(SPENT);
  });

  test("is counted by amounts, under each of its limits or under none, and says what is left", async () => {
    const tokens = openAt(new Records());
    const by = async (...links: readonly Link[]) => {
      const counted = await tokens.count(use(...links), 1);
      return counted.ok ? "ok" : `${counted.error.code} ${counted.error.message}`;
    };
    const cost = (amount: number) => link(1_000_000, 1, { limit: "costMicro", amount });
    const memory = (amount: number) => link(2 ** 29, 1, { limit: "memoryBytes", amount });
    expect(await by(cost(400_000), memory(2 ** 28))).toBe("ok");
    expect(await by(cost(700_000), memory(2 ** 28))).toBe(`${SPENT} cost: 0.7 asked, 0.6 left of 1`);
    expect(await by(cost(600_000), memory(2 ** 28))).toBe("ok");
    expect(await by(memory(1))).toBe(`${SPENT} memory: 1B asked, 0B left of 512MiB`);
    expect(await by(cost(1))).toBe(`${SPENT} cost: 0.000001 asked, 0 left of 1`);
    const all = link(Number.MAX_SAFE_INTEGER, 1, { limit: "storageBytes", amount: Number.MAX_SAFE_INTEGER });
    expect([await by(all), (await by({ ...all, amount: 1 })).split(" ", 1)[0]]).toEqual(["ok", SPENT]);
  });

  test("gives never more of any limit than it says, in all and to each that was narrowed from it", async () => {
    const limit = fc.constantFrom(...LIMIT_NAMES);
    const asks = fc.array(
      fc.record({
        ...{ node: fc.nat(2), unheard: fc.nat(1), restarts: fc.boolean(), narrowed: fc.nat(2) },
        amounts: fc.array(fc.tuple(limit, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 24 },
    );
    await fc.assert(
      fc.asyncProperty(asks, fc.integer({ min: 1, max: 40 }), async (asked, most) => {
        const records = new Records();
        const nodes = [openAt(records), openAt(records), openAt(records)];
        const given = new Map<string, number>();
        await Promise.all(
          asked.map(async ({ node, unheard, restarts, narrowed, amounts }) => {
            records.unheard += unheard;
            if (restarts) nodes[node] = openAt(records);
            const links = [...new Map(amounts)].flatMap(([name, amount]) => [
              link(most, 1, { limit: name, amount }),
              ...(narrowed === 0 ? [] : [link(most >> narrowed, 1 + narrowed, { limit: name, amount })]),
            ]);
            const counted = await nodes[node]?.count(use(...links), 1);
            if (counted?.ok !== true) return;
            for (const { token, limit: name, most: bound, amount } of links) {
              const key = `${token[0]} ${name} ${bound}`;
              given.set(key, (given.get(key) ?? 0) + amount);
            }
          }),
        );
        for (const [key, used] of given) expect(used).toBeLessThanOrEqual(Number(key.split(" ")[2]));
      }),
    );
  });

  test("is not set back where its node knows better", async () => {
    const records = new Records();
    const tokens = openAt(records);
    const by = async () => codeOf(await tokens.count(use(link(2)), 1));
    expect([await by(), await by()]).toEqual(["ok", "ok"]);
    for (const [root] of records.records) records.records.set(root, { tallies: [], sequence: 99 });
    expect(await by()).toBe(SPENT);
  });

  test("serves nothing while the broker does not say, or says what is no count", async () => {
    const records = new Records();
    const problems: string[] = [];
    const tokens = openAt(records, problems);
    records.fault = new CellError("BROKER_UNREACHABLE");
    expect(codeOf(await tokens.count(use(link(3)), 100))).toBe(UNDECIDED);
    expect(problems).toEqual(["BROKER_UNREACHABLE"]);
    const strange = openAt({ stream: { ...records.stream, countsOf: async () => undefined } });
    expect(codeOf(await strange.count(use(link(3)), 100))).toBe(UNDECIDED);
  });

  test("is counted for whoever comes in the turn in which the one before was told", async () => {
    const tokens = openAt(new Records());
    const chain = async (left: number): Promise<string[]> => {
      if (left === 0) return [];
      const code = codeOf(await tokens.count(use(link(1_000)), 1));
      return [code, ...(await chain(left - 1))];
    };
    const codes = await Promise.all(Array.from({ length: 8 }, (_, n) => chain(10 + n)));
    expect(new Set(codes.flat())).toEqual(new Set(["ok"]));
  });

  test.for<[what: string, count: number, nth: (n: number) => [CountedUse, number]]>([
    ["four thousand intents", 4_096, (n) => [{ root: numbered(n), links: [link(9_999)] }, 1]],
    ["some 250 with one root", 257, () => [use(link(9_999)), 1]],
    ["eight MiB", 128, (n) => [{ root: numbered(n), links: [link(9_999)] }, 64 * 1024]],
  ])("has no more wait for the broker than %s", async ([, count, nth]) => {
    const records = new Records();
    const answer = Promise.withResolvers<void>();
    const countsOf = async (root: string) => {
      await answer.promise;
      return await records.stream.countsOf(root);
    };
    const tokens = openAt({ stream: { ...records.stream, countsOf } });
    const ask = async (n: number) => codeOf(await tokens.count(...nth(n)));
    const asked = many(count, ask);
    expect(await ask(count)).toBe(UNDECIDED);
    answer.resolve();
    expect(await asked).not.toContain(UNDECIDED);
    expect(await ask(count + 1)).toBe("ok");
  });

  test("is waited for no longer than a second when the node stops", async () => {
    const tokens = openAt({
      stream: { ...new Records().stream, countsOf: () => new Promise<never>(() => {}) },
    });
    void tokens.count(use(link(1)), 1);
    await tokens.settled();
  });
});

function numbered(n: number): Uint8Array {
  const hash = hashOf(0);
  new DataView(hash.buffer).setUint32(0, n + 1_000_000);
  return hash;
}
