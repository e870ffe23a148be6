// The door of the broker that this node's cradle runs: opened once the node serves, which does not
// wait for it. The node of another broker has none.
import { readFile } from "node:fs/promises";
import { CellError } from "../errors/cell-error.ts";
import type { EventInput } from "../telemetry/event.ts";
import { type Doorkeeper, MAX_CONNECTIONS_OF_ONE, openDoorkeeper } from "../transport/broker/doorkeeper.ts";
import { principalIntents } from "../transport/subjects.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { refusalEvent, turnedAway } from "./refusal-event.ts";

export type BrokerDoorOptions = {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
};

export class BrokerDoor implements Doorkeeper {
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
    return this.#doorkeeper?.keepOut(principal);
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
      const onTooMany = (principal: string) => this.#tooMany(principal);
      this.#doorkeeper = await openDoorkeeper({
        ...{ url: config.broker.url, creds, signal, onTooMany, onProblem },
      });
    } catch (cause) {
      if (!signal.aborted) onProblem(new CellError("BROKER_DOOR_UNKEPT", undefined, { cause }));
    }
  }

  #tooMany(principal: string): void {
    const { config, record } = this.#options;
    const subject = principalIntents(config.cell, principal);
    const what = `a client has ${MAX_CONNECTIONS_OF_ONE} connections, and opened one more`;
    record(
      refusalEvent(turnedAway(subject, new CellError("BROKER_LIMIT_REACHED", what, { where: subject }))),
    );
  }
}
