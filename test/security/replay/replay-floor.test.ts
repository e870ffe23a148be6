// Capsules that were accepted before a restart and come again after it.
import { describe, expect, test } from "vitest";
import { type FloorFile, openReplayFloor } from "../../../src/security/replay/replay-floor.ts";
import { ReplayWindow } from "../../../src/security/replay/replay-window.ts";
import { intakeOf, keyOf, keys, NOW, SUBJECT, sealed } from "../cell-fixture.ts";

const memory = (text?: string): FloorFile & { writes: number } => {
  let kept = text;
  return {
    writes: 0,
    read: () => kept,
    write(next) {
      this.writes += 1;
      kept = next;
    },
  };
};

/** A node's process: what it remembers dies with it, its file does not. */
function started(file: FloorFile, startedAtUnixMs: number) {
  const floor = openReplayFloor(file, startedAtUnixMs);
  const intake = intakeOf({ floor, replay: new ReplayWindow() }, { issuedAfterUnixMs: startedAtUnixMs });
  return (data: Uint8Array, nowUnixMs: number) => {
    const [verdict] = intake.admit({ subject: SUBJECT, data, natsReply: undefined, nowUnixMs });
    return verdict?.kind === "refused" ? verdict.error.code : verdict?.kind;
  };
}

const issued = (offsetMs: number) =>
  sealed({ issuedAt: { unixMs: NOW + offsetMs, counter: 0 }, deadlineUnixMs: NOW + 60_000 });

describe("after a restart", () => {
  test("a capsule from a clock that is ahead, accepted before, is refused", () => {
    const file = memory();
    const early = issued(4_500);
    expect(started(file, NOW - 60_000)(early, NOW)).toBe("accepted");
    const again = started(file, NOW + 1_000);
    expect(again(early, NOW + 1_100)).toBe("CAPSULE_ISSUED_BEFORE_START");
    expect(again(early, NOW + 20_000)).toBe("CAPSULE_ISSUED_BEFORE_START");
    expect(again(issued(6_000), NOW + 6_000)).toBe("accepted");
  });

  test("a capsule accepted before the clock was set back is refused", () => {
    const file = memory();
    const before = issued(29_990);
    expect(started(file, NOW + 10_000)(before, NOW + 30_000)).toBe("accepted");
    const again = started(file, NOW);
    expect(again(before, NOW + 25_000)).toBe("CAPSULE_ISSUED_BEFORE_START");
    expect(again(issued(31_000), NOW + 31_000)).toBe("accepted");
  });

  test("capsules of clocks that agree are accepted at once", () => {
    const file = memory();
    expect(started(file, NOW - 60_000)(issued(0), NOW)).toBe("accepted");
    expect(started(file, NOW + 50)(issued(60), NOW + 60)).toBe("accepted");
  });

  test("one issuer's fast clock holds up no other", () => {
    const floor = openReplayFloor(
      memory(JSON.stringify({ [Buffer.from(keys.bob.publicKey).toString("hex")]: NOW + 5_000 })),
      NOW,
    );
    expect(floor.floorOf(keys.ann.publicKey)).toBe(0);
    expect(floor.floorOf(keys.bob.publicKey)).toBe(NOW + 5_000);
  });
});

test("what could not be written down is not accepted", () => {
  const full: FloorFile = {
    read: () => undefined,
    write: () => {
      throw new Error("no space");
    },
  };
  const admit = started(full, NOW - 60_000);
  expect(admit(issued(4_000), NOW)).toBe("CAPSULE_INTAKE_FAILED");
  expect(admit(issued(-5), NOW)).toBe("accepted");
});

test("a flood from a fast clock costs few writes", () => {
  const file = memory();
  const admit = started(file, NOW - 60_000);
  for (let at = 0; at < 1_000; at += 1) expect(admit(issued(3_000 + at), NOW + at)).toBe("accepted");
  expect(file.writes).toBeLessThan(8);
});

test.each([
  ["a damaged file holds up as long as clocks may differ", "{", 5_250],
  ["a floor of a clock that was years ahead holds up nobody", JSON.stringify({ "*": NOW + 1e12 }), 0],
  ["an empty file is a damaged one", "", 5_250],
])("%s", (_name, text, holdsMs) => {
  const floor = openReplayFloor(memory(text), NOW).floorOf(keys.ann.publicKey);
  expect(Math.max(0, floor - NOW)).toBe(holdsMs);
});

test("more issuers than the file holds count as one", () => {
  const issuerAt = (at: number): Uint8Array => {
    const issuer = new Uint8Array(32);
    new DataView(issuer.buffer).setUint32(0, at);
    return issuer;
  };
  const early = Array.from({ length: 4_000 }, (_, at) => [
    Buffer.from(issuerAt(at)).toString("hex"),
    NOW + 3_000,
  ]);
  const file = memory(JSON.stringify(Object.fromEntries(early)));
  const floor = openReplayFloor(file, NOW);
  for (let at = 4_000; at < 5_000; at += 1) floor.accepted(issuerAt(at), NOW + 3_000, NOW);
  const after = openReplayFloor(file, NOW + 1);
  expect(after.floorOf(keyOf(77).publicKey)).toBeGreaterThanOrEqual(NOW + 3_000);
  expect(file.read()?.length).toBeLessThan(500_000);
});
