// Tokens of the vectors' cell, with fixed ids and times: its issuer mints them for ann. Some are what no
// honest encoder makes.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  CapabilityChainSchema,
  SignedTokenSchema,
  type TokenBody,
  TokenBodySchema,
  TokenKind,
} from "../../src/gen/cell0/v1/capability_pb.ts";
import { type Chain, chainBytes, chainOf } from "../../src/security/capability/chain.ts";
import { signToken, type Token, type TokenClaims } from "../../src/security/capability/token.ts";
import type { SigningKey } from "../../src/security/keys/signing-key.ts";
import { capabilityInput } from "../../src/security/wire/signing-input.ts";
import { genesis, keys, must, NOW } from "../../test/security/cell-fixture.ts";
import { idOf } from "./bytes.ts";

export type Claims = Partial<TokenClaims>;

/** Every ticket's intents to all of support, for an hour, seven times handed on. */
export const claimsOf = (given: Claims = {}): TokenClaims => ({
  id: idOf(1),
  kind: "user",
  holder: keys.ann.publicKey,
  parent: new Uint8Array(),
  permissions: [{ intents: ["ticket.*"], targets: ["support/**"], constraints: [] }],
  limits: {},
  notBeforeUnixMs: NOW - 1_000,
  notAfterUnixMs: NOW + 3_600_000,
  maxDepth: 7,
  scope: "default",
  epoch: 0,
  ...given,
});

/** Every intent to all of the kernel. */
export const SYSTEM: Claims = {
  kind: "system",
  permissions: [{ intents: ["**"], targets: ["kernel/**"], constraints: [] }],
};

export const mint = (given: Claims = {}, key: SigningKey = keys.issuer): Token =>
  must(signToken(claimsOf(given), key, genesis.hash));

/** Follows `parent` and hands it on to bob, once less; whether it is narrower is for who verifies it. */
export const handOn = (parent: Token, given: Claims = {}, key: SigningKey = keys.ann): Token => {
  const same = { ...parent, id: idOf(2), holder: keys.bob.publicKey, maxDepth: parent.maxDepth - 1 };
  return must(signToken({ ...same, parent: parent.hash, ...given }, key, genesis.hash));
};

export const chained = (...links: readonly Token[]): Chain => must(chainOf(links));
export const bytesOfLinks = (...links: readonly Token[]): Uint8Array => chainBytes({ links });

/** Bytes that are no SignedToken, too. */
export const rawChain = (...links: readonly Uint8Array[]): Uint8Array =>
  toBinary(CapabilityChainSchema, create(CapabilityChainSchema, { links: [...links] }));

export type BodyFields = Exclude<MessageInitShape<typeof TokenBodySchema>, TokenBody>;

/** Body of an ordinary root, with these fields in place of its own; nothing is checked. */
export const bodyWith = (fields: BodyFields): Uint8Array =>
  toBinary(
    TokenBodySchema,
    create(TokenBodySchema, {
      id: idOf(1),
      kind: TokenKind.USER,
      issuer: keys.issuer.publicKey,
      holder: keys.ann.publicKey,
      permissions: [{ intents: ["ticket.*"], targets: ["support/**"] }],
      notBeforeUnixMs: BigInt(NOW - 1_000),
      notAfterUnixMs: BigInt(NOW + 3_600_000),
      maxDepth: 7,
      scope: "default",
      ...fields,
    }),
  );

export const signedToken = (body: Uint8Array, signature: Uint8Array): Uint8Array =>
  toBinary(SignedTokenSchema, create(SignedTokenSchema, { body, signature }));

/** A SignedToken of any bytes, signed by the issuer. */
export const signBody = (body: Uint8Array): Uint8Array =>
  signedToken(body, keys.issuer.sign(capabilityInput(genesis.hash, keys.issuer.publicKey, body)));
