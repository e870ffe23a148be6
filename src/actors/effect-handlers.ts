// Reads what a machine emitted, and performs it. An effect is data from the behaviour's code:
// one that makes no sense is a failure of the behaviour.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { asCellError } from "./as-cell-error.ts";
import type { Intake, ReplyOutcome } from "./intake.ts";
import type { OutgoingIntent, ReceivedIntent } from "./intent.ts";
import { type OutgoingRequests, outgoingIntent } from "./outgoing-requests.ts";

export type EffectHandlers = {
  readonly intake: Pick<Intake, "reply" | "fail">;
  readonly outgoing: Pick<OutgoingRequests, "request">;
  /** May throw. */
  send(intent: OutgoingIntent): void;
  /** Arms it when the returned function is called. @throws what stands against that */
  later(effect: object, options: Later, intent: ReceivedIntent | undefined): () => void;
  log(level: string, message: string, intent: ReceivedIntent | undefined): void;
};

export type Later = { readonly delayMs: number; readonly id: string | undefined };

const to = z.string().exactOptional();
/** No base64url. */
const NO_TEXT = "?";
const sendShape = {
  target: z.string().min(1).max(256),
  intent: z.string().min(1).max(256),
  payload: z.unknown().optional(),
  // Often of a payload: what is amiss with it is told as a coded error, and is no failure. One that is not there
  // after all is no text either: without it the intent would rest on what the actor is granted.
  capability: z.string().catch(NO_TEXT).exactOptional(),
  priority: z.enum(["critical", "high", "normal", "low"]).exactOptional(),
  timeoutMs: z.number().positive().exactOptional(),
  delayMs: z.number().nonnegative().exactOptional(),
  id: z.string().min(1).max(256).exactOptional(),
};
const effectSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("cell0.reply"), to, value: z.unknown().optional(), final: z.boolean() }),
  z.object({ type: z.literal("cell0.refuse"), to, refusal: z.unknown().optional() }),
  z.object({ type: z.literal("cell0.send"), ...sendShape }),
  z.object({
    type: z.literal("cell0.request"),
    ...sendShape,
    onReply: z.string().min(1),
    onError: z.string().min(1),
    ref: z.string().exactOptional(),
  }),
  z.object({
    type: z.literal("cell0.log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: z.string(),
  }),
]);
type Effect = z.infer<typeof effectSchema>;

const MAX_LOG_CHARS = 4_096;

/**
 * Reads an effect; nothing happens until the returned function is called.
 * @throws TypeError when the behaviour asks for something that makes no sense
 */
export function readEffect(
  handlers: EffectHandlers,
  emitted: unknown,
  intent: ReceivedIntent | undefined,
): () => void {
  const type: unknown = Reflect.get(Object(emitted), "type");
  // A machine's own `emit`: nobody can listen, which is worth a line.
  if (typeof type !== "string" || !type.startsWith("cell0."))
    return () => handlers.log("debug", `emitted ${String(type)}`, intent);
  const parsed = effectSchema.safeParse(emitted);
  if (!parsed.success) {
    throw new TypeError(`${type.slice("cell0.".length)}(): ${z.prettifyError(parsed.error).slice(0, 500)}`);
  }
  return laterOf(handlers, parsed.data, intent) ?? performanceOf(handlers, parsed.data, intent);
}

/** Undefined: it is for now. */
function laterOf(
  { later }: EffectHandlers,
  effect: Effect,
  intent: ReceivedIntent | undefined,
): (() => void) | undefined {
  if (effect.type !== "cell0.send" && effect.type !== "cell0.request") return undefined;
  const { delayMs, id, ...rest } = effect;
  if (delayMs !== undefined) return later(rest, { delayMs, id }, intent);
  if (id === undefined) return undefined;
  throw new TypeError(`${effect.type.slice("cell0.".length)}(): an \`id\` is of use with \`delayMs\` only`);
}

function performanceOf(
  handlers: EffectHandlers,
  effect: Effect,
  intent: ReceivedIntent | undefined,
): () => void {
  switch (effect.type) {
    case "cell0.reply":
      return answering(handlers, effect.to ?? intent?.id, intent, (id) =>
        handlers.intake.reply(id, effect.value, effect.final),
      );
    case "cell0.refuse": {
      const error = refusalError(effect.refusal);
      return answering(handlers, effect.to ?? intent?.id, intent, (id) => handlers.intake.fail(id, error));
    }
    case "cell0.send":
      return () => send(handlers, outgoingIntent(effect, intent), intent);
    case "cell0.request":
      return () => handlers.outgoing.request(effect, intent);
    case "cell0.log":
      return () => handlers.log(effect.level, effect.message.slice(0, MAX_LOG_CHARS), intent);
  }
}

function answering(
  handlers: EffectHandlers,
  id: string | undefined,
  intent: ReceivedIntent | undefined,
  answer: (id: string) => ReplyOutcome,
): () => void {
  return () => noteReply(handlers, id === undefined ? "unknown" : answer(id), id, intent);
}

function send(handlers: EffectHandlers, outgoing: OutgoingIntent, intent: ReceivedIntent | undefined): void {
  try {
    handlers.send(outgoing);
  } catch (error) {
    const coded = asCellError(error);
    const why = coded === undefined ? String(error) : `${coded.code}: ${coded.message}`;
    handlers.log("warn", `${outgoing.intent} to ${outgoing.target} was not sent: ${why}`, intent);
  }
}

const refusalSchema = z.object({ message: z.string().min(1).max(1024), remedy: z.string().exactOptional() });

function refusalError(refusal: unknown): CellError {
  const coded = asCellError(refusal);
  if (coded !== undefined) return coded;
  const { message, remedy } = refusalSchema.parse(refusal);
  return new CellError("ACTOR_REFUSED", message, remedy === undefined ? {} : { remedy });
}

/** Late and unknown replies are no crash: deadlines pass, and a restart forgets requests. */
function noteReply(
  handlers: EffectHandlers,
  outcome: ReplyOutcome,
  id: string | undefined,
  intent: ReceivedIntent | undefined,
): void {
  if (outcome === "sent") return;
  if (outcome === "unknown") {
    handlers.log("warn", `a reply to ${id ?? "no intent"} is dropped: nobody waits for it`, intent);
    return;
  }
  handlers.log("error", `${outcome.invalid.code}: ${outcome.invalid.message}`, intent);
}
