import { defineErrors } from "../error-definition.ts";

/** Capsules and envelopes: their form, proof, freshness, replay and replies. */
export const capsuleErrors = defineErrors({
  CAPSULE_TOO_LARGE: {
    title: "the message is too large",
    cause: "A NATS message holds at most 1 MiB, one capsule in it at most 80 KiB.",
    remedy: "Send fewer capsules in one message, or smaller payloads.",
    retry: "never",
  },
  CAPSULE_MALFORMED: {
    title: "the bytes are not a well-formed message",
    cause:
      "They are no protobuf, a field has the wrong type, repeats when it may not, is unknown here, or occurs too often.",
    remedy:
      "Build the message from proto/cell0/v1/capsule.proto; set each field once and no field beyond it.",
    retry: "never",
  },
  CAPSULE_FIELD_INVALID: {
    title: "a field of the capsule is outside its bounds",
    cause: "A name, id, number or text breaks the rule that capsule.proto states for it.",
    remedy: "Correct the field that is named.",
    retry: "never",
  },
  CAPSULE_PAYLOAD_TOO_LARGE: {
    title: "the payload is larger than 64 KiB",
    cause: "A capsule carries at most 64 KiB.",
    remedy: "Send less, or cut it into several intents.",
    retry: "never",
  },
  CAPSULE_CAPABILITY_NOT_BUILT_YET: {
    title: "this capability needs what this version does not have",
    cause: "A link of it is of kind `federation`, another cell's: cells are not joined to others yet.",
    remedy: "Use a token of this cell's, as `cell0 cap mint` makes it.",
    retry: "never",
  },
  CAPSULE_HOPS_EXHAUSTED: {
    title: "the chain of intents is too long",
    cause: "Every send that is caused by an intent takes one off its hop limit, and none is left.",
    remedy:
      "Look for actors that send to each other in a circle, or start with a higher hop limit (at most 64).",
    retry: "never",
  },
  CAPSULE_ALGORITHM_UNKNOWN: {
    title: "the signature algorithm is unknown",
    cause: "Only ALGORITHM_ED25519 is known.",
    remedy: "Sign with Ed25519 and say so in `algorithm`.",
    retry: "never",
  },
  CAPSULE_PROOF_INVALID: {
    title: "the proof does not fit the envelope",
    cause:
      "It is missing, has the wrong shape, or its Merkle path does not lead from these capsules to its root.",
    remedy: "Send the capsules exactly as they were signed, in order, with the proof made for them.",
    retry: "never",
  },
  CAPSULE_SIGNATURE_INVALID: {
    title: "the signature is not valid",
    cause: "It was made with another key, for another cell, or over other bytes.",
    remedy: "Sign the bytes that are sent, with the issuer's key and this cell's genesis hash.",
    retry: "never",
  },
  CAPSULE_SIGNATURE_UNDECIDED: {
    title: "whether the signature is valid was not decided",
    cause:
      "It is none that an ordinary signer makes, and too many such were looked at just now, or the Rust core did not answer.",
    remedy: "Sign as RFC 8032 says, with a library that does; or send it again later.",
    retry: "backoff",
  },
  CAPSULE_SUBJECT_INVALID: {
    title: "the subject is not one of this cell's intent subjects",
    cause: "It is not of the form cell0.v1.<cell>.in.<principal>.<path>, or names another cell.",
    remedy: "Publish to cell0.v1.<cell>.in.<own principal>.<path with dots>.",
    retry: "never",
  },
  CAPSULE_TARGET_MISMATCH: {
    title: "the capsule's target is not the subject's",
    cause: "The signed target differs from the path on the subject that it came by.",
    remedy: "Publish each capsule to the subject of its own target.",
    retry: "never",
  },
  CAPSULE_NOT_AN_INTENT: {
    title: "a reply was sent where an intent is expected",
    cause: "The capsule's `reply` is set; replies go to inboxes only.",
    remedy: "Leave `reply` unset in an intent.",
    retry: "never",
  },
  CAPSULE_INBOX_FOREIGN: {
    title: "the reply inbox is not the sender's own",
    cause: "`reply_inbox` is not below cell0.v1.<cell>.inbox.<principal of the issuer>.",
    remedy: "Name an inbox below the sender's own prefix, or none.",
    retry: "never",
  },
  CAPSULE_DEADLINE_PASSED: {
    title: "the deadline has passed",
    cause: "The capsule arrived after its deadline, or the clocks of sender and node differ.",
    remedy: "Send again with a later deadline; check the sender's clock.",
    retry: "anew",
  },
  CAPSULE_DEADLINE_TOO_FAR: {
    title: "the deadline is too far ahead",
    cause: "A node accepts deadlines up to one hour ahead.",
    remedy: "Use a nearer deadline.",
    retry: "never",
  },
  CAPSULE_STALE: {
    title: "the capsule was issued too long ago",
    cause: "A capsule is accepted within 30 s of its issue, so that replays can be told from new ones.",
    remedy: "Send a new capsule; check the sender's clock.",
    retry: "anew",
  },
  CAPSULE_FROM_FUTURE: {
    title: "the capsule was issued in the future",
    cause: "The sender's clock is ahead of this node's by more than the 5 s that are tolerated.",
    remedy: "Set the sender's clock.",
    retry: "anew",
  },
  CAPSULE_ISSUED_BEFORE_START: {
    title: "the capsule was issued before this node started",
    cause: "A node that has just started no longer knows which earlier capsules it has seen.",
    remedy: "Send it again as a new capsule.",
    retry: "anew",
  },
  CAPSULE_ID_REUSED: {
    title: "the id was used before, for another capsule",
    cause: "The same issuer sent other bytes under this id.",
    remedy: "Give every capsule an id of its own, a UUIDv7.",
    retry: "never",
  },
  CAPSULE_REPEATED_TOO_OFTEN: {
    title: "the capsule was sent too many times",
    cause: "A capsule that was handled is answered again at most 16 times.",
    remedy: "Wait for the reply to the first one; send a new capsule if it was lost.",
    retry: "never",
  },
  CAPSULE_REPLAY_WINDOW_FULL: {
    title: "too many capsules of this sender are remembered",
    cause:
      "The node remembers each id until it can no longer be replayed, and the sender's share is used up.",
    remedy: "Send slower, or with nearer deadlines; try again later.",
    retry: "backoff",
  },
  CAPSULE_REPLY_NOT_KEPT: {
    title: "the capsule was handled before, and its reply is no longer kept",
    cause: "Stored replies have reached their bound; the intent is not begun a second time.",
    remedy: "Ask the target for its state, or send a new capsule if handling it twice is harmless.",
    retry: "never",
  },
  CAPSULE_REPLY_UNBOUND: {
    title: "the reply does not belong to this request",
    cause: "It names another request, another inbox, or was not signed by a node of the cell.",
    remedy: "Discard it; see who publishes to this inbox.",
    retry: "never",
  },
  CAPSULE_REPLY_GAP: {
    title: "a reply of the stream is missing",
    cause: "Core NATS delivers at most once; a reply was lost on the way.",
    remedy: "Send the request again with the same capsule: the replies that are stored are sent again.",
    retry: "anew",
  },
  CAPSULE_CLOCK_DRIFT: {
    title: "a remote clock is too far ahead",
    cause: "A timestamp lies further ahead of this machine's clock than is tolerated.",
    remedy: "Set the clocks of both machines.",
    retry: "anew",
  },
  CAPSULE_REMOTE_ERROR: {
    title: "the other side answered with an error that this version does not know",
    cause: "It runs another version; its code is given in the message.",
    remedy: "Look the code up in the documentation of the version that runs there.",
    retry: "never",
  },
  CAPSULE_INTAKE_FAILED: {
    title: "the node failed while it judged the capsule",
    cause: "A defect in the node, or a part of it that is not up; the capsule was not accepted.",
    remedy: "Try again later, and report it with the node's log.",
    retry: "anew",
  },
});
