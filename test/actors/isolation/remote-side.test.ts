import { expect, test } from "vitest";
import type { Housing, LinkEnd } from "../../../src/actors/isolation/link.ts";
import { fromActorFrame } from "../../../src/actors/isolation/messages.ts";
import { startRemoteActor, startRemoteDurableActor } from "../../../src/actors/isolation/start-remote.ts";
import type { ActorPorts } from "../../../src/actors/ports.ts";
import { MemoryDurability } from "../../../src/actors/testkit/memory-durability.ts";
import { createVirtualClock } from "../../../src/actors/testkit/virtual-clock.ts";
import { specOf } from "./housed.ts";

const LOST: LinkEnd = { kind: "exit", what: "it ended with code 9" };
const VIOLATION = fromActorFrame({ case: "begun", value: { delivery: 1n } });

/** A link that had something to say before anybody listened. */
function housing(early: Uint8Array | LinkEnd): Housing & { readonly kills: () => number } {
  let kills = 0;
  return {
    link: {
      listen: ({ data, ended }) => (early instanceof Uint8Array ? data(early) : ended(early)),
      send: () => {},
      pause: () => {},
      resume: () => {},
      kill: () => {
        kills += 1;
      },
      bound: "",
    },
    module: "m.ts",
    packagesFrom: "",
    original: (text) => text,
    kills: () => kills,
  };
}

function common(house: Housing) {
  const clock = createVirtualClock(0);
  const ports: ActorPorts = {
    send: () => {},
    record: () => {},
    clock,
    random: () => 0,
  };
  const incarnation = { term: 1, activation: 1 };
  return {
    spec: specOf({ isolation: "worker" }),
    codeHash: "",
    incarnation,
    ports,
    housing: house,
    input: {},
  };
}

const startVolatile = (house: Housing) => startRemoteActor(common(house));

function startDurable(house: Housing) {
  const durable = new MemoryDurability().ports({ crash: () => {}, sent: () => {} });
  return startRemoteDurableActor({ ...common(house), durable });
}

test.each(
  ["volatile", "durable"].flatMap((kind) => [
    [kind, "ended", LOST, "ACTOR_HOST_LOST"] as const,
    [kind, "sent what does not fit", VIOLATION, "ACTOR_CHANNEL_VIOLATED"] as const,
  ]),
)("a %s actor whose host %s before it was listened to does not start", async (kind, _, early, name) => {
  const house = housing(early);
  const start = kind === "durable" ? startDurable : startVolatile;
  await expect(start(house)).rejects.toMatchObject({
    code: "ACTOR_START_FAILED",
    details: { failure: { name } },
  });
  expect(house.kills()).toBe(1);
});
