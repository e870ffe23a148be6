import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLogger } from "../../src/telemetry/logger.ts";
import { temporaryFolder } from "./samples.ts";

function linesOf(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, "utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
}

test("a line is JSON with time, level, node and message", () => {
  const path = join(temporaryFolder(), "node.log");
  createLogger({ path, node: "a", level: "info" }).info({ port: 4222 }, "broker up");
  expect(linesOf(path)).toEqual([
    { level: "info", time: expect.stringMatching(/^\d{4}-.*Z$/), node: "a", port: 4222, msg: "broker up" },
  ]);
});

test("secrets are redacted down to the third level", () => {
  const path = join(temporaryFolder(), "node.log");
  const log = createLogger({ path, node: "a", level: "info" });
  log.info({ seed: "S1", identity: { key: "S2", deeper: { token: "S3" } }, err: new Error("kept") }, "x");
  const text = readFileSync(path, "utf8");
  for (const secret of ["S1", "S2", "S3"]) expect(text).not.toContain(secret);
  expect(text).toContain("kept");
});

test("long messages and errors are bounded", () => {
  const path = join(temporaryFolder(), "node.log");
  const log = createLogger({ path, node: "a", level: "info" });
  log.error({ err: new Error("y".repeat(1_000_000)) }, "x".repeat(1_000_000));
  log.info({ blob: "z".repeat(1_000_000) }, "big");
  const text = readFileSync(path, "utf8");
  expect(text.length).toBeLessThan(64 * 1024);
  expect(linesOf(path)[1]).toMatchObject({ msg: "a line was too long" });
});

test("levels below the one set are left out, and an unknown level is info", () => {
  const path = join(temporaryFolder(), "node.log");
  const quiet = createLogger({ path, node: "a", level: "error" });
  quiet.info("not this");
  const odd = createLogger({ path, node: "a", level: "loudest" });
  odd.debug("nor this");
  odd.info("this");
  expect(linesOf(path).map(({ msg }) => msg)).toEqual(["this"]);
});
