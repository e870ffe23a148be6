// The authority stage: whether the issuer, whose signature is verified by now,
// may send this intent to this target. What nothing allows is refused.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { type Grant, grantAllows } from "../grants/grants.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Capsule, Source } from "../wire/capsule.ts";

export type AuthorityPorts = {
  /** Node that an actor is placed on, kernel actors included; undefined: there is no such actor. */
  readonly placementOf: (path: string) => string | undefined;
  /** What the manifest, or the kernel for its own, grants to an actor. */
  readonly actorGrants: (path: string) => readonly Grant[];
  /** What the manifest grants to a client by its name. */
  readonly clientGrants: (principal: string) => readonly Grant[];
  /** Epoch of a principal's authority. */
  readonly currentEpoch: (principal: string) => number;
};

/** What allows it, in words for the record. */
export function authorise(
  capsule: Capsule,
  certificate: Certificate,
  ports: AuthorityPorts,
): Result<string, CellError> {
  const stale = checkEpoch(capsule.epoch, ports.currentEpoch(certificate.principal));
  if (stale !== undefined) return err(stale);
  switch (certificate.kind) {
    case "client":
      return authoriseClient(capsule, certificate, ports);
    case "node":
      return authoriseNode(capsule, certificate, ports);
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
  { principal, generation, grants }: Certificate,
  ports: AuthorityPorts,
): Result<string, CellError> {
  if (capsule.source !== undefined) {
    return err(new CellError("AUTHORITY_SOURCE_INVALID", "a client speaks for no actor"));
  }
  if (grantAllows(grants, capsule.intent, capsule.target)) {
    return ok(`client certificate ${principal}/${generation}`);
  }
  if (grantAllows(ports.clientGrants(principal), capsule.intent, capsule.target)) {
    return ok(`manifest's grant to client ${principal}`);
  }
  return forbidden(`client \`${principal}\``, capsule);
}

function authoriseNode(
  capsule: Capsule,
  { principal }: Certificate,
  ports: AuthorityPorts,
): Result<string, CellError> {
  const source: Source | undefined = capsule.source;
  if (source === undefined)
    return err(new CellError("AUTHORITY_SOURCE_INVALID", "the capsule names no actor"));
  if (ports.placementOf(source.actor) !== principal) {
    const what = `\`${source.actor}\` is not placed on node \`${principal}\``;
    return err(new CellError("AUTHORITY_SOURCE_INVALID", what));
  }
  if (grantAllows(ports.actorGrants(source.actor), capsule.intent, capsule.target)) {
    return ok(`grant of ${source.actor}`);
  }
  return forbidden(`\`${source.actor}\``, capsule);
}

const forbidden = (who: string, { intent, target }: Capsule) =>
  err(new CellError("AUTHORITY_INTENT_FORBIDDEN", `${who} may not send \`${intent}\` to \`${target}\``));
