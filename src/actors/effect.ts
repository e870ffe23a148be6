// What a machine asks of its host, as plain data. The action creators emit
// these; the pure transition returns them; the host performs them.
import type { PriorityName } from "./intent.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A refusal by the behaviour itself, answered with ACTOR_REFUSED. */
export type Refusal = {
  /** One sentence without a full stop. */
  readonly message: string;
  readonly remedy?: string;
};

export type ReplyEffect = {
  readonly type: "cell0.reply";
  /** Id of the request; absent: the intent in hand. */
  readonly to?: string;
  readonly value: unknown;
  readonly final: boolean;
};

export type RefuseEffect = {
  readonly type: "cell0.refuse";
  readonly to?: string;
  /** A CellError is answered as it is. */
  readonly refusal: unknown;
};

export type SendOptions = {
  /** Path of an actor. */
  readonly target: string;
  /** Intent type. */
  readonly intent: string;
  /** JSON; an empty object by default. */
  readonly payload?: unknown;
  /**
   * A capability that this actor holds, unpadded base64url, e.g. from the payload that it was handed in; a client
   * narrows it to the actor (`cell0 cap attenuate FILE --holder PATH`). The intent rests on it alone, and on nothing
   * that the manifest grants. One that does not count is answered with its CAPABILITY_ code.
   */
  readonly capability?: string;
  /** Default "normal". */
  readonly priority?: PriorityName;
  /** Milliseconds from its leaving, after which it is not begun. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * Milliseconds until it leaves, at most 2^31 - 1; by default at once. Until then it is a timer of
   * the actor: it outlives a restart, of a durable actor also every death, and leaves once; an
   * actor that ends normally sends it no more. At most 10,000 timers are armed at a time.
   */
  readonly delayMs?: number;
  /** With `delayMs`: a name, by which XState's `cancel(id)` takes it back; another one of the name replaces it. */
  readonly id?: string;
};

export type SendEffect = SendOptions & { readonly type: "cell0.send" };

export type RequestOptions = SendOptions & {
  /** Type of the event raised for each reply, a `ReplyEvent`. */
  readonly onReply: string;
  /** Type of the event raised on an error or time-out, a `RequestErrorEvent`. */
  readonly onError: string;
  /** Passed through to both events; the behaviour's own name for this request. */
  readonly ref?: string;
};

export type RequestEffect = RequestOptions & { readonly type: "cell0.request" };

export type LogEffect = {
  readonly type: "cell0.log";
  readonly level: LogLevel;
  readonly message: string;
};

export type CellEffect = ReplyEffect | RefuseEffect | SendEffect | RequestEffect | LogEffect;

/** Raised by a reply to a `request`. */
export type ReplyEvent<Type extends string, Payload = unknown> = {
  readonly type: Type;
  readonly payload: Payload;
  /** Whether nothing follows. */
  readonly final: boolean;
  readonly ref?: string;
};

/** Raised when a `request` fails, at the latest when its time is over. */
export type RequestErrorEvent<Type extends string> = {
  readonly type: Type;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly retryable: boolean;
  };
  readonly ref?: string;
};
