// The files of a new folder, as text.

export type TemplateOptions = {
  /** The graph's name. */
  readonly name: string;
  /** Version or `file:` path of the cell0 package. */
  readonly dependency: string;
};

/** By path. */
export function templateFiles(options: TemplateOptions): Readonly<Record<string, string>> {
  return {
    "graph.yaml": manifest(options.name),
    "counter.ts": BEHAVIOUR,
    "counter.test.ts": TEST,
    "package.json": packageJson(options),
    "tsconfig.json": TSCONFIG,
    "README.md": readme(options.name),
    ".gitignore": "node_modules/\n.cell0/\n*.creds\n",
  };
}

const manifest = (name: string): string => `apiVersion: cell0.dev/v1
kind: ActorGraph
metadata:
  name: ${name}
spec:
  strategy: one_for_one
  # More than 3 restarts within 5 seconds, and the supervisor gives up.
  intensity: 3
  period: 5s
  children:
    - actor: counter
      behaviour: ./counter.ts#counter
      input: { start: 0 }
`;

const BEHAVIOUR = `import { defineActor, type IntentEvents, intent, refuse, reply } from "cell0";
import { assign, setup } from "xstate";
import { z } from "zod";

const intents = {
  add: intent({
    payload: z.strictObject({ amount: z.int().min(1).max(1000) }),
    reply: z.object({ total: z.int() }),
    description: "Adds to the total and answers with it.",
  }),
  close: intent({ description: "Takes nothing from then on." }),
};

const machine = setup({
  types: {
    context: {} as { total: number },
    input: {} as { start: number },
    events: {} as IntentEvents<typeof intents>,
  },
}).createMachine({
  context: ({ input }) => ({ total: input.start }),
  initial: "open",
  states: {
    open: {
      on: {
        add: {
          actions: [
            assign({ total: ({ context, event }) => context.total + event.payload.amount }),
            reply(({ context }) => ({ total: context.total })),
          ],
        },
        close: { target: "closed" },
      },
    },
    closed: {
      on: { add: { actions: refuse({ message: "the counter is closed" }) } },
    },
  },
});

/** Counts until it is closed. */
export const counter = defineActor({ machine, intents });
`;

const TEST = `import assert from "node:assert/strict";
import { test } from "node:test";
import { testActor } from "cell0/testkit";
import { counter } from "./counter.ts";

test("it adds to the total and answers with it", async () => {
  await using actor = testActor(counter, { input: { start: 40 } });
  assert.deepEqual(await actor.request("add", { amount: 2 }), { total: 42 });
});

test("it refuses once it is closed", async () => {
  await using actor = testActor(counter, { input: { start: 0 } });
  await actor.deliver("close", {});
  await assert.rejects(actor.request("add", { amount: 1 }), { code: "ACTOR_REFUSED" });
});
`;

function packageJson({ name, dependency }: TemplateOptions): string {
  // A checkout is used by its sources: nothing needs to be built first.
  const condition = dependency.startsWith("file:") ? "--conditions=cell0-source " : "";
  const json = {
    name,
    private: true,
    type: "module",
    scripts: {
      dev: "cell0 dev graph.yaml",
      start: "cell0 up graph.yaml",
      test: `node ${condition}--test`,
    },
    dependencies: { cell0: dependency, xstate: "^5.33.3", zod: "^4.6.7" },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      module: "nodenext",
      strict: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
      noEmit: true,
    },
  },
  null,
  2,
)}\n`;

const readme = (name: string): string => `# ${name}

One actor, \`${name}/counter\`, that counts.

\`\`\`
npm install
npm test              # the behaviour alone, in virtual time
npx cell0 dev         # a cell that follows what you save; leave it running
npx cell0 send ${name}/counter add '{"amount":2}'
npx cell0 get tree
\`\`\`

| file | |
|---|---|
| graph.yaml | which actors run, under which supervisor |
| counter.ts | what the actor does: an XState machine and its intents |
| counter.test.ts | its test, with \`cell0/testkit\` |

Change \`counter.ts\` while \`cell0 dev\` runs: it plans and applies what you save, with the fewest restarts.
The cell's state and keys are in \`.cell0/\`; never commit it.
`;
