// The checks that a node makes of an envelope, one by one, with their verdicts.
// What only a node can know (replay, placement, grants of the manifest) is named
// as not checked.
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import { limitTexts } from "../runtime/limit-text.ts";
import { parseIntentAddress } from "../security/address.ts";
import { toHex } from "../security/bytes.ts";
import { checkLinks, readChain } from "../security/capability/chain.ts";
import type { ResourceLimits } from "../security/capability/token.ts";
import { grantAllows } from "../security/grants/grants.ts";
import type { ResourceView } from "../security/intake/amounts.ts";
import { authoriseByToken } from "../security/intake/authority.ts";
import { DEFAULT_LIMITS } from "../security/intake/intake.ts";
import { verifyByRule } from "../security/keys/verify.ts";
import type { Certificate } from "../security/trust/certificate.ts";
import type { Capsule } from "../security/wire/capsule.ts";
import { decodeCapsule } from "../security/wire/decode-capsule.ts";
import { decodeEnvelope, type Envelope } from "../security/wire/envelope.ts";
import { nameOf, signedOf, VerifiedRoots, verifyEnvelope } from "../security/wire/verify-envelope.ts";
import { describeLink, nameOfKeys } from "./cap-show.ts";
import type { Colors, Context } from "./context.ts";
import { formatError } from "./error-output.ts";
import { chainVerifierOf, type KnownTrust, knownTrust } from "./known-trust.ts";
import { padEnd, plain } from "./render/text.ts";

export type Check = {
  readonly step: string;
  readonly verdict: "passed" | "failed" | "not checked";
  readonly note: string;
  readonly code?: string;
};

const passed = (step: string, note: string): Check => ({ step, verdict: "passed", note });
const failed = (step: string, error: CellError): Check => ({
  step,
  verdict: "failed",
  note: formatError(error),
  code: error.code,
});

/** Stops at the first step on which those after it depend. */
export async function checkEnvelope(
  context: Context,
  bytes: Uint8Array,
  options: { readonly subject?: string; readonly at?: string },
): Promise<readonly Check[]> {
  const nowUnixMs = timeOf(options.at);
  const known = await knownTrust(context);
  const { trust } = known;
  const checks: Check[] = [];
  const note = <T>(
    step: string,
    result: Result<T, CellError>,
    describe: (value: T) => string,
  ): T | undefined => {
    checks.push(result.ok ? passed(step, describe(result.value)) : failed(step, result.error));
    return result.ok ? result.value : undefined;
  };
  const envelope = note("envelope", decodeEnvelope(bytes), ({ capsules, proof }) => {
    return `${bytes.length} bytes, ${capsules.length} capsule(s), ${proof.kind === "single" ? "one signature" : "Merkle proof"}`;
  });
  if (envelope === undefined) return checks;
  note(
    "proof",
    verifyEnvelope(envelope, trust.genesis.hash, admittedBy(envelope, trust.genesis.hash)),
    () => `by ${toHex(envelope.issuer).slice(0, 16)}…, for this cell`,
  );
  const certificate = note(
    "issuer",
    trust.byKey(envelope.issuer, nowUnixMs),
    ({ principal, kind, generation }) => {
      return `${kind} ${principal}, generation ${generation}, chained to genesis`;
    },
  );
  for (const [at, each] of envelope.capsules.entries()) {
    const head = envelope.capsules.length === 1 ? "" : `capsule ${at + 1}: `;
    const capsule = note(
      `${head}form`,
      decodeCapsule(each),
      ({ intent, target }) => `${intent} to ${target}`,
    );
    if (capsule !== undefined) {
      checks.push(
        ...checkCapsule(capsule, certificate, { known, nowUnixMs, subject: options.subject }).map(
          (check) => ({
            ...check,
            step: head + check.step,
          }),
        ),
      );
    }
  }
  checks.push({ step: "replay", verdict: "not checked", note: "only a node knows which ids it has seen" });
  return checks;
}

/** What the rule admits though the quick verifier refuses it. */
function admittedBy(envelope: Envelope, genesisHash: Uint8Array): VerifiedRoots {
  const admitted = new VerifiedRoots();
  const signed = signedOf(envelope, genesisHash);
  if (signed !== undefined && verifyByRule(signed.publicKey, signed.message, signed.signature)) {
    admitted.add(nameOf(signed));
  }
  return admitted;
}

type Beside = {
  readonly known: KnownTrust;
  readonly nowUnixMs: number;
  readonly subject: string | undefined;
};

function checkCapsule(
  capsule: Capsule,
  certificate: Certificate | undefined,
  { known, nowUnixMs, subject }: Beside,
): readonly Check[] {
  const { issuedAt, deadlineUnixMs, intent, target, reply, source } = capsule;
  const ageMs = nowUnixMs - issuedAt.unixMs;
  const { windowMs, skewMs } = DEFAULT_LIMITS;
  const checks: Check[] = [];
  if (ageMs > windowMs) {
    checks.push(
      failed(
        "freshness",
        new CellError("CAPSULE_STALE", `it was issued ${ageMs} ms ago, ${windowMs} ms are accepted`),
      ),
    );
  } else if (ageMs < -skewMs) {
    checks.push(
      failed(
        "freshness",
        new CellError("CAPSULE_FROM_FUTURE", `it was issued ${-ageMs} ms ahead of this clock`),
      ),
    );
  } else checks.push(passed("freshness", `issued ${ageMs} ms ago`));
  const leftMs = deadlineUnixMs - nowUnixMs;
  if (leftMs > 0) checks.push(passed("deadline", `${leftMs} ms left`));
  else
    checks.push(failed("deadline", new CellError("CAPSULE_DEADLINE_PASSED", `it passed ${-leftMs} ms ago`)));
  if (subject !== undefined) checks.push(checkSubject(capsule, certificate, subject));
  if (reply !== undefined) return checks;
  if (capsule.capability.length > 0 && certificate !== undefined) {
    return [...checks, ...checkCapability(capsule, certificate, known, nowUnixMs)];
  }
  if (certificate?.kind !== "client" || source !== undefined) {
    return [
      ...checks,
      { step: "authority", verdict: "not checked", note: "an actor's grants are its manifest's" },
    ];
  }
  if (grantAllows(certificate.grants, intent, target))
    return [...checks, passed("authority", "its certificate grants it")];
  const note = "its certificate does not grant it; a manifest may";
  return [...checks, { step: "authority", verdict: "not checked", note }];
}

/** Link by link what authorises it, or at which it stops. */
function checkCapability(
  capsule: Capsule,
  { key, kind }: Certificate,
  known: KnownTrust,
  nowUnixMs: number,
): readonly Check[] {
  if (capsule.source !== undefined && kind === "client") {
    return [failed("authority", new CellError("AUTHORITY_SOURCE_INVALID"))];
  }
  const actor = capsule.source?.actor;
  if (kind !== "client" && actor === undefined)
    return [failed("authority", new CellError("AUTHORITY_SOURCE_INVALID"))];
  const holder = actor === undefined ? key : { actor };
  const ports = { capabilities: chainVerifierOf(known), resources: UNTOLD };
  const allowed = authoriseByToken(capsule, holder, ports, nowUnixMs, 0);
  const untold = [
    ...(known.isWhole ? [] : ["an identity file does not tell what was revoked or withdrawn"]),
    ...(actor === undefined
      ? []
      : [`it is not looked up whether ${actor} is placed on that node, or was taken back`]),
  ];
  const proviso = untold.map((each) => `; ${each}`).join("");
  const verdict = allowed.ok
    ? passed("authority", `${allowed.value.by}${proviso}`)
    : failed("authority", allowed.error);
  const chain = readChain(capsule.capability);
  if (!chain.ok) return [verdict];
  const { links } = chain.value;
  const fault = checkLinks(chain.value, known.trust.genesis.hash);
  const sound = fault === undefined ? links.length : Number(/\d+$/.exec(fault.where ?? "")?.[0] ?? 0);
  const nameOf = nameOfKeys(known, nowUnixMs, actor);
  return [
    ...links.slice(0, sound).map((link, index) => passed(`link ${index}`, describeLink(link, index, nameOf))),
    ...(fault === undefined ? [] : [failed(`link ${sound}`, fault)]),
    verdict,
    ...(allowed.ok ? limitsCheck(chain.value.last.limits) : []),
  ];
}

/** What an intent takes of its token's limits is known where its target is. */
const UNTOLD: ResourceView = { priceOf: () => 0, isKept: () => false, childLimits: () => NO_CHILD };
const NO_CHILD = { memoryBytes: 0, cpuMilli: 0 };

function limitsCheck(limits: ResourceLimits): readonly Check[] {
  const texts = limitTexts(limits);
  if (texts.length === 0) return [];
  const note = `${texts.join(", ")} in all: what is left, and what it takes, its node knows`;
  return [{ step: "limits", verdict: "not checked", note }];
}

function checkSubject(capsule: Capsule, certificate: Certificate | undefined, subject: string): Check {
  if (capsule.reply !== undefined) {
    if (subject === capsule.target) return passed("subject", "the inbox that it names");
    return failed("subject", new CellError("CAPSULE_TARGET_MISMATCH", undefined, { where: subject }));
  }
  const address = parseIntentAddress(subject);
  if (address === undefined)
    return failed("subject", new CellError("CAPSULE_SUBJECT_INVALID", undefined, { where: subject }));
  if (address.target !== capsule.target) {
    return failed("subject", new CellError("CAPSULE_TARGET_MISMATCH", undefined, { where: subject }));
  }
  if (certificate !== undefined && address.principal !== certificate.principal) {
    return failed("subject", new CellError("AUTHORITY_PRINCIPAL_MISMATCH", undefined, { where: subject }));
  }
  return passed("subject", "it is the target's, under its issuer's name");
}

function timeOf(at: string | undefined): number {
  const time = at === undefined ? Date.now() : Date.parse(at);
  if (Number.isNaN(time)) throw new CellError("CLI_USAGE", "the time is not ISO 8601", { where: at ?? "" });
  return time;
}

export function renderChecks(checks: readonly Check[], colors: Colors): string {
  const width = Math.max(...checks.map(({ step }) => step.length));
  const marks = {
    passed: colors.green("ok  "),
    failed: colors.red("fail"),
    "not checked": colors.dim("--  "),
  };
  return checks
    .map(({ step, verdict, note }) => `${marks[verdict]}  ${padEnd(step, width)}  ${plain(note)}`)
    .join("\n");
}
