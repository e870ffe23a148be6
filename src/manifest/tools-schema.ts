// `tools:` of an actor: what it may do to the world through the kernel's tools.
// Nothing by default; each entry of a list is one grant.
import { z } from "zod";
import { parseArgumentPattern } from "./argument-pattern.ts";
import { parseHostPattern } from "./host-pattern.ts";
import { duration, name, sizeWithin, text } from "./schema-text.ts";
import { FILE_ACCESS, HTTP_METHODS } from "./tools.ts";

/** `/v1/**`: `*` is a whole segment, `**` the last one. */
const URL_PATH_PATTERN = /^(?:\/(?:\*|[A-Za-z0-9._~!$&'()+,;=:@-]*))*(?:\/\*\*)?$/;
const HEADER_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;
const FORMAT_PATTERN = /^[\x20-\x7e]{0,128}\{\}[\x20-\x7e]{0,128}$/;
const FOLDER_NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const PROGRAM_PATTERN = /^(?:\/[^/\0]{1,255}){1,32}$/;
/** No NUL, nor anything that a terminal would obey. */
const PLAIN_PATTERN = /^[^\p{Cc}]{1,1024}$/u;

const hostPattern = z
  .string("a host such as api.example.com")
  .refine(
    (value) => parseHostPattern(value) !== undefined,
    "a host such as api.example.com, *.example.org or http://127.0.0.1:8080, in lower case",
  )
  .meta({ title: "host", examples: ["api.example.com", "*.example.org", "http://127.0.0.1:8080"] });

export const httpGrantSchema = z
  .strictObject({
    hosts: z
      .array(hostPattern)
      .min(1)
      .max(64)
      .describe(
        "`api.example.com`, or `*.example.org` for every name below; https and its port unless stated: `http://127.0.0.1:8080`.",
      ),
    methods: z
      .array(z.enum(HTTP_METHODS))
      .min(1)
      .max(HTTP_METHODS.length)
      .default(["GET"])
      .describe("Methods of requests, and of the redirects that follow them."),
    paths: z
      .array(text("URL path", URL_PATH_PATTERN, "a path such as /v1/** or /users/*/name", ["/v1/**"]))
      .min(1)
      .max(64)
      .default(["/**"])
      .describe("`*` stands for one segment, a last `**` for any rest."),
    maxBytes: sizeWithin("1B", "16MiB")
      .default("1MiB")
      .describe("Of a request's body, and of a response's, decompressed."),
    timeout: duration("1ms", "5m").default("10s").describe("For all of it, redirects included."),
    secret: z
      .strictObject({
        name: name.describe("As given to `cell0 secret set`."),
        header: text("header", HEADER_PATTERN, "a header's name in lower case", ["authorization"])
          .default("authorization")
          .describe("The header that carries it; the actor may not set it."),
        format: text("format", FORMAT_PATTERN, "a text with `{}` where the secret goes", ["Bearer {}"])
          .default("Bearer {}")
          .describe("The header's value, with `{}` for the secret."),
      })
      .optional()
      .meta({
        id: "HttpSecret",
        description:
          "A secret that the kernel puts into a header of requests to these hosts; the actor never sees it.",
      }),
    privateAddresses: z
      .boolean()
      .default(false)
      .describe("Whether private and loopback addresses may be reached."),
    redirects: z.int().min(0).max(10).default(0).describe("Redirects followed; each is authorised anew."),
  })
  .meta({ id: "HttpGrant", description: "Requests that `http.fetch` makes for the actor." });

export const fsGrantSchema = z
  .strictObject({
    path: text("folder", PLAIN_PATTERN, "the path of a folder", ["./workspace"]).describe(
      "The folder, relative to this file, on the actor's node. It must be there.",
    ),
    name: text("folder name", FOLDER_NAME_PATTERN, "a name of letters, digits, `.`, `_` and `-`", [])
      .optional()
      .describe(
        "The first token by which the actor names it: `workspace/notes.md`. Default: its last token.",
      ),
    access: z
      .array(z.enum(FILE_ACCESS))
      .min(1)
      .max(FILE_ACCESS.length)
      .default(["read", "list"])
      .describe("What the actor may do below it. Nothing deletes."),
    maxBytes: sizeWithin("1B", "16MiB").default("1MiB").describe("Of one file."),
    quota: sizeWithin("1B", "1024GiB")
      .default("64MiB")
      .describe("Of all files below it, whoever wrote them; beyond it nothing is written."),
  })
  .meta({
    id: "FsGrant",
    description: "A folder that `fs.read`, `fs.list` and `fs.write` reach for the actor.",
  });

const argumentPattern = z
  .string()
  .max(512)
  .refine(
    (value) => parseArgumentPattern(value) !== undefined,
    "a pattern of characters, classes, `.`, `\\d`, `\\w` and quantifiers, without groups",
  )
  .meta({ title: "pattern", examples: ["[0-9]{1,3}"] });

const argument = z
  .union([
    z
      .string("a text")
      .max(1024)
      .regex(/^[^\0]*$/, "a text without NUL"),
    z.strictObject({ pattern: argumentPattern }),
  ])
  .meta({ title: "text or { pattern }" });

export const execGrantSchema = z
  .strictObject({
    program: text("absolute path", PROGRAM_PATTERN, "the absolute path of a program", [
      "/usr/bin/git",
    ]).describe("The program's file. It gets no shell."),
    args: z
      .array(z.array(argument).max(64))
      .min(1)
      .max(64)
      .default([[]])
      .meta({
        title: "list of argument lists",
        description:
          "Argument lists, any of which may be used: texts as they must be, or `{ pattern: ... }`. Default: none at all.",
        examples: [
          [
            ["status", "--short"],
            ["log", "-n", { pattern: "[0-9]{1,3}" }],
          ],
        ],
      }),
    timeout: duration("1ms", "5m").default("10s").describe("Then its whole process group is killed."),
    maxOutput: sizeWithin("1B", "16MiB").default("256KiB").describe("Of both outputs together."),
    stdin: sizeWithin("0B", "64KiB").default("0B").describe("What the actor may give it as standard input."),
    env: z
      .record(
        text("variable", /^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "the name of an environment variable", []),
        z.string().max(4096),
      )
      .default({})
      .meta({
        title: "map of texts",
        description: "Environment beside PATH, LANG and HOME, which is all that it gets.",
      }),
    network: z
      .boolean()
      .default(false)
      .describe("Whether it has the node's network: past `tools.http`. Cutting it off needs Linux and root."),
    cwd: text("folder", PLAIN_PATTERN, "the path of a folder", ["./workspace"])
      .optional()
      .describe("Working directory, relative to this file. Default `/`."),
  })
  .meta({ id: "ExecGrant", description: "A program that `exec` runs for the actor." });

export const toolsSchema = z
  .strictObject({
    http: z.array(httpGrantSchema).max(64).default([]).describe("What `http.fetch` may reach."),
    fs: z
      .array(fsGrantSchema)
      .max(64)
      .default([])
      .describe("What `fs.read`, `fs.list` and `fs.write` may reach."),
    exec: z.array(execGrantSchema).max(64).default([]).describe("What `exec` may run."),
    concurrent: z.int().min(1).max(64).default(4).describe("Calls in hand at once, of all tools."),
    perMinute: z.int().min(1).max(100_000).default(600).describe("Calls a minute, of all tools."),
  })
  .meta({
    id: "Tools",
    description:
      "What the actor may do to the world through the kernel's tools. Nothing by default; no further grant is needed to ask for it.",
  });

export type ManifestTools = z.output<typeof toolsSchema>;
