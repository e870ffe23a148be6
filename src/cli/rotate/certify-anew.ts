// Certifies with the issuer's next key whom the key before had certified: only who was named to whoever
// rotates, as it was then. This node goes first, then the other nodes and the operator: without them nobody
// could go on once the time of the key before is over.

import { equalBytes } from "../../security/bytes.ts";
import type { SigningKey } from "../../security/keys/signing-key.ts";
import { type Certificate, issueCertificate } from "../../security/trust/certificate.ts";
import { endingClaims } from "../../security/trust/succession.ts";
import type { Context } from "../context.ts";
import type { KernelClient } from "../kernel-client.ts";
import { type IssuerStanding, isVital, left, named } from "./issuer-standing.ts";
import { isPending, must, publishEverywhere } from "./steps.ts";

export type Renewal = {
  readonly standing: IssuerStanding;
  /** The issuer's newest certificate, and its key. */
  readonly issuer: Certificate;
  readonly by: SigningKey;
  /** Who was named. */
  readonly listed: readonly Certificate[];
};

/** Says who is to be certified anew, before anybody is asked. */
export function tellListed(context: Context, listed: readonly Certificate[]): void {
  if (listed.length === 0) return;
  const lines = named(listed).map(
    ({ principal, kind, revoked, keyFingerprint }) =>
      `  ${kind} ${principal}, key ${keyFingerprint}${revoked ? ", withdrawn" : ""}`,
  );
  context.note(["To be certified anew:", ...lines].join("\n"));
}

/** A key that was rotated meanwhile would end the one before it at once. */
export const settledOf = (all: readonly Certificate[]): readonly Certificate[] =>
  all.filter((each) => !isPending(each));

/** Those named whom the key before certified still, as they were named. The most needed first. */
export async function waitingOf({ standing, issuer, listed }: Renewal): Promise<readonly Certificate[]> {
  const rank = (each: Certificate) => (each.principal === standing.node ? 0 : isVital(each) ? 1 : 2);
  const waiting = (await left(standing, issuer)).filter((each) =>
    listed.some(({ body }) => equalBytes(body, each.body)),
  );
  return waiting.toSorted((one, other) => rank(one) - rank(other));
}

export const certifiedBy = (by: SigningKey, each: Certificate, { genesis }: IssuerStanding): Certificate =>
  must(issueCertificate(endingClaims(each), by, genesis.hash));

/** Then every node has heard of them: the stream keeps their order. */
export async function certifyAll(
  kernel: KernelClient,
  standing: IssuerStanding,
  by: SigningKey,
  all: readonly Certificate[],
): Promise<void> {
  const made = all.map((each) => certifiedBy(by, each, standing));
  for (const { bytes } of made.slice(0, -1)) await kernel.addCertificate(standing.node, bytes);
  const last = made.at(-1);
  if (last !== undefined) await publishEverywhere(kernel, standing, last);
}
