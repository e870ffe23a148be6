// Somebody with access to the broker, who is no process of the cell: writes over an actor's newest
// commit by a connection of its own, with a node's credentials. What it writes is no commit.
import { readFile } from "node:fs/promises";
import { readCellConfig } from "../runtime/cell-config.ts";
import type { DataDir } from "../runtime/data-dir.ts";
import { type BrokerConnection, connectBroker } from "../transport/connection.ts";
import { type StateStream, stateStream } from "../transport/durable/state-stream.ts";
import { inboxPrefix } from "../transport/subjects.ts";

const FOREIGN = new TextEncoder().encode("this is no commit");
/** Against an actor that commits meanwhile. */
const MAX_TRIES = 100;

export type Commits = { readonly path: string; readonly shard: number };

/**
 * Resolves with when the write left that landed, milliseconds of `performance.now()`. Throws what the
 * broker refuses.
 */
export async function overwriteCommit(
  stream: Pick<StateStream, "commit" | "last">,
  { path, shard }: Commits,
): Promise<number> {
  const head = { shard, path, pending: false, wakeAtUnixMs: undefined };
  const { signal } = new AbortController();
  for (let attempt = 1; ; attempt += 1) {
    const last = await stream.last(shard, path);
    const atMs = performance.now();
    const written = await stream.commit(head, FOREIGN, last?.sequence ?? 0, signal);
    if (written.ok) return atMs;
    if (attempt === MAX_TRIES) throw written.error;
  }
}

export class ForeignHand {
  readonly #connection: BrokerConnection;
  readonly #stream: StateStream;

  private constructor(connection: BrokerConnection, stream: StateStream) {
    this.#connection = connection;
    this.#stream = stream;
  }

  /** Throws BROKER_UNREACHABLE and what the file system throws. */
  static async open(dir: DataDir): Promise<ForeignHand> {
    const { cell, node, broker } = await readCellConfig(dir);
    const connection = await connectBroker({
      url: broker.url,
      creds: await readFile(dir.nodeCreds, "utf8"),
      name: "cell0 drill",
      inboxPrefix: inboxPrefix(cell, node),
    });
    return new ForeignHand(connection, stateStream(connection, cell));
  }

  overwrite(actor: Commits): Promise<number> {
    return overwriteCommit(this.#stream, actor);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
