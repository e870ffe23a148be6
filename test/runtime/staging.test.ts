// Uploads of whoever may upload: unfinished, hostile, or simply many.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { Staging } from "../../src/runtime/staging.ts";

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const part = (name: string, index = 0, count = 2, bytes = 10) => ({
  hash: hashOf(Buffer.from(name)),
  index,
  count,
  data: new Uint8Array(bytes),
});

function codeOf(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    return error instanceof CellError ? error.code : `not coded: ${error}`;
  }
}

test.each([
  ["no gzip", Buffer.from("rubbish")],
  ["gzip of no JSON", gzipSync("{")],
  ["gzip that unpacks to more than 64 MiB", gzipSync(Buffer.alloc(65 * 1024 * 1024))],
  ["JSON that is no graph", gzipSync("[]")],
])("what is %s is refused with a code, which ends nobody", (_name, data) => {
  const staging = new Staging();
  const hash = hashOf(data);
  expect(staging.add({ hash, index: 0, count: 1, data })).toBe(true);
  expect(codeOf(() => staging.graph(hash))).toBe("MANIFEST_GRAPH_INVALID");
});

test("an upload under way is finished while others begin, up to the bound", () => {
  const staging = new Staging(() => 0);
  staging.add(part("mine"));
  for (let at = 0; at < 15; at += 1) staging.add(part(`other-${at}`));
  expect(staging.add(part("mine", 1))).toBe(true);
});

test("beyond the bound the upload goes that was touched longest ago", () => {
  const staging = new Staging(() => 0);
  staging.add(part("mine"));
  staging.add(part("forgotten"));
  staging.add(part("mine"));
  for (let at = 0; at < 15; at += 1) staging.add(part(`other-${at}`));
  expect(staging.add(part("mine", 1))).toBe(true);
  expect(staging.add(part("forgotten", 1))).toBe(false);
});

test("an old upload goes though a newer one stands before it", () => {
  let now = 0;
  const staging = new Staging(() => now);
  staging.add(part("touched"));
  staging.add(part("old"));
  now = 500_000;
  staging.add(part("touched"));
  now = 700_000;
  staging.add(part("new"));
  expect(staging.add(part("touched", 1))).toBe(true);
  expect(staging.add(part("old", 1))).toBe(false);
});

test("all uploads together are bounded in bytes", () => {
  const staging = new Staging(() => 0);
  for (let at = 0; at < 9; at += 1) staging.add(part(`large-${at}`, 0, 2, 8 * 1024 * 1024));
  expect(staging.add(part("large-0", 1))).toBe(false);
  expect(staging.add(part("large-8", 1))).toBe(true);
});
