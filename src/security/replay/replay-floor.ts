// What was accepted before this process started is not known, so intake refuses
// all that was issued before then. That is not enough for a sender whose clock is
// ahead, nor after this machine's clock was set back: a capsule that was accepted
// before may bear a later time than the start. For those a floor is kept on disk.
import { toHex } from "../bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";

export type ReplayFloor = {
  /** What this issuer issued at or before this time may have been accepted by an earlier process; 0: nothing. */
  floorOf(issuer: Uint8Array): number;
  /** The highest of all issuers' floors; 0: none. */
  readonly highestUnixMs: number;
  /** To be called before a capsule is begun. Throws what writing throws: then it must not be begun. */
  accepted(issuer: Uint8Array, issuedAtUnixMs: number, nowUnixMs: number): void;
};

export type FloorFile = {
  /** Undefined when there is none. */
  read(): string | undefined;
  /**
   * Replaces the file as a whole before it returns. It must outlive this process, not a
   * power loss: a machine takes longer to start than clocks may differ.
   */
  write(text: string): void;
};

/** A fast clock costs a write this often, and not one a capsule. */
const AHEAD_MS = 250;
/** How often the time is written down otherwise. */
const EVERY_MS = 1_000;
/** A floor further ahead is that of a clock that was wrong; no capsule of now can have been accepted then. */
const MAX_AHEAD_MS = 3_600_000;
/** Issuers in the file; of more, the highest floor holds for all. */
const MAX_ISSUERS = 4_096;
const ANYBODY = "*";

export function openReplayFloor(file: FloorFile, startedAtUnixMs: number): ReplayFloor {
  const inherited = new Map(
    [...parse(file.read(), startedAtUnixMs)].filter(
      ([, unixMs]) => unixMs >= startedAtUnixMs && unixMs <= startedAtUnixMs + MAX_AHEAD_MS,
    ),
  );
  let ahead = new Map(inherited);
  let writtenUnixMs = Number.NEGATIVE_INFINITY;
  const write = (now: number): void => {
    ahead = bounded(new Map([...ahead].filter(([, unixMs]) => unixMs > now)));
    writtenUnixMs = now;
    const anybody = Math.max(ahead.get(ANYBODY) ?? 0, now);
    file.write(JSON.stringify(Object.fromEntries([...ahead, [ANYBODY, anybody]])));
  };
  return {
    highestUnixMs: Math.max(0, ...inherited.values()),
    floorOf: (issuer) => Math.max(inherited.get(toHex(issuer)) ?? 0, inherited.get(ANYBODY) ?? 0),
    accepted(issuer, issuedAtUnixMs, nowUnixMs) {
      const name = toHex(issuer);
      if (issuedAtUnixMs > Math.max(nowUnixMs, ahead.get(name) ?? 0, ahead.get(ANYBODY) ?? 0)) {
        const before = new Map(ahead);
        ahead.set(name, issuedAtUnixMs + AHEAD_MS);
        try {
          write(nowUnixMs);
        } catch (error) {
          ahead = before;
          throw error;
        }
      } else if (nowUnixMs - writtenUnixMs >= EVERY_MS) {
        try {
          write(nowUnixMs);
        } catch {
          // A full disk alone is no reason to refuse: this one counts only when the clock is set back, too.
        }
      }
    },
  };
}

function bounded(floors: Map<string, number>): Map<string, number> {
  if (floors.size <= MAX_ISSUERS) return floors;
  return new Map([[ANYBODY, [...floors.values()].reduce((a, b) => Math.max(a, b))]]);
}

/** A file that cannot be read may have held anything that clocks allow. */
function parse(text: string | undefined, startedAtUnixMs: number): ReadonlyMap<string, number> {
  if (text === undefined) return new Map();
  try {
    const entries = Object.entries(JSON.parse(text) as object);
    if (!entries.every(([, unixMs]) => Number.isSafeInteger(unixMs))) throw new TypeError("not numbers");
    return new Map(entries);
  } catch {
    return new Map([[ANYBODY, startedAtUnixMs + MAX_CLOCK_SKEW_MS + AHEAD_MS]]);
  }
}
