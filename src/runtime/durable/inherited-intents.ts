// What the journal held when this process started. Whoever sent it asks again, and is
// answered by what becomes or became of it there: it is never journaled a second time.
import type { Delivery } from "../../actors/intent.ts";
import { intentKey } from "../../actors/same-intent.ts";
import { CellError } from "../../errors/cell-error.ts";
import type { Json } from "../../manifest/graph.ts";
import type { Unapplied } from "./unapplied.ts";

/** Intents that came again and wait for the actor to be awake. */
const MAX_AGAIN = 1_024;

export class InheritedIntents {
  readonly #path: string;
  /** By sender and id. */
  #known: Map<string, { readonly position: number; readonly hash: string }> | undefined;
  #again: Delivery[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  add({ position, delivery: { intent } }: Unapplied): void {
    this.#known ??= new Map();
    this.#known.set(intentKey(intent), { position, hash: intent.hash });
  }

  /** Of those that came again; they wait for `takeAgain`. */
  get waiting(): number {
    return this.#again.length;
  }

  /** False: the journal did not hold it. Otherwise it waits, or is answered. */
  takes(delivery: Delivery, returnAddress: Json): boolean {
    const { intent } = delivery;
    const known = this.#known?.get(intentKey(intent));
    if (known === undefined) return false;
    const { position, hash } = known;
    if (intent.source === "" && intent.hash !== hash) {
      const error = new CellError("CAPSULE_ID_REUSED", undefined, { where: this.#path });
      delivery.respond({ kind: "error", error });
    } else if (this.#again.length >= MAX_AGAIN) {
      const error = new CellError("ACTOR_MAILBOX_FULL", undefined, { where: this.#path, retryAfterMs: 100 });
      delivery.respond({ kind: "error", error, begun: false });
    } else this.#again.push({ ...delivery, journaled: { position, returnAddress } });
    return true;
  }

  takeAgain(): readonly Delivery[] {
    return this.#again.length === 0 ? NONE : this.#again.splice(0);
  }
}

const NONE: readonly Delivery[] = [];
