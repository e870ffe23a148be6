// The intents of the kernel's tools, as the tools and the behaviours that use them
// share them. What a payload may hold is bounded here; what it may ask for is
// decided by the sender's grants.
import { z } from "zod";
import { HTTP_METHODS } from "../../../manifest/tools.ts";
import { intent } from "../../intent-definition.ts";

const encoding = z.enum(["text", "base64"]);
/** Contents as text of UTF-8, or as base64. */
const content = z.string().max(64 * 1024);
/** Of contents that come back: text where it is UTF-8 and was not asked for otherwise. */
const returned = { content: z.string(), encoding };
const as = encoding.default("text");
const path = z.string().min(1).max(1024);

export const httpIntents = {
  "http.fetch": intent({
    payload: z.strictObject({
      url: z.string().min(1).max(8192),
      method: z.enum(HTTP_METHODS).default("GET"),
      headers: z.record(z.string().max(64), z.string().max(8192)).default({}),
      body: content.optional(),
      bodyEncoding: encoding.default("text"),
      as,
    }),
    reply: z.object({
      status: z.int(),
      /** After redirects. */
      url: z.string(),
      headers: z.record(z.string(), z.string()),
      ...returned,
      redirects: z.int(),
    }),
    description: "Makes one HTTP request that a grant of tools.http allows.",
  }),
} as const;

export const fsIntents = {
  "fs.read": intent({
    payload: z.strictObject({
      path,
      offset: z.int().min(0).default(0),
      /** Bytes at most; default: to the end, within the grant's bound. */
      length: z.int().min(1).optional(),
      as,
    }),
    reply: z.object({ ...returned, /** Of the whole file. */ size: z.int() }),
    description: "Reads a file, or a part of it.",
  }),
  "fs.list": intent({
    payload: z.strictObject({
      path,
      limit: z.int().min(1).max(1000).default(200),
      /** Only names after this one. */
      after: z.string().max(255).default(""),
    }),
    reply: z.object({
      entries: z.array(
        z.object({
          name: z.string(),
          kind: z.enum(["file", "directory", "link", "other"]),
          /** Of a file. */
          size: z.int().optional(),
        }),
      ),
      more: z.boolean(),
    }),
    description: "Lists a folder by name.",
  }),
  "fs.write": intent({
    payload: z.strictObject({
      path,
      content,
      encoding: encoding.default("text"),
      /** `create`: only where there is none. */
      mode: z.enum(["create", "replace", "append"]).default("replace"),
      /** Makes the folders above it that are missing. */
      parents: z.boolean().default(false),
    }),
    reply: z.object({ size: z.int() }),
    description: "Writes a file whole: it has the old contents or the new ones, never a part.",
  }),
} as const;

export const execIntents = {
  exec: intent({
    payload: z.strictObject({
      /** As granted, or its last token. */
      program: z.string().min(1).max(4096),
      args: z.array(z.string().max(4096)).max(64).default([]),
      stdin: content.optional(),
      stdinEncoding: encoding.default("text"),
      as,
    }),
    reply: z.object({
      /** Null when a signal ended it. */
      exitCode: z.int().nullable(),
      signal: z.string().nullable(),
      stdout: z.string(),
      stderr: z.string(),
      encoding,
    }),
    description: "Runs a program that a grant of tools.exec allows, without a shell.",
  }),
} as const;

export type HttpRequest = z.output<(typeof httpIntents)["http.fetch"]["payload"]>;
export type HttpResponse = z.output<(typeof httpIntents)["http.fetch"]["reply"]>;
export type ReadRequest = z.output<(typeof fsIntents)["fs.read"]["payload"]>;
export type FileContent = z.output<(typeof fsIntents)["fs.read"]["reply"]>;
export type ListRequest = z.output<(typeof fsIntents)["fs.list"]["payload"]>;
export type FileList = z.output<(typeof fsIntents)["fs.list"]["reply"]>;
export type WriteRequest = z.output<(typeof fsIntents)["fs.write"]["payload"]>;
export type FileWritten = z.output<(typeof fsIntents)["fs.write"]["reply"]>;
export type ExecRequest = z.output<(typeof execIntents)["exec"]["payload"]>;
export type ProgramResult = z.output<(typeof execIntents)["exec"]["reply"]>;
