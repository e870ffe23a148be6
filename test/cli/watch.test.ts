import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventGroupSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { run } from "./fake-terminal.ts";

const id = new Uint8Array(16).fill(1);
const logged = (actor: string, message: string) => ({
  id,
  node: "a",
  actor,
  time: { unixMs: 1_767_225_600_000n, counter: 0 },
  kind: { case: "actorLogged", value: { level: "info", message } } as const,
});
const message = toBinary(
  EventGroupSchema,
  create(EventGroupSchema, { events: [logged("hello/greeter", "one"), logged("hello/other", "two")] }),
);

describe("watch --decode", () => {
  it("shows the events in one message of the stream, a line each", async () => {
    const { exitCode, out } = await run(["watch", "--decode"], { input: message });
    expect(exitCode).toBe(0);
    expect(out.split("\n").map((line) => /hello\/\w+|$/.exec(line)?.[0])).toEqual([
      "hello/greeter",
      "hello/other",
      "",
    ]);
  });

  it("shows those alone that are asked for, as JSON", async () => {
    const { json } = await run(["--json", "watch", "--decode", "-", "--actor", "hello/other"], {
      input: message,
    });
    expect(json()).toMatchObject([{ actor: "hello/other" }]);
  });

  it.each([
    ["what is no message of the stream", Uint8Array.of(0xff, 0xff)],
    ["nothing", new Uint8Array()],
  ])("refuses %s", async (_what, input) => {
    const { exitCode, err } = await run(["watch", "--decode"], { input });
    expect(err).toMatch(/^CLI_EVENTS_UNREADABLE/);
    expect(exitCode).toBe(2);
  });
});
