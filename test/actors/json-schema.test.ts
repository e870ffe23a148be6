import { describe, expect, test } from "vitest";
import { jsonSchemaCheck } from "../../src/actors/json-schema.ts";
import type { Json } from "../../src/manifest/graph.ts";

describe("a manifest's JSON Schema", () => {
  const refusing: [schema: Json, value: unknown][] = [
    [{ type: "object", properties: { n: { type: "number", maximum: 3 } } }, { n: 4 }],
    [{ type: "object", properties: { a: {} }, required: ["a"] }, {}],
    [{ type: "object", additionalProperties: false }, { a: 1 }],
    [{ type: "array", items: { type: "integer" }, uniqueItems: true }, [1, 1]],
    [{ type: ["string", "null"], maxLength: 1 }, "ab"],
    [{ $defs: { A: { type: "string" } }, $ref: "#/$defs/A" }, 1],
    [{ anyOf: [{ type: "string", format: "email" }, { const: 1 }] }, "no"],
    [false, 1],
  ];
  test.for(refusing)("%j refuses %j", ([schema, value]) => {
    expect(jsonSchemaCheck(schema).safeParse(value).success).toBe(false);
  });

  const unusable: [schema: Json, text: RegExp][] = [
    [{ type: "string", minLenght: 3 }, /^\/minLenght: this keyword is not supported/],
    [{ required: ["a"] }, /^\/required has no effect without `type: object`/],
    [{ type: "object", properties: { a: { minimum: 3 } } }, /^\/properties\/a\/minimum has no effect/],
    [{ type: "object", required: ["a"] }, /^\/required names "a", which `properties` does not describe/],
    [{ type: "object", if: {} }, /^\/if: this keyword/],
    [{ allOf: [{ type: "object" }, { pattern: "x" }] }, /^\/allOf\/1\/pattern/],
    [{ $ref: "http://127.0.0.1/x" }, /local refs/],
    [{ type: "nonsense" }, /nonsense/],
    ["text", /must be an object/],
    [null, /must be an object/],
  ];
  test.for(unusable)("%j is refused: %s", ([schema, text]) => {
    expect(() => jsonSchemaCheck(schema)).toThrow(text);
  });
});
