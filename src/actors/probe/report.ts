// What the sandbox tells its parent about one module. It comes from a process
// that ran foreign code, so the parent reads it like any other input.
import { z } from "zod";
import type { Json } from "../../manifest/graph.ts";

const json: z.ZodType<Json> = z.json();

export const exportReport = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("behaviour"),
    export: z.string(),
    intents: z.record(
      z.string(),
      z.object({ description: z.string(), payload: json, reply: json, manifest: json }),
    ),
    states: z.array(z.string()).max(1000),
    version: z.union([z.string(), z.number()]).exactOptional(),
    migrates: z.boolean(),
  }),
  z.object({
    kind: z.literal("problem"),
    export: z.string(),
    code: z.enum(["ACTOR_BEHAVIOUR_EXPORT_UNKNOWN", "ACTOR_BEHAVIOUR_INVALID"]),
    message: z.string(),
    remedy: z.string(),
  }),
]);

export const probeReport = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("loaded"), exports: z.array(exportReport) }),
  z.object({ kind: z.literal("denied"), permission: z.string(), resource: z.string() }),
  z.object({ kind: z.literal("threw"), message: z.string() }),
]);

export type ExportReport = z.infer<typeof exportReport>;
export type ProbeReport = z.infer<typeof probeReport>;

export const probeRequest = z.object({
  /** Marks the line of the report among what the module itself prints. */
  nonce: z.string(),
  module: z.string(),
  version: z.string(),
  exports: z.array(z.string()),
});
export type ProbeRequest = z.infer<typeof probeRequest>;
