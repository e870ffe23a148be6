// What a process's watching thread says, line by line, on a descriptor of its own:
// that it lives, what its main thread has in hand, and that the main thread is
// stuck. It comes from the cradle's own child, and nothing outside writes there.
import type { InHand, ProcessExit, Stuck } from "./process-spec.ts";

/** Beats that are looked back on: 2 s. */
const LATELY = 40;

/** A line is cut off here: a stack has at most 16,000 characters. */
const MAX_LINE = 64 * 1024;

export type Beats = {
  /** When the last one came, on the monotonic clock; undefined: none did yet. */
  lastMs(): number | undefined;
  /** Resolves when its main thread is stuck. */
  readonly stuck: Promise<Stuck>;
  /** What is known of its end. */
  atEnd(): Pick<ProcessExit, "stuck" | "inHand">;
  /** What was seen in hand most often of late. */
  lately(): InHand | undefined;
};

type Readable = {
  setEncoding(encoding: "utf8"): unknown;
  on(event: string, listener: (text: string) => void): unknown;
};

export function followBeats(stream: unknown): Beats {
  const stuck = Promise.withResolvers<Stuck>();
  let lastMs: number | undefined;
  let known: { stuck?: Stuck; inHand?: InHand } = {};
  const seen: (InHand | undefined)[] = [];
  const take = (line: string) => {
    const said = parse(line);
    if (said === undefined) return;
    lastMs = performance.now();
    const inHand = inHandOf("stuck" in said ? said.stuck : said);
    seen.push(inHand);
    if (seen.length > LATELY) seen.shift();
    if (known.stuck === undefined) known = inHand === undefined ? {} : { inHand };
    const found = "stuck" in said ? stuckOf(said.stuck) : undefined;
    if (found === undefined) return;
    known = { ...known, stuck: found };
    stuck.resolve(found);
  };
  if (isReadable(stream)) {
    let pending = "";
    stream.setEncoding("utf8");
    stream.on("error", () => {});
    stream.on("data", (text) => {
      const lines = (pending + text).split("\n");
      pending = (lines.pop() ?? "").slice(0, MAX_LINE);
      for (const line of lines) take(line);
    });
  }
  return { lastMs: () => lastMs, stuck: stuck.promise, atEnd: () => known, lately: () => mostOften(seen) };
}

/** By actor; the latest of its intents. */
function mostOften(seen: readonly (InHand | undefined)[]): InHand | undefined {
  const times = new Map<string, number>();
  let most: InHand | undefined;
  for (const inHand of seen) {
    if (inHand === undefined) continue;
    times.set(inHand.actor, (times.get(inHand.actor) ?? 0) + 1);
    if ((times.get(inHand.actor) ?? 0) >= (times.get(most?.actor ?? "") ?? 0)) most = inHand;
  }
  return most;
}

const isReadable = (stream: unknown): stream is Readable =>
  typeof stream === "object" && stream !== null && "setEncoding" in stream && "on" in stream;

function parse(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function inHandOf(said: unknown): InHand | undefined {
  if (typeof said !== "object" || said === null || !("inHand" in said)) return undefined;
  const { inHand } = said;
  if (typeof inHand !== "object" || inHand === null || !("actor" in inHand && "intent" in inHand))
    return undefined;
  return { actor: String(inHand.actor), intent: String(inHand.intent) };
}

function stuckOf(said: unknown): Stuck | undefined {
  if (typeof said !== "object" || said === null || !("stuckMs" in said)) return undefined;
  const stack = "stack" in said && typeof said.stack === "string" ? { stack: said.stack } : {};
  return { stuckMs: Number(said.stuckMs), ...stack };
}
