// Tokens that count only once others have agreed to them.
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { SignedTokenSchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import type { ApprovalDemand } from "../../../src/security/capability/approval.ts";
import {
  attenuate,
  type Chain,
  chainBytes,
  chainOf,
  readChain,
} from "../../../src/security/capability/chain.ts";
import { approveToken, readToken, type Token } from "../../../src/security/capability/token.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { approvalInput } from "../../../src/security/wire/signing-input.ts";
import { codeOf, genesis, keyOf, keys, must, NOW } from "../cell-fixture.ts";
import { chainVerifier, rootChain, tokenClaims, type VerifierPorts } from "./token-fixture.ts";

const [chief, clerk, other] = [keyOf(20), keyOf(21), keyOf(22)];
const sorted = (...keys: readonly SigningKey[]) =>
  keys.map(({ publicKey }) => publicKey).sort((a, b) => Buffer.compare(a, b));
const twoOfThree: ApprovalDemand = { needed: 2, approvers: sorted(chief, clerk, other) };
const root = rootChain({ approval: twoOfThree });
const approvedBy = (chain: Chain, ...by: readonly SigningKey[]): Chain =>
  must(
    chainOf(
      chain.links.map((link, at) =>
        at > 0 ? link : by.reduce((token, key) => must(approveToken(token, key, genesis.hash)), link),
      ),
    ),
  );
const verdict = (chain: Chain, ports: VerifierPorts = {}) =>
  codeOf(chainVerifier(ports).verify(chainBytes(chain), chain.last.holder, NOW));
/** The token with these approvals, whatever they are. */
const withApprovals = ({ body, signature }: Token, approvals: Token["approvals"]) =>
  toBinary(SignedTokenSchema, create(SignedTokenSchema, { body, signature, approvals: [...approvals] }));

describe("a token that demands approvals", () => {
  test.for<[by: string, approvers: readonly SigningKey[], code: string]>([
    ["nobody", [], "CAPABILITY_NOT_APPROVED"],
    ["one of two", [chief], "CAPABILITY_NOT_APPROVED"],
    ["one, twice", [chief, chief], "CAPABILITY_NOT_APPROVED"],
    ["two", [chief, other], "ok"],
    ["two, in another order", [other, chief], "ok"],
    ["all three", [clerk, chief, other], "ok"],
  ])("approved by %s: %s", ([, approvers, code]) => {
    expect(verdict(approvedBy(root, ...approvers))).toBe(code);
  });

  test("keeps its hash and its children, whoever approves it, and when", () => {
    const child = must(
      attenuate(root, tokenClaims({ holder: keys.bob.publicKey, maxDepth: 0 }), keys.ann, genesis.hash),
    );
    expect(verdict(child)).toBe("CAPABILITY_NOT_APPROVED");
    const approved = approvedBy(child, chief, clerk);
    expect(approved.root.hash).toEqual(root.root.hash);
    expect(verdict(approved)).toBe("ok");
    expect(must(readChain(chainBytes(approved))).root.approvals).toHaveLength(2);
  });

  test("demands them of each link that does", () => {
    const approved = approvedBy(root, chief, clerk);
    const claims = tokenClaims({
      holder: keys.bob.publicKey,
      maxDepth: 0,
      approval: { needed: 1, approvers: sorted(other) },
    });
    const child = must(attenuate(approved, claims, keys.ann, genesis.hash));
    expect(verdict(child)).toBe("CAPABILITY_NOT_APPROVED");
    const last = must(approveToken(child.last, other, genesis.hash));
    expect(verdict(must(chainOf([child.root, last])))).toBe("ok");
    expect(verdict(must(chainOf([root.root, last])))).toBe("CAPABILITY_NOT_APPROVED");
  });

  test("counts no more when an approver counts no more, and again when another has approved it", () => {
    const isStanding = (key: Uint8Array) => Buffer.compare(key, clerk.publicKey) !== 0;
    expect(verdict(approvedBy(root, chief, clerk), { isStanding })).toBe("CAPABILITY_NOT_APPROVED");
    expect(verdict(approvedBy(root, chief, clerk, other), { isStanding })).toBe("ok");
  });

  test("takes no approval that was made for another token, by another key, or for another cell", () => {
    const another = approvedBy(
      rootChain({ id: new Uint8Array(16).fill(9), approval: twoOfThree }),
      chief,
      clerk,
    );
    const signedBy = (key: SigningKey, approver: SigningKey, genesisHash = genesis.hash) => ({
      approver: approver.publicKey,
      signature: key.sign(approvalInput(genesisHash, approver.publicKey, root.root.hash)),
    });
    const honest = must(approveToken(root.root, chief, genesis.hash)).approvals;
    for (const forged of [
      another.root.approvals,
      [signedBy(keys.ann, clerk)],
      [signedBy(clerk, clerk, new Uint8Array(32))],
    ]) {
      const approvals = [...honest, ...forged]
        .filter(
          (each, at, all) =>
            all.findIndex(({ approver }) => Buffer.compare(approver, each.approver) === 0) === at,
        )
        .sort((a, b) => Buffer.compare(a.approver, b.approver));
      const token = must(readToken(withApprovals(root.root, approvals)));
      expect(verdict(must(chainOf([token])))).toBe("CAPABILITY_SIGNATURE_INVALID");
    }
  });

  test.for<[what: string, approvals: (honest: Token["approvals"]) => Token["approvals"]]>([
    ["twice the same", ([first]) => (first === undefined ? [] : [first, first])],
    ["in another order", (honest) => honest.toReversed()],
    [
      "of somebody whom it does not ask",
      () => [{ approver: keys.bob.publicKey, signature: new Uint8Array(64) }],
    ],
    [
      "with half a signature",
      ([first]) => (first === undefined ? [] : [{ ...first, signature: new Uint8Array(32) }]),
    ],
  ])("has one form: not with approvals %s", ([, approvals]) => {
    const honest = approvedBy(root, chief, clerk).root.approvals;
    expect(codeOf(readToken(withApprovals(root.root, approvals(honest))))).toBe("CAPABILITY_MALFORMED");
    expect(codeOf(readToken(withApprovals(root.root, honest)))).toBe("ok");
  });

  test("asks nobody else", () => {
    expect(codeOf(approveToken(root.root, keys.bob, genesis.hash))).toBe("CAPABILITY_APPROVER_UNASKED");
    expect(codeOf(approveToken(rootChain().root, chief, genesis.hash))).toBe("CAPABILITY_APPROVER_UNASKED");
  });

  test.for<[what: string, approval: ApprovalDemand]>([
    ["none", { needed: 0, approvers: sorted(chief) }],
    ["more than there are approvers", { needed: 2, approvers: sorted(chief) }],
    ["of nobody", { needed: 1, approvers: [] }],
    ["of one twice", { needed: 1, approvers: [chief.publicKey, chief.publicKey] }],
    ["of a key that is none", { needed: 1, approvers: [new Uint8Array(32)] }],
    ["of nine", { needed: 1, approvers: sorted(...Array.from({ length: 9 }, (_, n) => keyOf(30 + n))) }],
  ])("is not made when it demands approvals: %s", ([, approval]) => {
    expect(() => rootChain({ approval })).toThrow(expect.objectContaining({ code: "CAPABILITY_MALFORMED" }));
  });
});
