// What an actor's side asks to be sent. The node sends it in that actor's name,
// whoever the frame speaks of; causes are the node's own deliveries. Requests are
// numbered by the actor's side, rising, so that none is answered for another.
import { CellError } from "../../errors/cell-error.ts";
import { err } from "../../errors/result.ts";
import type { ActorRequest } from "../../gen/cell0/v1/channel_pb.ts";
import { MAX_CAPABILITY_CHARS } from "../../security/capability/capability-text.ts";
import { priorityName } from "../../security/wire/priority.ts";
import { asCellError } from "../as-cell-error.ts";
import type { ReceivedIntent } from "../intent.ts";
import { MAX_OUTGOING_REQUESTS, MAX_TIMEOUT_MS } from "../outgoing-requests.ts";
import type { ActorPorts } from "../ports.ts";
import { parseBounded } from "./bounded-json.ts";
import { encodable, type Outcome, toActorFrame, withinValue } from "./messages.ts";

const MAX_NAME_LENGTH = 256;
/** The actor's own host counts what it waits for; it forgets some of them before the node does. */
const MAX_WAITING = 2 * MAX_OUTGOING_REQUESTS;

export type RequestPorts = {
  readonly send: ActorPorts["send"];
  readonly reply: (frame: Uint8Array) => void;
  readonly warn: (message: string, intent: ReceivedIntent | undefined) => void;
};

export class RemoteRequests {
  readonly #ports: RequestPorts;
  readonly #waiting = new Set<bigint>();
  #last = 0n;

  constructor(ports: RequestPorts) {
    this.#ports = ports;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** @throws CellError ACTOR_CHANNEL_VIOLATED */
  send(message: ActorRequest, cause: ReceivedIntent | undefined): void {
    const { request, target, intent, timeoutMs, capability } = message;
    const priority = priorityName(message.priority);
    const isNamed = [target, intent].every((name) => name.length > 0 && name.length <= MAX_NAME_LENGTH);
    const isBounded =
      timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS && capability.length <= MAX_CAPABILITY_CHARS;
    if (!isNamed || priority === undefined || !isBounded) {
      throw new CellError("ACTOR_CHANNEL_VIOLATED", "a request with impossible fields");
    }
    const bytes = withinValue(message.payload, "a payload");
    const payload = bytes.byteLength === 0 ? {} : parseBounded(bytes, "a payload");
    const outgoing = {
      ...{ target, intent, payload, cause, priority, timeoutMs },
      ...(capability === "" ? {} : { capability }),
    };
    if (request === 0n) {
      this.#try(
        () => this.#ports.send(outgoing),
        (error) =>
          this.#ports.warn(`${intent} to ${target} was not sent: ${error.code}: ${error.message}`, cause),
      );
      return;
    }
    this.#expect(request);
    const answer = (outcome: Outcome) => this.#answer(request, outcome);
    this.#try(
      () => this.#ports.send({ ...outgoing, onReply: answer }),
      (error) => answer(err(error)),
    );
  }

  /** Nothing is answered any more. */
  stop(): void {
    this.#waiting.clear();
  }

  #expect(request: bigint): void {
    if (request <= this.#last) throw new CellError("ACTOR_CHANNEL_VIOLATED", "a request's number came again");
    if (this.#waiting.size >= MAX_WAITING) {
      throw new CellError("ACTOR_CHANNEL_VIOLATED", `more than ${MAX_WAITING} requests wait for answers`);
    }
    this.#last = request;
    this.#waiting.add(request);
  }

  #try(send: () => void, refused: (error: CellError) => void): void {
    try {
      send();
    } catch (thrown) {
      refused(asCellError(thrown) ?? new CellError("ACTOR_REFUSED", "not sent", { cause: thrown }));
    }
  }

  #answer(request: bigint, outcome: Outcome): void {
    if (!this.#waiting.has(request)) return;
    if (!outcome.ok || outcome.value.final) this.#waiting.delete(request);
    this.#ports.reply(toActorFrame({ case: "answer", value: { request, outcome: encodable(outcome) } }));
  }
}
