// What a token that counts allows: intents, targets and payloads against its permissions, by each kind of
// constraint, also where readers of JSON are known to differ.
import { toHex } from "../../src/security/bytes.ts";
import type { Rule } from "../../src/security/capability/constraint.ts";
import { actorHolder } from "../../src/security/capability/holder.ts";
import type { Permission } from "../../src/security/capability/permission.ts";
import { genesis, NOW } from "../../test/security/cell-fixture.ts";
import { bytesOfLinks, type Claims, handOn, mint, SYSTEM } from "./tokens.ts";

export type UseVector = {
  readonly name: string;
  /** Ann's, or the actor's. */
  readonly chain: string;
  /** Which sends it, in place of ann. */
  readonly actor?: string;
  readonly intent: string;
  readonly target: string;
  readonly contentType: string;
  readonly payload: string;
  readonly deadlineUnixMs: number;
  /** Absent: it is allowed. */
  readonly code?: string;
};

type Use = Partial<Omit<UseVector, "name">>;

const use = (name: string, claims: Claims, given: Use): UseVector => ({
  name,
  chain: toHex(bytesOfLinks(mint(claims))),
  intent: "ticket.open",
  target: "support/triage",
  contentType: "application/json",
  payload: "{}",
  deadlineUnixMs: NOW + 5_000,
  ...given,
});

const EVERY_LIMIT = { memoryBytes: 1, cpuMilli: 2, storageBytes: 3, agents: 4, calls: 5, costMicro: 6 };

const ARGUMENT = "CAPABILITY_ARGUMENT_FORBIDDEN";
const INTENT = "CAPABILITY_INTENT_FORBIDDEN";

type Case = readonly [
  name: string,
  rule: Rule,
  path: string,
  allowed: readonly string[],
  refused: readonly string[],
];

const elements = (count: number): string => JSON.stringify({ part: Array.from({ length: count }, () => 1) });

const cases: readonly Case[] = [
  [
    "a value",
    { kind: "equals", value: "open" },
    "/part",
    ['{"part":"open"}', '{"part":"\\u006fpen"}'],
    ['{"part":"Open"}', '{"part":["open"]}', "{}", "null"],
  ],
  [
    "a number",
    { kind: "equals", value: 1 },
    "/part",
    ['{"part":1}', '{"part":1.0}', '{"part":10e-1}'],
    ['{"part":"1"}', '{"part":true}'],
  ],
  ["null", { kind: "equals", value: null }, "/part", ['{"part":null}'], ["{}", '{"part":0}']],
  [
    "some values",
    { kind: "oneOf", values: ["a", 2, false] },
    "/part",
    ['{"part":2}', '{"part":false}'],
    ['{"part":"2"}', '{"part":0}'],
  ],
  [
    "a beginning",
    { kind: "prefix", prefix: "docs/" },
    "/part",
    ['{"part":"docs/../secrets"}'],
    ['{"part":"doc"}', '{"part":["docs/"]}'],
  ],
  [
    "a range",
    { kind: "range", least: 0, most: 10 },
    "/part",
    ['{"part":0}', '{"part":10}', '{"part":9.5}'],
    ['{"part":10.5}', '{"part":-1}', '{"part":"5"}'],
  ],
  [
    "a range without an end",
    { kind: "range", least: 0, most: undefined },
    "/part",
    ['{"part":9007199254740991}'],
    ['{"part":9007199254740993}', '{"part":1e300}'],
  ],
  [
    "a set",
    { kind: "subset", values: [1, "b"] },
    "/part",
    ['{"part":[]}', '{"part":["b",1,1]}', elements(1_024)],
    ['{"part":[1,2]}', '{"part":1}', elements(1_025)],
  ],
  [
    "a length",
    { kind: "maxLength", length: 3 },
    "/part",
    ['{"part":"abc"}', '{"part":"\u{1f600}a"}', '{"part":[1,2,3]}'],
    ['{"part":"\u{1f600}\u{1f600}"}', '{"part":[1,2,3,4]}', '{"part":3}'],
  ],
  ["the whole payload", { kind: "equals", value: "x" }, "", ['"x"'], ['{"x":"x"}']],
  [
    "a part of a part",
    { kind: "equals", value: 1 },
    "/a~1b/1/~0",
    ['{"a/b":[0,{"~":1}]}'],
    ['{"a/b":{"01":{"~":1}}}', '{"a":{"b":[0,{"~":1}]}}'],
  ],
  [
    "a part of two with one name",
    { kind: "equals", value: 1 },
    "/part",
    ['{"part":2,"part":1}'],
    ['{"part":1,"part":2}'],
  ],
  // One after the other: V8 took the second's key for the first's.
  [
    "a part with a backslash for its name",
    { kind: "equals", value: 1 },
    "/\\",
    ['{"~":0,"\\\\":1}', '{"~":0,"\\u005c":1}'],
    ['{"~":0,"\\n":1}', '{"~":0,"\\u0061":1}'],
  ],
];

const withConstraint = (path: string, rule: Rule): Claims => ({
  permissions: [{ intents: ["ticket.open"], targets: ["support/triage"], constraints: [{ path, rule }] }],
});

const byConstraint = (): readonly UseVector[] =>
  cases.flatMap(([name, rule, path, allowed, refused]) => [
    ...allowed.map((payload, at) =>
      use(`${name}: allowed ${at + 1}`, withConstraint(path, rule), { payload }),
    ),
    ...refused.map((payload, at) =>
      use(`${name}: refused ${at + 1}`, withConstraint(path, rule), { payload, code: ARGUMENT }),
    ),
  ]);

const permit = (given: Partial<Permission>): Claims => ({
  permissions: [{ intents: ["**"], targets: ["**"], constraints: [], ...given }],
});

function byPattern(): readonly UseVector[] {
  const one = withConstraint("/part", { kind: "equals", value: 1 });
  const or = {
    permissions: [
      ...(one.permissions ?? []),
      ...(permit({ intents: ["ticket.*"], targets: ["support/router"] }).permissions ?? []),
    ],
  };
  return [
    use("everything, to an actor", permit({}), {}),
    use("everything does not reach the kernel", permit({}), { target: "kernel/graph", code: INTENT }),
    use(
      "a wildcard for the first token does not reach the kernel",
      permit({ targets: ["*/graph", "*/**"] }),
      {
        ...{ target: "kernel/graph", code: INTENT },
      },
    ),
    use("the kernel by its name", SYSTEM, { target: "kernel/graph" }),
    use("a token of the kernel's, to a graph's actor", SYSTEM, { code: INTENT }),
    use("one token by a wildcard", permit({ intents: ["ticket.*"] }), {}),
    use("two tokens by a wildcard for one", permit({ intents: ["ticket.*"] }), {
      intent: "ticket.open.now",
      code: INTENT,
    }),
    use("no token by an open end", permit({ intents: ["ticket.open.**"] }), { code: INTENT }),
    use("another target", permit({ targets: ["support/router"] }), { code: INTENT }),
    use("what one of two permissions allows", or, { target: "support/router", payload: "7" }),
    use("what neither of two permissions allows alone", or, { payload: '{"part":2}', code: ARGUMENT }),
    use("a payload that is no JSON, without a condition", permit({}), {
      contentType: "text/plain",
      payload: "hello",
    }),
    use("a payload that is no JSON by its type", one, {
      contentType: "text/plain",
      payload: '{"part":1}',
      code: ARGUMENT,
    }),
    use("a payload that is no JSON by itself", one, { payload: '{"part":1', code: ARGUMENT }),
  ];
}

const AGENTS: Claims = {
  ...{ kind: "agent", holder: actorHolder(genesis.hash, "support/router"), maxDepth: 0 },
};

function byTime(): readonly UseVector[] {
  const notYet = "CAPSULE_CAPABILITY_NOT_BUILT_YET";
  const federation = mint({ kind: "federation" });
  const once = handOn(federation, {
    ...{ kind: "ephemeral", holder: federation.holder, notAfterUnixMs: NOW + 60_000 },
  });
  return [
    use("a deadline at its end", { notAfterUnixMs: NOW + 5_000 }, {}),
    use("a deadline beyond its end", { notAfterUnixMs: NOW + 4_999 }, { code: "CAPABILITY_EXPIRED" }),
    use("a token that serves once", { kind: "ephemeral", notAfterUnixMs: NOW + 60_000 }, {}),
    use("an actor's token", AGENTS, { actor: "support/router" }),
    use("an actor's token, by ann", AGENTS, { code: "CAPABILITY_HOLDER_MISMATCH" }),
    use("an actor's token, by another actor", AGENTS, {
      ...{ actor: "support/triage", code: "CAPABILITY_HOLDER_MISMATCH" },
    }),
    use("ann's token, by an actor", {}, { actor: "support/router", code: "CAPABILITY_HOLDER_MISMATCH" }),
    use("an actor's token, beyond it", AGENTS, { actor: "support/router", intent: "a", code: INTENT }),
    use("a token of another cell", { kind: "federation" }, { code: notYet }),
    use(
      "a token of another cell, narrowed to one that serves once",
      {},
      {
        ...{ chain: toHex(bytesOfLinks(federation, once)), code: notYet },
      },
    ),
    use("a token that serves so many", { limits: { calls: 10 } }, {}),
    use("a token that starts so many agents", { limits: { agents: 1 } }, {}),
    use("a token with every limit", { limits: EVERY_LIMIT }, {}),
  ];
}

export const useVectors = (): readonly UseVector[] => [...byPattern(), ...byConstraint(), ...byTime()];
