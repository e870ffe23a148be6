// An event that a commit kept because it still waited inside the actor. The machine that it makes
// throw is given it again by every incarnation, so deaths by it are counted like those by an intent,
// and it is let go once there were too many.
import { createHash } from "node:crypto";
import type { IntentRef } from "../intent.ts";
import type { HostState } from "./host-state.ts";

export type HeldEvent = HostState["events"][number];

/** What its deaths are counted under: as long as an intent's id, by what it says and what led to it. */
export function heldKey({ event, cause = "" }: HeldEvent): string {
  // Whoever reads a state may put the type first.
  const parts = Object.entries(event).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([parts, cause]))
    .digest("hex")
    .slice(0, 32);
}

/** As whoever counts deaths knows it: nobody's but the actor's own. */
export const heldKiller = (path: string, key: string): IntentRef => ({
  id: key,
  rootId: key,
  causeId: "",
  hash: "",
  type: "",
  principal: path,
  source: path,
  epoch: 0,
});
