// One process of the cradle over its lives: started, watched, started again or
// replaced by the spare that stands by. It performs what the restart policy decides.
import { failureOfExit } from "./describe-exit.ts";
import { type ManagedProcess, startProcess } from "./managed-process.ts";
import type { ProcessExit, ProcessSpec, Suspect } from "./process-spec.ts";
import {
  type Death,
  decideRestart,
  type RestartLimit,
  type RestartRules,
  WORKED_MS,
} from "./restart-policy.ts";
import { actorToBlame, withDeath } from "./suspects.ts";
import { watchProgress } from "./watch-progress.ts";

/** From the moment that the very first is ready until its spare is started: manifests may be applied meanwhile. */
const FIRST_SPARE_DELAY_MS = 2_000;
/** From the end of a spare to the start of the next, at first. */
const SPARE_RETRY_MS = 500;
const MAX_SPARE_DELAY_MS = 30_000;

/** Ends in a row that are told. */
const MAX_VAIN = 32;

/** How a process came back. */
export type Recovery = {
  readonly name: string;
  readonly exit: ProcessExit;
  /** When the old one had ended. */
  readonly diedAtUnixMs: number;
  /** From then to the word of the new one that it is ready. */
  readonly downMs: number;
  readonly by: "spare" | "cold";
  readonly deathsInPeriod: number;
};

export type SpareState = "starting" | "standby" | "gone";

export type SlotEvents = {
  /** It has its process: whoever writes down which ones there are does not miss one that never comes up. */
  starting(): void;
  /** @param before ends of processes that were never ready in between, the oldest first */
  ready(
    elapsedMs: number,
    detail: unknown,
    recovery: Recovery | undefined,
    before: readonly Recovery[],
  ): void;
  died(exit: ProcessExit, restartInMs: number, by: Recovery["by"]): void;
  /** @param limit that it exceeded; undefined: nothing may start it again */
  gaveUp(exit: ProcessExit, limit: RestartLimit | undefined): void;
  message(message: unknown): void;
  /** @param pid of the second process */
  spare(state: SpareState, pid: number | undefined): void;
};

/** Of a time on this process's monotonic clock. */
const unixMsOf = (atMs: number): number => performance.timeOrigin + atMs;

export class Slot {
  #spec: ProcessSpec;
  wasReady = false;
  readonly #events: SlotEvents;
  readonly #rules: RestartRules;
  readonly #timers = new Set<NodeJS.Timeout>();
  #process: ManagedProcess | undefined;
  #spare: ManagedProcess | undefined;
  #spareFailures = 0;
  /** Whether the spare is prepared; one that is not yet is still ahead of a new one. */
  #standsBy = false;
  #deaths: readonly Death[] = [];
  #down: { readonly exit: ProcessExit; readonly atMs: number; by: Recovery["by"] } | undefined;
  /** Ends since it was ready, but the last. */
  #vain: readonly Recovery[] = [];
  #suspects: readonly Suspect[] = [];
  #stopping = false;
  /** Since when the process that counts is ready. */
  #readyAtMs: number | undefined;
  #inARow = 0;

  constructor(spec: ProcessSpec, rules: RestartRules, events: SlotEvents) {
    this.#spec = spec;
    this.#rules = rules;
    this.#events = events;
  }

  get spec(): ProcessSpec {
    return this.#spec;
  }

  /** From the next start on. */
  startBy(spec: ProcessSpec): void {
    this.#spec = spec;
  }

  pids(): Readonly<Record<string, number>> {
    const { name } = this.#spec;
    const own = this.#process?.pid;
    const spare = this.#spare?.pid;
    return {
      ...(own === undefined ? {} : { [name]: own }),
      ...(spare === undefined ? {} : { [`${name}-spare`]: spare }),
    };
  }

  send(message: object): void {
    this.#process?.send(message);
  }

  launch(): void {
    if (this.#stopping) return;
    this.#take(this.#spawn());
    this.#events.starting();
  }

  /** Whether the process that counts is ready now. */
  get isReady(): boolean {
    return this.#readyAtMs !== undefined;
  }

  /** From now on nothing is started again. */
  hold(): void {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async stop(): Promise<void> {
    this.hold();
    await Promise.all([this.#spare?.kill(), this.#process?.stop()]);
  }

  async kill(): Promise<void> {
    this.hold();
    await Promise.all([this.#spare?.kill(), this.#process?.kill()]);
  }

  #spawn(moreArgs: readonly string[] = []): ManagedProcess {
    const spec = { ...this.#spec, args: [...this.#spec.args, ...moreArgs] };
    return startProcess(spec, (message) => this.#events.message(message));
  }

  /** Makes a process the one that counts. */
  #take(process: ManagedProcess): void {
    const startedAtMs = performance.now();
    this.#process = process;
    process.expectReady();
    if (this.#spec.takeover !== undefined) process.send({ type: "promote", suspects: this.#suspects });
    void process.ready.then((detail) => this.#isReady(process, performance.now() - startedAtMs, detail));
    void process.exited.then((exit) => {
      if (!this.#stopping && this.#process === process) this.#revive(exit);
    });
  }

  #isReady(process: ManagedProcess, elapsedMs: number, detail: unknown): void {
    if (this.#process !== process) return;
    this.wasReady = true;
    this.#readyAtMs = performance.now();
    const down = this.#down;
    this.#down = undefined;
    watchProgress(process);
    const recovery = down && {
      name: this.#spec.name,
      exit: down.exit,
      diedAtUnixMs: unixMsOf(down.atMs),
      downMs: performance.now() - down.atMs,
      by: down.by,
      deathsInPeriod: this.#deaths.length,
    };
    this.#events.ready(elapsedMs, detail, recovery, this.#vain);
    this.#vain = [];
    const { takeover } = this.#spec;
    if (takeover?.spare === true) {
      const delayMs = down === undefined ? FIRST_SPARE_DELAY_MS : takeover.spareDelayMs;
      this.#after(delayMs, () => this.#startSpare());
    }
  }

  #revive(exit: ProcessExit): void {
    const nowMs = performance.now();
    const worked = this.#readyAtMs !== undefined && nowMs - this.#readyAtMs >= WORKED_MS;
    this.#inARow = worked ? 0 : this.#inARow + 1;
    this.#readyAtMs = undefined;
    const death = { atMs: nowMs, failure: failureOfExit(exit), actor: actorToBlame(exit) };
    const decision = decideRestart(this.#deaths, death, this.#rules, this.#inARow);
    this.#deaths = decision.deaths;
    this.#suspects = withDeath(this.#suspects, exit, Date.now(), this.#rules);
    if (decision.kind === "giveUp") {
      this.#events.gaveUp(exit, decision.limit);
      return;
    }
    const by = this.#standsBy ? "spare" : "cold";
    this.#noteVain(nowMs);
    this.#down = { exit, atMs: this.#down?.atMs ?? nowMs, by };
    this.#events.died(exit, decision.inMs, by);
    const again = () => (this.#spare === undefined ? this.launch() : this.#promote());
    if (decision.inMs === 0) again();
    else this.#after(decision.inMs, again);
  }

  /** What came after the end before this one was never ready. */
  #noteVain(nowMs: number): void {
    if (this.#down === undefined) return;
    const { exit, by, atMs } = this.#down;
    const vain = {
      name: this.#spec.name,
      exit,
      by,
      diedAtUnixMs: unixMsOf(atMs),
      downMs: nowMs - atMs,
      deathsInPeriod: this.#deaths.length - 1,
    };
    this.#vain = [...this.#vain, vain].slice(-MAX_VAIN);
  }

  /** Only ever after the old one's end: no two hold what one may hold. */
  #promote(): void {
    const spare = this.#spare;
    this.#spare = undefined;
    this.#standsBy = false;
    if (spare === undefined || this.#stopping) return;
    this.#take(spare);
    this.#events.starting();
  }

  #startSpare(): void {
    if (this.#stopping || this.#spare !== undefined) return;
    const spare = this.#spawn(this.#spec.takeover?.standbyArgs);
    this.#spare = spare;
    this.#events.spare("starting", spare.pid);
    void spare.standby.then(() => {
      this.#spareFailures = 0;
      if (this.#spare !== spare) return;
      this.#standsBy = true;
      this.#events.spare("standby", spare.pid);
    });
    void spare.exited.then(() => {
      if (this.#spare !== spare) return;
      this.#spare = undefined;
      this.#standsBy = false;
      this.#events.spare("gone", spare.pid);
      this.#spareFailures += 1;
      const delayMs = Math.min(MAX_SPARE_DELAY_MS, SPARE_RETRY_MS * 2 ** Math.min(this.#spareFailures, 10));
      this.#after(delayMs, () => this.#startSpare());
    });
  }

  #after(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }
}
