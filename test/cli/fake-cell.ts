// A cell for tests of the command line: answers intents from a table, without a
// broker. Chunked replies go through the kernel's own chunking.
import { toChunks } from "../../src/actors/kernel/chunks.ts";
import type { CellPort, OpenCell } from "../../src/cli/cell-port.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import type { ErrorCode } from "../../src/errors/registry.ts";

export type Handler = (payload: unknown, target: string) => readonly unknown[] | Promise<readonly unknown[]>;
export type Asked = { readonly target: string; readonly intent: string; readonly payload: unknown };

/** Replies of a value that travels in chunks. */
export const chunked =
  (value: unknown): Handler =>
  () =>
    toChunks(value);

/** A refusal as it arrives from a cell. */
export const refusal = (code: ErrorCode, message?: string): CellError =>
  new CellError(code, message, { details: { remote: true } });

export function fakeCell(handlers: Readonly<Record<string, Handler>>) {
  const asked: Asked[] = [];
  const opened: string[] = [];
  let closed = 0;
  const answer = async (target: string, intent: string, payload: unknown) => {
    asked.push({ target, intent, payload });
    const handler = handlers[`${target} ${intent}`] ?? handlers[intent];
    if (handler === undefined) throw refusal("ACTOR_INTENT_UNKNOWN", `${target} does not accept ${intent}`);
    return await handler(payload, target);
  };
  const port: CellPort = {
    cell: "local",
    principal: "operator",
    async *stream(target, intent, payload) {
      const replies = await answer(target, intent, payload);
      for (const [at, value] of replies.entries()) yield { value, final: at === replies.length - 1 };
    },
    async send(target, intent, payload) {
      await answer(target, intent, payload);
      return "00112233445566778899aabbccddeeff";
    },
    async *events() {},
    close: async () => {
      closed += 1;
    },
  };
  const openCell: OpenCell = async (identity) => {
    opened.push(identity);
    return port;
  };
  return { openCell, asked, opened, closedCount: () => closed };
}

/** What every command that asks a node first asks. */
export const oneNode: Readonly<Record<string, Handler>> = {
  "graph.nodes": chunked([{ node: "a", shards: [{ first: 0, last: 255 }], generation: 1, answers: true }]),
};
