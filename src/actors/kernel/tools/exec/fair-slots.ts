// Who may run a program when many want to: of the slots that are free an actor takes a
// quarter at most, and the last ones go to those who have none. So a few actors whose
// programs take their time never hold all of them. Pure but for its own table.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";

const PART = 4;

export class FairSlots {
  readonly #slots: number;
  readonly #byActor = new Map<string, number>();
  #inUse = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** After `ok` a slot is the actor's until the function is called. TOOL_BUSY */
  begin(actor: string): Result<() => void, CellError> {
    const own = this.#byActor.get(actor) ?? 0;
    const free = this.#slots - this.#inUse;
    if (own >= Math.ceil(free / PART)) {
      const what = `${own} of its programs run, and ${free} of ${this.#slots} more may on this node`;
      return err(new CellError("TOOL_BUSY", what, { where: actor }));
    }
    this.#set(actor, own + 1);
    let ended = false;
    return ok(() => {
      if (ended) return;
      ended = true;
      this.#set(actor, (this.#byActor.get(actor) ?? 1) - 1);
    });
  }

  #set(actor: string, own: number): void {
    this.#inUse += own - (this.#byActor.get(actor) ?? 0);
    if (own === 0) this.#byActor.delete(actor);
    else this.#byActor.set(actor, own);
  }
}
