// Who is awake, and who is to leave memory: an actor that has been idle for its time, holds
// nothing that only memory holds, and is not to be awake again soon. Those that sleep are
// woken when their first timer is due.
import type { DurableChild } from "./durable-child.ts";

const SWEEP_MS = 1_000;
/** Beyond so many the idlest leave before their time. */
const MAX_AWAKE = 10_000;
/** Node's longest timer. */
const MAX_TIMER_MS = 2_147_483_647;

export class Residency {
  readonly #awake = new Set<DurableChild>();
  readonly #timers = new Map<DurableChild, NodeJS.Timeout>();
  #sweeping: NodeJS.Timeout | undefined;
  #stopped = false;

  get size(): number {
    return this.#awake.size;
  }

  awake(child: DurableChild): void {
    this.#disarm(child);
    this.#awake.add(child);
    if (this.#sweeping === undefined && !this.#stopped) {
      this.#sweeping = setInterval(() => this.sweep(performance.now(), Date.now()), SWEEP_MS).unref();
    }
  }

  /** It is woken when its first timer is due, at the latest. */
  asleep(child: DurableChild): void {
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

  gone(child: DurableChild): void {
    this.#awake.delete(child);
    this.#disarm(child);
  }

  sweep(nowMs: number, nowUnixMs: number): void {
    const tooMany = this.#awake.size - MAX_AWAKE;
    const idle = [...this.#awake].filter((child) => isIdle(child, nowMs, nowUnixMs, tooMany > 0));
    for (const child of idle) child.passivate();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#sweeping);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #disarm(child: DurableChild): void {
    clearTimeout(this.#timers.get(child));
    this.#timers.delete(child);
  }
}

function isIdle(child: DurableChild, nowMs: number, nowUnixMs: number, crowded: boolean): boolean {
  const { actor, passivateAfterMs } = child;
  const { pending, wakeAtUnixMs = Number.POSITIVE_INFINITY } = actor.meta;
  const afterMs = crowded ? SWEEP_MS : passivateAfterMs;
  if (pending || actor.isWanted || nowMs - actor.lastUsedMs < afterMs) return false;
  if (wakeAtUnixMs - nowUnixMs < afterMs) return false;
  const { mailboxDepth, openRequests } = child.stats();
  return mailboxDepth + openRequests === 0;
}
