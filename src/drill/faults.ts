// The failures that a drill causes, each for real. Times are taken on the client's clock
// right before the failure leaves this process, so that a figure can only be too long.
import type { Clock, DrilledCell, ProcessName } from "./ports.ts";

export type InjectContext = {
  readonly cell: DrilledCell;
  readonly target: string;
  /** The target's present life; it names the process that it runs in. */
  readonly life: string;
  readonly clock: Clock;
};

export type Injection = {
  readonly failedAtMs: number;
  /** The life that was failed. */
  readonly life: string;
  /** Resolves when nothing more comes of it: the intent that failed has ended, what was stopped is gone. */
  readonly settled: Promise<void>;
};

export type Fault = { readonly inject: (context: InjectContext) => Promise<Injection> };

const FAIL_DEADLINE_MS = 10_000;

/** An intent that makes the target fail. With `again` it fails every life that takes it. */
export function byIntent(how: string, options: { readonly again?: boolean } = {}): Fault {
  return {
    async inject({ cell, target, life, clock }) {
      const payload = options.again === true ? { how } : { how, life };
      const failedAtMs = clock.nowMs();
      const settled = cell.request(target, "fail", payload, FAIL_DEADLINE_MS).then(
        () => undefined,
        () => undefined,
      );
      return { failedAtMs, life, settled };
    },
  };
}

/** A signal to processes of the cell, all at once. */
export function bySignal(signal: "SIGKILL" | "SIGSTOP", names: readonly ProcessName[]): Fault {
  return {
    async inject({ cell, life, clock }) {
      const pids = await Promise.all(names.map((name) => cell.pid(name)));
      const failedAtMs = clock.nowMs();
      cell.signal(pids, signal);
      return { failedAtMs, life, settled: Promise.resolve() };
    },
  };
}

/** A signal to the process that the target alone runs in, known from its life. */
export function bySignalToActor(signal: "SIGKILL" | "SIGSTOP"): Fault {
  return {
    async inject({ cell, life, clock }) {
      const pid = Number.parseInt(life, 10);
      const node = await cell.pid("node");
      if (!Number.isInteger(pid) || pid === node) {
        throw new RangeError("the target has no process of its own: the fault cannot be injected");
      }
      const failedAtMs = clock.nowMs();
      cell.signal([pid], signal);
      return { failedAtMs, life, settled: Promise.resolve() };
    },
  };
}
