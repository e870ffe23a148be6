// The tools of an actor as they come over the wire and out of a revision: every
// field is checked again, with the bounds that the manifest has.
import { z } from "zod";
import { parseSize } from "./size.ts";
import { FILE_ACCESS, HTTP_METHODS, type ToolsSpec } from "./tools.ts";
import { execGrantSchema, fsGrantSchema, httpGrantSchema, toolsSchema } from "./tools-schema.ts";

const MAX_MS = 5 * 60_000;
const bytes = z
  .int()
  .min(0)
  .max(parseSize("16MiB") ?? 0);
const ms = z.int().min(1).max(MAX_MS);
const absolute = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/);
const http = httpGrantSchema.shape;
const exec = execGrantSchema.shape;

export const toolsSpecSchema: z.ZodType<ToolsSpec> = z.strictObject({
  http: z
    .array(
      z.strictObject({
        hosts: http.hosts,
        methods: z.array(z.enum(HTTP_METHODS)).min(1),
        paths: http.paths.unwrap(),
        maxBytes: bytes,
        timeoutMs: ms,
        secret: http.secret.unwrap().exactOptional(),
        privateAddresses: z.boolean(),
        redirects: http.redirects.unwrap(),
      }),
    )
    .max(64),
  fs: z
    .array(
      z.strictObject({
        name: fsGrantSchema.shape.name.unwrap(),
        path: absolute,
        access: z.array(z.enum(FILE_ACCESS)).min(1),
        maxBytes: bytes,
        quotaBytes: z.int().min(1),
      }),
    )
    .max(64),
  exec: z
    .array(
      z.strictObject({
        program: exec.program,
        args: exec.args.unwrap(),
        timeoutMs: ms,
        maxOutputBytes: bytes,
        stdinBytes: bytes,
        env: exec.env.unwrap(),
        network: z.boolean(),
        cwd: absolute.exactOptional(),
      }),
    )
    .max(64),
  concurrent: toolsSchema.shape.concurrent.unwrap(),
  perMinute: toolsSchema.shape.perMinute.unwrap(),
});
