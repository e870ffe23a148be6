// What a behaviour accepts: intent types with the schemas of their payload and
// reply, and the event type that each becomes inside the machine.
import { z } from "zod";
import type { ReceivedIntent } from "./intent.ts";

/** Made by `intent()`. */
export type IntentDefinition<
  Payload extends z.ZodType = z.ZodType,
  Reply extends z.ZodType | undefined = z.ZodType | undefined,
> = {
  readonly payload: Payload;
  /** Absent: answered with an empty final reply as soon as its transition is done. */
  readonly reply: Reply;
  /** One sentence, shown by `cell0 get actor`. */
  readonly description: string;
};

/** By intent type: tokens of [a-z0-9-] joined by '.', e.g. "ticket.open". */
export type IntentDefinitions = Readonly<Record<string, IntentDefinition>>;

/**
 * An intent as a machine sees it: plain JSON, without its payload. `Reply` is a
 * type only, by which `reply()` checks what it is given.
 */
export type IntentMeta<Reply = unknown> = Omit<ReceivedIntent, "payload"> & { readonly "~reply"?: Reply };

type ReplyInput<D extends IntentDefinition> = D["reply"] extends z.ZodType ? z.input<D["reply"]> : never;

/** The events that a machine must handle for these intents, a union over their types. */
export type IntentEvents<I extends IntentDefinitions> = {
  readonly [K in keyof I & string]: {
    readonly type: K;
    readonly payload: z.output<I[K]["payload"]>;
    readonly intent: IntentMeta<ReplyInput<I[K]>>;
  };
}[keyof I & string];

const noPayload = z.strictObject({});

/**
 * Declares one intent.
 * @param options.payload schema of the payload; by default an empty object. An empty
 *   message body of content type application/json reads as `{}`.
 * @param options.reply schema of each reply; absent: the reply is empty and automatic
 */
export function intent<
  Payload extends z.ZodType = typeof noPayload,
  Reply extends z.ZodType | undefined = undefined,
>(
  options: { readonly payload?: Payload; readonly reply?: Reply; readonly description?: string } = {},
): IntentDefinition<Payload, Reply> {
  // Both defaults are what the type parameters fall back to when the option is absent.
  return {
    payload: (options.payload ?? noPayload) as Payload,
    reply: options.reply as Reply,
    description: options.description ?? "",
  };
}
