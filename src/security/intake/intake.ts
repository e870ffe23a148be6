// The way in: bytes off the broker -> one verdict a capsule. The stages stand in
// the order of their cost: limits and form, cheap refusals, then the signature,
// then authority; an id is remembered only once everything else has agreed.
// Whatever the bytes, and whatever a port does, this returns verdicts and never throws.

import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { isInboxOf, isStockInboxOf } from "../address.ts";
import { copyOf } from "../bytes.ts";
import { nameOfToken } from "../capability/token-name.ts";
import { MAX_CLOCK_SKEW_MS } from "../clock/clock-skew.ts";
import { outboxSequenceOf } from "../intents/outbox-id.ts";
import type { ReplayFloor } from "../replay/replay-floor.ts";
import type { ReplayWindow } from "../replay/replay-window.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { FormerKey } from "../trust/former-keys.ts";
import type { Capsule, HybridTime } from "../wire/capsule.ts";
import { decodeCapsule } from "../wire/decode-capsule.ts";
import { decodeEnvelope, type Envelope, MAX_ENVELOPE_BYTES } from "../wire/envelope.ts";
import {
  nameOf,
  signedOf,
  type VerifiedCapsule,
  VerifiedRoots,
  verifyEnvelope,
} from "../wire/verify-envelope.ts";
import { type AuthorityPorts, authorise } from "./authority.ts";
import { acceptedIntent, requestOf, unreadRequest } from "./describe.ts";
import { RefusalCounters } from "./refusal-counters.ts";
import * as stages from "./stages.ts";
import type { Doubt, Elsewhere, Opinion, Refused, Stage, Verdict } from "./verdict.ts";

export type IntakePorts = AuthorityPorts & {
  readonly cell: string;
  /** This node's name. */
  readonly node: string;
  readonly genesisHash: Uint8Array;
  readonly trust: {
    byKey(key: Uint8Array, nowUnixMs: number): Result<Certificate, CellError>;
    /** Keys that a principal had before, which it may have signed the same capsule with. */
    formerKeys?(principal: string): readonly FormerKey[];
    newest?(principal: string): Certificate | undefined;
  };
  readonly replay: ReplayWindow;
  /** What an earlier process may have accepted. */
  readonly floor?: ReplayFloor;
  /** Whether what is accepted for this target is kept by itself, with its answer, over deaths of the process. */
  readonly isDurable?: (target: string) => boolean;
  /** Told the time of each accepted capsule. */
  readonly observe?: (time: HybridTime) => void;
  /**
   * Asks the full verifier about a message of which nothing is judged yet, and has it judged after
   * that. False: it cannot be asked now. Absent: what the quick one refuses is invalid.
   */
  readonly onDoubt?: (doubt: Doubt, judge: JudgeLater) => boolean;
};

export type JudgeLater = (opinion: Opinion, nowUnixMs: number) => readonly Verdict[];

export type IntakeLimits = stages.FreshnessLimits & { readonly maxEnvelopeBytes: number };

export const DEFAULT_LIMITS: IntakeLimits = {
  maxEnvelopeBytes: MAX_ENVELOPE_BYTES,
  windowMs: 30_000,
  skewMs: MAX_CLOCK_SKEW_MS,
  maxDeadlineAheadMs: 3_600_000,
  issuedAfterUnixMs: 0,
};

export type Arrival = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Reply subject of the NATS message; answered only when it is the principal's own inbox. */
  readonly natsReply: string | undefined;
  readonly nowUnixMs: number;
  /** What `data` holds, when its signature was found valid by the rule already. */
  readonly signed?: Envelope | undefined;
};

export type Intake = {
  /**
   * One verdict a capsule, in order; one for the whole message when its capsules cannot be told apart;
   * none yet when its signature is in doubt.
   */
  admit(arrival: Arrival): readonly Verdict[];
  readonly refusals: RefusalCounters;
};

/** @param limits beside the defaults; `issuedAfterUnixMs` is to be the time at which this node's process started */
export function createIntake(ports: IntakePorts, limits: Partial<IntakeLimits> = {}): Intake {
  const refusals = new RefusalCounters();
  const house: House = { ports, limits: { ...DEFAULT_LIMITS, ...limits }, roots: new VerifiedRoots() };
  let latestUnixMs = Number.NEGATIVE_INFINITY;
  const admit = (arrival: Arrival, opinion?: Opinion): readonly Verdict[] => {
    // A clock that steps back would make forgotten capsules look fresh again.
    latestUnixMs = Math.max(latestUnixMs, arrival.nowUnixMs);
    const verdicts = judgeMessage({ ...house, arrival, nowUnixMs: latestUnixMs, opinion, onDoubt });
    for (const verdict of verdicts) if (verdict.kind === "refused") refusals.count(verdict);
    return verdicts;
  };
  const onDoubt = (doubt: Doubt, arrival: Arrival): boolean =>
    ports.onDoubt?.(doubt, (opinion, nowUnixMs) => {
      if (opinion === "valid") house.roots.add(nameOf(doubt.signed));
      return admit({ ...arrival, nowUnixMs }, opinion);
    }) === true;
  return { refusals, admit: (arrival) => admit(arrival) };
}

type House = { readonly ports: IntakePorts; readonly limits: IntakeLimits; readonly roots: VerifiedRoots };
type Message = House & {
  readonly arrival: Arrival;
  readonly nowUnixMs: number;
  /** Of a message that was in doubt. */
  readonly opinion: Opinion | undefined;
  readonly onDoubt: (doubt: Doubt, arrival: Arrival) => boolean;
};
type Address = { readonly cell: string; readonly principal: string; readonly target: string };
/** A refused capsule proves nobody's key. */
const NOBODY = new Uint8Array();
const NOWHERE: Address = { cell: "", principal: "", target: "" };

/** One capsule on its way: refused already, or still to be judged. */
type Candidate =
  | {
      readonly fault: { readonly stage: Stage; readonly error: CellError };
      readonly capsule: Capsule | undefined;
    }
  | { readonly fault: undefined; readonly capsule: Capsule };
type Judged = {
  readonly capsule: Capsule;
  readonly certificate: Certificate;
  readonly verified: VerifiedCapsule;
};

function judgeMessage(message: Message): readonly Verdict[] {
  try {
    return judge(message);
  } catch (cause) {
    return [
      refuseMessage(
        message,
        NOWHERE,
        "internal",
        new CellError("CAPSULE_INTAKE_FAILED", undefined, { cause }),
      ),
    ];
  }
}

function judge(message: Message): readonly Verdict[] {
  const { arrival, ports, limits } = message;
  const address = stages.readAddress(arrival.subject, ports.cell);
  if (!address.ok) return [refuseMessage(message, NOWHERE, "subject", address.error)];
  const home = ports.placementOf(address.value.target);
  if (home !== undefined && home !== ports.node) return [elsewhere(home)];
  const oversize = stages.checkSize(arrival.data, limits.maxEnvelopeBytes);
  if (oversize !== undefined) return [refuseMessage(message, address.value, "size", oversize)];
  const envelope =
    arrival.signed === undefined ? decodeEnvelope(arrival.data, limits.maxEnvelopeBytes) : ok(arrival.signed);
  if (!envelope.ok) return [refuseMessage(message, address.value, "decode", envelope.error)];
  return judgeCapsules(message, address.value, envelope.value, home);
}

function judgeCapsules(
  message: Message,
  address: Address,
  envelope: Envelope,
  home: string | undefined,
): readonly Verdict[] {
  const { ports, nowUnixMs } = message;
  const issuer = ports.trust.byKey(envelope.issuer, nowUnixMs);
  const candidates = envelope.capsules.map((bytes) => judgeCheaply(message, address, bytes, issuer, home));
  const alive = issuer.ok && candidates.some(({ fault }) => fault === undefined);
  const proof = alive ? prove(message, address, envelope) : err(new CellError("CAPSULE_INTAKE_FAILED"));
  if (proof === DOUBTED) return [];
  return candidates.map((candidate, at): Verdict => {
    const bytes = envelope.capsules[at] ?? new Uint8Array();
    const refuse = (stage: Stage, error: CellError): Refused => {
      const request = requestOf(NOBODY, bytes, candidate.capsule);
      return refusal(message, address, stage, error, request, candidate.capsule);
    };
    if (candidate.fault !== undefined) return refuse(candidate.fault.stage, candidate.fault.error);
    if (!proof.ok) return refuse("signature", proof.error);
    const verified = proof.value[at];
    if (!issuer.ok || verified === undefined)
      return refuse("internal", new CellError("CAPSULE_INTAKE_FAILED"));
    try {
      return decide(message, { capsule: candidate.capsule, certificate: issuer.value, verified }, refuse);
    } catch (cause) {
      return refuse("internal", new CellError("CAPSULE_INTAKE_FAILED", undefined, { cause }));
    }
  });
}

/** Nothing is judged until the full verifier has spoken. */
const DOUBTED = Symbol("doubted");

function prove(
  { ports, roots, arrival, opinion, onDoubt }: Message,
  { principal }: Address,
  envelope: Envelope,
): Result<readonly VerifiedCapsule[], CellError> | typeof DOUBTED {
  if (opinion === "invalid") return err(new CellError("CAPSULE_SIGNATURE_INVALID"));
  if (opinion === "undecided") return err(new CellError("CAPSULE_SIGNATURE_UNDECIDED"));
  const proof = verifyEnvelope(envelope, ports.genesisHash, roots, arrival.signed !== undefined);
  if (proof.ok || proof.error.code !== "CAPSULE_SIGNATURE_INVALID") return proof;
  const signed = opinion === undefined ? signedOf(envelope, ports.genesisHash) : undefined;
  if (signed === undefined || ports.onDoubt === undefined) return proof;
  const isAsked = onDoubt({ principal, signed, bytes: arrival.data.length }, arrival);
  return isAsked ? DOUBTED : err(new CellError("CAPSULE_SIGNATURE_UNDECIDED"));
}

/** Everything that can be refused without a signature. */
function judgeCheaply(
  { nowUnixMs, limits, ports }: Message,
  address: Address,
  bytes: Uint8Array,
  issuer: Result<Certificate, CellError>,
  home: string | undefined,
): Candidate {
  const decoded = decodeCapsule(bytes);
  if (!decoded.ok) return { fault: { stage: "decode", error: decoded.error }, capsule: undefined };
  const capsule = decoded.value;
  const refused = (stage: Stage, error: CellError): Candidate => ({ fault: { stage, error }, capsule });
  if (!issuer.ok) return refused("issuer", issuer.error);
  const foreign = stages.checkIssuer(issuer.value, address);
  if (foreign !== undefined) return refused("issuer", foreign);
  const target = stages.checkTarget(capsule, address, home);
  if (target !== undefined) return refused("target", target);
  const inbox = stages.checkInbox(capsule, address);
  if (inbox !== undefined) return refused("inbox", inbox);
  const stale =
    stages.checkFreshness(capsule, nowUnixMs, limits) ??
    stages.checkFloor(capsule, ports.floor?.floorOf(issuer.value.key));
  if (stale !== undefined) return refused("freshness", stale);
  return { fault: undefined, capsule };
}

/** Authority, then replay. Nothing after `remember` can fail, so that no capsule is remembered and lost. */
function decide(
  { ports, limits, nowUnixMs }: Message,
  { capsule, certificate, verified }: Judged,
  refuse: (stage: Stage, error: CellError) => Refused,
): Verdict {
  const authority = authorise(capsule, certificate, ports, nowUnixMs, verified.bytes.length);
  if (!authority.ok) return refuse("authority", authority.error);
  const { principal } = certificate;
  const key = keyOfMemory(certificate, capsule.id, ports);
  const bytes = copyOf(verified.bytes);
  const intent = acceptedIntent(capsule, verified.hash, principal, { of: verified.bytes, copy: bytes });
  const request = requestOf(key, verified.bytes, capsule, verified.hash);
  const replyTo = capsule.replyInbox === "" ? undefined : capsule.replyInbox;
  const until = stages.freshUntil(capsule, limits);
  ports.observe?.(capsule.issuedAt);
  ports.floor?.accepted(certificate.key, capsule.issuedAt.unixMs, nowUnixMs);
  const wantsReply = replyTo !== undefined;
  // One that wants no reply leaves no trace in the actor's commits.
  const isKeptElsewhere = wantsReply && ports.isDurable?.(capsule.target) === true;
  const remembering = { wantsReply, isKeptElsewhere };
  const seen = ports.replay.remember(key, request.id, verified.hash, until, nowUnixMs, remembering);
  switch (seen.kind) {
    case "new":
      return {
        kind: "accepted",
        intent,
        request,
        capsule: bytes,
        ...sequenceOf(capsule),
        replyTo,
        authority: authority.value.by,
        ...(authority.value.once && { once: authority.value.once }),
        ...(authority.value.counted && { counted: authority.value.counted }),
      };
    case "duplicate":
      return { ...seen, principal, target: capsule.target, request, replyTo };
    case "refused":
      return refuse("replay", seen.error);
  }
}

/**
 * Under which key it is remembered: who has two keys while one follows the other begins nothing twice. A node
 * signs anew what it sends again, and may have another key by then.
 */
function keyOfMemory({ key, principal }: Certificate, id: Uint8Array, ports: IntakePorts): Uint8Array {
  const former = ports.trust.formerKeys?.(principal);
  if (former === undefined || former.length === 0) return key;
  const newest = ports.trust.newest?.(principal);
  const others = [...former, ...(newest === undefined ? [] : [newest])];
  return others.find((other) => ports.replay.holds(other.key, id))?.key ?? key;
}

function sequenceOf(capsule: Capsule): { sourceSequence?: number } {
  const sourceSequence = outboxSequenceOf(capsule);
  return sourceSequence === undefined ? {} : { sourceSequence };
}

const elsewhere = (node: string): Elsewhere => ({ kind: "elsewhere", node });

const refuseMessage = (message: Message, address: Address, stage: Stage, error: CellError): Refused =>
  refusal(message, address, stage, error, unreadRequest(message.arrival.data), undefined);

/** The inbox in the capsule is not verified yet, and need not be: the broker vouches for the principal whose inbox it is. */
function refusal(
  { arrival }: Message,
  { cell, principal, target }: Address,
  stage: Stage,
  error: CellError,
  request: Refused["request"],
  capsule: Capsule | undefined,
): Refused {
  const own = (subject: string | undefined) => subject !== undefined && isInboxOf(cell, principal, subject);
  const { natsReply } = arrival;
  const stock = natsReply !== undefined && isStockInboxOf(principal, natsReply);
  const inbox = capsule?.replyInbox;
  const replyTo = own(inbox) ? inbox : own(natsReply) || stock ? natsReply : undefined;
  const refused: Refused = { kind: "refused", stage, error, principal, target, request, replyTo };
  if (capsule === undefined) return refused;
  const token = nameOfToken(capsule.capability);
  // Who signed it is known by then, and that it is no client's word.
  const source = stage === "authority" || stage === "replay" ? capsule.source?.actor : undefined;
  return {
    ...{ ...refused, epoch: capsule.epoch },
    ...(token === undefined ? {} : { token }),
    ...(source === undefined || error.code === "AUTHORITY_SOURCE_INVALID" ? {} : { source }),
  };
}
