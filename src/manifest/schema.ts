// The one source of what a manifest may hold: the validator, the JSON Schema for
// editors and docs/manifest.md are all made from it. Field by field; rules that
// look at more than one field are in rules.ts.
import { z } from "zod";
import { DURATION_PATTERN } from "./duration.ts";
import {
  BEHAVIOUR_PATTERN,
  INTENT_GRANT_PATTERN,
  INTENT_PATTERN,
  TARGET_GRANT_PATTERN,
  TOKEN_PATTERN,
} from "./names.ts";
import { SIZE_PATTERN } from "./size.ts";

const name = z.string().regex(TOKEN_PATTERN, "a name of a-z, 0-9 and -, at most 63 characters");
const duration = z.string().regex(DURATION_PATTERN, "a duration such as 250ms, 5s, 2m or 1h");
const size = z.string().regex(SIZE_PATTERN, "a size such as 64MiB or 10KB");

export const grantSchema = z
  .strictObject({
    intents: z
      .array(z.string().regex(INTENT_GRANT_PATTERN, "an intent type or a pattern such as ticket.*"))
      .min(1)
      .max(64)
      .describe("Intent types or patterns: `*` stands for one token, a last `**` for one or more."),
    targets: z
      .array(z.string().regex(TARGET_GRANT_PATTERN, "a path or a pattern such as support/*"))
      .min(1)
      .max(64)
      .describe("Paths of actors or patterns, likewise."),
  })
  .describe("Permission to send any of these intents to any of these targets.");

const grants = z.array(grantSchema).max(64).default([]);

export const backoffSchema = z
  .strictObject({
    initial: duration.default("0ms").describe("Delay before the first restart; `0ms`: none."),
    max: duration.default("10s").describe("The longest delay."),
    factor: z
      .number()
      .min(1)
      .max(10)
      .default(2)
      .describe("By how much each delay is longer than the one before."),
  })
  .describe("Wait before a restart, drawn at random from 0 to the delay (full jitter).");

const mailboxSchema = z.strictObject({
  bound: z.int().min(1).max(1_000_000).default(1000).describe("Intents that may wait."),
  whenFull: z
    .enum(["refuse", "drop_oldest"])
    .default("refuse")
    .describe(
      "`refuse`: the sender hears ACTOR_MAILBOX_FULL; `drop_oldest`: the longest waiting one is answered so.",
    ),
});

const intentRuleSchema = z.strictObject({
  payload: z
    .record(z.string(), z.json())
    .optional()
    .describe("JSON Schema that payloads must match beside the behaviour's own."),
});

const intentsSchema = z
  .union([
    z.array(z.string().regex(INTENT_PATTERN, "an intent type such as ticket.open")).max(256),
    z.record(z.string().regex(INTENT_PATTERN, "an intent type such as ticket.open"), intentRuleSchema),
  ])
  .describe("Accept only these of the behaviour's intents: a list, or a map with further rules.");

const restart = z
  .enum(["permanent", "transient", "temporary"])
  .default("permanent")
  .describe("`permanent`: always restarted; `transient`: after a failure only; `temporary`: never.");

export const actorSchema = z
  .strictObject({
    actor: name.describe("Name: the last token of the path."),
    behaviour: z
      .string()
      .regex(BEHAVIOUR_PATTERN, "a module and its export, such as ./desk.ts#triage")
      .describe("Module, relative to this file, and the name of its export: `./desk.ts#triage`."),
    input: z
      .json()
      .optional()
      .describe("Passed to the machine as its input; `{ $secret: NAME }` stands for a secret."),
    restart,
    shutdown: duration.default("5s").describe("Time for the work in hand when it is stopped."),
    isolation: z
      .enum(["shared", "worker", "process"])
      .default("shared")
      .describe("Where it runs. Only `shared` is built so far."),
    durable: z.boolean().default(false).describe("Whether its state outlives the process. Not built yet."),
    limits: z
      .strictObject({ memory: size.optional(), cpu: z.number().positive().max(1024).optional() })
      .optional()
      .describe("Memory and processors of a worker or process. Not built yet."),
    mailbox: mailboxSchema.prefault({}),
    intents: intentsSchema.optional(),
    grants: grants.describe("What it may send, and to whom; nothing by default."),
    placement: z
      .strictObject({ node: name.optional().describe("Node that hosts it; by default the cell's first.") })
      .default({}),
  })
  .describe("An actor: a behaviour under a supervisor.");

const supervision = {
  strategy: z
    .enum(["one_for_one", "one_for_all", "rest_for_one"])
    .default("one_for_one")
    .describe("Who is restarted when a child fails. Only `one_for_one` is built so far."),
  intensity: z.int().min(0).max(10_000).default(1).describe("Restarts allowed within the period."),
  period: duration.default("5s").describe("Time in which restarts are counted."),
  backoff: backoffSchema.prefault({}),
};

export const supervisorSchema = z
  .strictObject({
    supervisor: name.describe("Name: the last token of the path."),
    restart,
    ...supervision,
    get children(): z.ZodType<unknown[] | undefined> {
      return childrenSchema;
    },
  })
  .describe("A supervisor: it starts its children in order and restarts them.");

export const childrenSchema: z.ZodType<unknown[] | undefined> = z
  .array(z.union([actorSchema, supervisorSchema]))
  .max(100_000)
  .default([])
  .describe("Actors and supervisors, in start order.");

export const clientSchema = z.strictObject({
  name: name.describe("The client's name, as given to `cell0 client add`."),
  grants: z.array(grantSchema).min(1).max(64),
});

export const manifestSchema = z
  .strictObject({
    apiVersion: z.literal("cell0.dev/v1"),
    kind: z.literal("ActorGraph"),
    metadata: z.strictObject({ name: name.describe("Name of the graph: the first token of every path.") }),
    spec: z.strictObject({
      ...supervision,
      children: childrenSchema,
      clients: z.array(clientSchema).max(1024).default([]).describe("What clients may send, by their name."),
    }),
  })
  .describe("A graph of supervised actors.");

/** For the validator, which takes children one by one so that each mistake has its own place. */
export const shallowManifestSchema = manifestSchema.extend({
  spec: manifestSchema.shape.spec.extend({ children: z.array(z.unknown()).max(100_000).default([]) }),
});
export const shallowSupervisorSchema = supervisorSchema
  .omit({ children: true })
  .extend({ children: z.array(z.unknown()).max(100_000).default([]) });

export type ManifestActor = z.output<typeof actorSchema>;
export type ManifestSupervisor = z.output<typeof shallowSupervisorSchema>;
export type ShallowManifest = z.output<typeof shallowManifestSchema>;
