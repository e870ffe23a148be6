import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, ReplaySlice } from "../../../src/security/replay/replay-slice.ts";
import { ReplayWindow } from "../../../src/security/replay/replay-window.ts";
import { NOW } from "../cell-fixture.ts";

const bytes = (size: number, value: number) => {
  const made = new Uint8Array(size);
  new DataView(made.buffer).setUint32(0, value);
  return made;
};
const issuer = (n: number) => bytes(32, n);
const id = (n: number) => bytes(16, n);
const hash = (n: number) => bytes(32, n);
const LATER = NOW + 10_000;

describe("the replay window", () => {
  test("knows a capsule again, and refuses another under its id", () => {
    const window = new ReplayWindow();
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW)).toEqual({ kind: "new" });
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW)).toEqual({
      kind: "duplicate",
      state: "pending",
      replies: [],
    });
    expect(window.remember(issuer(1), id(1), hash(2), LATER, NOW)).toMatchObject({
      kind: "refused",
      error: { code: "CAPSULE_ID_REUSED" },
    });
    expect(window.remember(issuer(2), id(1), hash(2), LATER, NOW)).toEqual({ kind: "new" });
  });

  test("gives a repeated capsule the replies that were stored, in order", () => {
    const window = new ReplayWindow();
    window.remember(issuer(1), id(1), hash(1), LATER, NOW);
    window.storeReply(issuer(1), id(1), Uint8Array.of(1), false);
    window.storeReply(issuer(1), id(1), Uint8Array.of(2), true);
    window.storeReply(issuer(1), id(1), Uint8Array.of(3), true);
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW)).toEqual({
      kind: "duplicate",
      state: "answered",
      replies: [Uint8Array.of(1), Uint8Array.of(2)],
    });
    window.storeReply(issuer(9), id(1), Uint8Array.of(1), true);
  });

  test("knows each of many thousands again, of several issuers, with its own replies", () => {
    const window = new ReplayWindow();
    const many = 20_000;
    for (let at = 0; at < many; at += 1) {
      window.remember(issuer(at % 3), id(at), hash(at), LATER + (at % 5) * 5_000, NOW);
      window.storeReply(issuer(at % 3), id(at), bytes(4 + (at % 50), at), at % 2 === 0);
    }
    expect(window.size).toBe(many);
    for (let at = 0; at < many; at += 1) {
      const verdict = window.remember(issuer(at % 3), id(at), hash(at), LATER, NOW);
      const state = at % 2 === 0 ? "answered" : "pending";
      expect(verdict).toEqual({ kind: "duplicate", state, replies: [bytes(4 + (at % 50), at)] });
    }
  });

  test("keeps replies of every size whole and in order", () => {
    const sizes = fc.array(fc.oneof(fc.nat(64), fc.nat(5_000), fc.nat(600_000)), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 1, maxLength: 5 }), (capsules) => {
        const window = new ReplayWindow();
        const replies = capsules.map((each, at) => each.map((size, n) => bytes(4 + size, 100 * at + n)));
        for (const at of capsules.keys()) window.remember(issuer(1), id(at), hash(at), LATER, NOW);
        // In turns, so that those of one capsule do not lie together.
        for (let n = 0; n < 6; n += 1) {
          for (const [at, each] of replies.entries()) {
            const reply = each[n];
            if (reply !== undefined) window.storeReply(issuer(1), id(at), reply, n === each.length - 1);
          }
        }
        for (const [at, each] of replies.entries()) {
          const verdict = window.remember(issuer(1), id(at), hash(at), LATER, NOW);
          expect(verdict).toMatchObject({ state: "answered" });
          const kept = verdict.kind === "duplicate" ? verdict.replies : [];
          expect(kept.map((reply) => Buffer.compare(reply, each[kept.indexOf(reply)] ?? reply))).toEqual(
            each.map(() => 0),
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  test("never holds a live capsule as new, whatever is sent in whatever order", () => {
    const send = fc.record({
      issuer: fc.nat(2),
      id: fc.nat(6),
      hash: fc.nat(1),
      keepMs: fc.nat(4_000),
      advanceMs: fc.nat(1_500),
      release: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(send, { maxLength: 80 }), fc.integer({ min: 3, max: 40 }), (sends, maxEntries) => {
        const window = new ReplayWindow({ maxEntries, maxRepeats: 1_000 });
        const live = new Map<string, { hash: number; until: number }>();
        let now = NOW;
        for (const each of sends) {
          now += each.advanceMs;
          const name = `${each.issuer}/${each.id}`;
          const until = now + each.keepMs;
          const verdict = window.remember(issuer(each.issuer), id(each.id), hash(each.hash), until, now);
          const known = live.get(name);
          const alive = known !== undefined && known.until > now;
          if (alive) expect(verdict.kind).toBe(known.hash === each.hash ? "duplicate" : "refused");
          if (verdict.kind === "new") live.set(name, { hash: each.hash, until });
          if (verdict.kind === "new" && each.release) {
            window.release(issuer(each.issuer), id(each.id));
            live.delete(name);
          }
          expect(window.size).toBeLessThanOrEqual(maxEntries);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("forgets what freshness refuses by itself, and frees its room", () => {
    const window = new ReplayWindow();
    for (let at = 0; at < 100; at += 1) {
      window.remember(issuer(1), id(at), hash(at), NOW + 1_000, NOW);
      window.storeReply(issuer(1), id(at), new Uint8Array(10), true);
    }
    expect([window.size, window.replyBytes]).toEqual([100, 1_000]);
    window.remember(issuer(1), id(999), hash(1), NOW + 20_000, NOW + 10_000);
    expect([window.size, window.replyBytes]).toEqual([1, 0]);
  });

  test("at its bound refuses new ids with a retryable code, and forgets none", () => {
    const window = new ReplayWindow({ maxEntries: 10 });
    const verdicts = Array.from({ length: 8 }, (_, at) =>
      window.remember(issuer(1), id(at), hash(at), LATER, NOW),
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual([...Array(5).fill("new"), ...Array(3).fill("refused")]);
    expect(verdicts[5]).toMatchObject({ error: { code: "CAPSULE_REPLAY_WINDOW_FULL", retryable: true } });
    for (let at = 0; at < 5; at += 1) {
      expect(window.remember(issuer(1), id(at), hash(at), LATER, NOW).kind).toBe("duplicate");
    }
  });

  test("leaves room for other issuers when one sends too much", () => {
    const window = new ReplayWindow({ maxEntries: 30 });
    for (let at = 0; at < 100; at += 1) window.remember(issuer(1), id(at), hash(at), LATER, NOW);
    const other = Array.from({ length: 10 }, (_, at) =>
      window.remember(issuer(2), id(at), hash(at), LATER, NOW),
    );
    expect(other.every(({ kind }) => kind === "new")).toBe(true);
    expect(window.remember(issuer(1), id(500), hash(1), LATER, NOW).kind).toBe("refused");
  });

  test("drops replies that exceed the share, never the id", () => {
    const window = new ReplayWindow({ maxReplyBytes: 100 });
    window.remember(issuer(1), id(1), hash(1), LATER, NOW);
    window.storeReply(issuer(1), id(1), new Uint8Array(30), false);
    window.storeReply(issuer(1), id(1), new Uint8Array(30), true);
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW)).toMatchObject({
      kind: "duplicate",
      state: "dropped",
    });
    expect(window.replyBytes).toBe(30);
  });

  test("limits nobody while less than half is used, however many send", () => {
    const window = new ReplayWindow({ maxEntries: 1_000 });
    for (let n = 1; n <= 50; n += 1) window.remember(issuer(n), id(0), hash(0), LATER, NOW);
    const busy = Array.from({ length: 400 }, (_, at) =>
      window.remember(issuer(1), id(at + 1), hash(at), LATER, NOW),
    );
    expect(busy.every(({ kind }) => kind === "new")).toBe(true);
  });

  test("drops the replies to one capsule that alone would take too much", () => {
    const window = new ReplayWindow({ maxReplyBytesEach: 50 });
    window.remember(issuer(1), id(1), hash(1), LATER, NOW);
    for (const size of [30, 30, 5]) window.storeReply(issuer(1), id(1), new Uint8Array(size), false);
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW)).toMatchObject({
      state: "dropped",
      replies: [],
    });
    expect(window.replyBytes).toBe(30);
  });

  test("answers a repeated capsule a bounded number of times", () => {
    const window = new ReplayWindow({ maxRepeats: 2 });
    const kinds = Array.from({ length: 4 }, () => window.remember(issuer(1), id(1), hash(1), LATER, NOW));
    expect(kinds.map(({ kind }) => kind)).toEqual(["new", "duplicate", "duplicate", "refused"]);
    expect(kinds[3]).toMatchObject({ error: { code: "CAPSULE_REPEATED_TOO_OFTEN" } });
  });

  test("a clock that jumps ahead and back forgets nothing that is sent after the jump", () => {
    const window = new ReplayWindow();
    window.remember(issuer(1), id(1), hash(1), LATER, NOW + 3_600_000);
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW).kind).toBe("duplicate");
  });

  test("what was dropped takes room of its own issuer's until it is forgotten", () => {
    const window = new ReplayWindow({ maxReplyBytes: 1_000, maxReplyBytesEach: 300 });
    // One whose answers are dropped again and again, at the bound of each.
    for (let at = 0; at < 10; at += 1) {
      window.remember(issuer(1), id(at), hash(at), LATER, NOW);
      window.storeReply(issuer(1), id(at), new Uint8Array(300), false);
      window.storeReply(issuer(1), id(at), new Uint8Array(1), false);
    }
    expect(window.replyBytes).toBe(300);
    window.remember(issuer(2), id(50), hash(50), LATER, NOW);
    window.storeReply(issuer(2), id(50), new Uint8Array(200), true);
    expect(window.remember(issuer(2), id(50), hash(50), LATER, NOW)).toMatchObject({ state: "answered" });
    window.remember(issuer(1), id(60), hash(60), LATER + 20_000, NOW + 20_000);
    expect(window.replyBytes).toBe(0);
    window.storeReply(issuer(1), id(60), new Uint8Array(300), true);
    expect(window.remember(issuer(1), id(60), hash(60), LATER, NOW + 20_000)).toMatchObject({
      state: "answered",
    });
  });

  test("an issuer that comes when another is forgotten has nothing of it", () => {
    const window = new ReplayWindow();
    window.remember(issuer(1), id(1), hash(1), LATER, NOW);
    window.release(issuer(1), id(1));
    expect(window.remember(issuer(2), id(1), hash(2), LATER, NOW).kind).toBe("new");
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW).kind).toBe("new");
    expect(window.remember(issuer(2), id(1), hash(2), LATER, NOW).kind).toBe("duplicate");
  });

  test("who is turned away again and again takes no more room, and is found all the same", () => {
    const slice = new ReplaySlice();
    const entryOf = (n: number) => {
      const state = "pending" as const;
      return slice.add({ issuer: 1, id: id(n), hash: hash(n), state, isKeptElsewhere: false });
    };
    const kept = Array.from({ length: 500 }, (_, n) => entryOf(n));
    const rows = new Set(kept);
    for (let n = 1_000; n < 21_000; n += 1) {
      const entry = entryOf(n);
      rows.add(entry);
      expect(slice.find(1, id(n), hashOf(1, id(n)))).toBe(entry);
      slice.release(entry);
      expect(slice.find(1, id(n), hashOf(1, id(n)))).toBeUndefined();
    }
    expect(rows.size).toBe(501);
    expect(kept.map((_, n) => slice.find(1, id(n), hashOf(1, id(n))))).toEqual(kept);
  });

  test("a capsule that was released is new again", () => {
    const window = new ReplayWindow();
    window.remember(issuer(1), id(1), hash(1), LATER, NOW);
    window.release(issuer(1), id(1));
    window.release(issuer(1), id(1));
    expect(window.remember(issuer(1), id(1), hash(1), LATER, NOW).kind).toBe("new");
    expect(window.size).toBe(1);
  });
});
