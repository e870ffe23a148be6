import { describe, expect, test } from "vitest";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import { type ForActor, narrowToActor } from "../../../src/security/capability/narrow-to-actor.ts";
import { codeOf, genesis, keys, must, NOW } from "../cell-fixture.ts";
import { chainVerifier, rootChain, SYSTEM } from "./token-fixture.ts";

const ACTOR = "support/desk";
const permissions = [
  { intents: ["ticket.*"], targets: ["support/**"], constraints: [] },
  { intents: ["http.fetch"], targets: ["web/*"], constraints: [] },
];
const root = rootChain({ permissions, limits: { calls: 9 } });
const by = { key: keys.ann, genesisHash: genesis.hash, id: new Uint8Array(16).fill(9), nowUnixMs: NOW };
const narrow = (given: ForActor, actor = ACTOR, chain = root, key = keys.ann) =>
  narrowToActor(chain, actor, given, { ...by, key });

describe("a token that is narrowed to an actor", () => {
  test("is as its parent is, but for the actor and from now on", () => {
    const { last } = must(narrow({}));
    const { notAfterUnixMs, scope, epoch } = root.last;
    expect(last).toMatchObject({ permissions, limits: { calls: 9 }, notAfterUnixMs, scope, epoch });
    expect(last).toMatchObject({ kind: "agent", maxDepth: 0, notBeforeUnixMs: NOW });
  });

  test("counts for that actor, by what is left of its parent", () => {
    const given = { intents: ["ticket.open"], where: ["/amount <= 10"], ttlMs: 1_000, calls: 2, agents: 1 };
    const chain = must(narrow(given));
    expect(codeOf(chainVerifier().verify(chainBytes(chain), { actor: ACTOR }, NOW))).toBe("ok");
    expect(chain.last).toMatchObject({
      permissions: [
        { intents: ["ticket.open"], targets: ["support/**"], constraints: [{ path: "/amount" }] },
      ],
      limits: { calls: 2, agents: 1 },
      notAfterUnixMs: NOW + 1_000,
    });
  });

  test("may reach the kernel's own actors where its parent does", () => {
    const chain = must(narrow({ targets: ["kernel/graph"] }, ACTOR, rootChain(SYSTEM)));
    expect(codeOf(chainVerifier().verify(chainBytes(chain), { actor: ACTOR }, NOW))).toBe("ok");
    expect(chain.links).toMatchObject([{ kind: "system" }, { kind: "agent" }]);
    expect(codeOf(narrow({ targets: ["kernel/graph"] }))).toBe("CAPABILITY_WIDENED");
  });

  test.for<[what: string, code: string, made: () => ReturnType<typeof narrow>]>([
    ["more intents", "CAPABILITY_WIDENED", () => narrow({ intents: ["ticket.open", "other"] })],
    ["more uses", "CAPABILITY_WIDENED", () => narrow({ calls: 10 })],
    ["a later end", "CAPABILITY_WIDENED", () => narrow({ ttlMs: 60_001 })],
    ["no time", "CAPABILITY_EXPIRED", () => narrow({ ttlMs: 0 })],
    ["what is no condition", "CAPABILITY_MALFORMED", () => narrow({ where: ["amount"] })],
    ["what is no path", "CAPABILITY_MALFORMED", () => narrow({}, "Support/desk")],
    ["one that it does not hold", "CAPABILITY_HOLDER_MISMATCH", () => narrow({}, ACTOR, root, keys.bob)],
    ["one of an actor", "CAPABILITY_HOLDER_MISMATCH", () => narrow({}, ACTOR, must(narrow({})))],
    [
      "one that is not handed on",
      "CAPABILITY_WIDENED",
      () => narrow({}, ACTOR, rootChain({ permissions, maxDepth: 0 })),
    ],
  ])("is not made with %s: %s", ([, code, made]) => {
    expect(codeOf(made())).toBe(code);
  });
});
