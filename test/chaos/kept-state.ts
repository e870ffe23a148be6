// What the judge reads of the state in a commit: the life that the actor's machine names,
// and the counts of the host that never go back.
import { z } from "zod";

const schema = z.object({
  host: z.object({
    machine: z.object({
      machine: z.object({ context: z.object({ life: z.string().optional() }) }),
    }),
    events: z.array(z.object({ event: z.object({ type: z.string(), life: z.string().optional() }) })),
  }),
  applied: z.record(z.string(), z.number()),
  sources: z.record(z.string(), z.number()),
  outboxSequence: z.number(),
});
const text = new TextDecoder();

export type KeptState = {
  /** Empty until the first incarnation has said which it is. */
  readonly life: string;
  /** Lives that have said so, each in an event that waits inside the actor. */
  readonly waiting: readonly string[];
  /** By name: applied positions, last places of sources, the outbox's own. */
  readonly counts: ReadonlyMap<string, number>;
};

export function keptState(state: Uint8Array): KeptState | undefined {
  const { data } = schema.safeParse(jsonOf(state));
  if (data === undefined) return undefined;
  const { host, applied, sources, outboxSequence } = data;
  return {
    life: host.machine.machine.context.life ?? "",
    waiting: host.events.flatMap(({ event: { type, life } }) =>
      type === "arrived" && life !== undefined ? [life] : [],
    ),
    counts: new Map([
      ...Object.entries(applied).map(([of, at]) => [`applied ${of}`, at] as const),
      ...Object.entries(sources).map(([of, at]) => [`taken of ${of}`, at] as const),
      ["place in the outbox", outboxSequence] as const,
    ]),
  };
}

function jsonOf(state: Uint8Array): unknown {
  try {
    return JSON.parse(text.decode(state));
  } catch {
    return undefined;
  }
}
