// The node's connections: to the broker, and to its Rust core. Both are waited
// for at the start, and followed from then on.
import { readFile } from "node:fs/promises";
import type { LinkStatus } from "../actors/kernel/link.ts";
import { CellError } from "../errors/cell-error.ts";
import type { ParsedIdentity } from "../security/identity/creds-file.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type BrokerConnection, connectBroker } from "../transport/connection.ts";
import { CoreClient } from "../transport/core/core-client.ts";
import { type CoreWatch, watchCore } from "../transport/core/watch-core.ts";
import { inboxPrefix } from "../transport/subjects.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { coreStatus, followBroker, type Links, Watched } from "./links.ts";
import { packageVersion } from "./package-info.ts";

/** At the first start a broker with many streams takes its time. */
const START_TIMEOUT_MS = 30_000;

export type NodeLinks = {
  readonly connection: BrokerConnection;
  readonly core: CoreClient;
  readonly states: Links;
  coreVersion(): string | undefined;
  close(): Promise<void>;
};

export type NodeLinkOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly identity: ParsedIdentity;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
};

/** Throws BROKER_UNREACHABLE, BROKER_REFUSED_CREDENTIALS, CORE_UNAVAILABLE, CORE_VERSION_MISMATCH. */
export async function openNodeLinks(options: NodeLinkOptions): Promise<NodeLinks> {
  const { dir, config, identity } = options;
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const states = { broker: watched(), core: watched() };
  recordChanges("broker", states.broker, options.record);
  recordChanges("core", states.core, options.record);
  const core = new CoreClient({
    endpoint: { kind: "unix", path: dir.coreSocket },
    hostVersion: packageVersion,
    genesisHash: identity.genesis.hash,
  });
  const watch = watchCore({ client: core, onStatus: (status) => states.core.set(coreStatus(status)) });
  const connection = await connectBroker({
    url: config.broker.url,
    creds: await readFile(dir.nodeCreds, "utf8"),
    name: `cell0 node ${config.node}`,
    inboxPrefix: inboxPrefix(config.cell, config.node),
    firstConnect: "wait",
    signal,
    onProblem: options.onProblem,
  });
  followBroker(connection, states.broker);
  await untilServing(watch, signal);
  return {
    connection,
    core,
    states,
    coreVersion: () => {
      const status = watch.status();
      return status.state === "serving" ? status.version : undefined;
    },
    async close() {
      await watch.stop();
      core.close();
      await connection.close();
    },
  };
}

const watched = (): Watched<LinkStatus> => new Watched<LinkStatus>({ up: false, state: "connecting" });

async function untilServing(watch: CoreWatch, signal: AbortSignal): Promise<void> {
  try {
    await watch.untilServing(signal);
  } catch (cause) {
    const status = watch.status();
    if (status.state === "down") throw status.error;
    throw new CellError("CORE_UNAVAILABLE", "the core did not answer in time", { cause });
  }
}

function recordChanges(link: string, state: Watched<LinkStatus>, record: (event: EventInput) => void): void {
  let before = state.value;
  state.follow((now) => {
    const changed = now.state !== before.state;
    before = now;
    if (changed) record({ kind: { case: "linkChanged", value: { link, state: now.state } } });
  });
}
