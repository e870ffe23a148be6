// The authority stage: whether the issuer, whose signature is verified by now,
// may send this intent to this target. What nothing allows is refused.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { isJsonType, readJsonPayload } from "../../wire/json-payload.ts";
import { toHex } from "../bytes.ts";
import { type ChainVerifier, unbuilt } from "../capability/chain-verifier.ts";
import type { Holder } from "../capability/holder.ts";
import { permits } from "../capability/permits.ts";
import { LIMIT_NAMES, type LimitName, type Token } from "../capability/token.ts";
import { type Grant, grantAllows } from "../grants/grants.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Capsule, Source } from "../wire/capsule.ts";
import { amountsOf, type ResourceView } from "./amounts.ts";

export type Granted = {
  readonly grants: readonly Grant[];
  /** The capability that they are; absent: the kernel's own, which nothing revokes. */
  readonly capability?: {
    /** Its hash, hex. */
    readonly name: () => string;
    /** What stands against it now. */
    readonly fault: () => CellError | undefined;
  };
};

export const NOTHING_GRANTED: Granted = { grants: [] };

export type AuthorityPorts = {
  /** Node that an actor is placed on, kernel actors included; undefined: there is no such actor. */
  readonly placementOf: (path: string) => string | undefined;
  /** What the manifest, or the kernel for its own, grants to an actor. */
  readonly actorGrants: (path: string) => Granted;
  /** What each graph grants to a client by its name. */
  readonly clientGrants: (principal: string) => readonly Granted[];
  /** Epoch of a principal's authority. */
  readonly currentEpoch: (principal: string) => number;
  /** Judges chains of capability tokens. */
  readonly capabilities: Pick<ChainVerifier, "verify">;
  /** What intents take of what tokens limit. */
  readonly resources: ResourceView;
};

export type Authority = {
  /** What allows it, in words for the record. */
  readonly by: string;
  /**
   * Hash of a token that serves once, to be spent before the intent is begun: of the first link that
   * does, since whatever was narrowed from it serves no further intent.
   */
  readonly once?: Uint8Array;
  /** What is to be counted before the intent is begun. */
  readonly counted?: CountedUse;
};

/** What one intent takes of the limits of a chain's links, which they share with whatever was narrowed from them. */
export type CountedUse = {
  /** Hash of the chain's root, limited or not. */
  readonly root: Uint8Array;
  readonly links: readonly {
    /** Its hash. */
    readonly token: Uint8Array;
    readonly limit: LimitName;
    /** In all. */
    readonly most: number;
    /** Of this intent; more than 0. */
    readonly amount: number;
    readonly notAfterUnixMs: number;
  }[];
};

/** @param bytes of the capsule as it came */
export function authorise(
  capsule: Capsule,
  certificate: Certificate,
  ports: AuthorityPorts,
  nowUnixMs: number,
  bytes: number,
): Result<Authority, CellError> {
  const stale = checkEpoch(capsule.epoch, ports.currentEpoch(certificate.principal));
  if (stale !== undefined) return err(stale);
  switch (certificate.kind) {
    case "client":
      return authoriseClient(capsule, certificate, ports, nowUnixMs, bytes);
    case "node":
      return authoriseNode(capsule, certificate, ports, nowUnixMs, bytes);
    case "issuer":
      return err(new CellError("AUTHORITY_KIND_FORBIDDEN", "an issuer's key sends no capsules"));
  }
}

function checkEpoch(claimed: number, current: number): CellError | undefined {
  if (claimed === current) return undefined;
  const code = claimed < current ? "AUTHORITY_EPOCH_STALE" : "AUTHORITY_EPOCH_UNKNOWN";
  return new CellError(code, `the capsule's epoch is ${claimed}, the current one ${current}`);
}

function authoriseClient(
  capsule: Capsule,
  { principal, generation, grants, key }: Certificate,
  ports: AuthorityPorts,
  nowUnixMs: number,
  bytes: number,
): Result<Authority, CellError> {
  if (capsule.source !== undefined) {
    return err(new CellError("AUTHORITY_SOURCE_INVALID", "a client speaks for no actor"));
  }
  if (capsule.capability.length > 0) return authoriseByToken(capsule, key, ports, nowUnixMs, bytes);
  if (grantAllows(grants, capsule.intent, capsule.target)) {
    return ok({ by: `client certificate ${principal}/${generation}` });
  }
  return authoriseByManifest(ports.clientGrants(principal), { name: principal, kind: "client " }, capsule);
}

/**
 * What carries a token rests on that alone: its issuer's other grants widen it by nothing.
 * @param bytes of the capsule as it came
 */
export function authoriseByToken(
  { capability, intent, target, payload, contentType, deadlineUnixMs }: Capsule,
  holder: Holder,
  { capabilities, resources }: Pick<AuthorityPorts, "capabilities" | "resources">,
  nowUnixMs: number,
  bytes: number,
): Result<Authority, CellError> {
  const chain = capabilities.verify(capability, holder, nowUnixMs);
  if (!chain.ok) return chain;
  const { links, last, root } = chain.value;
  const missing = unbuilt(chain.value);
  if (missing !== undefined) return err(missing);
  if (deadlineUnixMs > last.notAfterUnixMs) {
    const remedy = "Give the intent less time (`--timeout`), or ask for a new token.";
    return err(new CellError("CAPABILITY_EXPIRED", "the intent's deadline lies beyond its end", { remedy }));
  }
  const json = () => jsonOf(payload, contentType);
  const refused = permits(last, intent, target, json);
  if (refused !== undefined) return err(refused);
  // The last link is limited in all that a link before it is.
  const amounts = amountsOf(last.limits, { intent, target, json, bytes }, resources);
  if (!amounts.ok) return amounts;
  const by = `capability ${toHex(last.hash)} of ${toHex(root.hash)}`;
  const once = links.find(({ kind }) => kind === "ephemeral");
  const counted = LIMIT_NAMES.flatMap((limit) => countedLinks(links, limit, amounts.value[limit]));
  return ok({
    by,
    ...(once && { once: once.hash }),
    ...(counted.length > 0 && { counted: { root: root.hash, links: counted } }),
  });
}

/** Those that allow less than every link before them: what allows no less is not used up sooner. */
function countedLinks(links: readonly Token[], limit: LimitName, amount = 0): CountedUse["links"] {
  if (amount === 0) return [];
  let least = Number.POSITIVE_INFINITY;
  return links.flatMap(({ hash: token, notAfterUnixMs, limits }) => {
    const most = limits[limit] ?? Number.POSITIVE_INFINITY;
    if (most >= least) return [];
    least = most;
    return [{ token, limit, most, amount, notAfterUnixMs }];
  });
}

/** As its actor will read it; undefined: it is no JSON, and meets no constraint. */
function jsonOf(payload: Uint8Array, contentType: string): unknown {
  const read = isJsonType(contentType) ? readJsonPayload(payload) : undefined;
  return read?.ok === true ? read.value : undefined;
}

function authoriseNode(
  capsule: Capsule,
  { principal }: Certificate,
  ports: AuthorityPorts,
  nowUnixMs: number,
  bytes: number,
): Result<Authority, CellError> {
  const source: Source | undefined = capsule.source;
  if (source === undefined)
    return err(new CellError("AUTHORITY_SOURCE_INVALID", "the capsule names no actor"));
  if (ports.placementOf(source.actor) !== principal) {
    const what = `\`${source.actor}\` is not placed on node \`${principal}\``;
    return err(new CellError("AUTHORITY_SOURCE_INVALID", what));
  }
  const granted = ports.actorGrants(source.actor);
  if (capsule.capability.length === 0) {
    return authoriseByManifest([granted], { name: source.actor, kind: "" }, capsule);
  }
  // Of whom the cell has taken back what it was granted sends nothing, whoever's token it was given.
  const fault = granted.capability?.fault();
  return fault === undefined
    ? authoriseByToken(capsule, { actor: source.actor }, ports, nowUnixMs, bytes)
    : err(fault);
}

/** By the first that allows it and counts; if none counts, what stands against the last. */
function authoriseByManifest(
  granted: readonly Granted[],
  { name, kind }: { readonly name: string; readonly kind: string },
  capsule: Capsule,
): Result<Authority, CellError> {
  let fault: CellError | undefined;
  for (const { grants, capability } of granted) {
    if (!grantAllows(grants, capsule.intent, capsule.target)) continue;
    fault = capability?.fault();
    if (fault !== undefined) continue;
    const what = capability === undefined ? "grant" : `capability ${capability.name()}`;
    return ok({ by: `${what} of ${kind}${name}` });
  }
  return fault === undefined ? forbidden(`${kind}\`${name}\``, capsule) : err(fault);
}

const forbidden = (who: string, { intent, target }: Capsule) =>
  err(new CellError("AUTHORITY_INTENT_FORBIDDEN", `${who} may not send \`${intent}\` to \`${target}\``));
