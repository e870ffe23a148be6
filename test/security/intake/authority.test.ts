import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/security/bytes.ts";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import type { Permission } from "../../../src/security/capability/permission.ts";
import type { TokenClaims } from "../../../src/security/capability/token.ts";
import { authorise } from "../../../src/security/intake/authority.ts";
import type { Capsule } from "../../../src/security/wire/capsule.ts";
import { chainVerifier, rootChain, tokenClaims } from "../capability/token-fixture.ts";
import {
  bobCertificate,
  capsuleOf,
  codeOf,
  genesis,
  keys,
  must,
  NOW,
  nodeCertificate,
  portsOf,
} from "../cell-fixture.ts";

const json = (text: string) => new TextEncoder().encode(text);
const permission: Permission = {
  intents: ["ticket.close"],
  targets: ["support/*"],
  constraints: [{ path: "/amount", rule: { kind: "range", least: undefined, most: 10 } }],
};
const tokenFor = (given: Partial<TokenClaims> = {}): Uint8Array =>
  chainBytes(rootChain({ holder: keys.bob.publicKey, permissions: [permission], ...given }));
const judge = (fields: Partial<Capsule>, certificate = bobCertificate) =>
  authorise(capsuleOf(fields), certificate, { ...portsOf(), capabilities: chainVerifier() }, NOW);
const asked = { target: "support/triage", intent: "ticket.close", payload: json('{"amount":10}') };

describe("the authority of an intent with a capability", () => {
  test("is the token's alone: neither more nor less than that", () => {
    expect(codeOf(judge(asked))).toBe("AUTHORITY_INTENT_FORBIDDEN");
    const capability = tokenFor();
    expect(must(judge({ ...asked, capability }))).toEqual({
      by: expect.stringMatching(/^capability [0-9a-f]{64} of [0-9a-f]{64}$/),
    });
    expect(codeOf(judge({ ...asked, intent: "ticket.open" }))).toBe("ok");
    expect(codeOf(judge({ ...asked, intent: "ticket.open", capability }))).toBe(
      "CAPABILITY_INTENT_FORBIDDEN",
    );
  });

  test("of a token that serves once is to be spent by the first link that does, whatever was narrowed from it", () => {
    const wide = tokenClaims({ permissions: [permission], maxDepth: 2, holder: keys.ann.publicKey });
    const root = rootChain(wide);
    const once = must(attenuate(root, { ...wide, kind: "ephemeral", maxDepth: 1 }, keys.ann, genesis.hash));
    const narrower = (id: number) =>
      must(
        attenuate(
          once,
          {
            ...wide,
            id: new Uint8Array(16).fill(id),
            kind: "ephemeral",
            maxDepth: 0,
            holder: keys.bob.publicKey,
          },
          keys.ann,
          genesis.hash,
        ),
      );
    for (const chain of [narrower(7), narrower(8)]) {
      const { by, once: spent } = must(judge({ ...asked, capability: chainBytes(chain) }));
      expect(spent).toEqual(once.last.hash);
      expect(by).toContain(toHex(chain.last.hash));
    }
  });

  test("of a token that serves so many is counted under each link that serves fewer than those before it", () => {
    const claims = tokenClaims({ permissions: [permission], maxDepth: 3, holder: keys.ann.publicKey });
    const root = rootChain({ ...claims, limits: { calls: 9 } });
    const next = (chain: typeof root, calls: number, maxDepth: number, holder = keys.ann.publicKey) =>
      must(attenuate(chain, { ...claims, limits: { calls }, maxDepth, holder }, keys.ann, genesis.hash));
    const same = next(root, 9, 2);
    const fewer = next(same, 4, 1);
    const last = next(fewer, 4, 0, keys.bob.publicKey);
    const { notAfterUnixMs } = claims;
    expect(must(judge({ ...asked, capability: chainBytes(last) })).counted).toEqual({
      root: root.last.hash,
      links: [
        { token: root.last.hash, limit: "calls", uses: 9, notAfterUnixMs },
        { token: fewer.last.hash, limit: "calls", uses: 4, notAfterUnixMs },
      ],
    });
    expect(must(judge({ ...asked, capability: tokenFor() })).counted).toBeUndefined();
  });

  test("of a token that starts so many agents is counted for the intent that starts one, and for no other", () => {
    const permissions = [
      { intents: ["child.start", "ticket.close"], targets: ["support/*"], constraints: [] },
    ];
    const capability = tokenFor({ limits: { agents: 2 }, permissions });
    expect(must(judge({ ...asked, capability })).counted).toBeUndefined();
    expect(must(judge({ ...asked, intent: "child.start", capability })).counted?.links).toMatchObject([
      { limit: "agents", uses: 2 },
    ]);
  });

  test.for<[what: string, payload: string, contentType: string, code: string]>([
    ["parameters of its type", '{"amount":10}', "Application/JSON; charset=utf-8", "ok"],
    ["no type", '{"amount":10}', "", "ok"],
    [
      "a part set twice, as the actor reads it",
      '{"amount":1,"amount":11}',
      "application/json",
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    ],
    ["no payload", "", "application/json", "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["a byte order mark", '\ufeff{"amount":10}', "application/json", "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["bytes", '{"amount":10}', "application/octet-stream", "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ["a number as text", '{"amount":"10"}', "application/json", "CAPABILITY_ARGUMENT_FORBIDDEN"],
    [
      "65 levels",
      `{"amount":10,"x":${"[".repeat(64)}${"]".repeat(64)}}`,
      "application/json",
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    ],
  ])("judges a payload with %s", ([, payload, contentType, code]) => {
    expect(codeOf(judge({ ...asked, payload: json(payload), contentType, capability: tokenFor() }))).toBe(
      code,
    );
  });

  test.for<[what: string, code: string, token: () => Uint8Array]>([
    ["no chain", "CAPABILITY_MALFORMED", () => Uint8Array.of(1)],
    ["one of another kind", "CAPSULE_CAPABILITY_NOT_BUILT_YET", () => tokenFor({ kind: "system" })],
    [
      "one with a limit that nobody would keep to",
      "CAPSULE_CAPABILITY_NOT_BUILT_YET",
      () => tokenFor({ limits: { calls: 1, storageBytes: 1 } }),
    ],
    [
      "one that ends before the intent does",
      "CAPABILITY_EXPIRED",
      () => tokenFor({ notAfterUnixMs: NOW + 4_999 }),
    ],
    ["one of another holder", "CAPABILITY_HOLDER_MISMATCH", () => tokenFor({ holder: keys.ann.publicKey })],
  ])("refuses %s with %s", ([, code, token]) => {
    expect(codeOf(judge({ ...asked, capability: token() }))).toBe(code);
  });

  test("of an actor is not its token's yet", () => {
    const capability = tokenFor({ holder: keys.nodeA.publicKey });
    const source = { actor: "support/triage", incarnation: undefined, sequence: 1 };
    expect(codeOf(judge({ ...asked, source, capability }, nodeCertificate))).toBe(
      "CAPSULE_CAPABILITY_NOT_BUILT_YET",
    );
  });
});
