// The failures that a drill causes, each for real. Times are taken right before the failure
// leaves the process that causes it, so that a figure can only be too long.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import type { Clock, DrilledCell, NODE_PROCESS, ProcessName } from "./ports.ts";

export type InjectContext = {
  readonly cell: DrilledCell;
  readonly target: string;
  /** The target's present life; it names the process that it runs in. */
  readonly life: string;
  readonly clock: Clock;
};

export type Injection = {
  readonly failedAtMs: number;
  /**
   * When memory had run out: what the actor took until then is part of no recovery. Undefined: not
   * known, the failure counts from `failedAtMs`. To be asked once it has recovered.
   */
  readonly exhaustedAtMs?: () => number | undefined;
  /** The life that was failed. */
  readonly life: string;
  /** Resolves when nothing more comes of it: the intent that failed has ended, what was stopped is gone. */
  readonly settled: Promise<void>;
  /** Who answered the intent that made it fail, and when: it is left to the next life, which may be the first thing that one does. */
  readonly answered?: () => { readonly life: string; readonly atMs: number } | undefined;
};

export type Fault = {
  /**
   * What comes back: a new incarnation of the target, or the service of a process beside
   * the node, while the target itself lives on.
   */
  readonly revives: "target" | "service";
  readonly inject: (context: InjectContext) => Promise<Injection>;
};

const FAIL_DEADLINE_MS = 10_000;
const LOOK_EVERY_MS = 5;
const REPLACED_WITHIN_MS = 20_000;
const PARKED_WITHIN_MS = 5_000;

const alive = z.object({ life: z.string() });

/** An intent that makes the target fail. With `again` it fails every life that takes it. */
export function byIntent(how: string, options: { readonly again?: boolean } = {}): Fault {
  return {
    revives: "target",
    async inject({ cell, target, life, clock }) {
      const payload = options.again === true ? { how } : { how, life };
      return { failedAtMs: clock.nowMs(), life, ...asked(cell, target, "fail", payload, clock) };
    },
  };
}

/** An intent that makes the target fill its memory. @param whose memory it is; default: the target's own */
export function byGrowth(whose?: typeof NODE_PROCESS): Fault {
  return {
    revives: "target",
    inject: (context) => exhausting(context, whose ?? context.target, byIntent("grow")),
  };
}

async function exhausting(
  context: InjectContext,
  whose: string | typeof NODE_PROCESS,
  fault: Fault,
): Promise<Injection> {
  const { cell, clock } = context;
  // The cell says it in whole milliseconds.
  const sinceUnixMs = Math.floor(clock.unixMs());
  const injected = await fault.inject(context);
  return {
    ...injected,
    exhaustedAtMs() {
      const atUnixMs = cell.exhaustedAt(whose, sinceUnixMs);
      return atUnixMs === undefined ? undefined : clock.nowMs() - (clock.unixMs() - atUnixMs);
    },
  };
}

/** Sends an intent that fails whoever takes it first, and hears who answers it at last. */
function asked(
  cell: DrilledCell,
  target: string,
  intent: string,
  payload: object,
  clock: Clock,
): Pick<Injection, "settled" | "answered"> {
  let answered: ReturnType<NonNullable<Injection["answered"]>>;
  const settled = cell.request(target, intent, payload, FAIL_DEADLINE_MS).then(
    (reply) => {
      const atMs = clock.nowMs();
      const { data } = alive.safeParse(reply);
      if (data !== undefined) answered = { life: data.life, atMs };
    },
    () => undefined,
  );
  return { settled, answered: () => answered };
}

/** A signal to processes of the cell, all at once; settled when others have their places. */
export function bySignal(signal: "SIGKILL" | "SIGSTOP", names: readonly ProcessName[]): Fault {
  return {
    revives: names.includes("node") ? "target" : "service",
    async inject({ cell, life, clock }) {
      const pids = await Promise.all(names.map((name) => cell.pid(name)));
      const failedAtMs = clock.nowMs();
      cell.signal(pids, signal);
      const settled = Promise.all(names.map((name, at) => replaced(cell, name, pids[at] ?? 0, clock)));
      return { failedAtMs, life, settled: settled.then(() => undefined) };
    },
  };
}

/** Resolves when another process has the name, or when none has it for too long. */
async function replaced(cell: DrilledCell, name: ProcessName, pid: number, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + REPLACED_WITHIN_MS;
  while (clock.nowMs() < untilMs) {
    const present = await cell.pid(name).catch(() => pid);
    if (present !== pid) return;
    await clock.after(LOOK_EVERY_MS);
  }
}

/** A signal to the process that the target alone runs in, known from its life. */
export function bySignalToActor(signal: "SIGKILL" | "SIGSTOP"): Fault {
  return {
    revives: "target",
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

/** One bit of the target's newest snapshot, where it is kept; then a failure that makes it be read. */
export const bitFlip: Fault = {
  revives: "target",
  async inject(context) {
    const { cell, target } = context;
    try {
      await cell.fault("fault.flip-snapshot", { path: target });
    } catch (error) {
      throw isNotThere(error) ? notBuilt(error) : error;
    }
    return await byIntent("throw").inject(context);
  },
};

/**
 * Another's write where the victim's next commit would be, often more than once until it has overtaken
 * the victim's own commits; then an intent that makes it commit: it is answered by the life that does so.
 */
export const foreignCommit: Fault = {
  revives: "target",
  async inject({ cell, target, life, clock }) {
    const failedAtMs = await cell.overwriteCommit(target);
    return { failedAtMs, life, ...asked(cell, target, "ledger", {}, clock) };
  },
};

/**
 * The target breaks the rules of its channel and is parked for it; who sends to it hears so,
 * and then an operator starts it. Without that word it is not started, and has not recovered.
 */
export const breach: Fault = {
  revives: "target",
  async inject(context) {
    const { cell, target, clock } = context;
    const injected = await byIntent("violate").inject(context);
    const steered = isToldParked(cell, target, clock).then(async (told) => {
      if (told) await cell.start(target);
    });
    return { ...injected, settled: Promise.all([steered, injected.settled]).then(() => undefined) };
  },
};

/** What a durable actor had accepted before waits in its journal: one after the other may go unanswered. */
async function isToldParked(cell: DrilledCell, target: string, clock: Clock): Promise<boolean> {
  const told = Promise.withResolvers<boolean>();
  const ask = () =>
    void cell.request(target, "ledger", {}, PARKED_WITHIN_MS).catch((error: unknown) => {
      if (error instanceof CellError && error.code === "ACTOR_PARKED") told.resolve(true);
    });
  const end = clock.every(LOOK_EVERY_MS, ask);
  try {
    return await Promise.race([told.promise, clock.after(PARKED_WITHIN_MS).then(() => false)]);
  } finally {
    end();
  }
}

/** The node's root supervisor gives up, for a reason that nobody can be named for. */
export const kernelGivesUp: Fault = byCall((cell) => cell.fault("fault.kernel", { failure: "crash" }));

/** The same for want of memory. @param drill path of the kernel actor that wants it */
export function kernelAllocates(drill: string): Fault {
  const fault = byCall((cell) => cell.fault("fault.kernel", { failure: "exhaustion" }));
  return { revives: "target", inject: (context) => exhausting(context, drill, fault) };
}

/** A kernel actor takes no intent any more, and one waits for it. */
export const kernelHangs: Fault = byCall(async (cell) => {
  await cell.fault("fault.kernel", { failure: "hang" });
  await cell.fault("fault.none", {});
});

/** `cell0 restart --kernel`, without the time that the command line takes to start. */
export const kernelRestart: Fault = byCall((cell) => cell.restartKernel());

function byCall(call: (cell: DrilledCell) => Promise<unknown>): Fault {
  return {
    revives: "target",
    async inject({ cell, life, clock }) {
      const failedAtMs = clock.nowMs();
      // Its answer may be among what is torn down: the recovery is what is measured.
      const refused = await Promise.race([
        call(cell).then(
          () => undefined,
          (error: unknown) => error,
        ),
        clock.after(LOOK_EVERY_MS),
      ]);
      if (isNotThere(refused)) throw notBuilt(refused);
      return { failedAtMs, life, settled: Promise.resolve() };
    },
  };
}

/** The mechanism itself is missing, as against its work being under way. */
function isNotThere(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ACTOR_NOT_FOUND" ||
      error.code === "ACTOR_INTENT_UNKNOWN" ||
      error.code === "DRILL_NOT_BUILT")
  );
}

const notBuilt = (cause: unknown): CellError =>
  new CellError("DRILL_NOT_BUILT", "the node has nothing that causes this failure", { cause });
