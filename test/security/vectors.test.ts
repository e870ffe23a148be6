import { readFileSync } from "node:fs";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CAPABILITY_VECTORS, CAPSULE_VECTORS, makeCapsuleVectors } from "../../scripts/generate-vectors.ts";
import { IntentCapsuleSchema } from "../../src/gen/cell0/v1/capsule_pb.ts";
import { fromHex, sha256, toHex } from "../../src/security/bytes.ts";
import { cellChainVerifier } from "../../src/security/capability/chain-verifier.ts";
import { NOTHING_GRANTED } from "../../src/security/intake/authority.ts";
import { createIntake } from "../../src/security/intake/intake.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import { openReplies } from "../../src/security/replies/open-replies.ts";
import { acceptReply, openStream } from "../../src/security/replies/reply-stream.ts";
import { readGenesis } from "../../src/security/trust/genesis.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";
import { decodeCapsule } from "../../src/security/wire/decode-capsule.ts";
import { decodeEnvelope } from "../../src/security/wire/envelope.ts";
import { verifyEnvelope } from "../../src/security/wire/verify-envelope.ts";
import { nothingRevoked } from "./capability/token-fixture.ts";
import { codeOf, freeResources, must } from "./cell-fixture.ts";

type Vectors = ReturnType<typeof makeCapsuleVectors>;
const file: Vectors = JSON.parse(readFileSync(CAPSULE_VECTORS, "utf8"));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

/** Built from the file alone, as another implementation would. */
const genesis = must(readGenesis(bytes(file.genesis)));
const trust = new TrustStore(genesis);
for (const certificate of file.certificates) must(trust.add(bytes(certificate), file.nowUnixMs));
const placed = ["support/triage", "support/router"];

describe("the published vectors of capsules", () => {
  test("are what the generator makes, so that the wire does not change unseen", () => {
    expect(file).toEqual(JSON.parse(JSON.stringify(makeCapsuleVectors())));
  });

  test("state the genesis hash and the signing input", () => {
    expect(toHex(genesis.hash)).toBe(file.genesisHash);
    expect(toHex(sha256(bytes(file.signing.capsule)))).toBe(file.signing.hash);
    const domain = Buffer.from("cell0/v1/capsule\0").toString("hex");
    const { input, issuer, hash } = file.signing;
    expect(input).toBe(`${domain}${file.genesisHash}01${issuer}${hash}`);
  });

  test.each(file.refusedCertificates)("a certificate that is refused with $code", ({ certificate, code }) => {
    expect(codeOf(trust.add(bytes(certificate), file.nowUnixMs))).toBe(code);
  });

  test.each(file.vectors.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const intake = createIntake({
      cell: file.cell,
      node: file.node,
      genesisHash: genesis.hash,
      trust,
      replay: new ReplayWindow(),
      placementOf: (path) => (placed.includes(path) ? file.node : undefined),
      actorGrants: () => NOTHING_GRANTED,
      clientGrants: () => [],
      currentEpoch: () => 0,
      capabilities: cellChainVerifier(trust, nothingRevoked),
      resources: freeResources,
    });
    const verdicts = intake.admit({
      subject: vector.subject,
      data: bytes(vector.message),
      natsReply: undefined,
      nowUnixMs: file.nowUnixMs,
    });
    const seen = verdicts.map((verdict) =>
      verdict.kind === "refused"
        ? { kind: verdict.kind, stage: verdict.stage, code: verdict.error.code }
        : { kind: verdict.kind },
    );
    expect(seen).toEqual(vector.verdicts);
  });

  test.each(file.encodings.map((vector) => [vector.name, vector] as const))(
    "the capsule that a client makes reads as it was meant: %s",
    (_name, { fields, capsule, message }) => {
      const { target, intent } = must(decodeCapsule(bytes(capsule)));
      expect({ target, intent }).toEqual({ target: "support/triage", intent: "ticket.open" });
      expect(toBinary(IntentCapsuleSchema, fromJson(IntentCapsuleSchema, fields))).toEqual(bytes(capsule));
      const envelope = must(decodeEnvelope(bytes(message)));
      expect(must(verifyEnvelope(envelope, genesis.hash))).toEqual([
        { bytes: bytes(capsule), hash: sha256(bytes(capsule)) },
      ]);
    },
  );

  test.each(file.replies.map((vector) => [vector.name, vector] as const))("a reply: %s", (_name, vector) => {
    const request = bytes(vector.request);
    const { id } = must(decodeCapsule(request));
    const stream = openStream({ id, hash: sha256(request), messageHash: sha256(bytes(vector.sent)) });
    const parts = { genesisHash: genesis.hash, trust };
    const opened = openReplies(bytes(vector.message), vector.inbox, parts, file.nowUnixMs);
    const { code, error, payload } = { code: undefined, error: undefined, payload: undefined, ...vector };
    const [reply] = opened.ok ? opened.value : [];
    if (!opened.ok || reply === undefined) {
      expect(codeOf(opened)).toBe(code);
      return;
    }
    const step = acceptReply(stream, reply);
    expect(step.kind === "fault" ? step.error.code : undefined).toBe(code);
    if (code !== undefined) return;
    expect(step.kind).toBe("next");
    expect(reply.error?.code).toBe(error);
    if (payload !== undefined) expect(new TextDecoder().decode(reply.payload)).toBe(payload);
  });
});

describe("docs/client.md", () => {
  const page = readFileSync(new URL("../../docs/client.md", import.meta.url), "utf8");
  const published = [CAPSULE_VECTORS, CAPABILITY_VECTORS].map((path) => readFileSync(path, "utf8")).join("");
  const examples = [...page.matchAll(/^```hex\n(.*?)^```/gms)].map(([, block = ""]) =>
    block.replace(/;.*$/gm, "").replace(/\s/g, ""),
  );

  test("shows bytes as the vectors have them", () => {
    expect(examples.length).toBeGreaterThan(4);
    for (const example of examples) {
      expect(example).toMatch(/^(?:[0-9a-f]{2}){16,}$/);
      expect(published).toContain(example);
    }
  });
});
