// The door of the broker that this node's cradle runs: opened once the node serves, which does not
// wait for it. The node of another broker has none.
import { readFile } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type Doorkeeper, MAX_CONNECTIONS_OF_ONE, openDoorkeeper } from "../transport/broker/doorkeeper.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { refusalEvent, senderTurnedAway } from "./refusal-event.ts";

export type BrokerDoorOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
};

const TOO_MANY = `a client has ${MAX_CONNECTIONS_OF_ONE} connections, and opened one more`;

export class BrokerDoor {
  readonly #options: BrokerDoorOptions;
  readonly #opening = new AbortController();
  #opened: Promise<void> | undefined;
  #doorkeeper: Doorkeeper | undefined;

  constructor(options: BrokerDoorOptions) {
    this.#options = options;
  }

  /** Until it is open nobody is kept out. */
  open(): void {
    if (this.#options.config.broker.embedded) this.#opened = this.#open();
  }

  keepOut(principal: string): number | undefined {
    try {
      return this.#doorkeeper?.keepOut(principal);
    } catch (cause) {
      this.#options.onProblem(new CellError("BROKER_DOOR_UNKEPT", undefined, { cause }));
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#opening.abort();
    await this.#opened;
    await this.#doorkeeper?.close();
  }

  async #open(): Promise<void> {
    const { dir, config, onProblem } = this.#options;
    const { signal } = this.#opening;
    try {
      const creds = await readFile(dir.doorkeeperCreds, "utf8");
      this.#doorkeeper = await openDoorkeeper({
        ...{ url: config.broker.url, creds, signal, onProblem },
        onTooMany: (principal) => this.#tell("BROKER_LIMIT_REACHED", TOO_MANY, principal),
        onKeptOut: (principal, ms) => {
          const what = `a client sends more than any node could take, and is kept out for ${ms / 1000} s`;
          onProblem(this.#tell("BROKER_KEPT_OUT", what, principal));
        },
      });
    } catch (cause) {
      if (!signal.aborted) onProblem(new CellError("BROKER_DOOR_UNKEPT", undefined, { cause }));
    }
  }

  #tell(code: "BROKER_LIMIT_REACHED" | "BROKER_KEPT_OUT", what: string, principal: string): CellError {
    const { config, record } = this.#options;
    const turned = senderTurnedAway(config.cell, principal, code, what);
    record(refusalEvent(turned));
    return turned.error;
  }
}
