import { expect, test } from "vitest";
import { unmetSync } from "../../src/manifest/sync-demands.ts";
import { actor, placedOf, supervisor } from "./graphs.ts";

const graph = placedOf(
  supervisor("g", [
    actor("g/careful", { durable: true, sync: "always" }),
    actor("g/usual", { durable: true }),
    actor("g/volatile"),
  ]),
);

test.each([
  ["always", []],
  ["1s", ["g/careful"]],
  [undefined, ["g/careful"]],
])("a broker that offers %s leaves unmet what demands more", (offered, paths) => {
  const unmet = unmetSync(graph, offered);
  expect(unmet.map(({ where }) => where)).toEqual(paths);
  expect(unmet.every(({ code }) => code === "MANIFEST_SYNC_NOT_OFFERED")).toBe(true);
});
