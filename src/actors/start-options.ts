// What an actor is started from.
import type { AnyMachineSnapshot } from "xstate";
import type { ActorSpec } from "../manifest/graph.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Incarnation } from "./child.ts";
import type { ActorPorts } from "./ports.ts";
import type { Leftovers } from "./succession.ts";

export type StartActorOptions = {
  readonly spec: ActorSpec;
  readonly behaviour: Behaviour;
  readonly incarnation: Incarnation;
  readonly ports: ActorPorts;
  /** Of an earlier incarnation; it decides the state, and `input` is not used. */
  readonly snapshot?: unknown;
  /** Of the incarnation before: unanswered intents. */
  readonly leftovers?: Leftovers | undefined;
  /** In place of `spec.input`; may hold what JSON does not. */
  readonly input?: unknown;
  /** Gets a way to look at the machine's snapshot, for tests. */
  readonly onSnapshot?: (read: () => AnyMachineSnapshot) => void;
};
