// Says which actor, and which intent, the code now running belongs to, across
// awaits and timers. By it a stray rejection or a throw in a callback finds the
// actor that caused it, and never ends the process. A loop that never returns is led back by it too.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ReceivedIntent } from "./intent.ts";

export type ActorContext = {
  readonly actor: string;
  readonly intent: ReceivedIntent | undefined;
  /** Ends the actor with this failure. Must not throw. */
  fail(error: unknown): void;
};

const storage = new AsyncLocalStorage<ActorContext>();

export function runInActor<T>(context: ActorContext, work: () => T): T {
  return storage.run(context, work);
}

/** Whose code is running now; the intent is empty for an event of the actor's own. */
export function currentlyInHand(): { readonly actor: string; readonly intent: string } | undefined {
  const context = storage.getStore();
  return context && { actor: context.actor, intent: context.intent?.id ?? "" };
}

/** The intent that led to the code now running, when an actor runs it. */
export function currentIntent(): ReceivedIntent | undefined {
  return storage.getStore()?.intent;
}

/**
 * For the process's `unhandledRejection` and `uncaughtException` handlers: fails the
 * actor whose code it was. False: no actor's, so it is taken for the kernel's.
 */
export function attributeAsyncFailure(error: unknown): boolean {
  const context = storage.getStore();
  if (context === undefined) return false;
  context.fail(error);
  return true;
}
