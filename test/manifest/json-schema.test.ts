import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { schemaFiles } from "../../scripts/generate-schema.ts";
import { referenceExample } from "../../scripts/manifest-reference.ts";
import { manifestJsonSchema } from "../../src/manifest/json-schema.ts";

const root = join(import.meta.dirname, "..", "..");
const fixtures = join(import.meta.dirname, "fixtures");
const schema = z.fromJSONSchema(manifestJsonSchema());

const accepts = (text: string): boolean =>
  parseAllDocuments(text).every((document) => {
    const value: unknown = document.toJS();
    return value === null || schema.safeParse(value).success;
  });

test.each([...schemaFiles()])("%s is what `npm run generate:schema` makes", (path, content) => {
  expect(readFileSync(join(root, path), "utf8")).toBe(content);
});

const good = readdirSync(join(fixtures, "good")).filter((file) => file.endsWith(".yaml"));
test.each(good)("an editor accepts %s", (file) => {
  expect(accepts(readFileSync(join(fixtures, "good", file), "utf8"))).toBe(true);
});

test("an editor accepts the example of the reference", () => {
  expect(accepts(referenceExample)).toBe(true);
});

/** What one field cannot tell, or what JSON Schema cannot say. */
const beyond = new Set([
  "cost-of-seven-decimals",
  "durable-in-a-worker",
  "durable-that-blocks",
  "durable-that-drops",
  "limits-of-a-shared-actor",
  "passivate-of-a-volatile-actor",
  "sync-of-a-volatile-actor",
  "limits-too-small",
  "sandbox-of-a-worker",
  "backoff-max-below-initial",
  "backoff-of-an-actor",
  "behaviour-not-there",
  "client-grant-to-nobody",
  "duplicate-child",
  "duplicate-client",
  "duplicate-graph",
  "duration-too-long",
  "grant-to-a-supervisor",
  "grant-to-nobody",
  "nested-far-too-deep",
  "nested-too-deep",
  "no-document",
  "path-too-long",
  "payload-schema-file-not-there",
  "payload-schema-of-unknown-type",
  "period-of-zero",
  "reserved-graph-name",
  "progress-too-short",
  "dynamic-with-children",
  "dynamic-without-template",
  "significant-and-permanent",
  "significant-for-nobody",
  "template-behaviour-not-there",
  "template-under-another-strategy",
]);
/** Not YAML, or not JSON: an editor's YAML server tells those. */
const form = new Set([
  "anchor-and-alias",
  "binary-tag",
  "custom-tag",
  "duplicate-key",
  "list-as-key",
  "missing-colon",
  "not-a-number",
  "number-too-long",
  "proto-key",
  "tab-as-indentation",
  "two-fields-on-a-line",
  "unclosed-bracket",
  "unclosed-quote",
  "wrong-indentation",
  "yaml-1-1",
]);

const bad = readdirSync(join(fixtures, "bad"))
  .map((file) => file.replace(/\.yaml$/, ""))
  .filter((name) => !form.has(name));

describe("an editor finds", () => {
  test.each(bad.filter((name) => !beyond.has(name)))("%s", (name) => {
    expect(accepts(readFileSync(join(fixtures, "bad", `${name}.yaml`), "utf8"))).toBe(false);
  });
});

test("every field has a description for the editor to show", () => {
  const definitions = z.record(
    z.string(),
    z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() }),
  );
  const all = definitions.parse(manifestJsonSchema().definitions);
  const described = (field: unknown): boolean => {
    const text = JSON.stringify(field);
    return text.includes('"description"') || text.includes('"$ref"');
  };
  const missing = Object.entries(all).flatMap(([name, { properties = {} }]) =>
    Object.entries(properties).flatMap(([field, value]) => (described(value) ? [] : [`${name}.${field}`])),
  );
  expect(missing).toEqual([]);
});
