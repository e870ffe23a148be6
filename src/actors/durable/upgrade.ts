// Whether new code may go on with the state that other code left: decided before it runs,
// at plan, for all live actors, and again for each when it starts.
import { CellError } from "../../errors/cell-error.ts";
import { stateName } from "../state-name.ts";
import { readHostState } from "./host-state.ts";
import type { DurableState } from "./ports.ts";

export type CodeVersion = {
  readonly codeHash: string;
  /** What `defineActor` states; undefined: nothing. */
  readonly version: string | number | undefined;
};

/** A durable actor as it is now. */
export type LiveState = CodeVersion & {
  readonly path: string;
  /** As in `ActorStats`; empty: not known, or a machine without states. */
  readonly state: string;
};

/**
 * What a commit holds of an actor; undefined: of its machine nothing, it begins with whatever code.
 * @throws CellError ACTOR_STATE_INVALID
 */
export function liveStateIn(path: string, state: DurableState): LiveState | undefined {
  const { machine, version } = readHostState(state);
  if (machine === null || machine === undefined) return undefined;
  const value: unknown = Reflect.get(Object(Reflect.get(Object(machine), "machine")), "value");
  const isNamed = typeof value === "string" || (typeof value === "object" && value !== null);
  const name = isNamed ? stateName(value) : "";
  return { path, codeHash: state.codeHash, version: version ?? undefined, state: name };
}

export type NextCode = CodeVersion & {
  readonly migrates: boolean;
  /** All states of its machine, e.g. "open.waiting". */
  readonly states: readonly string[];
};

export type Upgrade = "same" | "compatible" | "migrate" | "missing";

/** The same code, or code that states the same version, goes on as it is. */
export function upgradeOf(old: CodeVersion, next: CodeVersion & { readonly migrates: boolean }): Upgrade {
  if (old.codeHash === next.codeHash) return "same";
  if (next.version !== undefined && next.version === old.version) return "compatible";
  return next.migrates ? "migrate" : "missing";
}

/** Of the states that are live those that the new machine does not have. */
export function strandedStates(live: readonly string[], states: readonly string[]): string[] {
  const known = new Set(states);
  return [...new Set(live)].filter((name) => name !== "" && !leavesOf(name).every((leaf) => known.has(leaf)));
}

/** "open.{draft,review.late}" is in "open.draft" and in "open.review.late". */
function leavesOf(name: string): string[] {
  const brace = name.indexOf("{");
  if (brace < 0) return [name];
  const prefix = name.slice(0, brace);
  const leaves: string[] = [];
  let depth = 0;
  let from = brace + 1;
  for (let at = from; at < name.length; at++) {
    const char = name[at];
    if (char === "{") depth += 1;
    if ((char === "," && depth === 0) || (char === "}" && depth-- === 0)) {
      leaves.push(...leavesOf(prefix + name.slice(from, at)));
      from = at + 1;
    }
  }
  return leaves;
}

/** Actors named in one error. */
const MAX_NAMED = 10;

/** What stands against running `next` where these actors live; undefined: nothing. */
export function upgradeProblem(live: readonly LiveState[], next: NextCode): CellError | undefined {
  const judged = live.map((actor) => ({ actor, upgrade: upgradeOf(actor, next) }));
  const missing = judged.filter(({ upgrade }) => upgrade === "missing").map(({ actor }) => actor);
  const compatible = judged.filter(({ upgrade }) => upgrade === "compatible").map(({ actor }) => actor);
  const lost = new Set(
    strandedStates(
      compatible.map(({ state }) => state),
      next.states,
    ),
  );
  const stranded = [...missing, ...compatible.filter(({ state }) => lost.has(state))];
  const [first] = stranded;
  if (first === undefined) return undefined;
  const named = stranded
    .slice(0, MAX_NAMED)
    .map(({ path, state }) => (state === "" ? path : `${path} (${state})`));
  const more = stranded.length > MAX_NAMED ? ` and ${stranded.length - MAX_NAMED} more` : "";
  const what = `the new code would strand live state: ${named.join(", ")}${more}`;
  const details = { stranded: stranded.map(({ path, state, version }) => ({ path, state, version })) };
  return new CellError("ACTOR_MIGRATION_MISSING", what, { where: first.path, details });
}
