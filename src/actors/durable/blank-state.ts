// The state of a durable actor that begins anew because what it had is lost: as if it had
// never run, but for the places of its outbox, which its targets remember.
import type { HostState } from "./host-state.ts";
import type { DurableState } from "./ports.ts";

/** More than one commit can put into the outbox. */
const ENTRIES_A_COMMIT = 4_096;

/** @param commits how many it has made, at most */
export function blankState(commits: number): DurableState {
  const host = {
    version: null,
    machine: null,
    intents: {},
    causes: { timers: [], children: {} },
    owed: [],
    requests: [],
    events: [],
    sends: [],
    ahead: {},
  } satisfies HostState;
  return {
    format: 1,
    codeHash: "",
    host,
    applied: { critical: 0, high: 0, normal: 0, low: 0 },
    sources: {},
    // Below it targets would take what it sends for what it has sent before.
    outboxSequence: commits * ENTRIES_A_COMMIT,
    outbox: [],
    replies: [],
  };
}
