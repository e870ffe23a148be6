// Tokens that serve once: who of many wins, and what is said when nobody can tell.
import { describe, expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { SpentTokens } from "../../src/runtime/spent-tokens.ts";
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
const openAt = (spent: Spent, problems: string[] = []) =>
  new SpentTokens({ stream: spent.stream, onProblem: ({ code }) => problems.push(code) });

describe("a token that serves once", () => {
  test("serves the first capsule, however often that comes, and no other, at no node", async () => {
    const spent = new Spent();
    const [here, there] = [openAt(spent), openAt(spent)];
    const by = async (tokens: SpentTokens, capsule: number) =>
      codeOf(await tokens.spend(hashOf(1), hashOf(capsule)));
    expect([await by(here, 10), await by(here, 10), await by(there, 10)]).toEqual(["ok", "ok", "ok"]);
    expect([await by(here, 11), await by(there, 11)]).toEqual(["CAPABILITY_SPENT", "CAPABILITY_SPENT"]);
    expect([await by(openAt(spent), 11), await by(openAt(spent), 10)]).toEqual(["CAPABILITY_SPENT", "ok"]);
    expect(spent.records.get(toHex(hashOf(1)))).toEqual(hashOf(10));
    expect(codeOf(await here.spend(hashOf(2), hashOf(11)))).toBe("ok");
  });

  test("serves one of many that come at once, for one question to the broker", async () => {
    const spent = new Spent();
    const tokens = openAt(spent);
    const codes = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => codeOf(await tokens.spend(hashOf(1), hashOf(n)))),
    );
    expect(codes.filter((code) => code === "ok")).toHaveLength(1);
    expect(codes.filter((code) => code === "CAPABILITY_SPENT")).toHaveLength(49);
    expect(spent.asked).toBe(1);
  });

  test("serves nothing while the broker does not say, and is not spent by that", async () => {
    const spent = new Spent();
    const problems: string[] = [];
    const tokens = openAt(spent, problems);
    spent.fault = new CellError("BROKER_UNREACHABLE");
    expect(codeOf(await tokens.spend(hashOf(1), hashOf(10)))).toBe("CAPABILITY_UNDECIDED");
    expect(problems).toEqual(["BROKER_UNREACHABLE"]);
    spent.fault = undefined;
    expect(codeOf(await tokens.spend(hashOf(1), hashOf(11)))).toBe("ok");
  });

  test("serves nothing when more than a thousand are being asked about", async () => {
    const spent = new Spent();
    const answer = Promise.withResolvers<void>();
    const slow = {
      ...spent.stream,
      spend: async (token: string, capsule: Uint8Array) => {
        await answer.promise;
        return await spent.stream.spend(token, capsule);
      },
    };
    const tokens = new SpentTokens({ stream: slow, onProblem: () => {} });
    const token = (n: number) => {
      const hash = hashOf(0);
      new DataView(hash.buffer).setUint32(0, n);
      return hash;
    };
    const asked = Array.from({ length: 1_024 }, (_, n) => tokens.spend(token(n), hashOf(1)));
    expect(codeOf(await tokens.spend(token(1_024), hashOf(1)))).toBe("CAPABILITY_UNDECIDED");
    answer.resolve();
    await tokens.settled();
    expect((await Promise.all(asked)).every(({ ok: isSpent }) => isSpent)).toBe(true);
    expect(codeOf(await tokens.spend(token(1_024), hashOf(1)))).toBe("ok");
  });
});
