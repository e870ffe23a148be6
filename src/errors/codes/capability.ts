import { defineErrors } from "../error-definition.ts";

/** Capability tokens: their form, their chain, and what they allow. */
export const capabilityErrors = defineErrors({
  CAPABILITY_MALFORMED: {
    title: "the capability token cannot be read",
    cause: "It is no chain of tokens, is too large, or a field is outside its bounds or unknown here.",
    remedy: "Use the token as it was given; make a narrower one with `cell0 cap attenuate`.",
    retry: "never",
  },
  CAPABILITY_KINDS_MIXED: {
    title: "one token would reach the kernel's own actors and those of graphs",
    cause:
      "A client's token is of kind `system`, and all its targets begin with `kernel/`, or of kind `user`, and none does.",
    remedy: "Mint two tokens: one for the targets that begin with `kernel/`, one for the others.",
    retry: "never",
  },
  CAPABILITY_CHAIN_BROKEN: {
    title: "the links of the capability do not follow each other",
    cause:
      "A link names another parent than the link before it, was not signed by the key that holds that one, or follows one that an actor holds.",
    remedy:
      "Hand on the whole chain, in order, each link signed by the holder of the one before; an actor hands nothing on.",
    retry: "never",
  },
  CAPABILITY_SIGNATURE_INVALID: {
    title: "a signature of the capability is not valid",
    cause: "A link was changed after it was signed, or was made for another cell.",
    remedy: "Use the token as it was given, in the cell that it was minted in.",
    retry: "never",
  },
  CAPABILITY_AUTHORITY_UNKNOWN: {
    title: "the capability does not begin at this cell's authority",
    cause: "The key that signed its root is not certified as an issuer, or no longer is.",
    remedy: "Ask the cell for a token: `cell0 cap mint`.",
    retry: "never",
  },
  CAPABILITY_WIDENED: {
    title: "a link of the capability allows more than the one before it",
    cause:
      "A token can only be narrowed: intents, targets, constraints, limits, time, depth and kind, each within its parent's.",
    remedy: "Make the link narrower than its parent in what is named, or ask for a wider root.",
    retry: "never",
  },
  CAPABILITY_NOT_YET_VALID: {
    title: "the capability is not valid yet",
    cause: "Its not-before lies ahead of this clock.",
    remedy: "Wait until then, or correct the clock.",
    retry: "never",
  },
  CAPABILITY_EXPIRED: {
    title: "the capability has expired",
    cause: "Its not-after has passed.",
    remedy: "Ask for a new one.",
    retry: "never",
  },
  CAPABILITY_EPOCH_STALE: {
    title: "the capability is of another epoch than its scope",
    cause:
      "The scope's epoch has been raised since the token was minted, or since the graph of that name granted it.",
    remedy: "Ask for a new one, if the scope is still yours.",
    retry: "never",
  },
  CAPABILITY_REVOKED: {
    title: "the capability has been revoked",
    cause:
      "It, or a link that it came from, is on the cell's list of revoked tokens; or what a manifest grants to the sender was taken back.",
    remedy: "Ask for a new one; `cell0 cap list` says what is revoked.",
    retry: "never",
  },
  CAPABILITY_NOT_APPROVED: {
    title: "the capability is not approved yet",
    cause:
      "It, or a link that it came from, demands approvals that are missing, or of keys that count no more.",
    remedy: "Have it approved by those whom `cell0 cap show FILE` names: `cell0 cap approve FILE`.",
    retry: "never",
  },
  CAPABILITY_APPROVER_UNASKED: {
    title: "the capability does not ask for this approval",
    cause: "None of its links names the key as one that is to approve it.",
    remedy: "Approve with the key that it names (`--creds FILE`): `cell0 cap show FILE` says which.",
    retry: "never",
  },
  CAPABILITY_SPENT: {
    title: "the capability has served already",
    cause:
      "It serves one intent, or has limits, with whatever was narrowed from it, and the intents that came before have left less than this one takes.",
    remedy: "Have another one made; `cell0 cap show FILE` says what its limits are.",
    retry: "never",
  },
  CAPABILITY_PRICE_UNSTATED: {
    title: "the capability limits cost, and nothing says what this intent costs",
    cause: "The target's manifest states no price for the intent, so that it could not be charged.",
    remedy:
      "State it in the manifest, at the actor that it is sent to: `intents: { INTENT: { cost: 0.25 } }`, or `cost: 0` where it is free; or use a token without a limit of cost.",
    retry: "never",
  },
  CAPABILITY_CHILD_UNLIMITED: {
    title: "the capability limits what agents may have, and this one would have no limit",
    cause:
      "The supervisor's template runs in `shared` isolation, or states no processors, so that what its children take could not be counted.",
    remedy:
      "Give the template `isolation: process` and `limits: { memory: 256MiB, cpu: 0.5 }` in the manifest; or use a token without that limit.",
    retry: "never",
  },
  CAPABILITY_REVOCATIONS_UNHEARD: {
    title: "this node does not know what is revoked now",
    cause:
      "For 5 s it has not heard the node of the capability authority, or it lacks the record that this one has; for what manifests grant, for 10 minutes.",
    remedy:
      "Send it again later; when it stays so, see whether the node that owns shard 0 runs: `cell0 get nodes`.",
    retry: "backoff",
  },
  CAPABILITY_REVOCATIONS_FULL: {
    title: "no more can be revoked one by one",
    cause:
      "The list of a cell holds 4,096 tokens that have not ended, 1,024 of them by their hash alone, and epochs of 256 scopes.",
    remedy: "Raise the epoch of a scope, which voids all of its tokens: `cell0 cap revoke --scope NAME`.",
    retry: "never",
  },
  CAPABILITY_REVOCATIONS_UNWRITTEN: {
    title: "what was revoked is not written everywhere",
    cause:
      "It is in force at the capability authority's node, but its disk or the broker did not take it: other nodes let no token count until they have it.",
    remedy:
      "See to disk and broker. The node tries again by itself each second; ask again to hear that it is done.",
    retry: "anew",
  },
  CAPABILITY_REVOCATIONS_INVALID: {
    title: "a record of revocations does not count",
    cause:
      "It is damaged, was not signed by a node that was certified for shard 0, or names an epoch far ahead.",
    remedy:
      "When it stays so, somebody writes to the cell's broker who should not: see who has its credentials.",
    retry: "never",
  },
  CAPABILITY_HOLDER_MISMATCH: {
    title: "the capability is held by another",
    cause:
      "Its last link names another holder than who sent the intent: another key, another actor, or an actor where a client sent it.",
    remedy:
      "Sign with the holder's key (`--creds FILE`), or have the token narrowed to yours; an actor uses one that was narrowed to it: `cell0 cap attenuate FILE --holder PATH`.",
    retry: "never",
  },
  CAPABILITY_HOLDER_WITHDRAWN: {
    title: "the capability passed through a key that counts no more",
    cause: "Whoever handed it on has been withdrawn, has another key now, or was never certified.",
    remedy: "Ask for one that comes another way.",
    retry: "never",
  },
  CAPABILITY_UNDECIDED: {
    title: "the capability was not looked at",
    cause:
      "Too many new ones of this holder, or in all, came within a second; or whether one that serves once, or so many times, has served could not be told.",
    remedy: "Use one token for many intents; or send it again later.",
    retry: "backoff",
  },
  CAPABILITY_INTENT_FORBIDDEN: {
    title: "the capability does not allow this intent to this target",
    cause: "None of its permissions names both.",
    remedy: "Ask for a token that does: `cell0 cap show FILE` says what this one allows.",
    retry: "never",
  },
  CAPABILITY_ARGUMENT_FORBIDDEN: {
    title: "the capability does not allow this payload",
    cause: "A constraint on a part of the payload does not hold, or that part is missing.",
    remedy: "Send what the constraint allows: `cell0 cap show FILE` says it.",
    retry: "never",
  },
});
