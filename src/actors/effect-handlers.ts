// Performs what a machine emitted. An effect is data from the behaviour's code:
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
  log(level: string, message: string, intent: ReceivedIntent | undefined): void;
};

const to = z.string().exactOptional();
const sendShape = {
  target: z.string().min(1).max(256),
  intent: z.string().min(1).max(256),
  payload: z.unknown().optional(),
  priority: z.enum(["critical", "high", "normal", "low"]).exactOptional(),
  timeoutMs: z.number().positive().exactOptional(),
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

/** @throws TypeError when the behaviour asks for something that makes no sense */
export function performEffect(
  handlers: EffectHandlers,
  emitted: unknown,
  intent: ReceivedIntent | undefined,
): void {
  const type: unknown = Reflect.get(Object(emitted), "type");
  if (typeof type !== "string" || !type.startsWith("cell0.")) {
    // A machine's own `emit`: nobody can listen, which is worth a line.
    handlers.log("debug", `emitted ${String(type)}`, intent);
    return;
  }
  const parsed = effectSchema.safeParse(emitted);
  if (!parsed.success) {
    throw new TypeError(`${type.slice("cell0.".length)}(): ${z.prettifyError(parsed.error).slice(0, 500)}`);
  }
  perform(handlers, parsed.data, intent);
}

function perform(handlers: EffectHandlers, effect: Effect, intent: ReceivedIntent | undefined): void {
  switch (effect.type) {
    case "cell0.reply": {
      const id = effect.to ?? intent?.id;
      const outcome = id === undefined ? "unknown" : handlers.intake.reply(id, effect.value, effect.final);
      noteReply(handlers, outcome, id, intent);
      return;
    }
    case "cell0.refuse": {
      const id = effect.to ?? intent?.id;
      const outcome = id === undefined ? "unknown" : handlers.intake.fail(id, refusalError(effect.refusal));
      noteReply(handlers, outcome, id, intent);
      return;
    }
    case "cell0.send":
      send(handlers, outgoingIntent(effect, intent), intent);
      return;
    case "cell0.request":
      handlers.outgoing.request(effect, intent);
      return;
    case "cell0.log":
      handlers.log(effect.level, effect.message.slice(0, MAX_LOG_CHARS), intent);
      return;
  }
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
