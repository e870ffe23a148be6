// What holds an earlier process's intents back: its log knows the ids of volatile actors, those
// of durable ones are in their journals until their deadlines. A clock that was set back in
// between would make these fresh again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dataDir } from "../../src/runtime/data-dir.ts";
import { openReplayGuard } from "../../src/runtime/replay-guard.ts";

const issuer = new Uint8Array(32).fill(7);
const problem = (error: Error) => {
  throw error;
};

describe("the replay guard of a process that inherits its predecessor's log", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "cell0-guard-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const open = (startedAtUnixMs: number) => openReplayGuard(dataDir(root), startedAtUnixMs, problem);

  it("takes what is issued now, also by who was a little ahead", () => {
    const now = Date.now();
    const first = open(now);
    first.floor.accepted(issuer, now + 100, now);
    first.close();
    const second = open(Date.now());
    expect(second.issuedAfterUnixMs).toBeLessThanOrEqual(now);
    expect(second.floor.floorOf(issuer)).toBeLessThanOrEqual(now);
    second.close();
  });

  it("refuses what may have been accepted when the clock was set back since", () => {
    const now = Date.now();
    const first = open(now);
    // Its clock was twelve seconds ahead of that of the next one.
    first.floor.accepted(issuer, now + 12_000, now + 12_000);
    first.close();
    const second = open(Date.now());
    expect(second.issuedAfterUnixMs).toBeLessThanOrEqual(now);
    expect(second.floor.floorOf(issuer)).toBeGreaterThanOrEqual(now + 12_000);
    second.close();
  });
});
