// An actor made of async functions, one an intent: for subsystems and adapters
// that answer many requests at once. Still a machine under the same host: each
// request is a child, its answer the child's end.
import { type AnyEventObject, type AnyStateMachine, fromPromise, setup } from "xstate";
import type { z } from "zod";
import { log, refuse, reply } from "./action.ts";
import { asCellError } from "./as-cell-error.ts";
import { type Behaviour, makeBehaviour } from "./behaviour.ts";
import type { LogLevel } from "./effect.ts";
import type { IntentDefinition, IntentDefinitions, IntentMeta } from "./intent-definition.ts";

/** Without a reply schema what a handler returns is not sent. */
type ReplyInput<D extends IntentDefinition> = D["reply"] extends z.ZodType ? z.input<D["reply"]> : unknown;

export type ServeContext<Input, Reply = unknown> = {
  /** The actor's input. */
  readonly input: Input;
  /** Aborts when the actor stops. */
  readonly signal: AbortSignal;
  /** A reply before the final one. */
  partial(value: Reply): void;
  log(message: string, level?: LogLevel): void;
};

/**
 * Answers one intent with what it returns. A CellError that it throws is the answer;
 * anything else that it throws is a crash of the whole actor.
 */
export type ServeHandlers<I extends IntentDefinitions, Input> = {
  readonly [K in keyof I]: (
    payload: z.output<I[K]["payload"]>,
    meta: IntentMeta,
    context: ServeContext<Input, ReplyInput<I[K]>>,
  ) => ReplyInput<I[K]> | Promise<ReplyInput<I[K]>>;
};

export type ServeOptions<I extends IntentDefinitions, Input> = {
  readonly intents: I;
  readonly handlers: ServeHandlers<I, Input>;
  /** Requests at once; further ones wait in the mailbox. Default 64. */
  readonly concurrency?: number;
};

type Call = {
  readonly type: string;
  readonly payload: unknown;
  readonly meta: IntentMeta;
  readonly input: unknown;
};
type Handler = (payload: unknown, meta: IntentMeta, context: ServeContext<unknown>) => unknown;

const DEFAULT_CONCURRENCY = 64;

/** Starts afresh after a failure: it keeps nothing but its input. */
export function serveActor<Input = unknown, const I extends IntentDefinitions = IntentDefinitions>(
  options: ServeOptions<I, Input>,
): Behaviour<AnyStateMachine, I> {
  const { intents, handlers, concurrency = DEFAULT_CONCURRENCY } = options;
  return makeBehaviour({
    machine: serveMachine(Object.keys(intents), handlers),
    intents,
    ready: (snapshot) => Object.keys(snapshot.children).length < concurrency,
    onRestart: "fresh",
    answers: "explicit",
  });
}

function handlerOf(handlers: object, type: string): Handler {
  const handler: unknown = Reflect.get(handlers, type);
  if (!isHandler(handler)) throw new TypeError(`there is no handler for ${type}`);
  return handler;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

/**
 * Ids of the requests in hand, by slot. A slot's number is its child's id: XState keeps
 * what it knows of every event type for ever, and a child's id is part of one.
 */
type Calls = readonly (string | undefined)[];
type ServeState = { readonly input: unknown; readonly calls: Calls };

function withCall(calls: Calls, id: string): Calls {
  const free = calls.indexOf(undefined);
  return free < 0 ? [...calls, id] : calls.with(free, id);
}

function slotOf(calls: Calls, id: string): string {
  return String(calls.indexOf(id));
}

function serveMachine(types: readonly string[], handlers: object): AnyStateMachine {
  const base = setup({
    types: { context: {} as ServeState, input: {} as unknown, events: {} as AnyEventObject },
    actors: {
      call: fromPromise<unknown, Call>(async ({ input: { type, payload, meta, input }, self, signal }) =>
        handlerOf(handlers, type)(payload, meta, {
          input,
          signal,
          partial: (value) => self._parent?.send({ type: "cell0.serve.partial", id: meta.id, value }),
          log: (message, level = "info") => self._parent?.send({ type: `cell0.serve.${level}`, message }),
        }),
      ),
    },
  });
  const begin = [
    base.assign({ calls: ({ context, event }) => withCall(context.calls, event.intent.id) }),
    base.spawnChild("call", {
      id: ({ context, event }) => slotOf(context.calls, event.intent.id),
      input: ({ context, event }) => {
        return { type: event.type, payload: event.payload, meta: event.intent, input: context.input };
      },
    }),
  ];
  const end = [
    base.stopChild(({ event }) => event.actorId),
    base.assign({ calls: ({ context, event }) => context.calls.with(Number(event.actorId), undefined) }),
  ];
  const callOf = ({ context, event }: { context: ServeState; event: AnyEventObject }): string =>
    context.calls[Number(event.actorId)] ?? "";
  return base.createMachine({
    initial: "serving",
    context: ({ input }) => ({ input, calls: [] }),
    states: { serving: {} },
    on: {
      ...Object.fromEntries(types.map((type) => [type, { actions: begin }])),
      "xstate.done.actor.*": {
        actions: [reply(({ event }) => event.output, { to: callOf }), ...end],
      },
      // Without this guard's consent nothing takes the error, and the actor fails.
      "xstate.error.actor.*": {
        guard: ({ event }) => asCellError(event.error) !== undefined,
        actions: [refuse(({ event }) => event.error, { to: callOf }), ...end],
      },
      "cell0.serve.partial": {
        actions: reply(({ event }) => event.value, { to: ({ event }) => event.id, final: false }),
      },
      "cell0.serve.debug": { actions: log(({ event }) => String(event.message), "debug") },
      "cell0.serve.info": { actions: log(({ event }) => String(event.message), "info") },
      "cell0.serve.warn": { actions: log(({ event }) => String(event.message), "warn") },
      "cell0.serve.error": { actions: log(({ event }) => String(event.message), "error") },
    },
  });
}
