import { defineErrors } from "../error-definition.ts";

/** Who may do what: keys, certificates, grants, epochs, identities, revisions. */
export const authorityErrors = defineErrors({
  AUTHORITY_KEY_INVALID: {
    title: "the key is not an acceptable Ed25519 key",
    cause: "It has not 32 bytes, is not a point of the curve in canonical form, or has small order.",
    remedy: "Make a new key.",
    retry: "never",
  },
  AUTHORITY_GENESIS_INVALID: {
    title: "the genesis is not valid",
    cause: "The file is damaged, or was not made by this software.",
    remedy: "Restore genesis.bin from a backup; a cell cannot change its genesis.",
    retry: "never",
  },
  AUTHORITY_CERTIFICATE_INVALID: {
    title: "the certificate is not valid",
    cause: "Its form is damaged, or a field breaks the rule for its kind of principal.",
    remedy: "Issue it anew.",
    retry: "never",
  },
  AUTHORITY_CERTIFICATE_FORGED: {
    title: "the certificate's signature is not valid",
    cause: "It was signed by another key, for another cell, or was altered.",
    remedy: "Issue it anew with this cell's issuer.",
    retry: "never",
  },
  AUTHORITY_CONTINUITY_INVALID: {
    title: "the certificate's proof of continuity is not valid",
    cause:
      "It says that its key follows another one, and that key did not sign it: another did, or it signed another certificate, or one of another cell.",
    remedy: "Rotate the key again (`cell0 keys rotate`), or replace it without continuity (`--replace`).",
    retry: "never",
  },
  AUTHORITY_CERTIFICATE_EXPIRED: {
    title: "the certificate has expired",
    cause: "Its validity has ended, or this machine's clock is wrong.",
    remedy: "Have a new certificate issued.",
    retry: "never",
  },
  AUTHORITY_CERTIFICATE_NOT_YET_VALID: {
    title: "the certificate is not valid yet",
    cause: "Its validity begins later, or this machine's clock is behind.",
    remedy: "Wait, or check the clocks.",
    retry: "never",
  },
  AUTHORITY_REVOKED: {
    title: "the principal was withdrawn",
    cause: "The newest certificate of this principal revokes it.",
    remedy: "Have a new certificate issued under a higher generation.",
    retry: "never",
  },
  AUTHORITY_ISSUER_UNKNOWN: {
    title: "the key is not known to this cell",
    cause: "No certificate that counts today names this key.",
    remedy: "Add the client with `cell0 client add`, or use its newest credentials.",
    retry: "never",
  },
  AUTHORITY_CHAIN_BROKEN: {
    title: "the certificate does not chain to genesis",
    cause: "The issuer that signed it is unknown, expired or withdrawn.",
    remedy: "Have the certificate issued anew by an issuer that is valid.",
    retry: "never",
  },
  AUTHORITY_KIND_FORBIDDEN: {
    title: "a key was used for what its kind may not do",
    cause:
      "Genesis certifies issuers only, issuers certify nodes and clients only, and only nodes and clients send capsules.",
    remedy: "Use the key of the right kind.",
    retry: "never",
  },
  AUTHORITY_GENERATION_SUPERSEDED: {
    title: "a newer certificate of this principal is known",
    cause: "The highest generation counts; a lower one never replaces it.",
    remedy: "Use the newest certificate, or issue one with a higher generation.",
    retry: "never",
  },
  AUTHORITY_GENERATION_CONFLICT: {
    title: "two different certificates carry the same generation",
    cause: "A generation was issued twice for this principal; the first one stands.",
    remedy: "Issue a certificate with a higher generation.",
    retry: "never",
  },
  AUTHORITY_PRINCIPAL_TAKEN: {
    title: "the name or key belongs to another principal",
    cause: "A principal keeps its kind, and a key belongs to one principal only.",
    remedy: "Choose another name, or make a new key.",
    retry: "never",
  },
  AUTHORITY_TRUST_FULL: {
    title: "the cell knows too many principals",
    cause: "The bound on certificates held has been reached.",
    remedy: "Remove certificates that are no longer needed.",
    retry: "never",
  },
  AUTHORITY_PRINCIPAL_MISMATCH: {
    title: "the signing key belongs to another principal than the subject names",
    cause: "A capsule signed by one principal was published under another's name.",
    remedy: "Publish under the name in the certificate.",
    retry: "never",
  },
  AUTHORITY_INTENT_FORBIDDEN: {
    title: "the sender may not send this intent to this target",
    cause: "No grant of its certificate or of the manifest allows it.",
    remedy:
      "Grant it in the manifest (`grants`, or `clients` for a client), or have a certificate issued with it.",
    retry: "never",
  },
  AUTHORITY_SOURCE_INVALID: {
    title: "the sending actor is not the key's to speak for",
    cause: "A node's capsule must name an actor that is placed on that node; a client's must name none.",
    remedy: "Send from the actor's own node, or leave `source` unset.",
    retry: "never",
  },
  AUTHORITY_EPOCH_STALE: {
    title: "the authority's epoch is over",
    cause: "The epoch of this scope was raised, which withdrew all that was issued before.",
    remedy: "Obtain new authority, and send with the current epoch.",
    retry: "never",
  },
  AUTHORITY_EPOCH_UNKNOWN: {
    title: "the capsule claims an epoch that has not begun",
    cause: "Its epoch is higher than the one this node knows.",
    remedy:
      "Send with the current epoch, 0 unless it was raised; or try again when this node has heard of it.",
    retry: "never",
  },
  AUTHORITY_GRANT_INVALID: {
    title: "the grant's pattern is not valid",
    cause: "Patterns are tokens of [a-z0-9-]; `*` stands for one token, a last `**` for one or more.",
    remedy: "Correct the pattern that is named.",
    retry: "never",
  },
  AUTHORITY_IDENTITY_INVALID: {
    title: "the identity file is not valid",
    cause: "A part of it is missing, damaged, or does not fit the others.",
    remedy: "Have the file issued anew with `cell0 client add`.",
    retry: "never",
  },
  AUTHORITY_REVISION_INVALID: {
    title: "the revision is not valid",
    cause: "It is damaged, or was not signed by a node of this cell.",
    remedy: "Apply the manifest again; if it comes back, look who can write to the revisions stream.",
    retry: "never",
  },
});
