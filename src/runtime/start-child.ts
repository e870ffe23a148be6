// How the tree starts an actor of this node: the kernel's own from their parts,
// all others from the behaviour that the revision names, in exactly the code
// that it was planned with.
import { acceptedIntents } from "../actors/accepted-intents.ts";
import type { ActorDescription, ActorHost } from "../actors/actor-host.ts";
import type { Behaviour } from "../actors/behaviour.ts";
import type { Incarnation } from "../actors/child.ts";
import { describeActor } from "../actors/describe.ts";
import { startDurableActor } from "../actors/durable/start-durable-actor.ts";
import { startActorNow } from "../actors/host.ts";
import { markProgress } from "../actors/in-hand.ts";
import type { OutgoingIntent } from "../actors/intent.ts";
import type { Isolation } from "../actors/isolation/isolation.ts";
import { startRemoteActor, startRemoteDurableActor } from "../actors/isolation/start-remote.ts";
import { loadBehaviour, loadedBehaviour } from "../actors/loader/load-behaviour.ts";
import type { StartActorOptions } from "../actors/start-options.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { placeOf } from "../manifest/graph-walk.ts";
import { resolveSecrets, withoutSecrets } from "../security/secret-references.ts";
import { type Clock, type RestorableChild, systemClock } from "../supervisor/ports.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { Awakening } from "./durable/awakening.ts";
import type { DurableRuntime } from "./durable/durable-runtime.ts";
import type { RunningActors } from "./running-actors.ts";
import type { Sender } from "./sends.ts";
import { poisonLimitOf, type SuccessionDesk } from "./succession-desk.ts";

export type KernelPart = { readonly behaviour: Behaviour; readonly input: unknown };

export type StartPorts = {
  readonly actors: RunningActors;
  /** The kernel's own actors by path. */
  readonly kernel: ReadonlyMap<string, KernelPart>;
  /** The graph that is being started: its code hashes count. */
  readonly graph: () => PlacedGraph;
  readonly secret: (name: string) => Promise<string>;
  readonly send: (from: Sender, intent: OutgoingIntent) => void;
  readonly record: (event: EventInput) => void;
  /** Between two incarnations of an actor. */
  readonly succession: SuccessionDesk;
  /** Where actors live that do not share this event loop. */
  readonly isolation: Isolation;
  readonly durable: Pick<DurableRuntime, "start">;
  readonly clock?: Clock;
};

export type StartChild = (
  spec: ActorSpec,
  incarnation: Incarnation,
  snapshot: unknown,
  signal: AbortSignal,
) => RestorableChild | Promise<RestorableChild>;

/** An actor whose code is here and whose input holds no secrets is up when the call returns. */
export function childStarter(ports: StartPorts): StartChild {
  return (spec, incarnation, snapshot, signal) => {
    markProgress();
    const from = { path: spec.path, incarnation };
    const actorPorts = {
      send: (intent: OutgoingIntent) => ports.send(from, intent),
      record: ports.record,
      clock: ports.clock ?? systemClock,
      random: Math.random,
      succession: ports.succession.portFor(spec.path, incarnation, () =>
        poisonLimitOf(ports.actors.get(spec.path)?.spec ?? spec),
      ),
    };
    const leftovers = ports.succession.take(spec.path);
    const common = { spec, incarnation, snapshot, ports: actorPorts, leftovers };
    const isShared = spec.isolation === "shared" || ports.kernel.has(spec.path);
    const up = (host: ActorHost) => {
      ports.actors.add(spec, host);
      return host;
    };
    const failed = (error: unknown) => {
      ports.succession.giveBack(spec.path, leftovers);
      throw error;
    };
    const begin = () =>
      isShared ? startShared(common, ports, signal) : startElsewhere(common, ports, signal);
    return settled(begin, up, failed);
  };
}

/** `then`, for what may be there at once. */
function settled<T>(begin: () => T | Promise<T>, up: (value: T) => T, failed: (error: unknown) => never) {
  try {
    const begun = begin();
    return begun instanceof Promise ? begun.then(up).catch(failed) : up(begun);
  } catch (error) {
    return failed(error);
  }
}

type Common = Pick<StartActorOptions, "spec" | "incarnation" | "ports" | "leftovers"> & {
  readonly snapshot: unknown;
};

function startShared(common: Common, ports: StartPorts, signal: AbortSignal): ActorHost | Promise<ActorHost> {
  const start = (part: KernelPart) => {
    signal.throwIfAborted();
    return common.spec.durable
      ? startDurableHere(common, part, ports)
      : startActorNow({ ...common, ...part });
  };
  const present = presentPart(common.spec, ports);
  return present === undefined ? loadPart(common.spec, ports).then(start) : start(present);
}

type DurableStart = {
  readonly host: (
    options: Common & Awakening & { readonly codeHash: string; readonly spec: ActorSpec },
  ) => ActorHost | Promise<ActorHost>;
  readonly describe?: (spec: ActorSpec) => ActorDescription;
};

function startDurableHere(common: Common, { behaviour, input }: KernelPart, ports: StartPorts) {
  return startDurable(common, ports, {
    host: ({ state, ...durable }) =>
      startDurableActor({ ...durable, behaviour, input, ...(state === undefined ? {} : { state }) }),
    describe: (present) => describeActor(behaviour, acceptedIntents(present, behaviour.intents)),
  });
}

/** Its state is in a stream, and so are the intents that it has accepted: no snapshot is asked for. */
function startDurable(common: Common, ports: StartPorts, start: DurableStart): Promise<ActorHost> {
  const { spec, incarnation } = common;
  const graph = ports.graph();
  const codeHash = placeOf(graph, spec.path)?.codeHash ?? "";
  return ports.durable.start({
    spec,
    graph,
    incarnation,
    start: (present, awakening) => start.host({ ...common, ...awakening, codeHash, spec: present }),
    describe: start.describe,
  });
}

/** The behaviour is never loaded here: its code runs in the worker or process only. */
async function startElsewhere(common: Common, ports: StartPorts, signal: AbortSignal): Promise<ActorHost> {
  const { spec } = common;
  const codeHash = placeOf(ports.graph(), spec.path)?.codeHash ?? "";
  const input = await resolveSecrets(spec.input, ports.secret);
  signal.throwIfAborted();
  if (spec.durable) {
    return await startDurable(common, ports, {
      host: async ({ answered = [], ...durable }) => {
        const housing = await ports.isolation.house(durable.spec, durable.codeHash);
        // Over there all of them are in the state.
        const state = durable.state && { ...durable.state, replies: [...answered, ...durable.state.replies] };
        return await startRemoteDurableActor({ ...durable, state, input, housing });
      },
    });
  }
  const housing = await ports.isolation.house(spec, codeHash);
  return await startRemoteActor({ ...common, codeHash, input, housing }, signal);
}

/** What an actor is made of, when nothing has to be loaded or read for it. */
function presentPart(spec: ActorSpec, ports: StartPorts): KernelPart | undefined {
  const own = ports.kernel.get(spec.path);
  if (own !== undefined) return own;
  const behaviour = loadedBehaviour(refOf(spec, ports));
  const input = behaviour && withoutSecrets(spec.input);
  return input && { behaviour, input: input.value };
}

async function loadPart(spec: ActorSpec, ports: StartPorts): Promise<KernelPart> {
  const behaviour = await loadBehaviour(refOf(spec, ports));
  return { behaviour, input: await resolveSecrets(spec.input, ports.secret) };
}

function refOf({ path, behaviour: { module, export: exported } }: ActorSpec, ports: StartPorts) {
  return { module, export: exported, codeHash: placeOf(ports.graph(), path)?.codeHash ?? "" };
}
