// Kills of one actor: by an intent that makes it fail, by a signal to the process that it
// alone runs in, or by poison, which the judge sends, since it judges what becomes of it.
import type { OwnCell } from "../../src/drill/cell.ts";
import type { Kill, KillKind } from "./plan.ts";
import type { Cast } from "./roster.ts";

const ASK_MS = 5_000;
/** A hang has to be found out, and a process to be started, on a machine that has much else to do. */
const FAIL_MS = 15_000;

type Attempt = { readonly cell: OwnCell; readonly path: string };

const HOW: Readonly<Partial<Record<KillKind, string>>> = {
  throw: "throw",
  reject: "reject",
  unprovoked: "unprovoked",
  group: "unprovoked",
  hang: "loop",
  grow: "grow",
};

export const isOfActors = (kind: KillKind): boolean =>
  kind in HOW || kind === "kill-actor" || kind === "poison";

/** One in so many may be isolated: a program is started for each, which costs as much as a hundred others. */
const ISOLATED_ONE_IN = 5;

/** Whom the kill means, of all for whom it is not too much. */
export function victimOf(roster: readonly Cast[], { kind, actor }: Kill): string | undefined {
  const able = ableTo(roster, kind);
  const cheap = able.filter(({ isolation }) => isolation === "shared");
  const drawn = cheap.length === 0 || actor % ISOLATED_ONE_IN === 0 ? able : cheap;
  return drawn[Math.floor(actor / ISOLATED_ONE_IN) % drawn.length]?.path;
}

function ableTo(roster: readonly Cast[], kind: KillKind): readonly Cast[] {
  return roster.filter(({ role, isolation }) => {
    // Never one of the group but for this: over what a sender causes it parks its actor.
    if (kind === "group" || role === "member") return kind === "group" && role === "member";
    if (kind === "reject") return role === "target";
    // A loop that is shared stands still for all, and its process with it.
    if (kind === "hang" || kind === "grow") return isolation !== "shared";
    return kind !== "kill-actor" || isolation === "process";
  });
}

/**
 * The life that an actor last said it has, by path. Forgotten whenever something else may
 * have ended it: that another life answers is what says that a kill struck.
 */
export type KnownLives = Map<string, string>;

/** @throws what kept the actor from dying of it */
export async function failActor(
  cell: OwnCell,
  lives: KnownLives,
  path: string,
  { kind }: Kill,
): Promise<void> {
  const known = lives.get(path);
  lives.delete(path);
  if (kind === "kill-actor") return await killOwnProcess({ cell, path });
  const life = known ?? (await lifeOf({ cell, path }));
  if (!(await isStruck({ cell, path }, lives, HOW[kind] ?? "throw", life)))
    throw new Error(`${path} was spared`);
}

/**
 * Fails this life of the actor, if it lasts: the intent is left to the next one, which it
 * spares. A life that fails by itself afterwards answers that it was not spared.
 */
async function isStruck(
  { cell, path }: Attempt,
  lives: KnownLives,
  how: string,
  life: string,
): Promise<boolean> {
  const reply = Object(await cell.request(path, "fail", { how, life }, FAIL_MS));
  const isSpared: unknown = Reflect.get(reply, "spared");
  const present: unknown = Reflect.get(reply, "life");
  if (how === "unprovoked") {
    if (isSpared === true && typeof present === "string") lives.set(path, present);
    return isSpared === false;
  }
  if (typeof present === "string") lives.set(path, present);
  return present !== life;
}

/** An isolated actor's life begins with the number of its process. */
async function killOwnProcess({ cell, path }: Attempt): Promise<void> {
  const pid = Number.parseInt(await lifeOf({ cell, path }), 10);
  if (pid === (await cell.pid("node"))) throw new Error(`${path} has no process of its own`);
  cell.signal([pid], "SIGKILL");
}

async function lifeOf({ cell, path }: Attempt): Promise<string> {
  const life: unknown = Reflect.get(Object(await cell.request(path, "ledger", {}, ASK_MS)), "life");
  if (typeof life !== "string") throw new TypeError(`${path} names no life`);
  return life;
}
