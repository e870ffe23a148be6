// The JSON Schema of an intent's payload: read from its file where one is named,
// and tried, so that a schema that cannot be applied is told with its place.
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "../errors/result.ts";
import type { Json } from "./graph.ts";

const MAX_SCHEMA_BYTES = 256 * 1024;
const MAX_DEPTH = 64;

/** @param directory where `{ $file: ./open.json }` is looked for; an error is a sentence */
export function readPayloadSchema(payload: Json, directory: string): Result<Json, string> {
  if (typeof payload !== "object" || payload === null || !("$file" in payload)) return tried(payload);
  const { $file: file, ...others } = payload;
  if (typeof file !== "string" || Object.keys(others).length > 0) {
    return err("a reference to a schema is { $file: PATH } and nothing else");
  }
  const read = readJson(resolve(directory, file), file);
  if (!read.ok) return read;
  const schema = tried(read.value);
  return schema.ok ? schema : err(`${file}: ${schema.error}`);
}

function readJson(path: string, shown: string): Result<Json, string> {
  try {
    if (statSync(path).size > MAX_SCHEMA_BYTES)
      return err(`${shown} has more than ${MAX_SCHEMA_BYTES} bytes`);
    return ok(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    return err(cause instanceof SyntaxError ? `${shown} is not JSON` : `${shown} cannot be read`);
  }
}

function tried(schema: Json): Result<Json, string> {
  if (isDeeper(schema, MAX_DEPTH)) return err(`it is nested more than ${MAX_DEPTH} levels deep`);
  if (
    typeof schema !== "boolean" &&
    (typeof schema !== "object" || schema === null || Array.isArray(schema))
  ) {
    return err("it is not a JSON Schema");
  }
  try {
    // The host applies it by the same function, which throws at what it cannot apply.
    z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
    return ok(schema);
  } catch (cause) {
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Without recursion, since the value may be as deep as it likes. */
export function isDeeper(value: unknown, depth: number): boolean {
  let level: unknown[] = [value];
  for (let at = 0; level.length > 0; at += 1) {
    if (at > depth) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}
