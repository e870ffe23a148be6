// What the kind of a token says of the actors that it reaches.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignedTokenSchema, TokenBodySchema, TokenKind } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import { unbuilt } from "../../../src/security/capability/chain-verifier.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import { widened } from "../../../src/security/capability/narrower.ts";
import { permits } from "../../../src/security/capability/permits.ts";
import { beyondKind, kindForClient } from "../../../src/security/capability/reach.ts";
import {
  readToken,
  signToken,
  type TokenClaims,
  type TokenKindName,
  tokenKinds,
} from "../../../src/security/capability/token.ts";
import { patternOf } from "../../fuzz/arbitrary-permission.ts";
import { codeOf, genesis, keys, must, NOW } from "../cell-fixture.ts";
import { chainVerifier, everything, rootChain, SYSTEM, tokenClaims, userOf } from "./token-fixture.ts";

const to = (...targets: readonly string[]) => ({ permissions: [{ ...everything, targets }] });
const holderOf = (kind: TokenKindName) =>
  kind === "agent" ? { maxDepth: 0, holder: actorHolder(genesis.hash, "support/triage") } : {};

describe("the reach of a token", () => {
  const all: readonly TokenKindName[] = tokenKinds;
  const butUser = all.filter((kind) => kind !== "user");
  const butSystem = all.filter((kind) => kind !== "system");
  test.for<[targets: readonly string[], kinds: readonly TokenKindName[]]>([
    [["support/triage"], butSystem],
    [["**"], butSystem],
    [["*/**"], butSystem],
    [["*/capabilities"], butSystem],
    [["kernels/x"], butSystem],
    [["support/kernel"], butSystem],
    [["kernel/graph"], butUser],
    [["kernel/**"], butUser],
    [["kernel/*/registry"], butUser],
    [["kernel"], butUser],
    [["kernel/graph", "support/triage"], all.filter((kind) => kind !== "user" && kind !== "system")],
  ])("is, for %j, that of the kinds %j", ([targets, kinds]) => {
    const read = all.filter((kind) => {
      const signed = signToken(
        tokenClaims({ kind, ...to(...targets), ...holderOf(kind) }),
        keys.nodeA,
        genesis.hash,
      );
      expect(["ok", "CAPABILITY_MALFORMED"]).toContain(codeOf(signed));
      return signed.ok;
    });
    expect(read).toEqual(kinds);
  });

  test("is judged in every permission of a token, and named", () => {
    const both = [...to("kernel/graph").permissions, ...to("support/triage").permissions];
    expect(beyondKind("system", both)).toBe(
      "it is of kind system, which reaches the kernel's own actors alone, and names `support/triage`",
    );
    expect(beyondKind("user", both)).toBe(
      "it is of kind user, which does not reach the kernel's own actors, and names `kernel/graph`",
    );
    expect(codeOf(kindForClient(both))).toBe("CAPABILITY_KINDS_MIXED");
    expect(kindForClient(both.slice(0, 1))).toMatchObject({ value: "system" });
    expect(kindForClient(both.slice(1))).toMatchObject({ value: "user" });
  });

  test("is judged of what anybody signed, not only of what this program would", () => {
    const claims = tokenClaims({ kind: "ephemeral", ...to("kernel/**") });
    const signed = must(signToken(claims, keys.nodeA, genesis.hash));
    const fields = fromBinary(TokenBodySchema, signed.body);
    const read = (kind: TokenKind) => {
      const body = toBinary(TokenBodySchema, { ...fields, kind });
      const message = create(SignedTokenSchema, { body, signature: signed.signature });
      return codeOf(readToken(toBinary(SignedTokenSchema, message)));
    };
    expect([read(TokenKind.SYSTEM), read(TokenKind.USER)]).toEqual(["ok", "CAPABILITY_MALFORMED"]);
  });

  test("is never, of a user's token, the kernel's, nor of a system one a graph's, whatever its patterns", () => {
    const paths = fc.constantFrom("kernel/graph", "kernel/a/registry", "a/b", "a/kernel", "b");
    const pattern = fc.oneof(
      patternOf("/"),
      patternOf("/").map((rest) => `kernel/${rest}`),
    );
    const targets = fc.array(pattern, { minLength: 1, maxLength: 2 });
    const counts = { user: 0, system: 0 };
    const property = fc.property(targets, paths, (patterns, target) => {
      for (const kind of ["user", "system"] as const) {
        const { permissions } = to(...patterns);
        if (beyondKind(kind, permissions) !== undefined) continue;
        if (permits({ permissions }, "a", target, () => undefined) !== undefined) continue;
        counts[kind] += 1;
        expect(target.startsWith("kernel/")).toBe(kind === "system");
      }
    });
    fc.assert(property, { numRuns: 3_000 });
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
  });
});

describe("a token of each kind", () => {
  /** Those that it is narrowed to; its permissions are the child's. */
  test.for<[parent: TokenKindName, children: readonly TokenKindName[]]>([
    ["system", ["system", "agent", "ephemeral"]],
    ["user", ["agent", "user", "ephemeral"]],
    ["ephemeral", ["agent", "ephemeral"]],
    ["agent", []],
    ["federation", ["federation", "ephemeral"]],
  ])("of kind %s is narrowed to %j", ([parent, children]) => {
    const claims = tokenClaims({ kind: parent });
    const next = tokenKinds.filter((kind) => widened({ ...claims, kind, maxDepth: 0 }, claims) === undefined);
    expect(next).toEqual(children);
  });

  test("counts, with whatever is narrowed from it, unless it is another cell's", () => {
    const desk = { kind: "agent", maxDepth: 0, holder: actorHolder(genesis.hash, "support/desk") } as const;
    const verdict = (root: Partial<TokenClaims>, next: Partial<TokenClaims>) => {
      const claims = tokenClaims({ maxDepth: 0, ...root, ...next });
      const chain = must(attenuate(rootChain(root), claims, keys.ann, genesis.hash));
      const verified = chainVerifier().verify(chainBytes(chain), userOf(claims), NOW);
      return verified.ok ? (unbuilt(verified.value)?.code ?? "ok") : verified.error.code;
    };
    for (const root of [SYSTEM, { kind: "user" }, { kind: "ephemeral" }] as const)
      expect([{}, { kind: "ephemeral" } as const, desk].map((next) => verdict(root, next))).toEqual(
        Array(3).fill("ok"),
      );
    for (const next of [{}, { kind: "ephemeral" }] as const)
      expect(verdict({ kind: "federation" }, next)).toBe("CAPSULE_CAPABILITY_NOT_BUILT_YET");
  });
});
