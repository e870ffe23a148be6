import { readFileSync } from "node:fs";
import { fromJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CAPABILITY_VECTORS, makeCapabilityVectors } from "../../../scripts/generate-vectors.ts";
import { TokenBodySchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { fromHex, sha256, toHex } from "../../../src/security/bytes.ts";
import { attenuate, chainBytes, readChain } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { authoriseByToken } from "../../../src/security/intake/authority.ts";
import { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { readGenesis } from "../../../src/security/trust/genesis.ts";
import { TrustStore } from "../../../src/security/trust/trust-store.ts";
import { capsuleOf, codeOf, freeResources, keys, must } from "../cell-fixture.ts";
import { nothingRevoked } from "./token-fixture.ts";
import { claimsOf } from "./vector-claims.ts";

type Vectors = ReturnType<typeof makeCapabilityVectors>;
const file: Vectors = JSON.parse(readFileSync(CAPABILITY_VECTORS, "utf8"));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

/** Built from the file alone, as another implementation would. */
const genesis = must(readGenesis(bytes(file.genesis)));
const trust = new TrustStore(genesis);
for (const certificate of file.certificates) must(trust.add(bytes(certificate), file.nowUnixMs));

const named = <T extends { readonly name: string }>(vectors: readonly T[]) =>
  vectors.map((vector) => [vector.name, vector] as const);

describe("the published vectors of capabilities", () => {
  test("are what the generator makes, so that the wire does not change unseen", () => {
    expect(file).toEqual(JSON.parse(JSON.stringify(makeCapabilityVectors())));
  });

  test("have a name each, and none twice", () => {
    for (const vectors of [file.chains, file.uses, file.attenuations]) {
      const names = vectors.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("state what is signed of a token", () => {
    const { body, hash, input, issuer } = file.signing;
    expect(toHex(sha256(bytes(body)))).toBe(hash);
    const domain = Buffer.from("cell0/v1/capability\0").toString("hex");
    expect(input).toBe(`${domain}${file.genesisHash}01${issuer}${hash}`);
  });

  test.each(named(file.chains))("a chain: %s", (_name, { chain, holder, actor, code = "ok" }) => {
    const verified = cellChainVerifier(trust, nothingRevoked).verify(
      bytes(chain),
      actor === undefined ? bytes(holder) : { actor },
      file.nowUnixMs,
    );
    expect(codeOf(verified)).toBe(code);
  });

  test.each(named(file.uses))("a use: %s", (_name, { chain, payload, actor, code = "ok", ...fields }) => {
    const capsule = capsuleOf({
      ...fields,
      capability: bytes(chain),
      payload: new TextEncoder().encode(payload),
    });
    const ports = { capabilities: cellChainVerifier(trust, nothingRevoked), resources: freeResources };
    const holder = actor === undefined ? keys.ann.publicKey : { actor };
    expect(codeOf(authoriseByToken(capsule, holder, ports, file.nowUnixMs, 0))).toBe(code);
  });

  test.each(named(file.attenuations))("handed on %s", (_name, vector) => {
    const chain = must(readChain(bytes(vector.chain)));
    const kind = "actor" in vector ? "agent" : chain.last.kind;
    const claims = { ...chain.last, kind, ...claimsOf(fromJson(TokenBodySchema, vector.claims)) };
    const longer = attenuate(chain, claims, SigningKey.fromSeed(bytes(vector.seed)), genesis.hash);
    const made = longer.ok ? toHex(chainBytes(longer.value)) : longer.error.code;
    expect(made).toBe("code" in vector ? vector.code : vector.attenuated);
  });
});
