import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withoutLocalBin } from "../../scripts/setup/command.mjs";
import { fingerprint, readMarker, writeMarker } from "../../scripts/setup/fingerprint.mjs";
import { takeLock } from "../../scripts/setup/lock.mjs";
import { createReport, formatDuration } from "../../scripts/setup/report.mjs";
import { atLeast, parseVersion } from "../../scripts/setup/versions.mjs";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cell0-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("versions", () => {
  test.each([
    ["nats-server: v2.15.2", [2, 15, 2]],
    ["cargo 1.95.0 (f2d3ce0bd 2026-03-21)", [1, 95, 0]],
    ["go1.26.8", [1, 26, 8]],
    ["1.95", [1, 95, 0]],
    ["nothing here", undefined],
  ])("%j is read as %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test("a version is at least another exactly when its numbers, in order, are not smaller", () => {
    const version = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50));
    const weight = ([a, b, c]: readonly [number, number, number]) => (a * 100 + b) * 100 + c;
    fc.assert(fc.property(version, version, (a, b) => atLeast(a, b) === weight(a) >= weight(b)));
  });
});

describe("fingerprints and markers", () => {
  test("a fingerprint changes with a file's content and name, and not with build output", () => {
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src", "a"), "one");
    const before = fingerprint([folder]);
    mkdirSync(join(folder, "target"));
    writeFileSync(join(folder, "target", "built"), "x");
    expect(fingerprint([folder])).toBe(before);
    writeFileSync(join(folder, "src", "a"), "two");
    const changed = fingerprint([folder]);
    expect(changed).not.toBe(before);
    rmSync(join(folder, "src", "a"));
    writeFileSync(join(folder, "src", "b"), "two");
    expect(fingerprint([folder])).not.toBe(changed);
  });

  test("a marker that was cut short reads as none", () => {
    const marker = join(folder, "marker.json");
    writeMarker(marker, { fingerprint: "f" });
    expect(readMarker(marker)).toEqual({ fingerprint: "f" });
    writeFileSync(marker, readFileSync(marker, "utf8").slice(0, 5));
    expect(readMarker(marker)).toBeUndefined();
  });
});

describe("the lock", () => {
  test("is taken over from a process that is dead", async () => {
    const path = join(folder, "lock");
    writeFileSync(path, "999999999");
    const release = await takeLock(path, () => expect.unreachable());
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
    release();
    expect(existsSync(path)).toBe(false);
  });

  test("is waited for while its holder lives, saying who holds it", async () => {
    const path = join(folder, "lock");
    writeFileSync(path, `${process.ppid}`);
    const release = await takeLock(path, (holder) => {
      expect(holder).toBe(process.ppid);
      rmSync(path);
    });
    release();
  });
});

describe("the report", () => {
  const screen = (isTTY: boolean) => {
    const written: string[] = [];
    return {
      isTTY,
      columns: 80,
      write: (text: string) => written.push(text) > 0,
      text: () => written.join(""),
    };
  };

  test("is plain lines without a terminal", () => {
    const to = screen(false);
    const report = createReport({ screen: to, env: {}, now: () => 0 });
    report.step("one").done("made");
    report.step("two").failed("not made");
    expect(to.text()).toBe("  ✔ one: made  0 ms\n  ✘ two: not made  0 ms\n");
  });

  test.each([
    ["on a terminal, in colour", {}, true],
    ["under NO_COLOR, without", { NO_COLOR: "1" }, false],
    ["on a dumb terminal, without", { TERM: "dumb" }, false],
  ])("is, %s", (_what, env, coloured) => {
    const to = screen(true);
    createReport({ screen: to, env, now: () => 0 })
      .step("one")
      .done("made");
    expect(to.text().includes("\x1b[32m")).toBe(coloured);
  });

  test.each([
    [12, "12 ms"],
    [1_500, "1.5 s"],
    [61_000, "1 min 1 s"],
  ])("shows %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

test("what set-up starts does not run on the Node that npm may be replacing", () => {
  const env = withoutLocalBin({
    PATH: "/a/node_modules/.bin:/usr/bin:/b/node_modules/.bin/:/bin",
    HOME: "/h",
  });
  expect(env).toEqual({ PATH: "/usr/bin:/bin", HOME: "/h" });
});
