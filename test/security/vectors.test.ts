import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { makeVectors, VECTORS_FILE } from "../../scripts/generate-vectors.ts";
import { fromHex, sha256, toHex } from "../../src/security/bytes.ts";
import { cellChainVerifier } from "../../src/security/capability/chain-verifier.ts";
import { createIntake } from "../../src/security/intake/intake.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import { openReplies } from "../../src/security/replies/open-replies.ts";
import { readGenesis } from "../../src/security/trust/genesis.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";
import { nothingRevoked } from "./capability/token-fixture.ts";
import { must } from "./cell-fixture.ts";

type Vectors = ReturnType<typeof makeVectors>;
const file: Vectors = JSON.parse(readFileSync(VECTORS_FILE, "utf8"));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

/** Built from the file alone, as another implementation would. */
const genesis = must(readGenesis(bytes(file.genesis)));
const trust = new TrustStore(genesis);
for (const certificate of file.certificates) must(trust.add(bytes(certificate), file.nowUnixMs));
const placed = ["support/triage", "support/router"];

describe("the published vectors", () => {
  test("are what the generator makes, so that the wire does not change unseen", () => {
    expect(file).toEqual(JSON.parse(JSON.stringify(makeVectors())));
  });

  test("state the genesis hash and the signing input", () => {
    expect(toHex(genesis.hash)).toBe(file.genesisHash);
    expect(toHex(sha256(bytes(file.signing.capsule)))).toBe(file.signing.hash);
    const domain = Buffer.from("cell0/v1/capsule\0").toString("hex");
    const { input, issuer, hash } = file.signing;
    expect(input).toBe(`${domain}${file.genesisHash}01${issuer}${hash}`);
  });

  test.each(file.vectors.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const intake = createIntake({
      cell: file.cell,
      node: file.node,
      genesisHash: genesis.hash,
      trust,
      replay: new ReplayWindow(),
      placementOf: (path) => (placed.includes(path) ? file.node : undefined),
      actorGrants: () => [],
      clientGrants: () => [],
      currentEpoch: () => 0,
      capabilities: cellChainVerifier(trust, nothingRevoked),
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

  test("hold a reply that a client can open", () => {
    const { message, subject, request, payload } = file.reply;
    const opened = must(
      openReplies(bytes(message), subject, { genesisHash: genesis.hash, trust }, file.nowUnixMs),
    );
    expect(opened).toMatchObject([{ index: 0, final: true, node: "a", requestHash: sha256(bytes(request)) }]);
    expect(new TextDecoder().decode(opened[0]?.payload)).toBe(payload);
  });
});
