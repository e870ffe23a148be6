// What keeps an intent from being begun twice at this node, over its restarts too:
// the window of this process, the log that it inherits, and the floor for when
// there is no log that can vouch.
import { CellError } from "../errors/cell-error.ts";
import { openReplayFloor, type ReplayFloor } from "../security/replay/replay-floor.ts";
import { ReplayWindow } from "../security/replay/replay-window.ts";
import { bootId } from "./boot-id.ts";
import type { DataDir } from "./data-dir.ts";
import { floorFile } from "./replay-floor-file.ts";
import { openReplayLog } from "./replay-log.ts";

export type ReplayGuard = {
  readonly window: ReplayWindow;
  readonly floor: ReplayFloor;
  /** What was issued before is refused: whether it was begun is not known. */
  readonly issuedAfterUnixMs: number;
  close(): void;
};

/** No issuer's own floor: what holds for all of them, when the clock was set back. */
const NOBODY = new Uint8Array();

/** @param startedAtUnixMs a time at which no earlier process of this node ran any more */
export function openReplayGuard(
  dir: DataDir,
  startedAtUnixMs: number,
  onProblem: (error: CellError) => void,
): ReplayGuard {
  const floor = openReplayFloor(floorFile(dir.replayFloor), startedAtUnixMs);
  const log = openReplayLog({
    directory: dir.replayLog,
    bootId: bootId(),
    startedAtUnixMs,
    floorUnixMs: floor.highestUnixMs,
    onProblem: (cause) =>
      onProblem(new CellError("CELL_REPLAY_LOG_LOST", undefined, { cause, where: dir.replayLog })),
  });
  const window = new ReplayWindow({ journal: log });
  window.restore(log.remembered);
  return {
    window,
    // The log knows every id by itself, also those of a clock that is ahead; but for durable actors'
    // ids, which their journals know until the deadlines: a clock that was set back would have these again.
    floor: log.inherited ? { ...floor, floorOf: () => floor.floorOf(NOBODY) } : floor,
    issuedAfterUnixMs: log.inherited ? log.sinceUnixMs : startedAtUnixMs,
    close: () => log.close(),
  };
}
