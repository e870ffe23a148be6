import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/security/bytes.ts";
import { createSealer, type Sealed } from "../../../src/security/sealing/sealer.ts";
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../../../src/security/wire/envelope.ts";
import { verifyEnvelope } from "../../../src/security/wire/verify-envelope.ts";
import { bytesOf, genesis, keys, must, sealingOf } from "../cell-fixture.ts";

function rig() {
  const published: Sealed<number>[] = [];
  const turns: (() => void)[] = [];
  const sealer = createSealer<number>({
    ...sealingOf(keys.nodeA),
    schedule: (flush) => turns.push(flush),
    publish: (message) => published.push(message),
    firstBatch: 5n,
  });
  const runTurn = () => {
    for (const flush of turns.splice(0)) flush();
  };
  return { sealer, published, turns, runTurn };
}

const open = (envelope: Uint8Array) => must(verifyEnvelope(must(decodeEnvelope(envelope)), genesis.hash));
const proofOf = ({ envelope }: Sealed<number>) => must(decodeEnvelope(envelope)).proof;

describe("the sealer", () => {
  test("gives one capsule a signature of its own", () => {
    const { sealer, published, runTurn } = rig();
    sealer.seal("s", bytesOf(), 1);
    expect(published.length).toBe(0);
    runTurn();
    expect(published.map(proofOf)).toMatchObject([{ kind: "single" }]);
  });

  test("signs the capsules of one turn once, with an envelope a subject and rising batch numbers", () => {
    const { sealer, published, runTurn } = rig();
    for (const [at, subject] of ["x", "y", "x", "z"].entries()) sealer.seal(subject, bytesOf(), at);
    runTurn();
    expect(published.map(({ subject, tickets }) => [subject, tickets])).toEqual([
      ["x", [0, 2]],
      ["y", [1]],
      ["z", [3]],
    ]);
    expect(new Set(published.map((message) => toHex(proofOf(message).signature))).size).toBe(1);
    for (const at of [4, 5]) sealer.seal("x", bytesOf(), at);
    runTurn();
    expect(published.map(proofOf).map((proof) => proof.kind === "merkle" && proof.batch)).toEqual([
      5n,
      5n,
      5n,
      6n,
    ]);
  });

  test("does not wait for the turn once 64 are gathered, and schedules once a turn", () => {
    const { sealer, published, turns } = rig();
    for (let at = 0; at < 64; at += 1) sealer.seal("s", bytesOf(), at);
    expect(turns.length).toBe(1);
    expect(published.map(({ tickets }) => tickets.length)).toEqual([64]);
  });

  test("splits what one envelope cannot carry", () => {
    const { sealer, published, runTurn } = rig();
    const large = bytesOf({ payload: new Uint8Array(64 * 1024) });
    for (let at = 0; at < 30; at += 1) sealer.seal("s", large, at);
    runTurn();
    expect(published.length).toBe(3);
    for (const { envelope } of published) {
      expect(envelope.length).toBeLessThan(MAX_ENVELOPE_BYTES);
      open(envelope);
    }
  });

  test("refuses a capsule that no receiver would read", () => {
    expect(() => rig().sealer.seal("s", new Uint8Array(81 * 1024), 1)).toThrow(
      expect.objectContaining({ code: "CAPSULE_TOO_LARGE" }),
    );
  });

  test("publishes every capsule once, verifiable, in order for each subject, whatever the turns", () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("x", "y", "z") },
      { weight: 1, arbitrary: fc.constant("") },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
        const { sealer, published, runTurn } = rig();
        const expected = new Map<string, string[]>();
        for (const subject of actions) {
          if (subject === "") {
            runTurn();
            continue;
          }
          const capsule = bytesOf();
          expected.set(subject, [...(expected.get(subject) ?? []), toHex(capsule)]);
          sealer.seal(subject, capsule, 0);
        }
        sealer.flush();
        const seen = new Map<string, string[]>();
        for (const { subject, envelope, tickets } of published) {
          const opened = open(envelope).map(({ bytes }) => toHex(bytes));
          expect(opened.length).toBe(tickets.length);
          seen.set(subject, [...(seen.get(subject) ?? []), ...opened]);
        }
        expect(seen).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
