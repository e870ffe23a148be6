// Laws of the count of an intent's deaths: bounded, and no sender can occupy it.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bury,
  countDeath,
  type Death,
  deathsOf,
  keyOf,
  MAX_ENTRIES,
  type PoisonEntries,
} from "../../src/runtime/poison.ts";

const death: Death = {
  atUnixMs: 0,
  incarnation: { term: 0, activation: 1 },
  class: "crash",
  ...{ name: "Error", message: "", stack: "", origin: "transition" },
};
const HOUR = { nowUnixMs: 0, expiresUnixMs: 3_600_000 };
const die = (entries: PoisonEntries, sender: string, id: string, times = HOUR): PoisonEntries =>
  countDeath(entries, { sender, intentId: id }, death, times);

test("however much one sender kills with, it is bounded, and the deaths of another's intent are counted on", () => {
  const kill = fc.record({
    sender: fc.constantFrom("mallory", "oscar"),
    id: fc.nat(500).map(String),
    forgets: fc.boolean(),
  });
  const property = fc.property(fc.array(kill, { maxLength: 600 }), fc.nat(600), (kills, at) => {
    let entries: PoisonEntries = [];
    for (const [n, { sender, id, forgets }] of kills.entries()) {
      if (n === at) entries = die(entries, "alice", "hers");
      entries = die(entries, sender, id);
      if (forgets) entries = bury(entries, { sender, intentId: id });
      expect(entries.length).toBeLessThanOrEqual(MAX_ENTRIES);
    }
    if (at < kills.length)
      expect(deathsOf(die(entries, "alice", "hers"), { sender: "alice", intentId: "hers" })).toHaveLength(2);
  });
  fc.assert(property, { verbose: 1, numRuns: 100 });
});

test("the same id of another sender is another intent, an actor of that client's name included", () => {
  const [client, actor] = [
    keyOf({ id: "1", principal: "alice", source: "" }),
    keyOf({ id: "1", principal: "alice", source: "g/x" }),
  ];
  const other = keyOf({ id: "1", principal: "mallory", source: "" });
  let entries = countDeath([], client, death, HOUR);
  entries = countDeath(entries, actor, death, HOUR);
  expect([client, actor, other].map((key) => deathsOf(entries, key).length)).toEqual([1, 1, 0]);
});

test("senders by the hundred: the bound holds, and the one counted last is there", () => {
  let entries: PoisonEntries = [];
  for (let n = 0; n < 300; n += 1) {
    entries = die(entries, `sender-${n}`, "1");
    expect(deathsOf(entries, { sender: `sender-${n}`, intentId: "1" })).toHaveLength(1);
  }
  expect(entries).toHaveLength(MAX_ENTRIES);
});

test("what cannot come again, and more deaths than a manifest may ask for, are not kept", () => {
  const entries = die([], "alice", "1", { nowUnixMs: 0, expiresUnixMs: 10 });
  expect(die(entries, "bob", "2", { nowUnixMs: 11, expiresUnixMs: 20 })).toHaveLength(1);
  let many: PoisonEntries = [];
  for (let n = 0; n < 40; n += 1) many = die(many, "alice", "1");
  expect(many).toMatchObject([{ deaths: { length: 16 } }]);
});
