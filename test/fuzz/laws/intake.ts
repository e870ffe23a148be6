// Whatever the bytes, intake comes to verdicts: coded refusals, or the very capsules that were
// signed, each once. One that has seen much and one that has seen nothing come to the same.
import { isDeepStrictEqual } from "node:util";
import { sha256, toHex } from "../../../src/security/bytes.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { createIntake } from "../../../src/security/intake/intake.ts";
import type { Verdict } from "../../../src/security/intake/verdict.ts";
import { ReplayWindow } from "../../../src/security/replay/replay-window.ts";
import { MAX_ENVELOPE_BYTES } from "../../../src/security/wire/envelope.ts";
import { nothingRevoked } from "../../security/capability/token-fixture.ts";
import { NOW, portsOf, SUBJECT, trustStore } from "../../security/cell-fixture.ts";
import { codeOf, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { envelopeSamples, intents } from "../samples.ts";
import { type Saw, targetOf } from "../target.ts";

const signed: ReadonlySet<string> = new Set(intents.map(toHex));
const trust = trustStore();
const base = portsOf({ trust });
/** Each input has a time of its own, so that none is undecided because of another. */
let monotonicMs = 0;
/** Of the input in hand. */
let replay = new ReplayWindow();
const intakeAnew = () =>
  createIntake({
    ...base,
    capabilities: cellChainVerifier(trust, nothingRevoked, { monotonicMs: () => monotonicMs }),
    get replay() {
      return replay;
    },
  });
const warm = intakeAnew();

export const intake = targetOf<Mutant>({
  name: "intake",
  inputs: mutants(envelopeSamples, MAX_ENVELOPE_BYTES),
  check: ({ bytes }, saw) => {
    monotonicMs += 2_000;
    const admit = (by: typeof warm) => {
      replay = new ReplayWindow();
      return by.admit({ subject: SUBJECT, data: bytes, natsReply: undefined, nowUnixMs: NOW });
    };
    const verdicts = admit(warm);
    demand(verdicts.length > 0, "there is no verdict");
    const begun = verdicts.flatMap((verdict) => judge(verdict, saw) ?? []);
    demand(new Set(begun).size === begun.length, "a capsule is begun twice");
    const fresh = admit(intakeAnew());
    demand(isDeepStrictEqual(verdicts.map(gist), fresh.map(gist)), "what was seen before changes a verdict");
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPSULE_SIGNATURE_INVALID", "CAPSULE_PROOF_INVALID", "CAPSULE_MALFORMED"],
  testRuns: 1_000,
});

/** The capsule that is begun. */
function judge(verdict: Verdict, saw: Saw): string | undefined {
  switch (verdict.kind) {
    case "accepted": {
      saw("accepted");
      const bytes = toHex(verdict.capsule);
      demand(signed.has(bytes), "nobody signed what is accepted");
      demand(verdict.intent.principal === "ann", "it is accepted as another's");
      demand(verdict.intent.hash === toHex(sha256(verdict.capsule)), "its hash is another's");
      return bytes;
    }
    case "refused":
      saw(codeOf(verdict.error));
      demand(verdict.stage !== "internal", "something within intake throws");
      return undefined;
    default:
      saw(verdict.kind);
      return undefined;
  }
}

const gist = (verdict: Verdict) =>
  verdict.kind === "refused" ? [verdict.stage, verdict.error.code] : [verdict.kind];
