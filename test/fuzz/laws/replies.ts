// Whatever comes to an inbox, a requester opens the very replies that a node signed, or refuses
// with a code.
import { toHex } from "../../../src/security/bytes.ts";
import { openReplies } from "../../../src/security/replies/open-replies.ts";
import { encodeCapsule } from "../../../src/security/wire/encode-capsule.ts";
import { MAX_ENVELOPE_BYTES } from "../../../src/security/wire/envelope.ts";
import { sealBatch, sealOne } from "../../../src/security/wire/seal.ts";
import { VerifiedRoots } from "../../../src/security/wire/verify-envelope.ts";
import {
  bytesOf,
  genesis,
  INBOX,
  keys,
  must,
  NOW,
  sealingOf,
  trustStore,
} from "../../security/cell-fixture.ts";
import { accepted, codeOf, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { targetOf } from "../target.ts";

const replies = [0, 1, 2].map((index) => {
  const part = { requestId: new Uint8Array(16).fill(2), requestHash: new Uint8Array(32), turnedAway: 0 };
  const reply = { ...part, index, final: index === 2, error: undefined };
  return bytesOf({ id: new Uint8Array(16).fill(64 + index), target: INBOX, replyInbox: "", reply });
});
const signed: ReadonlySet<string> = new Set(replies.map(toHex));
const samples = [
  ...replies.map((bytes) => sealOne(bytes, sealingOf(keys.nodeA))),
  ...sealBatch([replies.slice(0, 2), replies.slice(2)], sealingOf(keys.nodeA), 9n),
];
const trust = trustStore();
const roots = new VerifiedRoots(2);

export const repliesToRequests = targetOf<Mutant>({
  name: "replies",
  inputs: mutants(samples, MAX_ENVELOPE_BYTES),
  check: ({ bytes }, saw) => {
    const known = { genesisHash: genesis.hash, trust };
    const first = openReplies(bytes, INBOX, known, NOW);
    for (const { capsule } of accepted(first, saw) ?? [])
      demand(signed.has(toHex(must(encodeCapsule(capsule)))), "nobody signed what is opened");
    const again = openReplies(bytes, INBOX, { ...known, roots }, NOW);
    const isSame = first.ok ? again.ok : !again.ok && codeOf(again.error) === codeOf(first.error);
    demand(isSame, "what was verified before changes a verdict");
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPSULE_SIGNATURE_INVALID", "CAPSULE_MALFORMED"],
  testRuns: 600,
});
