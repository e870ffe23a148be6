// What is decided next within one decision: whatever goes along the children in order
// goes on, and ends that waited for that are judged. Keeps the files of `decide` from
// having to know each other in a circle.
import { judgeDeferred } from "./decide-exit.ts";
import { advanceGroup } from "./decide-group.ts";
import { advanceStart } from "./decide-start.ts";
import type { Turn } from "./turn.ts";

export function followUp(turn: Turn): Turn {
  for (let next = turn.agenda.shift(); next !== undefined; next = turn.agenda.shift()) {
    if (next.do === "judgeDeferred") judgeDeferred(turn);
    else if (turn.state.group === undefined) advanceStart(turn, next.path);
    else advanceGroup(turn, turn.state.group, next.path);
  }
  return turn;
}
