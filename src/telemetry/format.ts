// One line a person reads for one event: time, node, actor, what happened. What actors and
// clients put into an event is printed without control characters, so that a log cannot
// move the cursor or forge a line.
import picocolors from "picocolors";
import type { Error as WireError } from "../gen/cell0/v1/capsule_pb.ts";
import { type Event, FailureClassSchema, type IntentRef } from "../gen/cell0/v1/events_pb.ts";
import { eventToJson, hex, isoTime } from "./event-json.ts";

export { eventToJson };

export type FormatOptions = {
  readonly color?: boolean;
  /** Whole date, not only the time of day. */
  readonly date?: boolean;
};

type Kind = Event["kind"];
type Tone = "good" | "bad" | "warn" | "quiet" | "plain";
type Told = readonly [tone: Tone, text: string];

const MAX_LINE_CHARS = 400;

export function formatEvent(event: Event, { color = false, date = false }: FormatOptions = {}): string {
  const paint = picocolors.createColors(color);
  const iso = isoTime(event);
  const time = date ? iso : iso.slice(11, 23);
  const [tone, text] = tell(event.kind);
  const tones = { good: paint.green, bad: paint.red, warn: paint.yellow, quiet: paint.dim, plain: String };
  const who = event.actor === "" ? "" : `${paint.cyan(clean(event.actor))}${paint.dim(activationOf(event))} `;
  const intent = event.intent === undefined ? "" : paint.dim(` ${clean(intentOf(event.intent))}`);
  return `${paint.dim(time)} ${clean(event.node)} ${who}${tones[tone](cut(clean(text)))}${intent}`;
}

/** One line of JSON. */
export function formatEventJson(event: Event): string {
  return JSON.stringify(eventToJson(event));
}

function activationOf({ incarnation }: Event): string {
  return incarnation === undefined ? "" : `#${incarnation.activation}`;
}

function intentOf({ intent, id, principal }: IntentRef): string {
  return `[${intent} ${hex(id).slice(-12)} from ${principal}]`;
}

function tell(kind: Kind): Told {
  return tellIntent(kind) ?? tellActor(kind) ?? tellNode(kind) ?? ["plain", "unknown event"];
}

function tellIntent(kind: Kind): Told | undefined {
  switch (kind.case) {
    case "intentAccepted":
      return ["quiet", `accepted by ${kind.value.authority}, mailbox ${kind.value.mailboxDepth}`];
    case "intentRefused": {
      const { principal, source, stage, target, count, error, intent, token } = kind.value;
      const times = count > 1n ? ` (${count} times)` : "";
      const who = source === "" ? principal || "unknown" : `${source} of ${principal}`;
      const what = intent === "" ? "" : ` ${intent}`;
      const under = token.length === 0 ? "" : `, capability ${hex(token).slice(0, 16)}`;
      return ["bad", `refused ${who}${what} at ${stage}${on(target)}${under}${times}: ${errorOf(error)}`];
    }
    case "intentStarted":
      return ["quiet", `started after ${micros(kind.value.queuedUs)} in the mailbox`];
    case "intentFinished":
      return kind.value.error === undefined
        ? ["good", `finished in ${micros(kind.value.elapsedUs)}`]
        : ["bad", `failed after ${micros(kind.value.elapsedUs)}: ${errorOf(kind.value.error)}`];
    case "transitioned":
      return ["plain", `${kind.value.event}: ${kind.value.from} -> ${kind.value.to}`];
    case "committed":
      return ["quiet", `committed ${kind.value.sequence}, outbox ${kind.value.outbox}`];
    case "sent":
      return ["plain", `sent ${kind.value.intent} to ${kind.value.target}`];
    case "replied":
      return ["quiet", `replied ${kind.value.index}${kind.value.final ? ", final" : ""}`];
    default:
      return undefined;
  }
}

function tellActor(kind: Kind): Told | undefined {
  switch (kind.case) {
    case "actorStarted":
      return ["good", `started ${kind.value.behaviour}`.trimEnd()];
    case "actorStopped":
      return ["plain", `stopped: ${kind.value.reason}`];
    case "actorCrashed": {
      const { failure, name, message, event, origin } = kind.value;
      const during = event === "" ? origin : `${origin}, handling ${event}`;
      return ["bad", `${failureOf(failure)} (${during}): ${name}: ${message}`];
    }
    case "actorRestarted": {
      const { restarts, elapsedUs, backoffMs, cause } = kind.value;
      const waited = backoffMs > 0n ? `, ${backoffMs} ms of it backoff` : "";
      return ["warn", `restarted (${restarts}) in ${micros(elapsedUs)}${waited}, after ${cause}`];
    }
    case "actorGaveUp": {
      const { restartsInPeriod, periodMs, reason } = kind.value;
      return ["bad", `gave up after ${restartsInPeriod} restarts in ${periodMs} ms: ${reason}`];
    }
    case "escalated": {
      const { from, to, rootActor, reason } = kind.value;
      return ["bad", `${from} escalated to ${to}; root cause ${rootActor}: ${reason}`];
    }
    case "actorHung": {
      const { stalledMs, boundMs, openRequests, mailboxDepth } = kind.value;
      const work = `${openRequests} in hand, ${mailboxDepth} waiting`;
      return ["bad", `no progress for ${stalledMs} ms of ${boundMs} ms allowed: ${work}`];
    }
    case "actorParked":
      return ["bad", `parked until it is started by hand: ${kind.value.reason}`];
    case "deadLettered": {
      const { letterId, deaths, name, message, lost } = kind.value;
      const kept = lost === "" ? `dead letter ${hex(letterId)}` : `a dead letter that is lost (${lost})`;
      return ["bad", `${kept} after ${deaths} deaths by it: ${name}: ${message}`];
    }
    case "snapshotSetAside": {
      const { reason, next, quarantine } = kind.value;
      const kept = quarantine === "" ? "" : `, kept as ${quarantine}`;
      return ["bad", `a snapshot is set aside (${reason})${kept}; next: ${next}`];
    }
    case "actorLogged":
      return [kind.value.level === "error" ? "bad" : "plain", `${kind.value.level}: ${kind.value.message}`];
    case "toolUsed": {
      const { tool, asked, outcome, elapsedUs, error, bytesIn, bytesOut } = kind.value;
      const how = `${micros(elapsedUs)}, ${bytesOut} bytes out, ${bytesIn} in`;
      return error === undefined
        ? ["good", `${tool} ${asked}: ${outcome} (${how})`]
        : ["warn", `${tool} ${asked}: ${errorOf(error)} (${how})`];
    }
    case "toolRefused":
      return ["bad", `${kind.value.tool} refused: ${kind.value.asked}: ${errorOf(kind.value.error)}`];
    default:
      return undefined;
  }
}

function tellNode(kind: Kind): Told | undefined {
  switch (kind.case) {
    case "revisionApplied": {
      const { revision, added, changed, removed, author } = kind.value;
      return ["good", `revision ${revision} by ${author}: +${added} ~${changed} -${removed}`];
    }
    case "revisionFailed":
      return ["bad", `revision ${kind.value.revision} failed: ${errorOf(kind.value.error)}`];
    case "nodeStarted":
      return [
        "good",
        `node started in ${micros(kind.value.bootUs)}, version ${kind.value.version}, core ${kind.value.coreVersion}`,
      ];
    case "nodeStopped":
      return ["warn", `node stopped: ${kind.value.reason}`];
    case "processDied": {
      const { process, cause, failure, elapsedUs, by, stack } = kind.value;
      const where = stack === "" ? "" : `; it stood${stack.split("\n", 1)[0]?.replace(/^ +at/, " at") ?? ""}`;
      return [
        "bad",
        `${process} died (${failureOf(failure)}: ${cause})${where}; ready after ${micros(elapsedUs)}, ${by}`,
      ];
    }
    case "kernelRebuilt": {
      const { cause, actors, elapsedUs } = kind.value;
      return ["warn", `kernel rebuilt with ${actors} actors in ${micros(elapsedUs)}: ${cause}`];
    }
    case "linkChanged": {
      const { link, state, error } = kind.value;
      return [
        error === undefined ? "plain" : "bad",
        `${link} link ${state}${error ? `: ${errorOf(error)}` : ""}`,
      ];
    }
    case "trustChanged": {
      const { principal, generation, revoked } = kind.value;
      return ["warn", `${principal} ${revoked ? "revoked" : "certified"}, generation ${generation}`];
    }
    case "capabilityMinted": {
      const { token, author, scope } = kind.value;
      return ["warn", `capability ${hex(token).slice(0, 16)} minted by ${author} in scope ${scope}`];
    }
    case "revocationsChanged": {
      const { author, tokenCount, scopes } = kind.value;
      const raised = scopes.map(({ scope, epoch }) => `what scope ${scope} had before epoch ${epoch}`);
      const what = [
        ...(tokenCount === 0 ? [] : [tokenCount === 1 ? "1 token" : `${tokenCount} tokens`]),
        ...raised,
      ];
      return ["warn", `revoked by ${author}: ${what.join(", ")}`];
    }
    default:
      return undefined;
  }
}

const on = (target: string): string => (target === "" ? "" : ` on ${target}`);

function errorOf(error: WireError | undefined): string {
  return error === undefined ? "no reason given" : `${error.code}: ${error.message}`;
}

function failureOf(failure: number): string {
  const known = FailureClassSchema.values.find(({ number }) => number === failure);
  return known === undefined || known.number === 0 ? "crash" : known.localName.toLowerCase();
}

function micros(us: bigint): string {
  const value = Number(us);
  if (value < 1_000) return `${value} us`;
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)} ms` : `${(value / 1_000_000).toFixed(2)} s`;
}

function cut(text: string): string {
  return text.length <= MAX_LINE_CHARS ? text : `${text.slice(0, MAX_LINE_CHARS)} [cut]`;
}

/** Control characters, and those that reorder text, as a space. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, " ");
}
