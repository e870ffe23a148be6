// Has the Rust core verify the signatures of many messages that wait, in one batch: a quarter of what
// each costs here alone, and on another thread. What it does not find valid is judged here as if it had not
// been asked; of that key nothing is verified ahead for a while, so that forgeries gain nothing by it.
import { type SignatureCheck, SignatureVerdict } from "../gen/cell0/v1/core_pb.ts";
import { mapKey } from "../security/bytes.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { decodeEnvelope, type Envelope } from "../security/wire/envelope.ts";
import { signedOf } from "../security/wire/verify-envelope.ts";
import type { IncomingMessage } from "../transport/intake.ts";
import { senderOf } from "../transport/subjects.ts";
import { type Ahead, MIN_AHEAD } from "../transport/turn-queue.ts";
import { signatureCheck } from "./signature-check.ts";

/** A batch is there within milliseconds; a core that is busy or gone is not waited for. */
const TIMEOUT_MS = 100;
/** How long nothing is asked after the core did not answer, or of a key after a signature that is not valid. */
const PAUSE_MS = 1_000;
/** Keys that are paused; beyond it all are. */
const MAX_PAUSED = 1_024;

export type VerifyAheadPorts = {
  readonly genesisHash: Uint8Array;
  readonly trust: Pick<TrustStore, "byKey">;
  /** One verdict a check, in order; fails when the core does not answer in time. */
  readonly verify: (
    checks: readonly SignatureCheck[],
    options: { readonly timeoutMs: number },
  ) => Promise<readonly SignatureVerdict[]>;
  readonly nowMs?: () => number;
  readonly nowUnixMs?: () => number;
};

type Asked = {
  readonly message: IncomingMessage;
  readonly envelope: Envelope;
  readonly check: SignatureCheck;
};

/** Sets `signed` of those whose signature is valid. */
export function createVerifyAhead(ports: VerifyAheadPorts): Ahead<IncomingMessage> {
  const { verify, nowMs = () => performance.now(), nowUnixMs = Date.now } = ports;
  const paused = new Set<string>();
  let pausedSinceMs = 0;
  let resumesAtMs = Number.NEGATIVE_INFINITY;
  const take = (asked: readonly Asked[], verdicts: readonly SignatureVerdict[]) => {
    for (const [at, { message, envelope }] of asked.entries()) {
      if (verdicts[at] === SignatureVerdict.VALID) message.signed = envelope;
      else paused.add(mapKey(envelope.issuer));
    }
    if (paused.size > MAX_PAUSED) resumesAtMs = nowMs() + PAUSE_MS;
  };
  return (messages) => {
    const now = nowMs();
    if (now < resumesAtMs) return undefined;
    if (now >= pausedSinceMs + PAUSE_MS) {
      pausedSinceMs = now;
      paused.clear();
    }
    const at = nowUnixMs();
    const asked = messages.flatMap((message) => {
      const one = askedOf(message, ports, paused, at);
      return one === undefined ? [] : [one];
    });
    if (asked.length < MIN_AHEAD) return undefined;
    const checks = asked.map(({ check }) => check);
    return verify(checks, { timeoutMs: TIMEOUT_MS }).then(
      (verdicts) => take(asked, verdicts),
      () => {
        resumesAtMs = nowMs() + PAUSE_MS;
      },
    );
  };
}

/** Undefined of what is refused for less than its signature. */
function askedOf(
  message: IncomingMessage,
  { genesisHash, trust }: VerifyAheadPorts,
  paused: ReadonlySet<string>,
  nowUnixMs: number,
): Asked | undefined {
  const envelope = decodeEnvelope(message.data);
  if (!envelope.ok || paused.has(mapKey(envelope.value.issuer))) return undefined;
  const issuer = trust.byKey(envelope.value.issuer, nowUnixMs);
  if (!issuer.ok || issuer.value.principal !== senderOf(message.subject)) return undefined;
  const signed = signedOf(envelope.value, genesisHash);
  if (signed === undefined) return undefined;
  return { message, envelope: envelope.value, check: signatureCheck(signed) };
}
