// Starts an actor in a worker or process that waits for it: hands over identity,
// code and state, and resolves when its behaviour runs there.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ActorStartSchema } from "../../gen/cell0/v1/channel_pb.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import type { ActorHost } from "../actor-host.ts";
import type { Incarnation } from "../child.ts";
import type { DurablePorts, DurableState } from "../durable/ports.ts";
import type { ActorPorts } from "../ports.ts";
import type { Leftovers } from "../succession.ts";
import { jsonBytes, NO_BYTES } from "./bounded-json.ts";
import { DURABLE_WINDOW, RemoteDurableHost } from "./durable/remote-durable-host.ts";
import { beatIntervalMs } from "./heartbeat.ts";
import type { Housing } from "./link.ts";
import { toActorFrame, toRefusals } from "./messages.ts";
import { RemoteHost, WINDOW } from "./remote-host.ts";
import { DEFAULT_PROGRESS_MS } from "./remote-side.ts";

export type StartRemoteOptions = {
  readonly spec: ActorSpec;
  readonly codeHash: string;
  readonly incarnation: Incarnation;
  readonly ports: ActorPorts;
  readonly housing: Housing;
  /** JSON; secrets are put in already. */
  readonly input: unknown;
  readonly snapshot?: unknown;
  /** Of the incarnation before: unanswered intents. */
  readonly leftovers?: Leftovers | undefined;
};

/**
 * @throws CellError as `startActor`, and what kept the worker or process from running it:
 *   ACTOR_START_FAILED with the failure in its details
 */
export async function startRemoteActor(
  options: StartRemoteOptions,
  signal?: AbortSignal,
): Promise<ActorHost> {
  const { snapshot, leftovers } = options;
  const host = new RemoteHost(options);
  const own = { snapshot: snapshot === undefined ? NO_BYTES : jsonBytes(snapshot), window: WINDOW };
  await bringUp(host, { ...startOf(options), ...own }, options.housing, signal);
  if (leftovers !== undefined) host.inherit(leftovers);
  return host;
}

export type StartRemoteDurableOptions = Omit<StartRemoteOptions, "snapshot" | "leftovers"> & {
  readonly durable: DurablePorts;
  /** Of the last commit; absent: it never ran. */
  readonly state?: DurableState | undefined;
};

/** The same for a durable actor. @throws CellError as `startDurableActor` too */
export async function startRemoteDurableActor(
  options: StartRemoteDurableOptions,
  signal?: AbortSignal,
): Promise<ActorHost> {
  const { state, housing } = options;
  const durableState = state === undefined ? NO_BYTES : jsonBytes(state);
  const host = openDurable(options);
  const own = { durable: true, refusals: toRefusals(host.refusals()), durableState, window: DURABLE_WINDOW };
  await bringUp(host, { ...startOf(options), ...own }, housing, signal);
  return host;
}

/** @throws CellError ACTOR_STATE_INVALID; nothing is left running then */
function openDurable(options: StartRemoteDurableOptions): RemoteDurableHost {
  try {
    return new RemoteDurableHost(options);
  } catch (error) {
    options.housing.link.kill();
    throw error;
  }
}

type Start = MessageInitShape<typeof ActorStartSchema>;

function startOf({ spec, codeHash, incarnation, housing, input }: Omit<StartRemoteOptions, "ports">) {
  return {
    path: spec.path,
    incarnation: { term: BigInt(incarnation.term), activation: BigInt(incarnation.activation) },
    module: housing.module,
    export: spec.behaviour.export,
    codeHash,
    input: jsonBytes(input),
    beatMs: beatIntervalMs(spec.progressMs ?? DEFAULT_PROGRESS_MS),
    packagesFrom: housing.packagesFrom,
  };
}

async function bringUp(
  host: RemoteHost | RemoteDurableHost,
  start: Start,
  { link }: Housing,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abandon = () => void host.kill();
  signal?.addEventListener("abort", abandon, { once: true });
  if (signal?.aborted === true) abandon();
  link.send(toActorFrame({ case: "start", value: start }));
  try {
    await host.up;
  } finally {
    signal?.removeEventListener("abort", abandon);
  }
}
