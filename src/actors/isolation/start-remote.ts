// Starts an actor in a worker or process that waits for it: hands over identity,
// code and state, and resolves when its behaviour runs there.
import type { ActorSpec } from "../../manifest/graph.ts";
import type { ActorHost } from "../actor-host.ts";
import type { Incarnation } from "../child.ts";
import type { ActorPorts } from "../ports.ts";
import type { Leftovers } from "../succession.ts";
import { jsonBytes, NO_BYTES } from "./bounded-json.ts";
import { beatIntervalMs } from "./heartbeat.ts";
import type { Housing } from "./link.ts";
import { toActorFrame } from "./messages.ts";
import { DEFAULT_PROGRESS_MS, RemoteHost, WINDOW } from "./remote-host.ts";

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
  const { spec, codeHash, incarnation, ports, housing, input, snapshot } = options;
  const host = new RemoteHost({ spec, incarnation, housing, ports });
  const abandon = () => void host.kill();
  signal?.addEventListener("abort", abandon, { once: true });
  if (signal?.aborted === true) abandon();
  housing.link.send(
    toActorFrame({
      case: "start",
      value: {
        path: spec.path,
        incarnation: { term: BigInt(incarnation.term), activation: BigInt(incarnation.activation) },
        module: housing.module,
        export: spec.behaviour.export,
        codeHash,
        input: jsonBytes(input),
        snapshot: snapshot === undefined ? NO_BYTES : jsonBytes(snapshot),
        window: WINDOW,
        beatMs: beatIntervalMs(spec.progressMs ?? DEFAULT_PROGRESS_MS),
        packagesFrom: housing.packagesFrom,
      },
    }),
  );
  try {
    await host.up;
    if (options.leftovers !== undefined) host.inherit(options.leftovers);
    return host;
  } finally {
    signal?.removeEventListener("abort", abandon);
  }
}
