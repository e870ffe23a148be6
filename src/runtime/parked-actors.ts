// What is parked, on the node's disk: parked stays parked through every end of its process
// until somebody starts it. One small file for each path, so that a damaged one concerns
// that path alone, and keeps it down. The tree decides; this remembers, and says to those
// who send why nobody is there.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { failureClasses } from "../supervisor/matrix-rules.ts";
import type { Parked } from "../supervisor/supervisor-state.ts";
import { boundText } from "../telemetry/event.ts";

/** How long it counts that somebody started it: as long as deaths are laid to it. */
const FREED_FOR_MS = 3_600_000;
const MAX_MESSAGE_BYTES = 4_096;
const FILE = ".json";

const failure = z.object({
  class: z.enum(failureClasses),
  name: z.string(),
  message: z.string(),
  origin: z.enum(["start", "transition", "invoke", "async", "kernel"]),
  rootActor: z.string(),
});
const entry = z.object({
  parked: z.object({ failure, atUnixMs: z.number() }).nullable(),
  freedAtUnixMs: z.number(),
});

export type ParkedActorsOptions = {
  readonly directory: string;
  readonly now: () => number;
  /** It could not be read or written: what is parked is, as long as this process lasts. */
  readonly onProblem: (error: CellError) => void;
};

/** As a tree's memory keeps it. */
export class ParkedActors {
  readonly #options: ParkedActorsOptions;
  readonly #parked = new Map<string, Parked>();
  readonly #freed = new Map<string, number>();

  constructor(options: ParkedActorsOptions) {
    this.#options = options;
    for (const file of this.#files()) this.#read(file);
  }

  get(path: string): Parked | undefined {
    return this.#parked.get(path);
  }

  keys(): Iterable<string> {
    return [...this.#parked.keys()];
  }

  set(path: string, parked: Parked): void {
    this.#parked.set(path, parked);
    this.#write(path);
  }

  /** It was started by hand, or left the graph. */
  delete(path: string): void {
    if (!this.#parked.delete(path)) return;
    this.#freed.set(path, this.#options.now());
    this.#write(path);
  }

  /** When it was started by hand, if that is not long ago. */
  freedAtUnixMs(path: string): number | undefined {
    return this.#freed.get(path);
  }

  /** What who sends to it hears; undefined: neither it nor what it stands below is parked. */
  refusal(path: string): CellError | undefined {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      const parked = this.#parked.get(at);
      if (parked === undefined) continue;
      const { name, message } = parked.failure;
      return new CellError("ACTOR_PARKED", `${at} is parked: ${name}: ${message}`, { where: path });
    }
    return undefined;
  }

  /** The node's own actors are there anew in each process. */
  #fileOf(path: string): string | undefined {
    const isKernel = path === "kernel" || path.startsWith("kernel/");
    return isKernel ? undefined : join(this.#options.directory, ...path.split("/")) + FILE;
  }

  #write(path: string): void {
    const file = this.#fileOf(path);
    if (file === undefined) return;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const parked = this.#parked.get(path);
      const kept = { parked: parked && plain(parked), freedAtUnixMs: this.#freed.get(path) ?? 0 };
      writeFileSync(`${file}.new`, JSON.stringify({ ...kept, parked: kept.parked ?? null }), {
        mode: 0o600,
        flush: true,
      });
      renameSync(`${file}.new`, file);
    } catch (cause) {
      this.#problem("what is parked could not be written", file, cause);
    }
  }

  #files(): readonly string[] {
    try {
      const names = readdirSync(this.#options.directory, { recursive: true, encoding: "utf8" });
      return names.filter((name) => name.endsWith(FILE)).map((name) => join(this.#options.directory, name));
    } catch (cause) {
      const isNew = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
      if (!isNew) this.#problem("what is parked could not be read", this.#options.directory, cause);
      return [];
    }
  }

  #read(file: string): void {
    const { directory, now } = this.#options;
    const path = relative(directory, file).slice(0, -FILE.length).split(sep).join("/");
    try {
      const { parked, freedAtUnixMs } = entry.parse(JSON.parse(readFileSync(file, "utf8")));
      if (parked !== null) this.#parked.set(path, parked);
      if (now() - freedAtUnixMs < FREED_FOR_MS) this.#freed.set(path, freedAtUnixMs);
      else if (parked === null) rmSync(file, { force: true });
    } catch (cause) {
      this.#problem("what is kept of a parked actor is damaged: it stays down", file, cause);
      this.#parked.set(path, { failure: unreadable(path), atUnixMs: now() });
    }
  }

  #problem(what: string, where: string, cause: unknown): void {
    this.#options.onProblem(new CellError("CELL_PARKED_UNREADABLE", what, { where, cause }));
  }
}

/** Without what only the event log needs. */
function plain({ failure: { class: failureClass, name, message, origin, rootActor }, atUnixMs }: Parked) {
  const text = boundText(message, MAX_MESSAGE_BYTES);
  return { failure: { class: failureClass, name, message: text, origin, rootActor }, atUnixMs };
}

function unreadable(rootActor: string): Parked["failure"] {
  const message = "why it was parked cannot be read any more";
  return { class: "corruption", name: "Parked", message, origin: "kernel", rootActor };
}
