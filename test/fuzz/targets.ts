// All that is fuzzed, from the bytes upwards.
import { coreCertificates } from "./core/certificates.ts";
import { coreChains } from "./core/chains.ts";
import { coreCapsules, coreEnvelopes } from "./core/envelopes.ts";
import { corePayloads } from "./core/payloads.ts";
import { coreRotations } from "./core/rotations.ts";
import { coreUses } from "./core/uses.ts";
import { attenuation } from "./laws/attenuation.ts";
import { capsule } from "./laws/capsule.ts";
import { chain } from "./laws/chain.ts";
import { constraints, patterns } from "./laws/constraints.ts";
import { decoder } from "./laws/decoder.ts";
import { envelope } from "./laws/envelope.ts";
import { intake } from "./laws/intake.ts";
import { repliesToRequests } from "./laws/replies.ts";
import { token } from "./laws/token.ts";
import { certificate, record, revision, revocations } from "./laws/trust.ts";
import { knownChains, verdictCaches } from "./laws/verdict-caches.ts";
import type { Target } from "./target.ts";

/** Each input is put before the Rust core too. */
export const coreTargets: readonly Target[] = [
  coreEnvelopes,
  coreCapsules,
  coreChains,
  coreUses,
  corePayloads,
  coreCertificates,
  coreRotations,
];

export const targets: readonly Target[] = [
  decoder,
  envelope,
  capsule,
  intake,
  repliesToRequests,
  token,
  chain,
  certificate,
  revision,
  revocations,
  record,
  verdictCaches,
  knownChains,
  constraints,
  patterns,
  attenuation,
  ...coreTargets,
];
