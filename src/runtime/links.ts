// What a node depends on: the broker and the Rust core. Holds their states for
// the kernel's link actors, and says whether the node may accept work.
import type { LinkInput, LinkStatus } from "../actors/kernel/link.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import type { BrokerConnection, BrokerStatus } from "../transport/connection.ts";
import type { CoreStatus } from "../transport/core/watch-core.ts";

/** A value that others follow. */
export class Watched<T> {
  #value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const listener of this.#listeners) listener(value);
  }

  follow(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const brokerStatus = (status: BrokerStatus): LinkStatus => {
  const reason = status.state === "closed" ? status.error?.message : undefined;
  return {
    up: status.state === "connected",
    state: status.state,
    ...(reason === undefined ? {} : { reason }),
  };
};

export const coreStatus = (status: CoreStatus): LinkStatus =>
  status.state === "down"
    ? { up: false, state: "down", reason: `${status.error.code}: ${status.error.message}` }
    : { up: status.state === "serving", state: status.state };

export const linkInput = (link: Watched<LinkStatus>): LinkInput => ({
  current: () => link.value,
  onChange: (listener) => link.follow(listener),
});

export type Links = { readonly broker: Watched<LinkStatus>; readonly core: Watched<LinkStatus> };

/** Why no work is accepted now; the kernel's own actors answer all the same, so that one can see why. */
export function whyClosed({ broker, core }: Links, stopping: boolean): CellError | undefined {
  if (stopping) return new CellError("CELL_STOPPING");
  if (broker.value.up && core.value.up) return undefined;
  const links = { broker: broker.value, core: core.value };
  for (const [name, { up, state, reason }] of Object.entries(links)) {
    if (!up)
      return new CellError("CELL_NOT_ACCEPTING", `its ${name} is ${reason ?? state}`, { retryAfterMs: 250 });
  }
  return undefined;
}

/**
 * A node whose certificate was replaced, withdrawn or has expired: its place may be
 * another's by now, and no two may run the same actors. Not even its kernel answers then.
 */
export function whyOusted(own: Result<unknown, CellError>): CellError | undefined {
  if (own.ok) return undefined;
  const what = `this node's certificate does not count any more: ${own.error.message}`;
  return new CellError("CELL_NOT_ACCEPTING", what, { cause: own.error });
}

/** Keeps the link's state in step with the connection's. */
export function followBroker(connection: BrokerConnection, link: Watched<LinkStatus>): void {
  link.set(brokerStatus(connection.status()));
  connection.onStatus((status) => link.set(brokerStatus(status)));
}
