// The actions that a behaviour's machine may use beside XState's own. Each is
// built on `emit`, so that the pure transition returns it as data and performs
// nothing. They fit `setup({ actions })` and inline action lists alike.
import {
  type ActionArgs,
  type ActionFunction,
  type EventObject,
  emit,
  type MachineContext,
  type ParameterizedObject,
} from "xstate";
import type { CellEffect, LogLevel, Refusal, RequestOptions, SendOptions } from "./effect.ts";
import type { IntentMeta } from "./intent-definition.ts";

type Params = ParameterizedObject["params"] | undefined;

type Expression<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
  T,
> = (args: ActionArgs<C, X, E>, params: P) => T;

/** Fits machines of any emitted type: what it emits is the host's, not the machine's. */
type Action<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
> = ActionFunction<C, X, E, P, never, never, never, never, never>;

/** What may be replied to the intent behind an event; anything when the event is no intent. */
export type ReplyTo<X> = X extends { readonly intent: IntentMeta<infer R> } ? R : unknown;

type Id<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject> =
  | string
  | Expression<C, X, P, E, string>;

function resolve<A extends readonly unknown[], T>(value: T | ((...args: A) => T), args: A): T {
  return typeof value === "function" ? (value as (...args: A) => T)(...args) : value;
}

function perform<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  effect: Expression<C, X, P, E, CellEffect>,
): Action<C, X, P, E> {
  const action: ActionFunction<C, X, E, P, never, never, never, never, CellEffect> = emit(effect);
  return action as Action<C, X, P, E>;
}

/**
 * Answers an intent that was in hand before.
 * @param options.to its id: `event.intent.id`, kept in the context
 */
export function reply<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(
  value: Expression<C, X, P, E, unknown>,
  options: { readonly to: Id<C, X, P, E>; readonly final?: boolean },
): Action<C, X, P, E>;
/**
 * Answers the intent in hand. The value is checked against the intent's reply schema;
 * one that does not match is answered with ACTOR_REPLY_INVALID. A second final
 * reply, or one after the deadline, is recorded and dropped.
 * @param options.final false: more follows. Default true.
 */
export function reply<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(value: Expression<C, X, P, E, ReplyTo<X>>, options?: { readonly final?: boolean }): Action<C, X, P, E>;
export function reply<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(
  value: Expression<C, X, P, E, unknown>,
  options: { readonly to?: Id<C, X, P, E>; readonly final?: boolean } = {},
): Action<C, X, P, E> {
  return perform((args, params) => ({
    type: "cell0.reply",
    value: value(args, params),
    final: options.final ?? true,
    ...(options.to === undefined ? {} : { to: resolve(options.to, [args, params]) }),
  }));
}

/** Answers an intent with ACTOR_REFUSED and this message: an expected outcome, not a crash. */
export function refuse<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(
  refusal: Refusal | Expression<C, X, P, E, Refusal>,
  options: { readonly to?: Id<C, X, P, E> } = {},
): Action<C, X, P, E> {
  return perform((args, params) => ({
    type: "cell0.refuse",
    refusal: resolve(refusal, [args, params]),
    ...(options.to === undefined ? {} : { to: resolve(options.to, [args, params]) }),
  }));
}

/**
 * Sends an intent and expects no answer, at once or after `delayMs`. The actor's grants must
 * allow it when it leaves.
 */
export function send<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(options: SendOptions | Expression<C, X, P, E, SendOptions>): Action<C, X, P, E> {
  return perform((args, params) => ({ ...resolve(options, [args, params]), type: "cell0.send" }));
}

/**
 * Sends an intent and raises `onReply` for each reply, or `onError`; one of the
 * two comes at the latest when `timeoutMs` (default 5000) is over, from its leaving on.
 */
export function request<
  C extends MachineContext,
  X extends EventObject,
  P extends Params,
  E extends EventObject,
>(options: RequestOptions | Expression<C, X, P, E, RequestOptions>): Action<C, X, P, E> {
  return perform((args, params) => ({ ...resolve(options, [args, params]), type: "cell0.request" }));
}

/** Writes a line to the cell's log, in the actor's name; at most 4 KiB of it are kept. */
export function log<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  message: string | Expression<C, X, P, E, string>,
  level: LogLevel = "info",
): Action<C, X, P, E> {
  return perform((args, params) => ({ type: "cell0.log", level, message: resolve(message, [args, params]) }));
}
