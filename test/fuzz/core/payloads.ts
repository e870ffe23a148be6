// Payloads as JSON can be written, wrongly too, and constraints on parts of them, with values as a
// token can hold them and as it cannot: where two readers of JSON differ, if they do.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { TokenBodySchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import {
  type Constraint,
  isExact,
  isPointer,
  type Rule,
  type Scalar,
} from "../../../src/security/capability/constraint.ts";
import { rootChain, tokenClaims } from "../../security/capability/token-fixture.ts";
import { bytesOf, keys } from "../../security/cell-fixture.ts";
import { fieldOf, writeFields } from "../wire-tree.ts";
import { signedAnew } from "./chain-keys.ts";
import { coreTarget } from "./core-law.ts";
import { courtOf, type Subject } from "./court.ts";
import { payloadOf, value, written } from "./json-texts.ts";
import { everyone } from "./people.ts";
import { boundUses } from "./token-bounds.ts";

/** What stands somewhere in it, and where. */
function within(
  value: unknown,
  choice: number,
  path = "/y",
): { readonly path: string; readonly part: unknown } {
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const name = names[(choice >> 2) % Math.max(1, names.length)];
  if (name === undefined || choice % 4 === 0) return { path, part: value };
  const deeper = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return within(Reflect.get(Object(value), name), choice >> 4, deeper);
}

const isScalar = (part: unknown): part is Scalar =>
  part === null || typeof part === "string" || typeof part === "boolean" || isExact(part);

/** One that the part meets, or nearly. */
function ruleFor(part: unknown, choice: number): Rule {
  // One too many, or the least too few, of every other one.
  const near = (choice >> 3) % 2 === 0;
  if (Array.isArray(part)) {
    const values = part.filter(isScalar).slice(near ? 1 : 0, 64);
    if (choice % 2 === 0 || values.length === 0)
      return { kind: "maxLength", length: Math.max(0, part.length - (near ? 1 : 0)) };
    return { kind: "subset", values };
  }
  if (typeof part === "string" && choice % 4 > 0) {
    if (choice % 4 === 1) return { kind: "maxLength", length: Math.max(0, part.length - (near ? 1 : 0)) };
    const from = near ? 1 : 0;
    return { kind: "prefix", prefix: part.slice(from, from + 1 + ((choice >> 4) % 4)).toWellFormed() };
  }
  if (typeof part === "number" && choice % 4 > 1) {
    const [least, most] = [Math.trunc(part), part].map((each) => (isExact(each) ? each : undefined));
    return { kind: "range", least: near ? most : least, most: choice % 2 === 0 ? most : undefined };
  }
  if (!isScalar(part)) return { kind: "range", least: undefined, most: undefined };
  return choice % 2 === 0 ? { kind: "equals", value: part } : { kind: "oneOf", values: [1, part] };
}

function constraintFor(payload: string, choice: number): Constraint {
  try {
    const { path, part } = within(Reflect.get(Object(JSON.parse(payload)), "y"), choice);
    if (isPointer(path)) return { path, rule: ruleFor(part, choice >> 8) };
  } catch {
    // It is no JSON: then no constraint holds.
  }
  return { path: "/x", rule: { kind: "maxLength", length: 0 } };
}

function use({ payload, choice, whole }: { payload: string; choice: number; whole: boolean }): Subject {
  const own = whole
    ? { path: "/x", rule: { kind: "maxLength" as const, length: 0 } }
    : constraintFor(payload, choice);
  const permissions = [{ intents: ["**"], targets: ["**"], constraints: [own] }];
  const capability = chainBytes(rootChain({ permissions }));
  const bytes = bytesOf({ id: new Uint8Array(16).fill(1), capability, payload: Buffer.from(payload) });
  return { kind: "capsule", bytes, issuer: keys.ann.publicKey };
}

const PATHS = [
  "",
  "/",
  "/a~0b~1",
  "/~",
  "/~2",
  "a",
  "/__proto__",
  "/\u0085",
  "/\u{1f600}",
  "//",
  "/a/__proto__",
];
const LONG = [
  "a".repeat(255),
  "a".repeat(256),
  "\u{1f600}".repeat(127),
  "\u{1f600}".repeat(128),
  "\u00e4".repeat(255),
];
const form = fc.record({
  path: fc.oneof(
    { weight: 4, arbitrary: fc.constant("/a") },
    { weight: 2, arbitrary: fc.constantFrom(...PATHS, ...LONG.map((long) => `/${long}`)) },
    { weight: 1, arbitrary: fc.nat(10).map((depth) => "/a".repeat(depth)) },
  ),
  rule: fc.constantFrom("equals", "oneOf", "subset", "prefix", "least", "most"),
  value: fc.oneof(
    { weight: 6, arbitrary: value },
    {
      weight: 2,
      arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }).map((each) => JSON.stringify(each)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...LONG.map((long) => JSON.stringify(long.repeat(4))), "", " 1", "1 "),
    },
    { weight: 2, arbitrary: fc.double({ noNaN: true }).map((each) => JSON.stringify(each)) },
  ),
});
type Form = typeof form extends fc.Arbitrary<infer T> ? T : never;

/** A token with one constraint, as it may stand on the wire. */
function token({ path, rule, value: each }: Form): Subject {
  const rules = {
    equals: { case: "equals" as const, value: each },
    prefix: { case: "prefix" as const, value: each },
    oneOf: { case: "oneOf" as const, value: { values: ["1", each] } },
    subset: { case: "subset" as const, value: { values: [each] } },
    least: { case: "range" as const, value: { least: each, most: "" } },
    most: { case: "range" as const, value: { least: "", most: each } },
  };
  const { id, holder, scope, notBeforeUnixMs, notAfterUnixMs } = tokenClaims();
  const issuer = keys.nodeA.publicKey;
  const body = create(TokenBodySchema, {
    ...{ id, kind: 3, issuer, holder, scope },
    ...{ notBeforeUnixMs: BigInt(notBeforeUnixMs), notAfterUnixMs: BigInt(notAfterUnixMs) },
    permissions: [
      { intents: ["**"], targets: ["**"], constraints: [{ path: path.toWellFormed(), rule: rules[rule] }] },
    ],
  });
  const link = signedAnew(toBinary(TokenBodySchema, body), issuer);
  return { kind: "chain", bytes: writeFields([fieldOf(1, 2, link)]), holder };
}

export const corePayloads = coreTarget({
  name: "core-payload",
  inputs: fc.record({
    uses: fc.array(fc.record({ written, choice: fc.nat(0xfffff), whole: fc.nat(3) }), {
      minLength: 1,
      maxLength: 32,
      size: "max",
    }),
    bounds: fc.array(fc.constantFrom(...boundUses), { maxLength: 8, size: "max" }),
    forms: fc.array(form, { maxLength: 24, size: "max" }),
  }),
  caseOf: ({ uses, bounds, forms }) => ({
    court: courtOf({ certificates: everyone }),
    subjects: [
      ...uses.map(({ written: each, choice, whole }) =>
        use({ payload: payloadOf(each), choice, whole: whole === 0 }),
      ),
      ...bounds,
      ...forms.map(token),
    ],
  }),
  mustSee: ["ok by a token", "CAPABILITY_ARGUMENT_FORBIDDEN", "CAPABILITY_MALFORMED"],
  testRuns: 200,
});
