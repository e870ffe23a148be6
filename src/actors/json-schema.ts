// Turns a manifest's JSON Schema into a check. zod passes over keywords that it
// does not know, and over those of a type when `type` is not stated; a rule that
// is accepted and ignored is worse than none, so both are refused here.
import { z } from "zod";
import type { Json } from "../manifest/graph.ts";

type Node = { readonly [key: string]: Json };

const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  object: [
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
  ],
  array: [
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
  ],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
};
const TYPE_OF_KEYWORD = new Map(
  Object.entries(OF_TYPE).flatMap(([type, keywords]) => keywords.map((keyword) => [keyword, type] as const)),
);
const ANNOTATIONS = [
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
];
const OF_ANY_TYPE = [
  "type",
  "enum",
  "const",
  "$ref",
  "$defs",
  "definitions",
  "anyOf",
  "oneOf",
  "allOf",
  "not",
];
const KNOWN = new Set([...TYPE_OF_KEYWORD.keys(), ...ANNOTATIONS, ...OF_ANY_TYPE]);

const WITH_SCHEMA_VALUES = ["properties", "patternProperties", "$defs", "definitions"];
const WITH_SCHEMA_LIST = ["anyOf", "oneOf", "allOf", "prefixItems"];
const WITH_SCHEMA = ["items", "additionalProperties", "propertyNames", "contains", "not"];
const MAX_DEPTH = 64;

/** @throws Error saying what of it cannot be applied, and where */
export function jsonSchemaCheck(schema: Json): z.ZodType {
  assertApplicable(schema, "", 0);
  // Its shape was just looked at; keywords' values are zod's to judge, by throwing.
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

function assertApplicable(schema: Json | undefined, at: string, depth: number): void {
  if (typeof schema === "boolean") return;
  if (!isNode(schema)) throw new TypeError(`${at || "the schema"} must be an object or a boolean`);
  if (depth > MAX_DEPTH) throw new RangeError(`${at} is nested too deeply`);
  for (const keyword of Object.keys(schema)) {
    if (!KNOWN.has(keyword)) throw new TypeError(`${at}/${keyword}: this keyword is not supported`);
    const type = TYPE_OF_KEYWORD.get(keyword);
    if (type !== undefined && !states(schema.type, type)) {
      throw new TypeError(`${at}/${keyword} has no effect without \`type: ${type}\` beside it`);
    }
  }
  assertRequiredIsDeclared(schema, at);
  for (const keyword of WITH_SCHEMA_VALUES) {
    const values = schema[keyword];
    if (!isNode(values)) continue;
    for (const [key, value] of Object.entries(values))
      assertApplicable(value, `${at}/${keyword}/${key}`, depth + 1);
  }
  for (const keyword of WITH_SCHEMA_LIST) {
    const list = schema[keyword];
    if (!Array.isArray(list)) continue;
    for (const [index, value] of list.entries())
      assertApplicable(value, `${at}/${keyword}/${index}`, depth + 1);
  }
  for (const keyword of WITH_SCHEMA) {
    if (schema[keyword] !== undefined) assertApplicable(schema[keyword], `${at}/${keyword}`, depth + 1);
  }
}

/** zod demands only what `properties` describes. */
function assertRequiredIsDeclared({ required, properties }: Node, at: string): void {
  if (!Array.isArray(required)) return;
  const declared = isNode(properties) ? properties : {};
  const missing = required.find((name) => !Object.hasOwn(declared, String(name)));
  if (missing !== undefined) {
    throw new TypeError(
      `${at}/required names ${JSON.stringify(missing)}, which \`properties\` does not describe`,
    );
  }
}

function states(stated: Json | undefined, type: string): boolean {
  const types = Array.isArray(stated) ? stated : [stated];
  return types.includes(type) || (type === "number" && types.includes("integer"));
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
