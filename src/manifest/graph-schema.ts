// Graphs as they come over the wire, in staging and in revisions: every field is
// checked again, because what wrote them may be of another version.
import { z } from "zod";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { type Graph, INFINITE_MS, type Json, type PlacedGraph } from "./graph.ts";
import { graphFaults, placementFaults } from "./graph-faults.ts";
import { MIN_MEMORY_BYTES } from "./isolation-rules.ts";
import { PATH_PATTERN, TOKEN_PATTERN } from "./names.ts";
import { isDeeper } from "./payload-schema.ts";
import { MAX_PRICE, toMicro } from "./price.ts";
import { grantSchema } from "./schema.ts";
import { toolsSpecSchema } from "./tools-spec-schema.ts";

/** A path of eight tokens nests seven levels of children, an input sixty-four more of JSON. */
const MAX_DEPTH = 128;
const MAX_MS = 7 * 24 * 3_600_000;
const MAX_COST_MICRO = toMicro(MAX_PRICE) ?? 0;

const path = z.string().regex(PATH_PATTERN);
const name = z.string().regex(TOKEN_PATTERN);
const ms = z.number().min(0).max(MAX_MS);
const restart = z.enum(["permanent", "transient", "temporary"]);
const json: z.ZodType<Json> = z.json();

const backoff = z.strictObject({ initialMs: ms, maxMs: ms, factor: z.number().min(1).max(10) });

const actor = z.strictObject({
  kind: z.literal("actor"),
  path,
  behaviour: z.strictObject({ module: z.string().max(4096), export: z.string().max(128) }),
  input: json,
  restart,
  shutdownMs: z.union([ms, z.literal(INFINITE_MS)]),
  backoff: backoff.exactOptional(),
  isolation: z.enum(["shared", "worker", "process"]),
  durable: z.boolean(),
  mailbox: z.strictObject({
    bound: z.int().min(1).max(1_000_000),
    whenFull: z.enum(["refuse", "drop_oldest", "block"]),
  }),
  intents: z.record(
    z.string().max(255),
    z.strictObject({
      payload: json.optional(),
      costMicro: z.int().min(0).max(MAX_COST_MICRO).exactOptional(),
    }),
  ),
  grants: z.array(grantSchema).max(64),
  placement: z.strictObject({ node: name.optional() }),
  limits: z
    .strictObject({
      memoryBytes: z
        .int()
        .min(MIN_MEMORY_BYTES)
        .max(2 ** 50)
        .exactOptional(),
      cpu: z.number().positive().max(1024).exactOptional(),
    })
    .exactOptional(),
  sandbox: z.enum(["required", "best_effort"]).exactOptional(),
  progressMs: z.number().min(100).max(3_600_000).exactOptional(),
  passivateAfterMs: z.number().min(1_000).max(86_400_000).exactOptional(),
  sync: z.literal("always").exactOptional(),
  poisonDeaths: z.int().min(1).max(16).exactOptional(),
  onCorruption: z.enum(["previous", "fresh", "park"]).exactOptional(),
  tools: toolsSpecSchema.exactOptional(),
  significant: z.boolean().exactOptional(),
});

const supervisor = z.strictObject({
  kind: z.literal("supervisor"),
  path,
  strategy: z.enum(["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"]),
  autoShutdown: z.enum(["never", "any_significant", "all_significant"]).exactOptional(),
  significant: z.boolean().exactOptional(),
  template: actor.exactOptional(),
  intensity: z.int().min(0).max(10_000),
  periodMs: ms,
  backoff,
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

const capabilities = z.record(
  z.string().max(600),
  z.strictObject({
    epoch: z.int().min(0),
    generation: z.int().min(0),
    revoked: z.literal(true).exactOptional(),
  }),
);

/** Nesting is bounded before anything walks it by recursion. */
const shallow = z.custom<unknown>(
  (value) => !isDeeper(value, MAX_DEPTH),
  `nested more than ${MAX_DEPTH} levels deep`,
);

// The recursion through `children` hides the type from zod; the fields above are those of graph.ts.
const graphFields = graph as unknown as z.ZodType<Graph, unknown>;
const placedGraphFields = graph.extend({
  placed,
  capabilities: capabilities.exactOptional(),
}) as unknown as z.ZodType<PlacedGraph, unknown>;

/** A `Graph` of JSON. */
export const graphSchema: z.ZodType<Graph, unknown> = shallow
  .pipe(graphFields)
  .superRefine((value, context) => {
    for (const message of graphFaults(value)) context.addIssue({ code: "custom", message });
  });

/** A `PlacedGraph` of JSON: every actor is placed, and nothing else. */
export const placedGraphSchema: z.ZodType<PlacedGraph, unknown> = shallow
  .pipe(placedGraphFields)
  .superRefine((value, context) => {
    const faults = [...graphFaults(value), ...placementFaults(value)];
    for (const message of faults) context.addIssue({ code: "custom", message });
  });

const MAX_TOLD = 3;

/** MANIFEST_GRAPH_INVALID, with the first few places. Of 100,000 actors it takes seconds. */
export function decodeGraph(json: unknown): Result<Graph, CellError> {
  return decode(graphSchema, json);
}

/** As decodeGraph. */
export function decodePlacedGraph(json: unknown): Result<PlacedGraph, CellError> {
  return decode(placedGraphSchema, json);
}

function decode<T>(schema: z.ZodType<T>, json: unknown): Result<T, CellError> {
  const checked = schema.safeParse(json);
  if (checked.success) return ok(checked.data);
  const told = checked.error.issues
    .slice(0, MAX_TOLD)
    .map((issue) =>
      [issue.path.map(String).join("."), issue.message].filter((part) => part !== "").join(": "),
    );
  return err(new CellError("MANIFEST_GRAPH_INVALID", told.join("; ").slice(0, 1024)));
}
