// Signs what leaves. Capsules sealed in the same turn share one signature over a
// Merkle batch, spread over one envelope a subject; a capsule that is alone gets
// a signature of its own. Nothing waits for a batch to fill.
import { CellError } from "../../errors/cell-error.ts";
import { MAX_CAPSULE_BYTES } from "../wire/capsule.ts";
import { MAX_CAPSULES } from "../wire/envelope.ts";
import { type Sealing, sealBatch, sealOne } from "../wire/seal.ts";

/** Capsules in one batch; the next one begins a new batch. */
export const BATCH_CAPSULES = 64;
/** Capsule bytes in one envelope: what a broker with its default limit of 1 MiB carries, with room for proof and headers. */
const MAX_GROUP_BYTES = 960 * 1024;

/** One message to publish; tickets are the callers' own, one a capsule, in order. */
export type Sealed<T> = {
  readonly subject: string;
  readonly envelope: Uint8Array;
  readonly tickets: readonly T[];
  /** It was signed before, and waits for nothing else of its turn. */
  readonly isPrepared?: true;
};

export type SealerOptions<T> = Sealing & {
  /** Runs a function once, soon, e.g. queueMicrotask or setImmediate: the turn that capsules are gathered in. */
  readonly schedule: (flush: () => void) => void;
  /** Must not throw. */
  readonly publish: (message: Sealed<T>) => void;
  /** Batch numbers start here and rise by one; give the clock's microseconds, so that they rise over restarts too. */
  readonly firstBatch: bigint;
};

export type Sealer<T> = {
  /** Capsules of one subject are published in the order of these calls. Throws CAPSULE_TOO_LARGE beyond 80 KiB. */
  seal(subject: string, capsule: Uint8Array, ticket: T): void;
  /**
   * Signs a capsule alone, now, to be published when the returned function is called; called never,
   * nobody sees it. Throws CAPSULE_TOO_LARGE.
   */
  prepare(subject: string, capsule: Uint8Array, ticket: T): () => void;
  /** Publishes at once what is waiting. */
  flush(): void;
};

type Waiting<T> = { readonly subject: string; readonly capsule: Uint8Array; readonly ticket: T };

export function createSealer<T>(options: SealerOptions<T>): Sealer<T> {
  let waiting: Waiting<T>[] = [];
  let scheduled = false;
  let batch = options.firstBatch;

  const flush = (): void => {
    const turn = waiting;
    waiting = [];
    const [first] = turn;
    if (first === undefined) return;
    if (turn.length === 1) {
      const envelope = sealOne(first.capsule, options);
      options.publish({ subject: first.subject, envelope, tickets: [first.ticket] });
      return;
    }
    const groups = groupBySubject(turn);
    const envelopes = sealBatch(
      groups.map((group) => group.map(({ capsule }) => capsule)),
      options,
      batch++,
    );
    groups.forEach((group, at) => {
      const envelope = envelopes[at];
      const subject = group[0]?.subject;
      if (envelope === undefined || subject === undefined) return;
      options.publish({ subject, envelope, tickets: group.map(({ ticket }) => ticket) });
    });
  };

  return {
    prepare(subject, capsule, ticket) {
      if (capsule.length > MAX_CAPSULE_BYTES) throw new CellError("CAPSULE_TOO_LARGE");
      const envelope = sealOne(capsule, options);
      return () => options.publish({ subject, envelope, tickets: [ticket], isPrepared: true });
    },
    seal(subject, capsule, ticket) {
      if (capsule.length > MAX_CAPSULE_BYTES) throw new CellError("CAPSULE_TOO_LARGE");
      waiting.push({ subject, capsule, ticket });
      if (waiting.length >= BATCH_CAPSULES) flush();
      else if (!scheduled) {
        scheduled = true;
        options.schedule(() => {
          scheduled = false;
          flush();
        });
      }
    },
    flush,
  };
}

/** Groups in order of first appearance, each within one envelope's bounds. */
function groupBySubject<T>(turn: readonly Waiting<T>[]): Waiting<T>[][] {
  const groups: Waiting<T>[][] = [];
  const open = new Map<string, { group: Waiting<T>[]; bytes: number }>();
  for (const each of turn) {
    const home = open.get(each.subject);
    const fits =
      home !== undefined &&
      home.group.length < MAX_CAPSULES &&
      home.bytes + each.capsule.length <= MAX_GROUP_BYTES;
    if (fits) {
      home.group.push(each);
      home.bytes += each.capsule.length;
    } else {
      const group = [each];
      groups.push(group);
      open.set(each.subject, { group, bytes: each.capsule.length });
    }
  }
  return groups;
}
