// How the tree starts an actor of this node: the kernel's own from their parts,
// all others from the behaviour that the revision names, in exactly the code
// that it was planned with.
import type { Behaviour } from "../actors/behaviour.ts";
import type { Incarnation } from "../actors/child.ts";
import { startActor } from "../actors/host.ts";
import type { OutgoingIntent } from "../actors/intent.ts";
import { loadBehaviour } from "../actors/loader/load-behaviour.ts";
import type { ActorSpec, PlacedGraph } from "../manifest/graph.ts";
import { resolveSecrets } from "../security/secret-references.ts";
import { type Clock, type RestorableChild, systemClock } from "../supervisor/ports.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { RunningActors } from "./running-actors.ts";
import type { Sender } from "./sends.ts";

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
    const { behaviour, input } = await partOf(spec, ports);
    signal.throwIfAborted();
    const from = { path: spec.path, incarnation };
    const host = await startActor({
      spec,
      behaviour,
      incarnation,
      input,
      snapshot,
      ports: {
        send: (intent) => ports.send(from, intent),
        record: ports.record,
        clock: ports.clock ?? systemClock,
        random: Math.random,
      },
    });
    ports.actors.add(spec, host);
    return host;
  };
}

async function partOf(spec: ActorSpec, ports: StartPorts): Promise<KernelPart> {
  const own = ports.kernel.get(spec.path);
  if (own !== undefined) return own;
  const { module, export: exported } = spec.behaviour;
  const codeHash = ports.graph().placed[spec.path]?.codeHash ?? "";
  const behaviour = await loadBehaviour({ module, export: exported, codeHash });
  return { behaviour, input: await resolveSecrets(spec.input, ports.secret) };
}
