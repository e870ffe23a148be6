import { describe, expect, test } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { toHex } from "../../../src/security/bytes.ts";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import { actorHolder } from "../../../src/security/capability/holder.ts";
import type { Permission } from "../../../src/security/capability/permission.ts";
import type { ResourceLimits, TokenClaims } from "../../../src/security/capability/token.ts";
import type { ResourceView } from "../../../src/security/intake/amounts.ts";
import { type AuthorityPorts, authorise } from "../../../src/security/intake/authority.ts";
import type { Capsule } from "../../../src/security/wire/capsule.ts";
import { chainVerifier, rootChain, tokenClaims } from "../capability/token-fixture.ts";
import {
  bobCertificate,
  capsuleOf,
  codeOf,
  freeResources,
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
/** Narrowed from another cell's. */
const onceOfElsewhere = (): Uint8Array => {
  const claims = tokenClaims({ kind: "federation", permissions: [permission] });
  const once = { ...claims, kind: "ephemeral", maxDepth: 0, holder: keys.bob.publicKey } as const;
  return chainBytes(must(attenuate(rootChain(claims), once, keys.ann, genesis.hash)));
};
const BYTES = 700;
const judge = (
  fields: Partial<Capsule>,
  certificate = bobCertificate,
  resources: ResourceView = freeResources,
) =>
  authorise(
    capsuleOf(fields),
    certificate,
    { ...portsOf(), capabilities: chainVerifier(), resources },
    NOW,
    BYTES,
  );
const asBytes = { contentType: "application/octet-stream" };
const started = (supervisor: unknown) => ({
  ...{ target: "kernel/a/registry", intent: "child.start" },
  payload: json(JSON.stringify({ supervisor, name: "one" })),
});
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
        { token: root.last.hash, limit: "calls", most: 9, amount: 1, notAfterUnixMs },
        { token: fewer.last.hash, limit: "calls", most: 4, amount: 1, notAfterUnixMs },
      ],
    });
    expect(must(judge({ ...asked, capability: tokenFor() })).counted).toBeUndefined();
  });

  test("of a token that starts so many agents is counted for the intent that starts one, and for no other", () => {
    const permissions = [
      { intents: ["child.start", "ticket.close"], targets: ["support/*", "kernel/**"], constraints: [] },
    ];
    const capability = tokenFor({ kind: "ephemeral", limits: { agents: 2 }, permissions });
    const start = { ...asked, intent: "child.start", capability };
    expect(must(judge({ ...asked, capability })).counted).toBeUndefined();
    // Of an actor of a graph it is another intent by that name.
    expect(must(judge(start)).counted).toBeUndefined();
    expect(must(judge({ ...start, target: "kernel/a/registry" })).counted?.links).toMatchObject([
      { limit: "agents", most: 2, amount: 1 },
    ]);
  });

  test("takes of each limit what its target, payload and size say", () => {
    const limits = {
      ...{ memoryBytes: 10, cpuMilli: 11, storageBytes: 1_000, agents: 13, calls: 14, costMicro: 15 },
    };
    const permissions = [{ intents: ["**"], targets: ["support/*", "kernel/**"], constraints: [] }];
    const capability = tokenFor({ kind: "ephemeral", limits, permissions });
    const resources: ResourceView = {
      priceOf: (target, intent) => (target === "support/triage" && intent === "ticket.close" ? 3 : 0),
      isKept: (target) => target === "kernel/a/registry",
      childLimits: (name) => (name === "support/desks" ? { memoryBytes: 5, cpuMilli: 6 } : undefined),
    };
    const taken = (fields: Partial<Capsule>) => {
      const { counted } = must(judge({ ...asked, capability, ...fields }, bobCertificate, resources));
      return Object.fromEntries((counted?.links ?? []).map(({ limit, amount }) => [limit, amount]));
    };
    expect(taken({})).toEqual({ calls: 1, costMicro: 3 });
    expect(taken({ intent: "ticket.open" })).toEqual({ calls: 1 });
    const start = {
      ...{ target: "kernel/a/registry", intent: "child.start" },
      payload: json('{"supervisor":"support/none","name":"one","supervisor":"support/desks"}'),
    };
    expect(taken(start)).toEqual({ memoryBytes: 5, cpuMilli: 6, storageBytes: BYTES, agents: 1, calls: 1 });
  });

  test.for<[what: string, code: string, limits: ResourceLimits, fields: Partial<Capsule>]>([
    ["an intent without a price", "CAPABILITY_PRICE_UNSTATED", { costMicro: 9 }, {}],
    ["a free intent", "ok", { costMicro: 0 }, { intent: "free" }],
    ["a child without a limit of memory", "CAPABILITY_CHILD_UNLIMITED", { memoryBytes: 9 }, started("none")],
    ["a child without one of processors", "CAPABILITY_CHILD_UNLIMITED", { cpuMilli: 9 }, started("heap")],
    ["a child with one of memory", "ok", { memoryBytes: 9 }, started("heap")],
    ["a child of nobody", "SUPERVISOR_NOT_FOUND", { memoryBytes: 9 }, started("nobody")],
    ["a child of no text", "CAPABILITY_CHILD_UNLIMITED", { memoryBytes: 9 }, started(7)],
    ["a child by bytes", "CAPABILITY_CHILD_UNLIMITED", { cpuMilli: 9 }, { ...started("heap"), ...asBytes }],
    ["a child under no such limit", "ok", { agents: 9, calls: 9 }, started("none")],
  ])("with a limit: %s is %s", ([, code, limits, fields]) => {
    const permissions = [{ intents: ["**"], targets: ["support/*", "kernel/**"], constraints: [] }];
    const capability = tokenFor({ kind: "ephemeral", limits, permissions });
    const resources: ResourceView = {
      priceOf: (_target, intent) => (intent === "free" ? 0 : undefined),
      isKept: () => false,
      childLimits: (name) => (name === "nobody" ? undefined : name === "heap" ? { memoryBytes: 1 } : {}),
    };
    expect(codeOf(judge({ ...asked, capability, ...fields }, bobCertificate, resources))).toBe(code);
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
    ["another cell's", "CAPSULE_CAPABILITY_NOT_BUILT_YET", () => tokenFor({ kind: "federation" })],
    ["one that serves once, of another cell's", "CAPSULE_CAPABILITY_NOT_BUILT_YET", onceOfElsewhere],
    [
      "one that ends before the intent does",
      "CAPABILITY_EXPIRED",
      () => tokenFor({ notAfterUnixMs: NOW + 4_999 }),
    ],
    ["one of another holder", "CAPABILITY_HOLDER_MISMATCH", () => tokenFor({ holder: keys.ann.publicKey })],
  ])("refuses %s with %s", ([, code, token]) => {
    expect(codeOf(judge({ ...asked, capability: token() }))).toBe(code);
  });
});

describe("the authority of an actor's intent with a capability", () => {
  const byActor = (actor: string) => ({ actor, incarnation: undefined, sequence: 1 });
  const held = (given: Partial<TokenClaims> = {}, actor = "support/triage") =>
    tokenFor({ kind: "agent", holder: actorHolder(genesis.hash, actor), maxDepth: 0, ...given });
  const send = (fields: Partial<Capsule>, ports: Partial<AuthorityPorts> = {}) =>
    authorise(
      capsuleOf({ ...asked, source: byActor("support/triage"), ...fields }),
      nodeCertificate,
      { ...portsOf(), capabilities: chainVerifier(), ...ports },
      NOW,
      512,
    );

  test("is the token's alone: neither more nor less than that", () => {
    expect(codeOf(send({}))).toBe("AUTHORITY_INTENT_FORBIDDEN");
    expect(must(send({ capability: held() })).by).toMatch(/^capability [0-9a-f]{64} of [0-9a-f]{64}$/);
    const everything = { grants: [{ intents: ["**"], targets: ["**"] }] };
    const granted = { actorGrants: () => everything };
    expect(codeOf(send({ intent: "ticket.open" }, granted))).toBe("ok");
    expect(codeOf(send({ intent: "ticket.open", capability: held() }, granted))).toBe(
      "CAPABILITY_INTENT_FORBIDDEN",
    );
    expect(codeOf(send({ payload: json('{"amount":11}'), capability: held() }, granted))).toBe(
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    );
  });

  test.for<[what: string, code: string, fields: Partial<Capsule>]>([
    [
      "of another actor of the node",
      "CAPABILITY_HOLDER_MISMATCH",
      { source: byActor("support/router"), capability: held() },
    ],
    [
      "of an actor of another node",
      "AUTHORITY_SOURCE_INVALID",
      { source: byActor("support/far"), capability: held({}, "support/far") },
    ],
    ["of no actor", "AUTHORITY_SOURCE_INVALID", { source: undefined, capability: held() }],
    ["with a client's token", "CAPABILITY_HOLDER_MISMATCH", { capability: tokenFor() }],
    [
      "with one of its node's key",
      "CAPABILITY_HOLDER_MISMATCH",
      { capability: tokenFor({ holder: keys.nodeA.publicKey }) },
    ],
    [
      "with a user's whose key equals its name",
      "CAPABILITY_HOLDER_MISMATCH",
      { capability: tokenFor({ holder: actorHolder(genesis.hash, "support/triage") }) },
    ],
    [
      "with one that ends before it does",
      "CAPABILITY_EXPIRED",
      { capability: held({ notAfterUnixMs: NOW + 1 }) },
    ],
    ["with what is no chain", "CAPABILITY_MALFORMED", { capability: Uint8Array.of(1) }],
  ])("%s is refused: %s", ([, code, fields]) => {
    expect(codeOf(send(fields))).toBe(code);
  });

  test("is not a client's to have, by whatever key", () => {
    expect(codeOf(judge({ ...asked, capability: held() }))).toBe("CAPABILITY_HOLDER_MISMATCH");
    const capability = held({ holder: keys.bob.publicKey });
    expect(codeOf(judge({ ...asked, capability }))).toBe("CAPABILITY_HOLDER_MISMATCH");
    const source = byActor("support/triage");
    expect(codeOf(judge({ ...asked, source, capability: held() }))).toBe("AUTHORITY_SOURCE_INVALID");
  });

  test("is none at all once what its manifest grants was taken back", () => {
    const fault = () => new CellError("CAPABILITY_REVOKED");
    const actorGrants = () => ({ grants: [], capability: { name: () => "00", fault } });
    expect(codeOf(send({ capability: held() }, { actorGrants }))).toBe("CAPABILITY_REVOKED");
  });

  test("is counted and spent as a client's is, by the links that it came from", () => {
    const root = rootChain({ permissions: [permission], limits: { calls: 3 }, kind: "ephemeral" });
    const claims = tokenClaims({
      permissions: [permission],
      limits: { calls: 2 },
      kind: "agent",
      maxDepth: 0,
    });
    const holder = actorHolder(genesis.hash, "support/triage");
    const chain = must(attenuate(root, { ...claims, holder }, keys.ann, genesis.hash));
    expect(must(send({ capability: chainBytes(chain) }))).toMatchObject({
      once: root.last.hash,
      counted: { root: root.last.hash, links: [{ most: 3 }, { most: 2, token: chain.last.hash }] },
    });
  });
});
