// The state from which a durable actor begins anew by hand: nothing of its machine is left, but it
// goes on where it was in the journal and in its outbox, so that nothing is applied twice,
// and nothing new that it sends is taken for something old.
import { blankState } from "./blank-state.ts";
import { type HostState, readHostState } from "./host-state.ts";
import type { DurableState } from "./ports.ts";

export type BegunAnew = {
  readonly state: DurableState;
  /** Whose answers nobody will give any more. */
  readonly owed: HostState["owed"];
};

/**
 * What was committed to be sent is still sent, unless an answer was wanted.
 * @param before newest state that can be read; later ones may have been lost. Undefined: none
 * @param commits how many it has made, at most
 */
export function beginAnew(before: DurableState | undefined, commits: number): BegunAnew {
  const blank = blankState(commits);
  if (before === undefined) return { state: blank, owed: [] };
  const kept = readable(before);
  const { codeHash, applied, sources, outbox } = before;
  const state = {
    ...blank,
    codeHash,
    host: { ...Object(blank.host), ahead: kept?.ahead ?? {} },
    applied,
    sources,
    outboxSequence: Math.max(before.outboxSequence, blank.outboxSequence),
    outbox: outbox.filter(({ wantsReply }) => !wantsReply),
  };
  return { state, owed: kept?.owed ?? [] };
}

/** Another version may have written it. */
function readable(state: DurableState): HostState | undefined {
  try {
    return readHostState(state);
  } catch {
    return undefined;
  }
}
