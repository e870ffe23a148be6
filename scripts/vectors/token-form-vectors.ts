// Tokens and chains that are not of the form that they must have: refused before any signature is looked at.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type Constraint,
  type ConstraintSchema,
  type Permission,
  type PermissionSchema,
  SignedTokenSchema,
  TokenKind,
} from "../../src/gen/cell0/v1/capability_pb.ts";
import { concat } from "../../src/security/bytes.ts";
import { keys } from "../../test/security/cell-fixture.ts";
import { padded, utf8 } from "./bytes.ts";
import { type ChainVector, chainVector } from "./chain-vectors.ts";
import {
  type BodyFields,
  bodyWith,
  bytesOfLinks,
  handOn,
  mint,
  rawChain,
  signBody,
  signedToken,
} from "./tokens.ts";

type PermissionFields = Exclude<MessageInitShape<typeof PermissionSchema>, Permission>;
type RuleFields = NonNullable<Exclude<MessageInitShape<typeof ConstraintSchema>, Constraint>["rule"]>;

const refused = (name: string, chain: Uint8Array): ChainVector =>
  chainVector(`malformed: ${name}`, chain, "CAPABILITY_MALFORMED", keys.ann.publicKey);

function encodings(): readonly ChainVector[] {
  const { bytes, body, signature } = mint();
  const chain = bytesOfLinks(mint());
  const [first, second] = [
    toBinary(SignedTokenSchema, create(SignedTokenSchema, { body })),
    toBinary(SignedTokenSchema, create(SignedTokenSchema, { signature })),
  ];
  const unknown = Uint8Array.of(0xf8, 6, 1);
  return [
    refused("no bytes", new Uint8Array()),
    refused("a chain cut short", chain.slice(0, -1)),
    refused("bytes after the chain", concat(chain, Uint8Array.of(0))),
    refused("an unknown field in the chain", concat(chain, unknown)),
    refused("an unknown field in a link", rawChain(concat(bytes, unknown))),
    refused("an unknown field in a body", rawChain(signBody(concat(body, unknown)))),
    refused("a field of the body twice", rawChain(signBody(concat(body, Uint8Array.of(0x5a, 1, 0x78))))),
    refused("the length of a link in more bytes than it needs", padded(chain)),
    refused("the length of a body in more bytes than it needs", rawChain(padded(bytes))),
    refused("a signature before its body", rawChain(concat(second, first))),
    refused(
      "a kind that nobody knows",
      rawChain(signBody(concat(bodyWith({ kind: 0 }), Uint8Array.of(0x10, 6)))),
    ),
    refused(
      "an actor's that may be handed on",
      rawChain(signBody(bodyWith({ kind: TokenKind.AGENT, maxDepth: 1 }))),
    ),
    refused(
      "an actor's name of 31 bytes",
      rawChain(signBody(bodyWith({ kind: TokenKind.AGENT, maxDepth: 0, holder: new Uint8Array(31) }))),
    ),
    refused("a link without its body", rawChain(second)),
    refused("a signature of 63 bytes", rawChain(signedToken(body, signature.slice(1)))),
    refused("a body that is no message", rawChain(signBody(utf8("token")))),
    refused(
      "a scope that is not UTF-8",
      rawChain(signBody(concat(bodyWith({ scope: "" }), Uint8Array.of(0x5a, 1, 0xff)))),
    ),
    refused(
      "a depth beyond 32 bits",
      rawChain(
        signBody(concat(bodyWith({ maxDepth: 0 }), Uint8Array.of(0x50, 0x80, 0x80, 0x80, 0x80, 0x10))),
      ),
    ),
  ];
}

/** One field of the body each. */
const fields: readonly (readonly [name: string, fields: BodyFields])[] = [
  ["an id of 15 bytes", { id: new Uint8Array(15) }],
  ["no kind", { kind: 0 }],
  ["a holder of 31 bytes", { holder: new Uint8Array(31).fill(1) }],
  ["a holder of small order", { holder: new Uint8Array(32) }],
  ["a holder that is not canonical", { holder: new Uint8Array(32).fill(0xff) }],
  ["a parent of 31 bytes", { parent: new Uint8Array(31) }],
  ["no permission", { permissions: [] }],
  ["a scope with capitals", { scope: "Default" }],
  ["no scope", { scope: "" }],
  ["a depth of 8", { maxDepth: 8 }],
  ["an end at its begin", { notBeforeUnixMs: 7n, notAfterUnixMs: 7n }],
  ["an end beyond what a date can be", { notAfterUnixMs: 8_640_000_000_000_001n }],
  ["an epoch beyond 2^53 - 1", { epoch: 2n ** 53n }],
  ["a limit beyond 2^53 - 1", { limits: { calls: 2n ** 53n } }],
];

const permission: PermissionFields = { intents: ["ticket.*"], targets: ["support/**"] };
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

const permissions: readonly (readonly [name: string, permissions: readonly PermissionFields[]])[] = [
  ["a permission without an intent", [{ ...permission, intents: [] }]],
  ["a permission without a target", [{ ...permission, targets: [] }]],
  ["an open end that is not the last token", [{ ...permission, intents: ["**.open"] }]],
  ["a wildcard within a token", [{ ...permission, intents: ["ticket.o*"] }]],
  ["a pattern with an empty token", [{ ...permission, targets: ["support//triage"] }]],
  ["a pattern of nine tokens", [{ ...permission, targets: ["a/b/c/d/e/f/g/h/i"] }]],
  ["17 permissions", many(17, permission)],
  ["65 patterns", [{ ...permission, intents: many(64, "ticket.open") }]],
];

const kernels: PermissionFields = { intents: ["graph.get"], targets: ["kernel/graph"] };

const toTargets = (...targets: string[]): PermissionFields => ({ ...permission, targets });
const system = (...given: PermissionFields[]): BodyFields => ({ kind: TokenKind.SYSTEM, permissions: given });

/** Targets that are not its kind's. */
const reaches: readonly (readonly [name: string, fields: BodyFields])[] = [
  ["of kind system with a graph's actor", system(toTargets("support/triage"))],
  ["of kind system with what only wildcards name", system(toTargets("**"))],
  ["of kind system with a wildcard before the kernel's", system(toTargets("*/graph"))],
  ["of kind system with a name that begins with kernel", system(toTargets("kernels/graph"))],
  [
    "of kind system with a graph's actor beside the kernel's",
    system(toTargets("kernel/graph", "support/triage")),
  ],
  ["of kind system with a graph's actor in its second permission", system(kernels, permission)],
  ["of kind user with one of the kernel's", { permissions: [kernels] }],
  [
    "of kind user with all of the kernel's beside a graph's",
    { permissions: [toTargets("support/**", "kernel/**")] },
  ],
  ["of kind user with one of the kernel's in its second permission", { permissions: [permission, kernels] }],
];

const constraint = (rule: RuleFields, path = "/part") => ({ ...permission, constraints: [{ path, rule }] });
const equals = (value: string): RuleFields => ({ case: "equals", value });
const values = (given: readonly string[]): RuleFields => ({ case: "oneOf", value: { values: [...given] } });
const range = (least: string, most: string): RuleFields => ({ case: "range", value: { least, most } });

const constraints: readonly (readonly [name: string, permission: PermissionFields])[] = [
  ["a constraint without a rule", { ...permission, constraints: [{ path: "/part" }] }],
  ["a path that is no JSON Pointer", constraint(equals("1"), "part")],
  ["a path with a loose tilde", constraint(equals("1"), "/a~2")],
  ["a path of nine tokens", constraint(equals("1"), "/1/2/3/4/5/6/7/8/9")],
  ["a path of 257 units", constraint(equals("1"), `/${"a".repeat(256)}`)],
  ["a path that names __proto__", constraint(equals("1"), "/__proto__")],
  ["a value that is no JSON", constraint(equals("open"))],
  ["a value that is no scalar", constraint(equals("[1]"))],
  ["a number as ECMAScript does not write it", constraint(equals("1.0"))],
  ["a text as ECMAScript does not write it", constraint(equals('"\\u0041"'))],
  ["a value with a space around it", constraint(equals(" 1"))],
  ["a whole number beyond 2^53 - 1", constraint(equals("9007199254740992"))],
  ["a value of 1,025 units", constraint(equals(JSON.stringify("a".repeat(1_023))))],
  ["a beginning of 1,025 units", constraint({ case: "prefix", value: "a".repeat(1_025) })],
  ["a range from a text", constraint(range('"a"', ""))],
  ["a range to true", constraint(range("", "true"))],
  ["no values to be one of", constraint(values([]))],
  ["65 values to be one of", constraint(values(many(65, "1")))],
  ["65 constraints", { ...permission, constraints: many(65, { path: "/part", rule: equals("1") }) }],
  [
    "257 values in all",
    {
      ...permission,
      constraints: [
        ...many(4, { path: "/part", rule: values(many(64, "1")) }),
        { path: "/part", rule: equals("1") },
      ],
    },
  ],
];

function sizes(): readonly ChainVector[] {
  const long = (count: number) => [constraint(values(many(count, JSON.stringify("a".repeat(1_000)))))];
  const root = signBody(bodyWith({ permissions: long(7) }));
  const nine = [mint()];
  while (nine.length < 9) nine.push(handOn(nine.at(-1) ?? mint(), { maxDepth: 0 }));
  return [
    refused("a link of more than 8 KiB", rawChain(signBody(bodyWith({ permissions: long(9) })))),
    refused("a chain of more than 12 KiB", rawChain(root, root)),
    refused("nine links", bytesOfLinks(...nine)),
  ];
}

export const tokenFormVectors = (): readonly ChainVector[] => [
  chainVector("a root without limits", rawChain(signBody(bodyWith({}))), undefined, keys.ann.publicKey),
  ...encodings(),
  ...[...fields, ...reaches].map(([name, given]) => refused(name, rawChain(signBody(bodyWith(given))))),
  ...permissions.map(([name, given]) =>
    refused(name, rawChain(signBody(bodyWith({ permissions: [...given] })))),
  ),
  ...constraints.map(([name, given]) =>
    refused(name, rawChain(signBody(bodyWith({ permissions: [given] })))),
  ),
  ...sizes(),
];
