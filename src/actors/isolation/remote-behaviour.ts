// What the behaviour that runs in a worker or a process accepts: its own word, read
// once when it comes up, and what the manifest leaves of it, which may change.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import type { ActorSpec } from "../../manifest/graph.ts";
import type { AcceptedIntents } from "../accepted-intents.ts";
import type { ActorDescription } from "../actor-host.ts";
import { declaredIntents, describeAccepted, narrowed, readDescription } from "./description.ts";

type Narrowing = Pick<ActorSpec, "path" | "intents">;

export class RemoteBehaviour {
  readonly #whole: ActorDescription;
  #accepted: AcceptedIntents;

  /** @throws CellError ACTOR_CHANNEL_VIOLATED, ACTOR_INTENT_SCHEMA_INVALID */
  constructor(description: Uint8Array, spec: Narrowing) {
    this.#whole = readDescription(description);
    this.#accepted = narrowed(spec, declaredIntents(this.#whole));
  }

  get accepted(): AcceptedIntents {
    return this.#accepted;
  }

  /** Whether it takes such intents, whatever the manifest leaves of them. */
  declares(type: string): boolean {
    return Object.hasOwn(this.#whole.intents, type);
  }

  describe(): ActorDescription {
    return describeAccepted(this.#whole, this.#accepted);
  }

  /** Takes a changed manifest. An error: nothing changed. */
  narrow({ path, intents }: Narrowing): Result<AcceptedIntents, CellError> {
    try {
      this.#accepted = narrowed({ path, intents }, declaredIntents(this.#whole));
      return ok(this.#accepted);
    } catch (error) {
      if (error instanceof CellError) return err(error);
      throw error;
    }
  }
}
