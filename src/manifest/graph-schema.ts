// Graphs as they come over the wire, in staging and in revisions: every field is
// checked again, because what wrote them may be of another version.
import { z } from "zod";
import type { Graph, Json, PlacedGraph } from "./graph.ts";
import { BEHAVIOUR_PATTERN, TOKEN_PATTERN } from "./names.ts";
import { grantSchema } from "./schema.ts";

const path = z.string().regex(/^[a-z0-9-]{1,63}(\/[a-z0-9-]{1,63}){0,7}$/);
const name = z.string().regex(TOKEN_PATTERN);
const ms = z.number().min(0).max(1e12);
const restart = z.enum(["permanent", "transient", "temporary"]);
const json: z.ZodType<Json> = z.json();

const actor = z.strictObject({
  kind: z.literal("actor"),
  path,
  behaviour: z.strictObject({ module: z.string().max(4096), export: z.string().max(128) }),
  input: json,
  restart,
  shutdownMs: ms,
  isolation: z.enum(["shared", "worker", "process"]),
  durable: z.boolean(),
  mailbox: z.strictObject({
    bound: z.int().min(1).max(1_000_000),
    whenFull: z.enum(["refuse", "drop_oldest"]),
  }),
  intents: z.record(z.string().max(255), z.strictObject({ payload: json.optional() })),
  grants: z.array(grantSchema).max(64),
  placement: z.strictObject({ node: name.optional() }),
});

const supervisor = z.strictObject({
  kind: z.literal("supervisor"),
  path,
  strategy: z.enum(["one_for_one", "one_for_all", "rest_for_one"]),
  intensity: z.int().min(0).max(10_000),
  periodMs: ms,
  backoff: z.strictObject({ initialMs: ms, maxMs: ms, factor: z.number().min(1).max(10) }),
  restart,
  get children(): z.ZodType<unknown[]> {
    return z.array(z.discriminatedUnion("kind", [actor, supervisor])).max(100_000);
  },
});

const client = z.strictObject({ graph: name, name, grants: z.array(grantSchema).max(64) });
const graph = z.strictObject({ roots: z.array(supervisor).max(256), clients: z.array(client).max(4096) });
const placed = z.record(
  path,
  z.strictObject({
    shard: z.int().min(0).max(255),
    node: name,
    codeHash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);

// The recursion through `children` hides the type from zod; the fields above are those of graph.ts.
/** Throws ZodError. */
export const graphSchema = graph as unknown as z.ZodType<Graph>;
/** Throws ZodError. */
export const placedGraphSchema = graph.extend({ placed }) as unknown as z.ZodType<PlacedGraph>;

/** `./desk.ts#triage` -> module and export. */
export function splitBehaviour(
  text: string,
): { readonly module: string; readonly export: string } | undefined {
  if (!BEHAVIOUR_PATTERN.test(text)) return undefined;
  const at = text.lastIndexOf("#");
  return { module: text.slice(0, at), export: text.slice(at + 1) };
}
