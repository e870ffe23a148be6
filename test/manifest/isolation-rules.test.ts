import { describe, expect, test } from "vitest";
import { isolationOf, isolationProblems } from "../../src/manifest/isolation-rules.ts";

test.each([
  [{}, "shared"],
  [{ tools: {} }, "process"],
  [{ tools: { http: [{}] } }, "process"],
  [{ tools: [] }, "shared"],
  [{ tools: {}, isolation: "worker" }, "worker"],
  [{ isolation: "process" }, "process"],
] as const)("an actor of %o runs as %s", (actor, isolation) => {
  expect(isolationOf(actor)).toBe(isolation);
});

describe("what does not fit together is told at its field", () => {
  test.each([
    [{ limits: { memory: "64MiB" } }, ["limits MANIFEST_INVALID_VALUE"]],
    [{ tools: {}, limits: { memory: "64MiB" } }, []],
    [{ isolation: "worker", limits: { memory: "1MiB" } }, ["limits MANIFEST_INVALID_VALUE"]],
    [{ isolation: "worker", sandbox: "required" }, ["sandbox MANIFEST_INVALID_VALUE"]],
    [{ isolation: "process", sandbox: "required" }, []],
  ] as const)("%o", (actor, told) => {
    expect(isolationProblems(actor).map(({ field, text }) => `${field} ${text.code}`)).toEqual(told);
  });
});
