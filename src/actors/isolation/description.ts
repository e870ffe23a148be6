// What an actor's side says that its behaviour accepts. It is foreign code's word,
// so it is checked, and only names and texts are taken from it.
import { z } from "zod";
import { CellError } from "../../errors/cell-error.ts";
import type { ActorSpec, Json } from "../../manifest/graph.ts";
import { type AcceptedIntents, acceptedIntents } from "../accepted-intents.ts";
import type { ActorDescription } from "../actor-host.ts";
import type { IntentDefinitions } from "../intent-definition.ts";
import { parseBounded } from "./bounded-json.ts";

/** Parsed from JSON, so it holds nothing else; to look into all of it would take the node's time. */
const json: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined);
const MAX_INTENTS = 256;
const MAX_BYTES = 1024 * 1024;

const schema = z.object({
  intents: z
    .record(
      z.string().max(255),
      z.object({ description: z.string().max(4096), payload: json, reply: json, manifest: json }),
    )
    .refine((intents) => Object.keys(intents).length <= MAX_INTENTS),
  states: z.array(z.string().max(1024)).max(1000),
  version: z.union([z.string().max(256), z.number()]).exactOptional(),
});

/** @throws CellError ACTOR_CHANNEL_VIOLATED */
export function readDescription(bytes: Uint8Array): ActorDescription {
  if (bytes.byteLength > MAX_BYTES) {
    throw new CellError("ACTOR_CHANNEL_VIOLATED", `its description has more than ${MAX_BYTES} bytes`);
  }
  const parsed = schema.safeParse(parseBounded(bytes, "its description"));
  if (parsed.success) return parsed.data;
  throw new CellError("ACTOR_CHANNEL_VIOLATED", "its description is malformed", { cause: parsed.error });
}

/** Declared intents by name; payloads and replies are checked on the actor's side. */
export function declaredIntents({ intents }: ActorDescription): IntentDefinitions {
  const anything = z.unknown();
  return Object.fromEntries(
    Object.entries(intents).map(([type, { description }]) => {
      return [type, { description, payload: anything, reply: anything }] as const;
    }),
  );
}

/** What the manifest leaves of it. @throws CellError ACTOR_INTENT_SCHEMA_INVALID */
export function narrowed(
  spec: Pick<ActorSpec, "path" | "intents">,
  declared: IntentDefinitions,
): AcceptedIntents {
  return acceptedIntents(spec, declared);
}

/** The description with the manifest's own schemas, of what is accepted. */
export function describeAccepted(whole: ActorDescription, accepted: AcceptedIntents): ActorDescription {
  const intents = [...accepted].flatMap(([type, { extraSchema }]) => {
    const own = whole.intents[type];
    return own === undefined ? [] : [[type, { ...own, manifest: extraSchema ?? null }] as const];
  });
  return { ...whole, intents: Object.fromEntries(intents) };
}
