// What the compiler makes of an actor's code: this file is checked by it, beside being run.
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { greeter } from "../../../deploy/examples/hello/greeter.ts";
import { type ActorClient, type CellClient, connect, type Reply } from "../../../src/client.ts";
import { intent, serveActor } from "../../../src/index.ts";
import { startCell, type TestCell } from "./cell-fixture.ts";

const intents = {
  open: intent({
    payload: z.object({ subject: z.string(), urgent: z.boolean().default(false) }),
    reply: z.object({ id: z.int() }),
  }),
  close: intent({ payload: z.object({ id: z.int() }) }),
  empty: intent({ reply: z.array(z.string()) }),
};
const desk = serveActor({
  intents,
  handlers: { open: () => ({ id: 1 }), close: () => undefined, empty: () => [] },
});
type Desk = ActorClient<typeof desk>;
declare const typed: Desk;
/** Compiled, never called. */
const neverRun = (): unknown[] => [
  // @ts-expect-error: it takes no such intent
  typed.request("opne", { subject: "printer" }),
  // @ts-expect-error: a field is missing
  typed.request("open", {}),
  // @ts-expect-error: a payload is missing
  typed.request("open"),
  // @ts-expect-error: a field is of another type
  typed.request("close", { id: "1" }),
  // @ts-expect-error: a field that it does not have
  typed.send("open", { subject: "printer", colour: "red" }),
  // @ts-expect-error: the same of a stream
  typed.stream("close", { subject: "printer" }),
];

describe("an actor's client, to the compiler", () => {
  it("knows the intents, with payloads before defaults are filled in", () => {
    expect(neverRun).toBeTypeOf("function");
    expectTypeOf<Parameters<Desk["request"]>[0]>().toEqualTypeOf<"open" | "close" | "empty">();
    const open = () => typed.request("open", { subject: "printer" });
    const empty = () => typed.request("empty");
    expectTypeOf(open).returns.resolves.toEqualTypeOf<Reply<{ id: number }>>();
    expectTypeOf(empty).returns.resolves.toEqualTypeOf<Reply<string[]>>();
  });

  it("knows that an intent without a reply schema is answered by an empty object", () => {
    const close = () => typed.request("close", { id: 1 });
    expectTypeOf(close).returns.resolves.toEqualTypeOf<Reply<Readonly<Record<string, never>>>>();
  });

  it("knows what a stream yields", () => {
    const stream = () => typed.stream("open", { subject: "printer", urgent: true });
    expectTypeOf(stream).returns.toEqualTypeOf<AsyncIterableIterator<Reply<{ id: number }>>>();
  });

  it("takes the type of an actor alone, of a machine as of functions", () => {
    const ask = (client: CellClient) =>
      client.actor<typeof greeter>("hello/greeter").request("greet", { name: "Ada" });
    expectTypeOf(ask).returns.resolves.toEqualTypeOf<Reply<{ text: string; count: number }>>();
  });
});

describe("an actor's client", () => {
  let cell: TestCell;
  let client: CellClient;
  beforeAll(async () => {
    cell = await startCell();
    await cell.node("a", {
      "g/desk open": (payload) => [{ id: JSON.stringify(payload).length }],
      "g/desk empty": (payload) => [JSON.stringify(payload), "b"],
    });
    client = await connect({ identity: (await cell.identity("alice")).parsed });
  });
  afterAll(async () => {
    await client.close();
    await cell.stop();
  });

  it("sends to its target", async () => {
    const actor = client.actor<typeof desk>("g/desk");
    const { value } = await actor.request("open", { subject: "printer" });
    expect(value.id).toBe(JSON.stringify({ subject: "printer" }).length);
    expect(await actor.send("open", { subject: "printer" })).toEqual({
      id: expect.stringMatching(/^\w{32}$/),
    });
    const values: unknown[] = [];
    for await (const reply of actor.stream("empty")) values.push(reply.value);
    expect(values).toEqual(["{}", "b"]);
  });
});
