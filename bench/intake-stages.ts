// Where the time of one verified request goes at the node, stage by stage, in
// this process alone: no broker, no other process.
import { randomBytes } from "node:crypto";
import { HybridClock } from "../src/security/clock/hybrid-clock.ts";
import { createIntake } from "../src/security/intake/intake.ts";
import { buildIntent } from "../src/security/intents/build-intent.ts";
import { SigningKey } from "../src/security/keys/signing-key.ts";
import { ReplayWindow } from "../src/security/replay/replay-window.ts";
import { buildReply } from "../src/security/replies/build-reply.ts";
import { issueCertificate } from "../src/security/trust/certificate.ts";
import { createGenesis } from "../src/security/trust/genesis.ts";
import { TrustStore } from "../src/security/trust/trust-store.ts";
import { createIds } from "../src/security/wire/capsule-id.ts";
import { decodeCapsule } from "../src/security/wire/decode-capsule.ts";
import { decodeEnvelope } from "../src/security/wire/envelope.ts";
import { sealBatch, sealOne } from "../src/security/wire/seal.ts";
import { verifyEnvelope } from "../src/security/wire/verify-envelope.ts";
import { noCapabilities } from "./bench-trust.ts";
import { heading, line } from "./figures.ts";

const ROUNDS = 2_000;
const BATCH = 64;

export function printStages(): void {
  const world = makeWorld();
  const { maker, sealing, genesis, intake, request } = world;
  const capsules = Array.from({ length: BATCH }, () => world.capsule().bytes);
  const single = sealOne(world.capsule().bytes, sealing);
  const [batch = new Uint8Array()] = sealBatch([capsules], sealing, 1n);
  const decoded = unwrap(decodeEnvelope(single));
  const decodedBatch = unwrap(decodeEnvelope(batch));
  const [capsule = new Uint8Array()] = decoded.capsules;
  heading("stages at the node, one process, no broker: microseconds each");
  each("decode an envelope", () => decodeEnvelope(single));
  each("decode a capsule", () => decodeCapsule(capsule));
  each("verify a single signature", () => verifyEnvelope(decoded, genesis.hash));
  each(`verify one of ${BATCH} under one root`, () => verifyEnvelope(decodedBatch, genesis.hash), BATCH);
  const fresh = Array.from({ length: ROUNDS }, () => sealOne(world.capsule().bytes, sealing));
  let at = 0;
  each("whole intake, single signature", () => intake.admit(world.arrival(fresh[at++ % ROUNDS] ?? single)));
  each("build a reply", () => buildReply(request, REPLY, { inbox: world.inbox, index: 0 }, maker));
  each("sign a reply alone", () => sealOne(capsule, sealing));
  each(`sign one of ${BATCH} under one root`, () => sealBatch([capsules], sealing, 2n), BATCH);
}

const REPLY = {
  kind: "value",
  payload: new TextEncoder().encode('{"text":"Hello, Ada!","count":1}'),
  contentType: "application/json",
  final: true,
} as const;

function each(what: string, work: () => unknown, parts = 1): void {
  for (let round = 0; round < ROUNDS / 10; round += 1) work();
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) work();
  line(`  ${what}`, `${(((performance.now() - startedAt) * 1000) / ROUNDS / parts).toFixed(1)} us`);
}

function makeWorld() {
  const keys = [0, 1, 2].map(() => SigningKey.fromSeed(randomBytes(32)));
  const [genesisKey, issuerKey, clientKey] = keys;
  if (genesisKey === undefined || issuerKey === undefined || clientKey === undefined)
    throw new Error("no keys");
  const createdUnixMs = Date.now();
  const genesis = unwrap(
    createGenesis({ cell: "bench", genesisKey: genesisKey.publicKey, createdUnixMs, nonce: randomBytes(16) }),
  );
  const claims = {
    generation: 1,
    notBeforeUnixMs: createdUnixMs - 60_000,
    notAfterUnixMs: createdUnixMs + 3_600_000,
    shards: [],
    revoked: false,
  };
  const issuer = {
    ...claims,
    key: issuerKey.publicKey,
    principal: "issuer",
    kind: "issuer",
    grants: [],
  } as const;
  const grants = [{ intents: ["**"], targets: ["**"] }];
  const client = { ...claims, key: clientKey.publicKey, principal: "ada", kind: "client", grants } as const;
  const trust = new TrustStore(genesis);
  unwrap(trust.add(unwrap(issueCertificate(issuer, genesisKey, genesis.hash)).bytes, createdUnixMs));
  unwrap(trust.add(unwrap(issueCertificate(client, issuerKey, genesis.hash)).bytes, createdUnixMs));
  const clock = new HybridClock(Date.now);
  const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
  const inbox = "cell0.v1.bench.inbox.ada.x";
  const capsule = () =>
    unwrap(
      buildIntent(
        {
          target: "hello/greeter",
          intent: "greet",
          payload: new TextEncoder().encode('{"name":"Ada"}'),
          contentType: "application/json",
          deadlineUnixMs: Date.now() + 60_000,
          replyInbox: inbox,
        },
        maker,
      ),
    );
  const intake = createIntake({
    cell: "bench",
    node: "a",
    genesisHash: genesis.hash,
    trust,
    replay: new ReplayWindow(),
    placementOf: () => "a",
    actorGrants: () => [],
    clientGrants: () => [],
    currentEpoch: () => 0,
    capabilities: noCapabilities,
  });
  const sealing = { key: clientKey, genesisHash: genesis.hash };
  const subject = "cell0.v1.bench.in.ada.hello.greeter";
  const arrival = (data: Uint8Array) => ({ subject, data, natsReply: undefined, nowUnixMs: Date.now() });
  const [verdict] = intake.admit(arrival(sealOne(capsule().bytes, sealing)));
  if (verdict?.kind !== "accepted")
    throw new Error(`the bench's own capsule was not accepted: ${verdict?.kind}`);
  return { genesis, maker, sealing, intake, inbox, capsule, arrival, request: verdict.request };
}

function unwrap<T>(result: { ok: true; value: T } | { ok: false; error: Error }): T {
  if (result.ok) return result.value;
  throw result.error;
}
