// What a node says of envelopes, capsules, chains and certificates: its own functions, put together
// in the order of its intake, with everything granted and placed that a node alone knows of.

import { CellError } from "../../../src/errors/cell-error.ts";
import { err } from "../../../src/errors/result.ts";
import { toHex } from "../../../src/security/bytes.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { type AuthorityPorts, authorise } from "../../../src/security/intake/authority.ts";
import { verifyByRule } from "../../../src/security/keys/verify.ts";
import type { RevocationView } from "../../../src/security/revocation/revocation-list.ts";
import type { Certificate } from "../../../src/security/trust/certificate.ts";
import { readGenesis } from "../../../src/security/trust/genesis.ts";
import { TrustStore } from "../../../src/security/trust/trust-store.ts";
import type { Capsule } from "../../../src/security/wire/capsule.ts";
import { decodeCapsule } from "../../../src/security/wire/decode-capsule.ts";
import { decodeEnvelope, type Envelope } from "../../../src/security/wire/envelope.ts";
import {
  nameOf,
  signedOf,
  VerifiedRoots,
  verifyEnvelope,
} from "../../../src/security/wire/verify-envelope.ts";
import { must } from "../../security/cell-fixture.ts";
import { verifyOnce } from "../verify-once.ts";
import type { Court, Subject } from "./court.ts";

/** "ok" or a code; of what is in order, the token that it rests on and what is to be spent, in hex. */
export type Judged = { readonly code: string; readonly token: string; readonly once: string };

const ONE_EACH = { memoryBytes: 1, cpuMilli: 1 };
const EVERYTHING = [{ intents: ["**"], targets: ["**", "kernel/**"] }];
const OK: Judged = { code: "ok", token: "", once: "" };
const refused = ({ error }: { readonly error: CellError }): Judged => ({ ...OK, code: error.code });

export function judgedByNode(court: Court, subjects: readonly Subject[]) {
  const { trust, added } = trustOf(court);
  const bench: Bench = { court, trust, verify: verifyOnce() };
  return { certificates: added, subjects: subjects.map((subject) => judge(subject, bench)) };
}

type Trusted = { readonly trust: TrustStore; readonly added: readonly Judged[] };
/** Of lists that are put before it again and again. */
const known = new WeakMap<Court["certificates"], Map<number, Trusted>>();

function trustOf({ genesis, certificates, nowUnixMs }: Court): Trusted {
  const times = known.get(certificates) ?? new Map<number, Trusted>();
  known.set(certificates, times);
  const before = times.get(nowUnixMs);
  if (before !== undefined) return before;
  const trust = new TrustStore(must(readGenesis(genesis)));
  const added = certificates.map((bytes): Judged => {
    const outcome = trust.add(bytes, nowUnixMs);
    return outcome.ok ? OK : refused(outcome);
  });
  times.set(nowUnixMs, { trust, added });
  return { trust, added };
}

type Bench = {
  readonly court: Court;
  readonly trust: TrustStore;
  readonly verify: ReturnType<typeof verifyOnce>;
};

function judge(subject: Subject, bench: Bench): readonly Judged[] {
  switch (subject.kind) {
    case "envelope":
      return judgeEnvelope(subject.bytes, bench);
    case "capsule":
      return [judgeCapsule(subject.bytes, subject.issuer, bench, () => undefined)];
    case "chain": {
      const chain = verifierOf(bench).verify(subject.bytes, subject.holder, bench.court.nowUnixMs);
      if (!chain.ok) return [refused(chain)];
      const { last, links } = chain.value;
      const once = links.find(({ kind }) => kind === "ephemeral");
      return [{ ...OK, token: toHex(last.hash), once: once === undefined ? "" : toHex(once.hash) }];
    }
  }
}

function judgeEnvelope(bytes: Uint8Array, bench: Bench): readonly Judged[] {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) return [refused(envelope)];
  const proofFault = ({ reply }: Capsule): CellError | undefined => {
    // Who waits for a reply judges it by the quick verifier alone.
    const quick = reply !== undefined && verifyEnvelope(envelope.value, bench.trust.genesis.hash);
    const proof = quick === false ? prove(envelope.value, bench) : quick;
    return proof.ok ? undefined : proof.error;
  };
  const { issuer, capsules } = envelope.value;
  return capsules.map((each) => judgeCapsule(each, issuer, bench, proofFault));
}

/** What the quick verifier refuses is decided by the rule, as a node has it decided. */
function prove(envelope: Envelope, { trust }: Bench) {
  const { hash } = trust.genesis;
  const roots = new VerifiedRoots();
  const quick = verifyEnvelope(envelope, hash, roots);
  if (quick.ok || quick.error.code !== "CAPSULE_SIGNATURE_INVALID") return quick;
  const signed = signedOf(envelope, hash);
  if (signed === undefined || !verifyByRule(signed.publicKey, signed.message, signed.signature)) return quick;
  roots.add(nameOf(signed));
  return verifyEnvelope(envelope, hash, roots);
}

/** @param proofFault asked of what is not refused for less */
function judgeCapsule(
  bytes: Uint8Array,
  issuer: Uint8Array,
  bench: Bench,
  proofFault: (capsule: Capsule) => CellError | undefined,
): Judged {
  const { trust, court } = bench;
  const capsule = decodeCapsule(bytes);
  if (!capsule.ok) return refused(capsule);
  const certificate = trust.byKey(issuer, court.nowUnixMs);
  if (!certificate.ok) return refused(certificate);
  const fault = senderFault(capsule.value, certificate.value) ?? proofFault(capsule.value);
  if (fault !== undefined) return refused(err(fault));
  if (capsule.value.reply !== undefined) return OK;
  const authority = authorise(
    capsule.value,
    certificate.value,
    portsOf(capsule.value, certificate.value, bench),
    court.nowUnixMs,
    bytes.length,
  );
  if (!authority.ok) return refused(authority);
  const { by, once } = authority.value;
  const [, token = ""] = /^capability ([0-9a-f]+) of/.exec(by) ?? [];
  return { ...OK, token, once: once === undefined ? "" : toHex(once) };
}

/** As intake has it of intents, and a requester of replies. */
function senderFault({ reply }: Capsule, { kind }: Certificate): CellError | undefined {
  if (reply !== undefined) return kind === "node" ? undefined : new CellError("CAPSULE_REPLY_UNBOUND");
  return kind === "issuer" ? new CellError("AUTHORITY_KIND_FORBIDDEN") : undefined;
}

const portsOf = (capsule: Capsule, { principal }: Certificate, bench: Bench): AuthorityPorts => ({
  placementOf: () => principal,
  actorGrants: () => ({ grants: EVERYTHING }),
  clientGrants: () => [{ grants: EVERYTHING }],
  currentEpoch: () => capsule.epoch,
  capabilities: verifierOf(bench),
  // A core knows no graph: it judges the token by itself.
  resources: { priceOf: () => 1, isKept: () => true, childLimits: () => ONE_EACH },
});

/** Each time anew: nothing is undecided because of what came before. */
const verifierOf = ({ court, trust, verify }: Bench) =>
  cellChainVerifier(trust, revocationsOf(court), { verify });

const revocationsOf = ({ epochs, revoked }: Court): RevocationView => {
  const names = new Set(revoked.map(toHex));
  return {
    epochOf: (scope) => epochs.get(scope) ?? 0,
    isRevoked: (hash) => names.has(toHex(hash)),
    unheard: () => undefined,
  };
};
