// What crosses between a node and an actor's side reads the same there, whatever was read before.
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { defineActor } from "../../../src/actors/behaviour.ts";
import { parseBounded } from "../../../src/actors/isolation/bounded-json.ts";
import { FrameReader } from "../../../src/actors/isolation/frames.ts";
import { runInside } from "../../../src/actors/isolation/inside/run-inside.ts";
import { MAX_VALUE_BYTES, toActorFrame } from "../../../src/actors/isolation/messages.ts";
import { FromActorSchema } from "../../../src/gen/cell0/v1/channel_pb.ts";
import { KEYS, POISONED, poisonParser } from "../../wire/poisoned-parser.ts";

const bytes = new TextEncoder().encode(POISONED);

test("a value of an actor's side", () => {
  poisonParser();
  expect(Object.keys(Object(parseBounded(bytes, "a value")))).toEqual(KEYS);
});

test("what an actor starts with", async () => {
  let seen: unknown;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const machine = createMachine({
    context: ({ input }) => {
      seen = input;
      return {};
    },
  });
  const reader = new FrameReader(MAX_VALUE_BYTES);
  const inside = runInside({
    write(written) {
      for (const frame of reader.push(written)) {
        if (fromBinary(FromActorSchema, frame).kind.case !== "up") continue;
        // Never within what is being said.
        queueMicrotask(() => inside.take(toActorFrame({ case: "stop", value: { graceMs: 1_000 } })));
      }
    },
    load: async () => {
      poisonParser();
      return defineActor({ machine, intents: {} });
    },
    done: resolve,
  });
  const start = { path: "a", module: "m", export: "e", input: bytes, beatMs: 60_000, window: 1 };
  inside.take(toActorFrame({ case: "start", value: start }));
  await ended;
  expect(Object.keys(Object(seen))).toEqual(KEYS);
});
