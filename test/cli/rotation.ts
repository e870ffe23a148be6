// What the tests of `cell0 keys rotate` share.
import { codeOf } from "../security/cell-fixture.ts";
import { type Handler, refusal } from "./fake-cell.ts";
import { run } from "./fake-terminal.ts";
import type { MadeCell } from "./made-cell.ts";
import type { trustingCell } from "./trusting-cell.ts";

export type Cell = Awaited<ReturnType<typeof trustingCell>>;

export const rotate = (made: MadeCell, { cell }: Cell, ...argv: readonly string[]) =>
  run(["--data-dir", "data", "--json", "keys", "rotate", ...argv], {
    cwd: made.parent,
    openCell: cell.openCell,
  });

/** What stands against each of these keys. */
export const standing = ({ trust }: Cell, ...keys: readonly Uint8Array[]) =>
  keys.map((key) => codeOf(trust.byKey(key, Date.now())));
export const UNKNOWN = "AUTHORITY_ISSUER_UNKNOWN";

/** Fails so many times, then does as the one that it stands before. */
export function failing(times: number, handler: () => Handler | undefined): Handler {
  let left = times;
  return async (payload, target) => {
    left -= 1;
    if (left >= 0) throw refusal("ACTOR_DEADLINE_EXCEEDED");
    return (await handler()?.(payload, target)) ?? [];
  };
}
