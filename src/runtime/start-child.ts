// How the tree starts an actor of this node: the kernel's own from their parts,
// all others from the behaviour that the revision names, in exactly the code
// that it was planned with.
import { acceptedIntents } from "../actors/accepted-intents.ts";
import type { ActorDescription, ActorHost } from "../actors/actor-host.ts";
import type { Behaviour } from "../actors/behaviour.ts";
import type { Incarnation } from "../actors/child.ts";
import { describeActor } from "../actors/describe.ts";
import { startDurableActor } from "../actors/durable/start-durable-actor.ts";
import { startActor } from "../actors/host.ts";
import { markProgress } from "../actors/in-hand.ts";
import type { OutgoingIntent } from "../actors/intent.ts";
import type { Isolation } from "../actors/isolation/isolation.ts";
import { startRemoteActor, startRemoteDurableActor } from "../actors/isolation/start-remote.ts";
import { loadBehaviour } from "../actors/loader/load-behaviour.ts";
import type { StartActorOptions } from "../actors/start-options.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { placeOf } from "../manifest/graph-walk.ts";
import { resolveSecrets } from "../security/secret-references.ts";
import { type Clock, type RestorableChild, systemClock } from "../supervisor/ports.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { Awakening } from "./durable/durable-actor.ts";
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
) => Promise<RestorableChild>;

export function childStarter(ports: StartPorts): StartChild {
  return async (spec, incarnation, snapshot, signal) => {
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
    try {
      const host = isShared
        ? await startShared(common, ports, signal)
        : await startElsewhere(common, ports, signal);
      ports.actors.add(spec, host);
      return host;
    } catch (error) {
      ports.succession.giveBack(spec.path, leftovers);
      throw error;
    }
  };
}

type Common = Pick<StartActorOptions, "spec" | "incarnation" | "ports" | "leftovers"> & {
  readonly snapshot: unknown;
};

async function startShared(common: Common, ports: StartPorts, signal: AbortSignal): Promise<ActorHost> {
  const { behaviour, input } = await partOf(common.spec, ports);
  signal.throwIfAborted();
  const { spec } = common;
  if (spec.durable) {
    return await startDurable(common, ports, {
      host: async ({ state, ...durable }) =>
        startDurableActor({ ...durable, behaviour, input, ...(state === undefined ? {} : { state }) }),
      describe: (present) => describeActor(behaviour, acceptedIntents(present, behaviour.intents)),
    });
  }
  return await startActor({ ...common, behaviour, input });
}

type DurableStart = {
  readonly host: (
    options: Common & Awakening & { readonly codeHash: string; readonly spec: ActorSpec },
  ) => Promise<ActorHost>;
  readonly describe?: (spec: ActorSpec) => ActorDescription;
};

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
      host: async (durable) => {
        const housing = await ports.isolation.house(durable.spec, durable.codeHash);
        return await startRemoteDurableActor({ ...durable, input, housing });
      },
    });
  }
  const housing = await ports.isolation.house(spec, codeHash);
  return await startRemoteActor({ ...common, codeHash, input, housing }, signal);
}

async function partOf(spec: ActorSpec, ports: StartPorts): Promise<KernelPart> {
  const own = ports.kernel.get(spec.path);
  if (own !== undefined) return own;
  const { module, export: exported } = spec.behaviour;
  const codeHash = placeOf(ports.graph(), spec.path)?.codeHash ?? "";
  const behaviour = await loadBehaviour({ module, export: exported, codeHash });
  return { behaviour, input: await resolveSecrets(spec.input, ports.secret) };
}
