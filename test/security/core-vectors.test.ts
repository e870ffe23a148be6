// The published vectors get their codes from the Rust core as well, as far as it judges them: not
// what a node alone knows, such as subject, freshness and what is granted beside tokens.
import { readFileSync } from "node:fs";
import { fromJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CAPABILITY_VECTORS,
  CAPSULE_VECTORS,
  type makeCapabilityVectors,
  type makeCapsuleVectors,
} from "../../scripts/generate-vectors.ts";
import { TokenBodySchema } from "../../src/gen/cell0/v1/capability_pb.ts";
import { fromHex } from "../../src/security/bytes.ts";
import { chainBytes, chainOf, readChain } from "../../src/security/capability/chain.ts";
import { signToken } from "../../src/security/capability/token.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { type Court, compare, courtOf, type Subject } from "../fuzz/core/court.ts";
import { claimsOf } from "./capability/vector-claims.ts";
import { bytesOf, genesis, keys, must } from "./cell-fixture.ts";

const capsules: ReturnType<typeof makeCapsuleVectors> = JSON.parse(readFileSync(CAPSULE_VECTORS, "utf8"));
const tokens: ReturnType<typeof makeCapabilityVectors> = JSON.parse(readFileSync(CAPABILITY_VECTORS, "utf8"));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

const courtOfFile = (file: Pick<typeof tokens, "genesis" | "certificates" | "nowUnixMs">): Court =>
  courtOf({
    genesis: bytes(file.genesis),
    certificates: file.certificates.map(bytes),
    nowUnixMs: file.nowUnixMs,
  });
const named = <T extends { readonly name: string }>(vectors: readonly T[]) =>
  vectors.map((vector) => [vector.name, vector] as const);

/** Of one subject; the node's and the core's are the same. */
function codes(court: Court, subject: Subject): readonly string[] {
  const { node, difference } = compare(court, [subject]);
  expect(difference).toBeUndefined();
  return node.subjects.flat().map(({ code }) => code);
}

describe("the Rust core judges capabilities by the vectors", () => {
  const court = courtOfFile(tokens);

  test.each(named(tokens.chains))("a chain: %s", (_name, { chain, holder: key, actor, code = "ok" }) => {
    const holder = actor === undefined ? bytes(key) : { actor };
    expect(codes(court, { kind: "chain", bytes: bytes(chain), holder })).toEqual([code]);
  });

  test.each(named(tokens.uses))("a use: %s", (_name, { chain, payload, actor, code = "ok", ...fields }) => {
    const source = actor === undefined ? undefined : { actor, incarnation: undefined, sequence: 1 };
    const capsule = bytesOf({ ...fields, source, capability: bytes(chain), payload: Buffer.from(payload) });
    const issuer = (actor === undefined ? keys.ann : keys.nodeA).publicKey;
    expect(codes(court, { kind: "capsule", bytes: capsule, issuer })).toEqual([code]);
  });

  test.each(named(tokens.attenuations))("handed on %s", (_name, vector) => {
    const chain = must(readChain(bytes(vector.chain)));
    const kind = "actor" in vector ? "agent" : chain.last.kind;
    const claims = { ...chain.last, kind, ...claimsOf(fromJson(TokenBodySchema, vector.claims)) };
    const signer = SigningKey.fromSeed(bytes(vector.seed));
    // What `attenuate` refuses to make is made by hand.
    const link = must(signToken({ ...claims, parent: chain.last.hash }, signer, genesis.hash));
    const longer = chainBytes(must(chainOf([...chain.links, link])));
    if (!("code" in vector)) expect(longer).toEqual(bytes(vector.attenuated));
    const code = "code" in vector ? vector.code : "ok";
    const ownEpoch = { ...court, epochs: new Map(link.epoch === 0 ? [] : [[link.scope, link.epoch]]) };
    const holder = "actor" in vector ? { actor: String(vector.actor) } : link.holder;
    const [judged] = codes(ownEpoch, { kind: "chain", bytes: longer, holder });
    // To whoever is shown it, a link of another than the holder follows nothing, or is a stranger's.
    const strange = ["CAPABILITY_CHAIN_BROKEN", "CAPABILITY_HOLDER_WITHDRAWN"];
    expect(code === "CAPABILITY_HOLDER_MISMATCH" ? strange : [code]).toContain(judged);
  });
});

/** Of what only a node can judge, or only who asked: the core has nothing against it. */
const NODE_ALONE: ReadonlySet<string> = new Set([
  ...["AUTHORITY_PRINCIPAL_MISMATCH", "AUTHORITY_INTENT_FORBIDDEN", "AUTHORITY_EPOCH_UNKNOWN"],
  ...["CAPSULE_TARGET_MISMATCH", "CAPSULE_INBOX_FOREIGN", "CAPSULE_DEADLINE_PASSED", "CAPSULE_STALE"],
  ...["CAPSULE_FROM_FUTURE", "CAPSULE_REPLY_GAP"],
]);

describe("the Rust core judges capsules by the vectors", () => {
  const court = courtOfFile(capsules);
  const judged = (message: string) => codes(court, { kind: "envelope", bytes: bytes(message) });

  test.each(named(capsules.vectors))("%s", (_name, { message, verdicts }) => {
    const expected = verdicts.map((verdict) =>
      "code" in verdict && !NODE_ALONE.has(String(verdict.code)) ? verdict.code : "ok",
    );
    expect(judged(message)).toEqual(expected);
  });

  test.each(named(capsules.encodings))("what a client makes: %s", (_name, { message }) => {
    expect(judged(message)).toEqual(["ok"]);
  });

  const unbound = [
    "an intent",
    "for another inbox",
    "to another request",
    "to other bytes under the same id",
  ];
  test.each(named(capsules.replies))("a reply: %s", (name, vector) => {
    const code = "code" in vector ? String(vector.code) : "ok";
    if (name === "an intent") expect(judged(vector.message)).not.toContain("CAPSULE_REPLY_UNBOUND");
    else
      expect(new Set(judged(vector.message))).toEqual(
        new Set([unbound.includes(name) || NODE_ALONE.has(code) ? "ok" : code]),
      );
  });
});
