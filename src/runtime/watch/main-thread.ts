// What another thread can learn of this process's main thread: how much processor
// time it had, whether it sleeps, where its code stands, and whose code that is.
import { readFileSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { IN_HAND, type InHand } from "./pulse.ts";

/** Linux counts processor time in hundredths of a second for programs. */
const TICK_MS = 10;
const MAX_FRAMES = 32;
/** A main thread with many scripts takes its time to tell of them. */
const STACK_TIMEOUT_MS = 600;
/** The same, where processors are short. */
const STARVED_STACK_TIMEOUT_MS = 2_000;

export type MainThread = { readonly cpuMs: number | undefined; readonly runnable: boolean };

/** From /proc; where there is none, nothing is known, and it counts as sleeping. */
export function lookAtMainThread(pid: number): MainThread {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { cpuMs: ticks * TICK_MS, runnable: fields[0] === "R" };
  } catch {
    return { cpuMs: undefined, runnable: false };
  }
}

const ASK = `globalThis[Symbol.for(${JSON.stringify(IN_HAND)})]()`;

/** Where the main thread stands. */
export type Stand = {
  readonly stack: string;
  /** Whose code it is, also behind an await, where no mark says so. */
  readonly inHand: InHand | undefined;
};

/** Of a main thread that spins, too; undefined when it cannot be had in time. Lets it run on. */
export async function mainThreadStand(starved: boolean): Promise<Stand | undefined> {
  const session = new Session();
  const { promise, resolve } = Promise.withResolvers<Stand | undefined>();
  const timeoutMs = starved ? STARVED_STACK_TIMEOUT_MS : STACK_TIMEOUT_MS;
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  try {
    const urls = new Map<string, string>();
    session.connectToMainThread();
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
    session.on("Debugger.paused", ({ params: { callFrames } }) => {
      const stack = stackOf(callFrames, urls);
      const [top] = callFrames;
      if (top === undefined) return resolve({ stack, inHand: undefined });
      const asked = { callFrameId: top.callFrameId, expression: ASK, returnByValue: true, silent: true };
      session.post(
        "Debugger.evaluateOnCallFrame",
        asked,
        (_error, answer?: Debugger.EvaluateOnCallFrameReturnType) =>
          resolve({ stack, inHand: readInHand(answer?.result.value) }),
      );
    });
    session.post("Debugger.enable");
    session.post("Debugger.pause");
    return await promise;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    session.post("Debugger.resume", () => {});
    session.post("Debugger.disable", () => session.disconnect());
  }
}

function readInHand(value: unknown): InHand | undefined {
  if (typeof value !== "object" || value === null || !("actor" in value && "intent" in value))
    return undefined;
  return { actor: String(value.actor), intent: String(value.intent) };
}

function stackOf(frames: readonly Debugger.CallFrame[], urls: ReadonlyMap<string, string>): string {
  return frames
    .slice(0, MAX_FRAMES)
    .map(({ functionName, url: own, location }) => {
      const url = (own || urls.get(location.scriptId) || "unknown").replace(/\?cell0-code=[0-9a-f]+/, "");
      const place = `${url}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
      return functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`;
    })
    .join("\n");
}
