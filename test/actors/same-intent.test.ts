import { describe, expect, it } from "vitest";
import { intentKey, isSameIntent } from "../../src/actors/same-intent.ts";

const client = { id: "1", hash: "a", principal: "ann", source: "" };
const actor = { id: "1", hash: "a", principal: "a", source: "shop/till" };

describe("one intent", () => {
  it.each([
    ["the same capsule of a client", client, client, true],
    ["the same bytes under another client's key", client, { ...client, principal: "bob" }, false],
    ["another capsule under the same id", client, { ...client, hash: "b" }, false],
    ["what an actor sends again, signed anew", actor, { ...actor, hash: "b" }, true],
    ["what an actor sends again from another node", actor, { ...actor, principal: "b" }, true],
    ["another actor's under the same id", actor, { ...actor, source: "shop/desk" }, false],
    ["a client's with the name of an actor", actor, { ...client, principal: "shop/till" }, false],
  ])("%s", (_, one, other, same) => {
    expect(isSameIntent(one, other)).toBe(same);
  });

  it("has a key that no other sender's intent has", () => {
    const keys = [client, { ...client, principal: "bob" }, actor].map(intentKey);
    expect(new Set(keys).size).toBe(3);
  });
});
