// Says which actor, and which intent, the code now running belongs to, across
// awaits and timers. By it a stray rejection or a throw in a callback finds the
// actor that caused it, and never ends the process.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ReceivedIntent } from "./intent.ts";

export type ActorContext = {
  readonly intent: ReceivedIntent | undefined;
  /** Ends the actor with this failure. Must not throw. */
  fail(error: unknown): void;
};

const storage = new AsyncLocalStorage<ActorContext>();

export function runInActor<T>(context: ActorContext, work: () => T): T {
  return storage.run(context, work);
}

/** The intent that led to the code now running, when an actor runs it. */
export function currentIntent(): ReceivedIntent | undefined {
  return storage.getStore()?.intent;
}

/**
 * For the process's `unhandledRejection` and `uncaughtException` handlers: fails the
 * actor whose code it was. False: no actor's, so the process is in doubt.
 */
export function attributeAsyncFailure(error: unknown): boolean {
  const context = storage.getStore();
  if (context === undefined) return false;
  context.fail(error);
  return true;
}
