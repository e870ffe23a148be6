// `kernel/<node>/deadletters`: the intents that were set aside because they killed their
// actors. It retries nothing by itself: who wants a retry sends the intent anew, in the
// own name and under the own authority, and then closes the letter here.
import type { DeadLetter } from "../../security/records/dead-letter.ts";
import { decodeCapsule } from "../../security/wire/decode-capsule.ts";
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { deadLetterIntents } from "./contract.ts";
import type { DeadLetterReport, DeadLetterRow } from "./reports.ts";

type Heading = Omit<DeadLetterRow, "closed"> & { readonly closed: DeadLetterRow["closed"] | undefined };

export type DeadLetterPorts = {
  readonly list: (filter: {
    readonly actor?: string | undefined;
    readonly all?: boolean;
  }) => readonly Heading[];
  /** Throw ACTOR_DEADLETTER_UNKNOWN, ACTOR_DEADLETTER_INVALID, and what the broker refuses. */
  readonly show: (id: string) => Promise<DeadLetter>;
  readonly close: (id: string, by: string, retryId: string | undefined) => Promise<Heading>;
};

/** Of an intent whose capsule is not known any more. */
const DEFAULT_HOPS = 1;

export const deadletters = serveActor<DeadLetterPorts, typeof deadLetterIntents>({
  intents: deadLetterIntents,
  handlers: {
    "deadletter.list": ({ actor, all, limit }, _meta, context) =>
      inChunks(context, context.input.list({ actor, all }).slice(0, limit).map(rowOf)),
    "deadletter.show": async ({ id }, _meta, context) =>
      inChunks(context, reportOf(await context.input.show(id))),
    "deadletter.close": async ({ id, retryId }, { principal }, context) =>
      inChunks(context, rowOf(await context.input.close(id, principal, retryId))),
  },
});

function rowOf({ closed, ...heading }: Heading): DeadLetterRow {
  const { id, actor, node, setAsideUnixMs, intent, source, deaths, lastDeath } = heading;
  const row = { id, actor, node, setAsideUnixMs, intent, source, deaths, lastDeath };
  return closed === undefined ? row : { ...row, closed };
}

function reportOf({ capsule, payload, deaths, ...letter }: DeadLetter): DeadLetterReport {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const decoded = capsule.length === 0 ? undefined : decodeCapsule(capsule);
  const whole = decoded?.ok === true ? decoded.value : { payload, hopLimit: DEFAULT_HOPS };
  return {
    ...letter,
    capsule: base64(capsule),
    payload: base64(whole.payload),
    hopLimit: Math.max(1, whole.hopLimit),
    story: deaths,
  };
}
