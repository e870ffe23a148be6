// A cell for drills of the drill: actors in memory that fail when told to and come back
// after a while, rightly or with one stated fault of their recovery.
import type { OwnCell } from "../../src/drill/cell.ts";
import { CellError } from "../../src/errors/cell-error.ts";

export type Defect =
  /** The new incarnation applies once more what the old one had applied last. */
  | "applies again"
  /** The new incarnation starts from a state without the last answered intent. */
  | "forgets the last"
  /** The incarnation number stays as it was. */
  | "keeps its incarnation"
  /** Nothing answers any more. */
  | "stays dead"
  /** Refuses an intent as not begun, after it was applied. */
  | "refuses what it applied"
  /** An intent of one sibling fails with each failure. */
  | "disturbs a sibling"
  /** Siblings answer late while the target is away, and for a while after it. */
  | "slows its siblings"
  /** Takes longer than any budget. */
  | "is slow"
  /** The new incarnation dies at once, and a third one stays. */
  | "dies once more";

type Actor = { life: number; applied: [number, number][]; downUntilMs: number; snapshot: [number, number][] };

const RECOVERY_MS = 4;
/** Each sibling has its turn meanwhile. */
const LATE_MS = 50;
const SLOW_MS = 300;

export function brokenCell(defect: Defect | undefined, nowMs: () => number): OwnCell {
  const actors = new Map<string, Actor>();
  const actorOf = (path: string): Actor => {
    const found = actors.get(path) ?? { life: 1, applied: [], downUntilMs: 0, snapshot: [] };
    actors.set(path, found);
    return found;
  };
  let downUntilMs = Number.NEGATIVE_INFINITY;
  let disturbing = false;
  const fail = (actor: Actor) => {
    actor.life += 1;
    actor.downUntilMs = nowMs() + (defect === "is slow" ? SLOW_MS : RECOVERY_MS);
    downUntilMs = actor.downUntilMs;
    disturbing = true;
    const last = actor.applied.at(-1);
    if (defect === "stays dead") actor.downUntilMs = Number.POSITIVE_INFINITY;
    if (last === undefined) return;
    if (defect === "applies again") actor.applied.push([last[1], last[1]]);
    if (defect === "forgets the last")
      actor.applied = [...actor.applied.slice(0, -1), [last[0], last[1] - 1]];
  };
  const count = (path: string, actor: Actor, n: number) => {
    const last = actor.applied.at(-1);
    if (last !== undefined && last[1] + 1 === n) last[1] = n;
    else actor.applied.push([n, n]);
    if (path.endsWith("/s1") && disturbing && defect === "disturbs a sibling") {
      disturbing = false;
      throw new CellError("ACTOR_CRASHED");
    }
    if (defect === "refuses what it applied" && disturbing) {
      disturbing = false;
      throw new CellError("ACTOR_NOT_RUNNING");
    }
    return { n, life: String(actor.life) };
  };
  const request: OwnCell["request"] = async (path, intent, payload) => {
    const actor = actorOf(path);
    if (path.includes("/s") && defect === "slows its siblings" && nowMs() < downUntilMs + LATE_MS)
      await wait(40);
    await wait(1);
    if (nowMs() < actor.downUntilMs) throw new CellError("ACTOR_NOT_RUNNING");
    if (intent === "count") return count(path, actor, Number(Reflect.get(Object(payload), "n")));
    if (intent === "ledger") return { life: String(actor.life), applied: actor.applied };
    if (intent === "forget") actor.applied = [];
    if (intent === "fail") {
      fail(actor);
      if (defect === "dies once more") setTimeout(() => fail(actor), 20);
      throw new CellError("ACTOR_CRASHED");
    }
    return { life: String(actor.life) };
  };
  return {
    directory: "",
    operatorCreds: "",
    brokerAuthority: "",
    revive: async () => undefined,
    request,
    incarnation: async (path) => ({
      term: 1,
      activation: defect === "keeps its incarnation" ? 1 : actorOf(path).life,
    }),
    pid: async () => 2,
    exhaustedAt: () => undefined,
    deaths: () => [],
    signal: () => undefined,
    fault: async () => undefined,
    overwriteCommit: async () => 0,
    restartKernel: async () => undefined,
    start: async () => undefined,
    spareBeside: async () => undefined,
    renew: async () => undefined,
    stop: async () => undefined,
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
