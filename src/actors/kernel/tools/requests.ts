// What a behaviour hands to `request()` to use a tool of its own node:
//
//   actions: request(({ event }) => readFile({ path: event.payload.path }, { onReply: "read", onError: "failed" }))
//
// The actor's `tools` in the manifest must allow it; no further grant is needed.
import type { z } from "zod";
import type { RequestOptions } from "../../effect.ts";
import type { execIntents, fsIntents, httpIntents } from "./contract.ts";

/** Targets that stand for the tools of the sender's own node. */
export const TOOL_TARGETS = { http: "kernel/http", fs: "kernel/fs", exec: "kernel/exec" } as const;

/** Types of the events raised for the answer, and the request's time; default 30,000 ms. */
export type ToolAnswer = Pick<RequestOptions, "onReply" | "onError" | "ref" | "timeoutMs" | "priority">;

/** The grant's own `timeout` ends it before. */
const DEFAULT_TIMEOUT_MS = 30_000;

type HttpInput = z.input<(typeof httpIntents)["http.fetch"]["payload"]>;
type ReadInput = z.input<(typeof fsIntents)["fs.read"]["payload"]>;
type ListInput = z.input<(typeof fsIntents)["fs.list"]["payload"]>;
type WriteInput = z.input<(typeof fsIntents)["fs.write"]["payload"]>;
type ExecInput = z.input<(typeof execIntents)["exec"]["payload"]>;

/** Answered with an `HttpResponse`, whatever its status. */
export const httpFetch = (payload: HttpInput, answer: ToolAnswer): RequestOptions =>
  ask(TOOL_TARGETS.http, "http.fetch", payload, answer);

/** Answered with a `FileContent`. */
export const readFile = (payload: ReadInput, answer: ToolAnswer): RequestOptions =>
  ask(TOOL_TARGETS.fs, "fs.read", payload, answer);

/** Answered with a `FileList`. */
export const listFiles = (payload: ListInput, answer: ToolAnswer): RequestOptions =>
  ask(TOOL_TARGETS.fs, "fs.list", payload, answer);

/** Answered with a `FileWritten`. */
export const writeFile = (payload: WriteInput, answer: ToolAnswer): RequestOptions =>
  ask(TOOL_TARGETS.fs, "fs.write", payload, answer);

/** Answered with a `ProgramResult`, whatever its exit code. */
export const runProgram = (payload: ExecInput, answer: ToolAnswer): RequestOptions =>
  ask(TOOL_TARGETS.exec, "exec", payload, answer);

const ask = (target: string, intent: string, payload: unknown, answer: ToolAnswer): RequestOptions => ({
  timeoutMs: DEFAULT_TIMEOUT_MS,
  ...answer,
  target,
  intent,
  payload,
});
