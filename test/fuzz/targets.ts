// All that is fuzzed, from the bytes upwards.
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
];
