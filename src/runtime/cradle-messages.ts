// What the cradle says to the node's process over their own channel. It is the
// parent that speaks; what has another form is passed over.
import { z } from "zod";
import type { Recovery } from "../supervisor/cradle/cradle.ts";
import type { Suspect } from "../supervisor/cradle/process-spec.ts";
import { failureClasses } from "../supervisor/matrix-rules.ts";

const inHand = z.object({ actor: z.string(), intent: z.string() });
const suspect = inHand.extend({ atUnixMs: z.number(), failure: z.enum(failureClasses).exactOptional() });
const exit = z.object({
  code: z.int().nullable(),
  signal: z.custom<NodeJS.Signals>((value) => typeof value === "string").nullable(),
  reason: z.string().exactOptional(),
  stuck: z.object({ stuckMs: z.number(), stack: z.string().exactOptional() }).exactOptional(),
  inHand: inHand.exactOptional(),
});
const recovery = z.object({
  name: z.string(),
  exit,
  diedAtUnixMs: z.number(),
  downMs: z.number(),
  by: z.enum(["spare", "cold"]),
  deathsInPeriod: z.int(),
});
const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("stop") }),
  z.object({ type: z.literal("promote"), suspects: z.array(suspect) }),
  z.object({ type: z.literal("recovered"), recovery }),
]);

export type CradleMessage =
  | { readonly type: "stop" }
  | { readonly type: "promote"; readonly suspects: readonly Suspect[] }
  | { readonly type: "recovered"; readonly recovery: Recovery };

export function readCradleMessage(value: unknown): CradleMessage | undefined {
  const read = message.safeParse(value);
  return read.success ? read.data : undefined;
}
