// The JSON Schema of a manifest, for editors: made from the schema that the
// validator uses, and refusing what that refuses as far as JSON Schema can say it.
import { z } from "zod";
import { manifestSchema } from "./schema.ts";

/** Draft 7, which the YAML servers of editors understand best. */
export function manifestJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(manifestSchema, { io: "input", target: "draft-07" });
  const title = "Cell 0 ActorGraph, cell0.dev/v1";
  return { $schema, $id: "urn:cell0:schema:actor-graph:v1", title, ...schema };
}
