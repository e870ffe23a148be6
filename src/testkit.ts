// `cell0/testkit`: runs a behaviour in a test, without broker or core.
//
//   await using actor = testActor(greeter, { input: { greeting: "Hello" } });
//   expect(await actor.request("greet", { name: "Ada" })).toEqual({ text: "Hello, Ada!", count: 1 });
//   await actor.advance(60_000);
//   expect(actor.sent).toMatchObject([{ target: "report/daily", intent: "greeted" }]);
export type { CommitFault } from "./actors/testkit/memory-durability.ts";
export { testActor } from "./actors/testkit/test-actor.ts";
export type {
  DeliveredIntent,
  DeliverOptions,
  SentIntent,
  TestActor,
  TestActorOptions,
} from "./actors/testkit/test-actor-types.ts";
