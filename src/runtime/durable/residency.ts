// Who is awake, and who is to leave memory: an actor that has been idle for its time, holds
// nothing that only memory holds, and is not to be awake again soon. Those that sleep are
// woken when their first timer is due.
import type { DurableActor } from "./durable-actor.ts";
import type { DurableChild } from "./durable-child.ts";

const SWEEP_MS = 1_000;
/** Beyond so many the least recently used leave before their time. */
const MAX_AWAKE = 10_000;
/** Of passivations in one turn of the event loop: tens of thousands may fall idle at once. */
const SLICE_MS = 4;
/** Node's longest timer. */
const MAX_TIMER_MS = 2_147_483_647;

/** What it asks of an actor. */
export type Resident = Pick<
  DurableChild,
  "passivateAfterMs" | "isEnding" | "stats" | "passivate" | "wake"
> & {
  readonly actor: Pick<DurableActor, "meta" | "isWanted" | "lastUsedMs">;
};

export class Residency {
  readonly #maxAwake: number;
  readonly #awake = new Set<Resident>();
  readonly #timers = new Map<Resident, NodeJS.Timeout>();
  #sweeping: NodeJS.Timeout | undefined;
  /** Who is to leave, and has not been told yet. */
  #leaving: Resident[] = [];
  #stopped = false;

  constructor(maxAwake: number = MAX_AWAKE) {
    this.#maxAwake = maxAwake;
  }

  get size(): number {
    return this.#awake.size;
  }

  awake(child: Resident): void {
    this.#disarm(child);
    this.#awake.add(child);
    if (this.#sweeping === undefined && !this.#stopped) {
      this.#sweeping = setInterval(() => this.sweep(performance.now(), Date.now()), SWEEP_MS).unref();
    }
  }

  /** It is woken when its first timer is due, at the latest. */
  asleep(child: Resident): void {
    this.#awake.delete(child);
    this.#disarm(child);
    const { wakeAtUnixMs } = child.actor.meta;
    if (wakeAtUnixMs === undefined || child.isEnding || this.#stopped) return;
    const delayMs = Math.min(MAX_TIMER_MS, Math.max(0, wakeAtUnixMs - Date.now()));
    const timer = setTimeout(() => {
      this.#timers.delete(child);
      if (Date.now() >= wakeAtUnixMs) child.wake();
      else this.asleep(child);
    }, delayMs);
    this.#timers.set(child, timer);
  }

  gone(child: Resident): void {
    this.#awake.delete(child);
    this.#disarm(child);
  }

  /** Does nothing while those that an earlier one found are leaving. */
  sweep(nowMs: number, nowUnixMs: number): void {
    if (this.#leaving.length > 0) return;
    const awake = [...this.#awake];
    const idle = awake.filter((child) => isIdle(child, child.passivateAfterMs, nowMs, nowUnixMs));
    this.#leaving = [...idle, ...this.#tooMany(awake, idle, nowMs, nowUnixMs)];
    this.#leave();
  }

  /** The first slice at once. */
  #leave(): void {
    const untilMs = performance.now() + SLICE_MS;
    let told = 0;
    for (const child of this.#leaving) {
      if (told > 0 && performance.now() > untilMs) break;
      told += 1;
      // It may have been asked for since it was found idle.
      if (this.#awake.has(child) && !child.actor.isWanted) child.passivate();
    }
    this.#leaving = this.#stopped ? [] : this.#leaving.slice(told);
    if (this.#leaving.length > 0) setImmediate(() => this.#leave());
  }

  /** Those that need not be here this moment, the least recently used first. */
  #tooMany(
    awake: readonly Resident[],
    idle: readonly Resident[],
    nowMs: number,
    nowUnixMs: number,
  ): readonly Resident[] {
    const count = awake.length - idle.length - this.#maxAwake;
    if (count <= 0) return [];
    const leaving = new Set(idle);
    return awake
      .filter((child) => !leaving.has(child) && isIdle(child, SWEEP_MS, nowMs, nowUnixMs))
      .sort((a, b) => a.actor.lastUsedMs - b.actor.lastUsedMs)
      .slice(0, count);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#sweeping);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #disarm(child: Resident): void {
    clearTimeout(this.#timers.get(child));
    this.#timers.delete(child);
  }
}

function isIdle(child: Resident, afterMs: number, nowMs: number, nowUnixMs: number): boolean {
  const { actor } = child;
  const { pending, wakeAtUnixMs = Number.POSITIVE_INFINITY } = actor.meta;
  if (pending || actor.isWanted || nowMs - actor.lastUsedMs < afterMs) return false;
  if (wakeAtUnixMs - nowUnixMs < afterMs) return false;
  const { mailboxDepth, openRequests } = child.stats();
  return mailboxDepth + openRequests === 0;
}
