// One actor as its own code describes it: its intents, their payloads and replies are the
// compiler's to check. All of it is types: at run time it only remembers the target, and
// the actor checks what it is sent as it always does.
import type { CellClient, SendOptions, Sent } from "./cell-client.ts";
import type { Reply } from "./payload.ts";

/** As Standard Schema states a schema's types; those of zod are such. */
type Schema = {
  readonly "~standard": {
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
};
type Types<S extends Schema> = NonNullable<S["~standard"]["types"]>;

/** What `intent()` makes. */
type IntentTypes = { readonly payload: Schema; readonly reply: Schema | undefined };

/** Of a behaviour, as `defineActor` and `serveActor` make it, what a client need know. */
export type Described = { readonly intents: Readonly<Record<string, IntentTypes>> };

/** The intents that an actor takes. */
export type IntentOf<B extends Described> = keyof B["intents"] & string;

/** What is sent with one, before the actor's schema has filled in its defaults. */
export type PayloadOf<B extends Described, K extends IntentOf<B>> = Types<
  B["intents"][K]["payload"]
>["input"];

/** What answers it, as JSON carries it; without a schema an empty object. */
export type ReplyOf<B extends Described, K extends IntentOf<B>> = B["intents"][K]["reply"] extends infer R
  ? R extends Schema
    ? Types<R>["output"]
    : Readonly<Record<string, never>>
  : never;

/** Payloads without a required field may be left out. */
type Rest<Payload> =
  Record<never, never> extends Payload
    ? [payload?: Payload, options?: SendOptions]
    : [payload: Payload, options?: SendOptions];

export class ActorClient<B extends Described> {
  readonly target: string;
  readonly #client: CellClient;

  constructor(client: CellClient, target: string) {
    this.#client = client;
    this.target = target;
  }

  /** As `CellClient.request`. */
  request<K extends IntentOf<B>>(intent: K, ...rest: Rest<PayloadOf<B, K>>): Promise<Reply<ReplyOf<B, K>>>;
  request(intent: string, payload: unknown = {}, options: SendOptions = {}): Promise<Reply<unknown>> {
    return this.#client.request(this.target, intent, payload, options);
  }

  /** As `CellClient.send`. */
  send<K extends IntentOf<B>>(intent: K, ...rest: Rest<PayloadOf<B, K>>): Promise<Sent>;
  send(intent: string, payload: unknown = {}, options: SendOptions = {}): Promise<Sent> {
    return this.#client.send(this.target, intent, payload, options);
  }

  /** As `CellClient.stream`. */
  stream<K extends IntentOf<B>>(
    intent: K,
    ...rest: Rest<PayloadOf<B, K>>
  ): AsyncIterableIterator<Reply<ReplyOf<B, K>>>;
  stream(
    intent: string,
    payload: unknown = {},
    options: SendOptions = {},
  ): AsyncIterableIterator<Reply<unknown>> {
    return this.#client.stream(this.target, intent, payload, options);
  }
}
