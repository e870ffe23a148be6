// Virtual time and scripted children: what the supervisor's tests run on.
import type { ExitReason, Failure, Incarnation } from "../../src/actors/child.ts";
import type { ActorSpec, ChildSpec, SupervisorSpec } from "../../src/manifest/graph.ts";
import { type Clock, IGNORED, type RestorableChild, type TreePorts } from "../../src/supervisor/ports.ts";
import type { SetAside } from "../../src/supervisor/set-aside.ts";
import type { EventInput } from "../../src/telemetry/event.ts";

export function actor(path: string, change: Partial<ActorSpec> = {}): ActorSpec {
  return {
    kind: "actor",
    path,
    behaviour: { module: "/behaviours/any.ts", export: "any" },
    input: null,
    restart: "permanent",
    shutdownMs: 5_000,
    isolation: "shared",
    durable: false,
    mailbox: { bound: 100, whenFull: "refuse" },
    intents: {},
    grants: [],
    placement: {},
    ...change,
  };
}

export function supervisor(
  path: string,
  children: readonly ChildSpec[],
  change: Partial<SupervisorSpec> = {},
): SupervisorSpec {
  return {
    kind: "supervisor",
    path,
    strategy: "one_for_one",
    intensity: 1,
    periodMs: 5_000,
    backoff: { initialMs: 0, maxMs: 0, factor: 1 },
    restart: "permanent",
    children,
    ...change,
  };
}

export function failure(rootActor: string, message = "boom"): Failure {
  return { class: "crash", name: "Error", message, origin: "transition", rootActor };
}

export const failed = (path: string, message?: string, change: Partial<Failure> = {}): ExitReason => ({
  kind: "failed",
  failure: { ...failure(path, message), ...change },
});

/** An intent in hand: whoever sent it caused the failure. */
export const intentInHand = {
  id: "00".repeat(16),
  rootId: "00".repeat(16),
  causeId: "",
  hash: "00".repeat(32),
  type: "ticket.open",
  principal: "mallory",
  source: "",
  epoch: 0,
};

export class VirtualClock implements Clock {
  nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  unixMs = () => 1_700_000_000_000 + this.nowMs;
  monotonicMs = () => this.nowMs;

  setTimer(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Fires what is due in order, letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.nowMs = due.atMs;
      due.fire();
    }
    this.nowMs = endMs;
    await settled();
  }
}

/** Until every promise chain under way has run: one turn of the event loop. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export type Script = {
  /** Rejects the start, or never ends it. */
  readonly start?: (attempt: number, snapshot: unknown) => "ok" | "hang" | "ignore" | Error;
  readonly stop?: "prompt" | "ignores-stop" | "ignores-kill";
  readonly snapshot?: unknown;
};

export class FakeChild implements RestorableChild {
  readonly path: string;
  readonly incarnation: Incarnation;
  readonly exited: Promise<ExitReason>;
  readonly #exit = Promise.withResolvers<ExitReason>();
  readonly #script: Script;
  #snapshot: unknown;
  readonly #log: (line: string) => void;
  alive = true;

  constructor(path: string, incarnation: Incarnation, script: Script, log: (line: string) => void) {
    this.path = path;
    this.incarnation = incarnation;
    this.exited = this.#exit.promise;
    this.#script = script;
    this.#snapshot = script.snapshot;
    this.#log = log;
  }

  exit(reason: ExitReason): void {
    if (!this.alive) return;
    this.alive = false;
    this.#exit.resolve(reason);
  }

  stop(graceMs: number): Promise<ExitReason> {
    this.#log(`stop ${this.path} ${graceMs}`);
    if ((this.#script.stop ?? "prompt") === "prompt") this.exit({ kind: "shutdown" });
    return this.exited;
  }

  kill(): Promise<ExitReason> {
    this.#log(`kill ${this.path}`);
    if (this.#script.stop !== "ignores-kill") this.exit({ kind: "killed" });
    return this.exited;
  }

  lastGoodSnapshot(): unknown {
    return this.#snapshot;
  }

  /** What its end leaves for the next run. */
  leaves(snapshot: unknown): void {
    this.#snapshot = snapshot;
  }
}

export class World {
  readonly clock = new VirtualClock();
  readonly log: string[] = [];
  readonly events: EventInput[] = [];
  readonly children = new Map<string, FakeChild>();
  readonly starts: {
    readonly path: string;
    readonly incarnation: Incarnation;
    readonly snapshot: unknown;
  }[] = [];
  readonly scripts = new Map<string, Script>();
  random = 0;
  readonly #attempts = new Map<string, number>();

  readonly quarantined: SetAside[] = [];

  readonly ports: { -readonly [K in keyof TreePorts]: TreePorts[K] } = {
    quarantine: (bad) => `q${this.quarantined.push(bad)}`,
    clock: this.clock,
    random: () => this.random,
    record: (input) => this.events.push(input),
    startChild: async (spec, incarnation, snapshot, signal) => {
      const attempt = (this.#attempts.get(spec.path) ?? 0) + 1;
      this.#attempts.set(spec.path, attempt);
      this.starts.push({ path: spec.path, incarnation, snapshot });
      const script = this.scripts.get(spec.path) ?? {};
      const outcome = script.start?.(attempt, snapshot) ?? "ok";
      if (outcome === "hang") await new Promise((_, reject) => signal.addEventListener("abort", reject));
      if (outcome instanceof Error) throw outcome;
      if (outcome === "ignore") return IGNORED;
      this.log.push(`start ${spec.path}`);
      const child = new FakeChild(spec.path, incarnation, script, (line) => this.log.push(line));
      this.children.set(spec.path, child);
      return child;
    },
  };

  child(path: string): FakeChild {
    const child = this.children.get(path);
    if (child === undefined) throw new Error(`no child was started at ${path}`);
    return child;
  }

  async crash(path: string, message?: string, change: Partial<Failure> = {}): Promise<void> {
    this.child(path).exit(failed(path, message, change));
    await settled();
    await settled();
  }

  kinds(actorPath?: string): string[] {
    return this.events
      .filter((e) => actorPath === undefined || e.actor === actorPath)
      .map((e) => e.kind.case);
  }

  takeLog(): string[] {
    return this.log.splice(0);
  }
}
