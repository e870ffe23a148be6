// What `cell0 up` prints when a process of it was killed: for people, and as JSON.
import { describe, expect, it, vi } from "vitest";
import { startCell } from "./live-cell.ts";

const WAIT = { timeout: 20_000, interval: 20 };

describe("cell0 up, when its node is killed with -9", () => {
  it("prints that it died and is back, after how long and by what", async () => {
    const cell = await startCell({ json: false });
    await cell.kill("node");
    await vi.waitFor(() => expect(cell.output()).toContain("node is back"), WAIT);
    expect(cell.output()).toMatch(
      /^! node died: SIGKILL\n✓ node is back after \d+ ms \(layer 4, process; started anew\)$/m,
    );
    await cell.stop();
  });

  it("prints one line of JSON a recovery", async () => {
    const cell = await startCell();
    const recoveries = () =>
      cell
        .output()
        .split("\n")
        .filter((line) => line.startsWith('{"recovered"'))
        .map((line) => JSON.parse(line));
    for (const [at, name] of (["node", "core"] as const).entries()) {
      await cell.kill(name);
      await vi.waitFor(() => expect(recoveries()).toHaveLength(at + 1), WAIT);
      expect(recoveries()[at]).toMatchObject({
        recovered: name,
        name,
        exit: { code: null, signal: "SIGKILL" },
        downMs: expect.any(Number),
        by: "cold",
        deathsInPeriod: 1,
        cause: "SIGKILL",
      });
    }
    await cell.stop();
  });
});
