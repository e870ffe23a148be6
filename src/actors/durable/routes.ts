// The ways back to who sent the intents that a durable actor holds. Each answer goes
// into the commit that decides it, and out after it; a sender that asks again while
// the first asking is in hand takes its place.
import { InFlightMap } from "../../collections/in-flight.ts";
import type { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import { writtenError } from "../as-cell-error.ts";
import type { Delivery, OutgoingReply, ReceivedIntent } from "../intent.ts";
import type { Accepted } from "../open-requests.ts";
import { copyAsJson } from "../plain-json.ts";
import { isSameIntent, senderOf } from "../same-intent.ts";
import type { HostState, IntentTable } from "./host-state.ts";
import type { DurablePorts, StoredReply } from "./ports.ts";

type Route = {
  readonly intent: ReceivedIntent;
  respond: Delivery["respond"];
  prepare?: Delivery["prepare"] | undefined;
  returnAddress: Json;
  replies: number;
  /** Set until it is begun: an intent of an earlier incarnation that is to be begun again. */
  again: string | undefined;
  /** An earlier incarnation owed it. */
  readonly isInherited: boolean;
};

/** Answered intents, and replies of one, that are remembered for who asks again. */
const MAX_REMEMBERED = 256;

type Owed = HostState["owed"][number];

/**
 * Puts an answer into the commit. `stored`: absent when nobody wants it. `prepare`: may be called
 * once before `run`, while the commit is on its way.
 */
export type Answer = (stored: StoredReply | undefined, run: () => void, prepare?: () => void) => void;

export class Routes {
  readonly #responder: DurablePorts["responder"];
  readonly #answer: Answer;
  readonly #routes = new InFlightMap<string, Route>();
  /** What was answered lately, by the intent's id. */
  readonly #answered = new InFlightMap<string, StoredReply[]>();
  /**
   * The same of what an earlier incarnation had answered or owed: never forgotten for what is
   * answered since, because the journal may not know of it.
   */
  readonly #inherited = new InFlightMap<string, StoredReply[]>();

  /** @param answered for who asks again */
  constructor(responder: DurablePorts["responder"], answered: readonly StoredReply[], answer: Answer) {
    this.#responder = responder;
    this.#answer = answer;
    for (const reply of answered) remember(this.#inherited, reply);
  }

  /** Whether this very intent is in hand. */
  holds(intent: ReceivedIntent): boolean {
    const held = this.#routes.get(intent.id)?.intent;
    return held !== undefined && isSameIntent(held, intent);
  }

  /**
   * Whether this very intent was answered, by an incarnation that had begun it. What was committed
   * though its journal record never came about comes again under another place.
   */
  hasAnswered(intent: ReceivedIntent): boolean {
    return this.#answersTo(intent).some(({ outcome }) => !("begun" in outcome));
  }

  /** Whether another one under the same id is in hand. */
  isTaken(intent: ReceivedIntent): boolean {
    return this.#routes.has(intent.id) && !this.holds(intent);
  }

  forget(id: string): void {
    this.#routes.delete(id);
  }

  /** A delivery whose answers wait for their commit. */
  of(delivery: Delivery): Delivery {
    const { intent, journaled, respond, prepare } = delivery;
    const returnAddress = journaled?.returnAddress ?? null;
    const route = { intent, respond, prepare, returnAddress, replies: 0, again: undefined };
    return this.#wrap(delivery, { ...route, isInherited: false });
  }

  /** Who asks again is answered in place of who asked before. False: it is not in hand. */
  rebind({ intent, journaled, respond }: Delivery): boolean {
    const route = this.#routes.get(intent.id);
    if (route === undefined || !isSameIntent(route.intent, intent)) return false;
    route.respond = respond;
    route.prepare = undefined;
    route.returnAddress = journaled?.returnAddress ?? null;
    return true;
  }

  /** An answer that an earlier incarnation owed. */
  restore({ returnAddress, replies, payload }: Owed, intent: ReceivedIntent): Delivery {
    const respond = this.#lazily(returnAddress, replies);
    const whole = payload === undefined ? intent : { ...intent, payload: Buffer.from(payload, "base64") };
    return this.#wrap(
      { intent: whole, respond },
      { intent: whole, respond, returnAddress, replies, again: payload, isInherited: true },
    );
  }

  /** An answer without an actor: the intent is decided by that. */
  refuse(delivery: Delivery, error: CellError): void {
    this.of(delivery).respond({ kind: "error", error });
  }

  begun(id: string): void {
    const route = this.#routes.get(id);
    if (route !== undefined) route.again = undefined;
  }

  /** @param again whether the next incarnation is to begin them again */
  owed(begun: readonly Accepted[], table: IntentTable, again: boolean): Owed[] {
    const open = begun.flatMap(({ delivery }) => this.#routes.get(delivery.intent.id) ?? []);
    const waiting = [...this.#routes.values()].filter((route) => route.again !== undefined);
    return [
      ...open.map((route) => {
        const owed = owedOf(route, table);
        return again ? { ...owed, payload: Buffer.from(route.intent.payload).toString("base64") } : owed;
      }),
      ...waiting.map((route) => ({ ...owedOf(route, table), payload: route.again ?? "" })),
    ];
  }

  /** Gives what was answered to who asks again. False: it is not kept. */
  repeat({ intent, respond }: Delivery): boolean {
    const replies = this.#answersTo(intent);
    for (const reply of replies) respond(replyOf(reply));
    return replies.length > 0;
  }

  /** Gives the answers of the last commit once more: they may not have left before the end. */
  replay(last: readonly StoredReply[], nowUnixMs: number): void {
    for (const reply of last) {
      if (reply.deadlineUnixMs < nowUnixMs) continue;
      this.#responder(reply.returnAddress, reply.index)(replyOf(reply));
    }
  }

  #wrap(delivery: Delivery, route: Route): Delivery {
    this.#routes.set(delivery.intent.id, route);
    return { ...delivery, respond: (reply) => this.#respond(route, reply) };
  }

  /** @throws NotJsonError */
  #respond(route: Route, reply: OutgoingReply): void {
    const { id, wantsReply } = route.intent;
    const stored = wantsReply ? storedReply(route, reply) : undefined;
    route.replies += 1;
    const isLast = reply.kind === "error" || reply.final;
    let ready: (() => void) | undefined;
    const run = () => {
      if (stored !== undefined) this.#remember(stored, route);
      if (isLast && this.#routes.get(id) === route) this.#routes.delete(id);
      // Who has asked again meanwhile is answered in its place.
      if (ready !== undefined && route.prepare !== undefined) ready();
      else route.respond(reply);
    };
    this.#answer(stored, run, () => {
      ready = route.prepare?.(reply);
    });
  }

  #answersTo(intent: ReceivedIntent): readonly StoredReply[] {
    const inherited = this.#inherited.get(intent.id);
    const own = this.#answered.get(intent.id);
    if (inherited === undefined && own === undefined) return NONE;
    return [...(inherited ?? []), ...(own ?? [])].filter((each) => isTo(each, intent));
  }

  #remember(reply: StoredReply, { isInherited }: Route): void {
    remember(isInherited ? this.#inherited : this.#answered, reply);
    const [oldest] = this.#answered.size > MAX_REMEMBERED ? this.#answered.keys() : [];
    if (oldest !== undefined) this.#answered.delete(oldest);
  }

  #lazily(returnAddress: Json, index: number): Delivery["respond"] {
    let respond: Delivery["respond"] | undefined;
    return (reply) => {
      respond ??= this.#responder(returnAddress, index);
      respond(reply);
    };
  }
}

function remember(all: InFlightMap<string, StoredReply[]>, reply: StoredReply): void {
  const before = all.get(reply.intentId) ?? [];
  if (before.length < MAX_REMEMBERED) all.set(reply.intentId, [...before, reply]);
}

function owedOf({ intent, returnAddress, replies }: Route, table: IntentTable): Owed {
  return { id: table.ref(intent), returnAddress, replies };
}

const NONE: readonly StoredReply[] = [];

const isTo = ({ sender, hash }: StoredReply, intent: ReceivedIntent): boolean =>
  sender === senderOf(intent) && (intent.source !== "" || hash === intent.hash);

function storedReply({ intent, returnAddress, replies }: Route, reply: OutgoingReply): StoredReply {
  const { id: intentId, hash, deadlineUnixMs } = intent;
  return {
    intentId,
    hash,
    sender: senderOf(intent),
    deadlineUnixMs,
    returnAddress,
    index: replies,
    outcome: outcomeOf(reply),
  };
}

function outcomeOf(reply: OutgoingReply): StoredReply["outcome"] {
  if (reply.kind === "error") {
    const { code, message, remedy, retryable } = reply.error;
    const error = { code, message, remedy, retryable };
    return reply.begun === false ? { error, begun: false } : { error };
  }
  const { value, final } = reply;
  if (value instanceof Uint8Array) {
    return { value: Buffer.from(value).toString("base64"), final, encoding: "base64" };
  }
  // A copy that is checked to be plain JSON.
  return { value: value === undefined ? null : (copyAsJson(value) as Json), final };
}

/** The reply that was stored. */
export function replyOf({ outcome }: Pick<StoredReply, "outcome">): OutgoingReply {
  if ("error" in outcome) {
    const error = writtenError(outcome.error);
    return outcome.begun === false ? { kind: "error", error, begun: false } : { kind: "error", error };
  }
  const { value, final, encoding } = outcome;
  const bytes = encoding === "base64" && typeof value === "string" ? Buffer.from(value, "base64") : value;
  return { kind: "value", value: bytes, final };
}
