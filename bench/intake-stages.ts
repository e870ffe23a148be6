// Where the time of one verified request goes at the node, stage by stage, in
// this process alone: no broker, no other process.
import { randomBytes } from "node:crypto";
import { createIntake } from "../src/security/intake/intake.ts";
import { buildIntent } from "../src/security/intents/build-intent.ts";
import { ReplayWindow } from "../src/security/replay/replay-window.ts";
import { buildReply } from "../src/security/replies/build-reply.ts";
import { createIds } from "../src/security/wire/capsule-id.ts";
import { decodeCapsule } from "../src/security/wire/decode-capsule.ts";
import { decodeEnvelope } from "../src/security/wire/envelope.ts";
import { sealBatch, sealOne } from "../src/security/wire/seal.ts";
import { verifyEnvelope } from "../src/security/wire/verify-envelope.ts";
import { makeBenchCell, unwrap } from "./bench-trust.ts";
import { heading } from "./figures.ts";
import { each, ROUNDS } from "./stage-figures.ts";
import { openTokens, printAuthority, type Tokens } from "./token-stages.ts";

const BATCH = 64;
const WINDOW_MS = 30_000;

export function printStages(): void {
  const world = makeWorld();
  const { maker, sealing, genesis, request, tokens } = world;
  const capsules = Array.from({ length: BATCH }, () => world.capsule());
  const single = sealOne(world.capsule(), sealing);
  const [batch = new Uint8Array()] = sealBatch([capsules], sealing, 1n);
  const decoded = unwrap(decodeEnvelope(single));
  const decodedBatch = unwrap(decodeEnvelope(batch));
  const [capsule = new Uint8Array()] = decoded.capsules;
  heading(
    `stages at the node, one process, no broker: microseconds each, the median of groups of ${ROUNDS} runs`,
  );
  each("decode an envelope", () => decodeEnvelope(single));
  each("decode a capsule", () => decodeCapsule(capsule));
  each("verify a single signature", () => verifyEnvelope(decoded, genesis.hash));
  each(`verify one of ${BATCH} under one root`, () => verifyEnvelope(decodedBatch, genesis.hash), BATCH);
  printAuthority(tokens);
  const replay = new ReplayWindow();
  each("remember an id that is new", () => {
    const now = Date.now();
    return replay.remember(sealing.key.publicKey, maker.nextId(), request.hash, now + WINDOW_MS, now);
  });
  for (const [how, capability] of [
    ["by grant", undefined],
    ["by a known token", tokens.three],
  ] as const) {
    const fresh = Array.from({ length: 2 * ROUNDS }, () => sealOne(world.capsule(capability), sealing));
    let at = 0;
    each(`whole intake, alone, ${how}`, () => world.admit(fresh[at++] ?? single));
  }
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

function makeWorld() {
  const bench = makeBenchCell();
  const { genesis, trust, clock, clientKey } = bench;
  const tokens: Tokens = openTokens(bench);
  const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
  const inbox = "cell0.v1.bench.inbox.ada.x";
  const capsule = (capability?: Uint8Array) => {
    const intent = {
      target: "hello/greeter",
      intent: "greet",
      payload: new TextEncoder().encode('{"name":"Ada"}'),
      contentType: "application/json",
      deadlineUnixMs: Date.now() + 60_000,
      replyInbox: inbox,
      ...(capability === undefined ? {} : { capability }),
    };
    return unwrap(buildIntent(intent, maker)).bytes;
  };
  const intake = createIntake({
    ...tokens.ports,
    cell: "bench",
    node: "a",
    genesisHash: genesis.hash,
    trust,
    replay: new ReplayWindow(),
  });
  const sealing = { key: clientKey, genesisHash: genesis.hash };
  const subject = "cell0.v1.bench.in.ada.hello.greeter";
  /** Of what is refused the rounds would measure less than they say. */
  const admit = (data: Uint8Array) => {
    const [verdict] = intake.admit({ subject, data, natsReply: undefined, nowUnixMs: Date.now() });
    if (verdict?.kind === "accepted") return verdict;
    const why = verdict?.kind === "refused" ? verdict.error.code : verdict?.kind;
    throw new Error(`the bench's own capsule was not accepted: ${why}`);
  };
  const { request } = admit(sealOne(capsule(), sealing));
  return { genesis, maker, sealing, inbox, capsule, admit, tokens, request };
}
