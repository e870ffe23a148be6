import { describe, expect, test } from "vitest";
import { type SignatureCheck, SignatureVerdict } from "../../src/gen/cell0/v1/core_pb.ts";
import { createSecondOpinion } from "../../src/runtime/second-opinion.ts";
import type { Doubt } from "../../src/security/intake/verdict.ts";

const doubt = (principal = "ann", byte = 0, bytes = 100): Doubt => ({
  principal,
  bytes,
  signed: {
    publicKey: new Uint8Array(32).fill(byte),
    message: Uint8Array.of(byte),
    signature: new Uint8Array(64).fill(byte),
  },
});

describe("a second opinion", () => {
  test("is the core's verdict; those asked meanwhile go together", async () => {
    const asked: (readonly SignatureCheck[])[] = [];
    const opinion = createSecondOpinion(async (checks) => {
      asked.push(checks);
      return checks.map(({ message }) =>
        message[0] === 1 ? SignatureVerdict.VALID : SignatureVerdict.INVALID,
      );
    });
    const given = await Promise.all([1, 2, 1].map((byte) => opinion(doubt("ann", byte))));
    expect(given).toEqual(["valid", "invalid", "valid"]);
    expect(asked.map(({ length }) => length)).toEqual([1, 2]);
  });

  test("stays undecided when the core does not answer, and the next one asks again", async () => {
    let isUp = false;
    const opinion = createSecondOpinion((checks) =>
      isUp ? Promise.resolve(checks.map(() => SignatureVerdict.VALID)) : Promise.reject(new Error("down")),
    );
    expect(await opinion(doubt())).toBe("undecided");
    isUp = true;
    expect(await opinion(doubt())).toBe("valid");
  });

  test("is had so often a second, by each sender and in all: forgers buy no slow verification", async () => {
    let nowMs = 0;
    let verified = 0;
    const opinion = createSecondOpinion(
      async (checks) => {
        verified += checks.length;
        return checks.map(() => SignatureVerdict.INVALID);
      },
      () => nowMs,
    );
    const flood = async (principal: string) =>
      new Set(await Promise.all(Array.from({ length: 50 }, () => opinion(doubt(principal)))));
    expect(await flood("eve")).toEqual(new Set(["invalid", undefined]));
    expect(verified).toBe(8);
    expect(await opinion(doubt("ann"))).toBe("invalid");
    for (let at = 0; at < 20; at += 1) await flood(`eve${at}`);
    expect(verified).toBe(64);
    nowMs = 1_000;
    expect(await opinion(doubt("eve"))).toBe("invalid");
  });

  test("is had of so many bytes at a time: what waits for the core is bounded", async () => {
    const answer = Promise.withResolvers<readonly SignatureVerdict[]>();
    const opinion = createSecondOpinion(() => answer.promise);
    const large = () => opinion(doubt("ann", 0, 5 * 1024 * 1024));
    const first = large();
    expect(large()).toBeUndefined();
    answer.resolve([SignatureVerdict.VALID]);
    expect(await first).toBe("valid");
    expect(await large()).toBe("valid");
  });
});
