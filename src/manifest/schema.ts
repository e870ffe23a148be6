// The one source of what a manifest may hold: the validator, the JSON Schema for
// editors and docs/manifest.md are all made from it. Field by field; rules that
// look at more than one field are in validate.ts and cross-rules.ts.
import { z } from "zod";
import { BEHAVIOUR_PATTERN, INTENT_GRANT_PATTERN, INTENT_PATTERN, TARGET_GRANT_PATTERN } from "./names.ts";
import { MAX_PRICE, toMicro } from "./price.ts";
import { duration, name, shutdown, size, text } from "./schema-text.ts";
import { toolsSchema } from "./tools-schema.ts";

const intentType = text("intent type", INTENT_PATTERN, "an intent type such as ticket.open", ["ticket.open"]);
/** The documents that are checked hold nothing but JSON, see plain-data.ts. */
const json = z.unknown().meta({ title: "any JSON" });

export const grantSchema = z
  .strictObject({
    intents: z
      .array(
        text("intent pattern", INTENT_GRANT_PATTERN, "an intent type or a pattern such as ticket.*", [
          "ticket.open",
          "ticket.*",
        ]),
      )
      .min(1)
      .max(64)
      .describe("Intent types or patterns: `*` stands for one token, a last `**` for one or more."),
    targets: z
      .array(
        text("path pattern", TARGET_GRANT_PATTERN, "a path or a pattern such as support/*", [
          "support/triage",
          "support/**",
        ]),
      )
      .min(1)
      .max(64)
      .describe("Paths of actors or patterns, likewise."),
  })
  .meta({ id: "Grant", description: "Permission to send any of these intents to any of these targets." });

const grants = z.array(grantSchema).max(64).default([]);

export const backoffSchema = z
  .strictObject({
    initial: duration("0ms", "1h").default("0ms").describe("Delay before the first restart; `0ms`: none."),
    max: duration("0ms", "1h").default("10s").describe("The longest delay."),
    factor: z
      .number()
      .min(1)
      .max(10)
      .default(2)
      .describe("By how much each delay is longer than the one before."),
  })
  .meta({
    id: "Backoff",
    description: "Wait before a restart, drawn at random from 0 to the delay (full jitter); none by default.",
  });

const mailboxSchema = z
  .strictObject({
    bound: z.int().min(1).max(1_000_000).default(1000).describe("Intents that may wait."),
    whenFull: z
      .enum(["refuse", "drop_oldest", "block"])
      .default("refuse")
      .describe(
        "`refuse`: the sender hears ACTOR_MAILBOX_FULL; `drop_oldest`: the longest waiting one gives way and is answered with ACTOR_INTENT_DROPPED; `block`: the intent waits outside, until its deadline, for room; as many as the mailbox holds, at most 1,000 and of one sender at most half of that, beyond which the sender hears ACTOR_MAILBOX_FULL. A durable actor takes `refuse` only: what it accepts waits in its journal.",
      ),
  })
  .meta({ id: "Mailbox", description: "Intents that wait while the actor works." });

const poisonSchema = z
  .strictObject({
    deaths: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe("How often an intent may kill the actor before it is set aside as a dead letter."),
  })
  .meta({ id: "Poison", description: "When an intent that kills the actor is no longer tried." });

const intentRuleSchema = z
  .strictObject({
    payload: z
      .union([z.boolean(), z.record(z.string(), json)])
      .optional()
      .meta({
        title: "JSON Schema",
        description:
          "JSON Schema that payloads must match beside the behaviour's own; `{ $file: ./open.json }` reads it from a file.",
      }),
    cost: z
      .number()
      .min(0)
      .max(MAX_PRICE)
      .refine((price) => toMicro(price) !== undefined, "a price with at most six decimals")
      .optional()
      .describe(
        "Its price in the cell's unit of cost, charged to tokens that limit cost (`cell0 cap mint --cost`), e.g. `0.25`; `0`: it is free. Without one it is refused under such a token.",
      ),
  })
  .meta({
    id: "IntentRule",
    description: "What an actor asks of one intent beside what its behaviour does.",
  });

const intentsSchema = z
  .union([z.array(intentType).max(256), z.record(intentType, intentRuleSchema.nullable())])
  .meta({
    title: "list or map",
    description:
      "Accept only these of the behaviour's intents: a list, or a map with further rules. By default all that it declares.",
    examples: [
      ["ticket.open", "ticket.close"],
      { "ticket.open": { payload: { type: "object", required: ["subject"] }, cost: 0.25 } },
    ],
  });

const restart = z
  .enum(["permanent", "transient", "temporary"])
  .default("permanent")
  .describe("`permanent`: always restarted; `transient`: after a failure only; `temporary`: never.");

const significant = z
  .boolean()
  .default(false)
  .describe("Whether its end by itself may end its supervisor; see the supervisor's `autoShutdown`.");

export const actorSchema = z
  .strictObject({
    actor: name.describe("Name: the last token of the path."),
    behaviour: text("module#export", BEHAVIOUR_PATTERN, "a module and its export, such as ./desk.ts#triage", [
      "./desk.ts#triage",
    ]).describe("Module (.ts, .mts, .js or .mjs), relative to this file, and the name of its export."),
    input: json.optional().meta({
      title: "any JSON",
      description: "Passed to the machine as its input; `{ $secret: NAME }` stands for a secret.",
    }),
    restart,
    shutdown: shutdown
      .default("5s")
      .describe(
        "Time for the work in hand when it is stopped; `brutal_kill`: none; `infinity`: as long as it takes.",
      ),
    backoff: backoffSchema
      .optional()
      .describe("Wait before its restart, in place of what its supervisor says."),
    significant,
    isolation: z.enum(["shared", "worker", "process"]).optional().meta({
      description:
        "Where it runs: `shared`: on the node's event loop, with all others; `worker`: in a thread of its own, with a heap limit, ended while it spins; `process`: in a process of its own, with nothing but its channel to the kernel. By default `process` when it has tools, `shared` otherwise.",
    }),
    durable: z
      .boolean()
      .default(false)
      .describe("Whether what it accepts is journaled and its state kept, so that both outlive the process."),
    passivate: duration("1s", "24h")
      .optional()
      .describe(
        "Idle time after which a durable actor leaves memory until something is for it; default 60s.",
      ),
    sync: z
      .enum(["1s", "always"])
      .optional()
      .describe(
        "What a power loss may take of what a durable actor has acknowledged: `1s` (default): the last second at most; `always`: nothing. `plan` refuses `always` unless the cell's broker is set so: `cell0 up --broker-sync always`.",
      ),
    limits: z
      .strictObject({
        memory: size
          .optional()
          .describe(
            "Memory of a worker (its heap; default 128MiB) or process (default 256MiB); at least 16MiB.",
          ),
        cpu: z
          .number()
          .positive()
          .max(1024)
          .optional()
          .describe("Processors of a process; 1 is one core. Needs cgroups, see `cell0 doctor`."),
      })
      .optional()
      .meta({ id: "Limits", description: "What a worker or process may use." }),
    sandbox: z
      .enum(["required", "best_effort"])
      .optional()
      .describe(
        "Of a process: `required`: it does not start where a layer of its isolation is missing; `best_effort` (default): it starts, and `cell0 get actor` says what holds it.",
      ),
    mailbox: mailboxSchema.prefault({}),
    progress: duration("100ms", "1h")
      .default("30s")
      .describe(
        "Longest time without a step while work is in hand; then it is restarted as hung. While it waits for another actor's answer, the latest deadline of what it has in hand counts if that is later.",
      ),
    poison: poisonSchema.prefault({}),
    onCorruption: z
      .enum(["previous", "fresh", "park"])
      .default("previous")
      .describe(
        "When its last good snapshot is damaged: `previous` tries the one before it, then starts fresh; `fresh` starts fresh; `park` keeps it down until it is started by hand.",
      ),
    intents: intentsSchema.optional(),
    grants: grants.describe("What it may send, and to whom; nothing by default."),
    tools: toolsSchema.optional(),
    placement: z
      .strictObject({
        node: name
          .optional()
          .describe(
            "Node that hosts it. By default it stays where it is; a new one goes to the cell's first node.",
          ),
      })
      .meta({ id: "Placement", description: "Where it runs in a cell of several nodes." })
      .default({}),
  })
  .meta({ id: "Actor", description: "An actor: a behaviour under a supervisor." });

export const templateSchema = actorSchema
  .omit({ actor: true })
  .meta({ id: "Template", description: "What the children of a dynamic supervisor are made from." });

const supervision = {
  strategy: z
    .enum(["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"])
    .default("one_for_one")
    .describe(
      "Who is restarted when a child fails: it alone, all children, or it and those after it. `simple_one_for_one`: children are started at run time, from `template`.",
    ),
  template: templateSchema
    .optional()
    .describe("What each child is made from, under `simple_one_for_one`: an actor without its name."),
  autoShutdown: z
    .enum(["never", "any_significant", "all_significant"])
    .default("never")
    .describe(
      "Whether it ends itself once any, or all, of its significant children have ended by themselves.",
    ),
  intensity: z
    .int()
    .min(0)
    .max(10_000)
    .default(1)
    .describe("Restarts allowed within the period; one more and the supervisor gives up."),
  period: duration("1ms", "7d").default("5s").describe("Time in which restarts are counted."),
  backoff: backoffSchema.prefault({}),
};

export const supervisorSchema = z
  .strictObject({
    supervisor: name.describe("Name: the last token of the path."),
    restart,
    significant,
    ...supervision,
    get children(): z.ZodType<unknown[] | undefined> {
      return childrenSchema;
    },
  })
  .meta({
    id: "Supervisor",
    description: "A supervisor: it starts its children in order and restarts them.",
  });

export const childrenSchema: z.ZodType<unknown[] | undefined> = z
  .array(z.union([actorSchema, supervisorSchema]))
  .max(100_000)
  .default([])
  .meta({ id: "Children", description: "Actors and supervisors, in start order." });

export const clientSchema = z
  .strictObject({
    name: name.describe("The client's name, as given to `cell0 client add`."),
    grants: z.array(grantSchema).min(1).max(64).describe("What it may send, and to whom."),
  })
  .meta({ id: "Client", description: "A client outside of the cell." });

export const manifestSchema = z
  .strictObject({
    apiVersion: z.literal("cell0.dev/v1").describe("Version of this format."),
    kind: z.literal("ActorGraph").describe("What the document states."),
    metadata: z.strictObject({ name: name.describe("Name of the graph: the first token of every path.") }),
    spec: z
      .strictObject({
        ...supervision,
        children: childrenSchema,
        clients: z
          .array(clientSchema)
          .max(1024)
          .default([])
          .describe("What clients may send, by their name."),
      })
      .meta({ id: "Graph", description: "The graph's own supervisor, and what stands under it." }),
  })
  .meta({ id: "ActorGraph", description: "A graph of supervised actors." });

const uncheckedOne = z.unknown().optional();
const unchecked = z.array(z.unknown()).max(100_000).default([]);

/** For the validator, which takes maps one by one so that each mistake has its own place. */
export const shallowManifestSchema = manifestSchema.extend({ spec: z.looseObject({}) });
export const shallowSpecSchema = manifestSchema.shape.spec.extend({
  children: unchecked,
  clients: unchecked,
  template: uncheckedOne,
});
export const shallowSupervisorSchema = supervisorSchema
  .omit({ children: true, template: true })
  .extend({ children: unchecked, template: uncheckedOne });

export type ManifestTemplate = z.output<typeof templateSchema>;
export type ManifestActor = z.output<typeof actorSchema>;
export type ManifestSupervisor = z.output<typeof shallowSupervisorSchema>;
