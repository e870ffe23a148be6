// Promises that were in flight when the process ended, of a behaviour that does not
// want them run again: they end with an error, which their machine takes as if they
// had been rejected.
import type { AnyActorRef } from "xstate";

/**
 * Ends the promises in flight among this restored actor and what is below it; nothing
 * is told yet. Returns them, the outermost first.
 */
export function interrupt(actor: AnyActorRef, error: unknown): readonly AnyActorRef[] {
  const snapshot: unknown = actor.getSnapshot();
  if (Reflect.get(Object(snapshot), "status") !== "active") return [];
  if (isPromise(actor)) {
    Reflect.set(actor, "_snapshot", { ...Object(snapshot), status: "error", error });
    return [actor];
  }
  const children: Record<string, AnyActorRef | undefined> = Object(
    Reflect.get(Object(snapshot), "children") ?? {},
  );
  return Object.values(children).flatMap((child) => (child === undefined ? [] : interrupt(child, error)));
}

/** XState tells an actor's parent of its error when it is started. */
export function startInterrupted(actors: readonly AnyActorRef[]): void {
  for (const actor of actors) actor.start();
}

/**
 * XState's promise logic carries no mark. It alone takes its own rejection without any
 * other state: callbacks look for their receivers and throw, observables do not know it.
 */
function isPromise(actor: AnyActorRef): boolean {
  const logic: unknown = Reflect.get(actor, "logic");
  const { transition, start }: { transition?: unknown; start?: unknown } = Object(logic);
  if (typeof transition !== "function" || typeof start !== "function") return false;
  if (Reflect.has(Object(logic), "root")) return false;
  try {
    const probe = { status: "active", input: undefined };
    const next: unknown = transition(probe, { type: "xstate.promise.reject", data: "" }, { self: actor });
    return Reflect.get(Object(next), "status") === "error";
  } catch {
    return false;
  }
}
