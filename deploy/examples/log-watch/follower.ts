import { defineActor, type IntentEvents, intent, reply, send } from "cell0";
import { assign, fromCallback, setup } from "xstate";
import { z } from "zod";
import { type Entry, parseLine } from "./entries.ts";
import { tail } from "./tail.ts";

const intents = {
  "follower.status": intent({ reply: z.object({ lines: z.int(), unreadable: z.int() }) }),
};

type Batch = { readonly type: "batch"; readonly entries: Entry[]; readonly unreadable: number };

const machine = setup({
  types: {
    context: {} as { readonly file: string; readonly lines: number; readonly unreadable: number },
    input: {} as { readonly file: string },
    events: {} as IntentEvents<typeof intents> | Batch,
  },
  actors: {
    tail: fromCallback<Batch, { file: string }>(({ input, sendBack }) => {
      const onLines = (lines: readonly string[]) => {
        const entries = lines.flatMap((line) => parseLine(line) ?? []);
        const blank = lines.filter((line) => line.trim() === "").length;
        sendBack({ type: "batch", entries, unreadable: lines.length - entries.length - blank });
      };
      return tail(new URL(input.file, import.meta.url), onLines, (error) => {
        throw error;
      });
    }),
  },
}).createMachine({
  context: ({ input }) => ({ file: input.file, lines: 0, unreadable: 0 }),
  invoke: { src: "tail", id: "tail", input: ({ context }) => ({ file: context.file }) },
  on: {
    batch: {
      actions: [
        assign(({ context, event }) => ({
          lines: context.lines + event.entries.length,
          unreadable: context.unreadable + event.unreadable,
        })),
        send(({ event }) => ({
          target: "log-watch/window",
          intent: "entries.add",
          payload: { entries: event.entries },
        })),
      ],
    },
    "follower.status": {
      actions: reply(({ context: { lines, unreadable } }) => ({ lines, unreadable })),
    },
  },
});

/** Follows the log file, which may grow, be cut off or be replaced. */
export const follower = defineActor({ machine, intents });
