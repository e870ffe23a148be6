// What an actor accepts, as JSON Schemas: for `cell0 get actor`, `plan` and clients.
import { z } from "zod";
import type { Json } from "../manifest/graph.ts";
import type { AcceptedIntents } from "./accepted-intents.ts";
import type { ActorDescription, IntentDescription } from "./actor-host.ts";
import type { Behaviour } from "./behaviour.ts";
import type { IntentDefinition, IntentDefinitions } from "./intent-definition.ts";
import { statesOf } from "./state-name.ts";

export function describeActor(behaviour: Behaviour, accepted: AcceptedIntents): ActorDescription {
  const intents = [...accepted].map(([type, { definition, extraSchema }]) => {
    return [type, { ...describeIntent(definition), manifest: extraSchema ?? null }] as const;
  });
  const { machine, version } = behaviour;
  return {
    intents: Object.fromEntries(intents),
    states: statesOf(machine),
    ...(version === undefined ? {} : { version }),
  };
}

export function describeIntents(intents: IntentDefinitions): Record<string, IntentDescription> {
  return Object.fromEntries(
    Object.entries(intents).map(([type, definition]) => [
      type,
      { ...describeIntent(definition), manifest: null },
    ]),
  );
}

function describeIntent(definition: IntentDefinition): Omit<IntentDescription, "manifest"> {
  return {
    description: definition.description,
    payload: jsonSchema(definition.payload, "input"),
    reply: definition.reply === undefined ? null : jsonSchema(definition.reply, "output"),
  };
}

/** What JSON Schema cannot say (a transform, a bigint) reads as anything. */
function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const exported: unknown = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return JSON.parse(JSON.stringify(exported));
}
