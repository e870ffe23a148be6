// Approvals: a token can demand that some of the keys that it names agree to it before it counts.
// Each signs the token's hash; whoever has the token can add one.
import { isAscending } from "../../collections/ascending.ts";
import { equalBytes, mapKey } from "../bytes.ts";
import { hasKeyForm } from "../keys/admit-key.ts";
import { SIGNATURE_BYTES } from "../keys/verify.ts";
import type { Token } from "./token.ts";

export const MAX_APPROVERS = 8;

export type ApprovalDemand = {
  /** From 1 to the number of approvers. */
  readonly needed: number;
  /** Keys, ascending. */
  readonly approvers: readonly Uint8Array[];
};

export type Approval = { readonly approver: Uint8Array; readonly signature: Uint8Array };

export const byBytes = (a: Uint8Array, b: Uint8Array): number => (mapKey(a) < mapKey(b) ? -1 : 1);

/** What is wrong with a demand; undefined: nothing. */
export function demandFault({ needed, approvers }: ApprovalDemand): string | undefined {
  if (approvers.length < 1 || approvers.length > MAX_APPROVERS)
    return `it names none or more than ${MAX_APPROVERS} approvers`;
  if (needed < 1 || needed > approvers.length)
    return "it needs no approval, or more than there are approvers";
  if (!approvers.every(hasKeyForm)) return "an approver is not an acceptable key";
  return isAscending(approvers.map(mapKey)) ? undefined : "its approvers are not in their order, each once";
}

/** What is wrong with the approvals of a token; undefined: nothing in their form. */
export function approvalsFault(
  approvals: readonly Approval[],
  demand: ApprovalDemand | undefined,
): string | undefined {
  if (!isAscending(approvals.map(({ approver }) => mapKey(approver))))
    return "its approvals are not in their order, each once";
  const isAsked = (key: Uint8Array): boolean =>
    demand?.approvers.some((approver) => equalBytes(approver, key)) === true;
  if (!approvals.every(({ approver }) => isAsked(approver)))
    return "it has the approval of somebody whom it does not ask";
  return approvals.every(({ signature }) => signature.length === SIGNATURE_BYTES)
    ? undefined
    : "an approval's signature must be 64 bytes";
}

/** How many approvals a token still needs; of its approvers those count that `counts` says. */
export function missingApprovals(
  { approval, approvals }: Pick<Token, "approval" | "approvals">,
  counts: (approver: Uint8Array) => boolean = () => true,
): number {
  if (approval === undefined) return 0;
  return Math.max(0, approval.needed - approvals.filter(({ approver }) => counts(approver)).length);
}
