// Which intents an actor takes: its behaviour's, narrowed by what the manifest
// lists. Checks payloads on their way in and replies on their way out.
import type { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { ActorSpec, Json } from "../manifest/graph.ts";
import { nearestForeign } from "../manifest/suggest.ts";
import type { IntentDefinition, IntentDefinitions } from "./intent-definition.ts";
import { jsonSchemaCheck } from "./json-schema.ts";

export type AcceptedIntent = {
  readonly definition: IntentDefinition;
  /** The manifest's own schema, checked before the behaviour's. */
  readonly extra: z.ZodType | undefined;
  /** That schema as it stands in the manifest. */
  readonly extraSchema: Json | undefined;
};

export type AcceptedIntents = ReadonlyMap<string, AcceptedIntent>;

/** @throws CellError ACTOR_INTENT_SCHEMA_INVALID */
export function acceptedIntents(
  spec: Pick<ActorSpec, "path" | "intents">,
  declared: IntentDefinitions,
): AcceptedIntents {
  const listed = Object.entries(spec.intents);
  if (listed.length === 0) return allOf(declared);
  const accepted = new Map<string, AcceptedIntent>();
  for (const [type, { payload }] of listed) {
    const definition = Object.hasOwn(declared, type) ? declared[type] : undefined;
    if (definition === undefined) throw unknownIntent(spec.path, type, Object.keys(declared));
    const extra = payload === undefined ? undefined : schemaOf(payload, type, spec.path);
    accepted.set(type, { definition, extra, extraSchema: payload });
  }
  return accepted;
}

/** The same for all actors of one behaviour. */
const allByDeclared = new WeakMap<IntentDefinitions, AcceptedIntents>();

function allOf(declared: IntentDefinitions): AcceptedIntents {
  const known = allByDeclared.get(declared);
  if (known !== undefined) return known;
  const all = new Map(
    Object.entries(declared).map(([type, definition]) => {
      return [type, { definition, extra: undefined, extraSchema: undefined }] as const;
    }),
  );
  allByDeclared.set(declared, all);
  return all;
}

function schemaOf(schema: Json, type: string, where: string): z.ZodType {
  try {
    return jsonSchemaCheck(schema);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CellError(
      "ACTOR_INTENT_SCHEMA_INVALID",
      `the payload schema of ${type} cannot be applied: ${why}`,
      {
        where,
        cause,
      },
    );
  }
}

function unknownIntent(where: string, type: string, declared: readonly string[]): CellError {
  const close = nearestForeign(type, declared);
  return new CellError("ACTOR_INTENT_SCHEMA_INVALID", `the behaviour declares no intent ${type}`, {
    where,
    ...(close === undefined ? {} : { remedy: `Did you mean ${close}? It declares: ${declared.join(", ")}.` }),
  });
}

export function checkPayload(accepted: AcceptedIntent, payload: unknown): Result<unknown, CellError> {
  if (accepted.extra !== undefined) {
    const checked = parse(accepted.extra, payload, "ACTOR_PAYLOAD_INVALID");
    if (!checked.ok) return checked;
  }
  return parse(accepted.definition.payload, payload, "ACTOR_PAYLOAD_INVALID");
}

/** Without a reply schema every reply is an empty object. */
export function checkReply(definition: IntentDefinition, value: unknown): Result<unknown, CellError> {
  return definition.reply === undefined ? ok({}) : parse(definition.reply, value, "ACTOR_REPLY_INVALID");
}

const MAX_ISSUES = 5;

function parse(
  schema: z.ZodType,
  value: unknown,
  code: "ACTOR_PAYLOAD_INVALID" | "ACTOR_REPLY_INVALID",
): Result<unknown, CellError> {
  try {
    const parsed = schema.safeParse(value);
    if (parsed.success) return ok(parsed.data);
    const issues = parsed.error.issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
      return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
    });
    return err(new CellError(code, issues.join("; ").slice(0, 1024)));
  } catch (cause) {
    // An async refinement, or one that throws.
    return err(new CellError(code, "the schema's own code failed", { cause }));
  }
}
