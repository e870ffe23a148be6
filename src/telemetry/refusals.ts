// Adds up refusals, so that a flood of bad intents cannot fill the disk: for each
// principal, stage and code the first of a second is recorded as it comes, the others of
// that second as one record with their count. No refusal is left uncounted.
import type { EventInput } from "./event.ts";

export type RefusalInput = Omit<EventInput, "kind"> & {
  readonly kind: Extract<EventInput["kind"], { case: "intentRefused" }>;
};

/** Keys of one second; beyond it refusals are added up under no principal and no target. */
const MAX_KEYS = 512;

export class Refusals {
  readonly #emit: (input: EventInput) => void;
  #second = 0;
  /** Refusals since the first of the second, with the input of the last one. */
  #counts = new Map<string, { count: number; input: RefusalInput }>();

  constructor(emit: (input: EventInput) => void) {
    this.#emit = emit;
  }

  /** What is still being added up comes out with the next second's first, or with `flush`. */
  add(input: RefusalInput, unixMs: number): void {
    const second = Math.floor(unixMs / 1000);
    if (second !== this.#second) this.flush();
    this.#second = second;
    const known = this.#counts.has(keyOf(input));
    const counted = known || this.#counts.size < MAX_KEYS ? input : anonymous(input);
    const key = keyOf(counted);
    const entry = this.#counts.get(key);
    const count = Number(input.kind.value.count ?? 1);
    if (entry === undefined) {
      this.#counts.set(key, { count: 0, input: counted });
      this.#emit(withCount(counted, count));
      return;
    }
    entry.count += count;
    entry.input = counted;
  }

  flush(): void {
    const counts = this.#counts;
    this.#counts = new Map();
    for (const { count, input } of counts.values()) if (count > 0) this.#emit(withCount(input, count));
  }
}

function keyOf({ kind: { value } }: RefusalInput): string {
  return `${value.principal ?? ""} ${value.stage ?? ""} ${value.error?.code ?? ""}`;
}

function withCount(input: RefusalInput, count: number): RefusalInput {
  return { ...input, kind: { case: "intentRefused", value: { ...input.kind.value, count } } };
}

function anonymous({ kind: { value } }: RefusalInput): RefusalInput {
  return {
    kind: {
      case: "intentRefused",
      value: { stage: value.stage, error: value.error, principal: "", target: "" },
    },
  };
}
