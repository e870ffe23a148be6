// Tokens that serve once: who of many wins, and what is said when nobody can tell.
import { describe, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { type SpentFor, SpentTokens } from "../../src/runtime/spent-tokens.ts";
import { toHex } from "../../src/security/bytes.ts";
import { codeOf } from "../security/cell-fixture.ts";
import { hashOf } from "../security/revocation/revocation-fixture.ts";

/** As the broker's: the first record of a token is the only one. */
class Spent {
  readonly records = new Map<string, Uint8Array>();
  asked = 0;
  fault: CellError | undefined;
  readonly stream = {
    spend: async (token: string, capsuleHash: Uint8Array) => {
      this.asked += 1;
      if (this.fault !== undefined) return err(this.fault);
      const known = this.records.get(token);
      if (known !== undefined && Buffer.compare(known, capsuleHash) !== 0)
        return err(new CellError("BROKER_STREAM_CONFLICT"));
      this.records.set(token, capsuleHash);
      return ok({ sequence: 1 });
    },
    servedBy: async (token: string) => this.records.get(token),
  };
}
const openAt = (spent: Spent, problems: string[] = [], node = "a") =>
  new SpentTokens({ node, stream: spent.stream, onProblem: ({ code }) => problems.push(code) });
const capsule = (n: number, given: Partial<SpentFor> = {}): SpentFor => ({
  issuer: new Uint8Array(32).fill(1),
  hash: hashOf(n),
  bytes: 100,
  shard: 7,
  ...given,
});

describe("a token that serves once", () => {
  test("serves the same bytes under one key of their sender, not under another", async () => {
    const tokens = openAt(new Spent());
    const by = async (key: number) =>
      codeOf(await tokens.spend(hashOf(1), capsule(10, { issuer: new Uint8Array(32).fill(key) })));
    expect([await by(1), await by(2), await by(1)]).toEqual(["ok", "CAPABILITY_SPENT", "ok"]);
  });

  test("serves the first capsule, however often that comes, and no other, at no node", async () => {
    const spent = new Spent();
    const [here, there] = [openAt(spent), openAt(spent, [], "b")];
    const by = async (tokens: SpentTokens, n: number) => codeOf(await tokens.spend(hashOf(1), capsule(n)));
    expect([await by(here, 10), await by(here, 10), await by(there, 10)]).toEqual(["ok", "ok", "ok"]);
    expect([await by(here, 11), await by(there, 11)]).toEqual(["CAPABILITY_SPENT", "CAPABILITY_SPENT"]);
    expect([await by(openAt(spent), 11), await by(openAt(spent), 10)]).toEqual(["CAPABILITY_SPENT", "ok"]);
    expect([...spent.records.keys()]).toEqual([toHex(hashOf(1))]);
    expect(codeOf(await here.spend(hashOf(2), capsule(11)))).toBe("ok");
  });

  test("serves no actor twice that does not know its capsules again: at another node, or in another shard", async () => {
    const by = async (spent: Spent, node: string, shard: number | undefined) =>
      codeOf(await openAt(spent, [], node).spend(hashOf(1), capsule(10, { shard })));
    const [volatile, durable] = [new Spent(), new Spent()];
    expect([await by(volatile, "a", undefined), await by(volatile, "a", undefined)]).toEqual(["ok", "ok"]);
    expect(await by(volatile, "b", undefined)).toBe("CAPABILITY_SPENT");
    expect([await by(durable, "a", 7), await by(durable, "b", 7)]).toEqual(["ok", "ok"]);
    expect(await by(durable, "b", 8)).toBe("CAPABILITY_SPENT");
  });

  test("serves one of many that come at once, for one question to the broker", async () => {
    const spent = new Spent();
    const tokens = openAt(spent);
    const codes = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => codeOf(await tokens.spend(hashOf(1), capsule(n)))),
    );
    expect(codes.filter((code) => code === "ok")).toHaveLength(1);
    expect(codes.filter((code) => code === "CAPABILITY_SPENT")).toHaveLength(7);
    expect(spent.asked).toBe(1);
  });

  test("serves nothing while the broker does not say, and is not spent by that", async () => {
    const spent = new Spent();
    const problems: string[] = [];
    const tokens = openAt(spent, problems);
    spent.fault = new CellError("BROKER_UNREACHABLE");
    expect(codeOf(await tokens.spend(hashOf(1), capsule(10)))).toBe("CAPABILITY_UNDECIDED");
    expect(problems).toEqual(["BROKER_UNREACHABLE"]);
    spent.fault = undefined;
    expect(codeOf(await tokens.spend(hashOf(1), capsule(11)))).toBe("ok");
  });

  const token = (n: number) => {
    const hash = hashOf(0);
    new DataView(hash.buffer).setUint32(0, n);
    return hash;
  };
  test.for<[what: string, count: number, nth: (n: number) => [Uint8Array, SpentFor]]>([
    ["a thousand intents", 1_024, (n) => [token(n), capsule(1)]],
    ["eight with one token", 8, (n) => [token(1), capsule(n)]],
    ["eight MiB", 128, (n) => [token(n), capsule(1, { bytes: 64 * 1024 })]],
  ])("has no more wait for the broker than %s", async ([, count, nth]) => {
    const spent = new Spent();
    const answer = Promise.withResolvers<void>();
    const spend = async (name: string, purpose: Uint8Array) => {
      await answer.promise;
      return await spent.stream.spend(name, purpose);
    };
    const tokens = new SpentTokens({ node: "a", stream: { ...spent.stream, spend }, onProblem: () => {} });
    const asked = Array.from({ length: count }, (_, n) => tokens.spend(...nth(n)));
    expect(codeOf(await tokens.spend(...nth(count)))).toBe("CAPABILITY_UNDECIDED");
    answer.resolve();
    await tokens.settled();
    const codes = (await Promise.all(asked)).map(codeOf);
    expect(codes).not.toContain("CAPABILITY_UNDECIDED");
    // Whoever waited has made room.
    expect(codeOf(await tokens.spend(token(9_999), capsule(1)))).toBe("ok");
  });

  test("is waited for no longer than a second when the node stops", async () => {
    const never = new Promise<never>(() => {});
    const stream = { ...new Spent().stream, spend: () => never };
    const tokens = new SpentTokens({ node: "a", stream, onProblem: () => {} });
    void tokens.spend(hashOf(1), capsule(1));
    await tokens.settled();
  });
});
