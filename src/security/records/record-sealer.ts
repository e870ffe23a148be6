// Signs records as they come, all of one turn under one signature.
import type { Sealing } from "../wire/seal.ts";
import type { VerifiedRoots } from "../wire/verify-envelope.ts";
import { type OpenRecord, sealRecords } from "./sealed-record.ts";

/** Records under one signature; the next one begins another. */
const MAX_BATCH = 256;

export type RecordSealerOptions = Sealing & {
  /** Runs a function once, soon: the turn that records are gathered in. */
  readonly schedule: (flush: () => void) => void;
  /** Batch numbers start here; give the clock's microseconds, so that they rise over restarts too. */
  readonly firstBatch: bigint;
  /** What is signed here counts as verified in it: it may be read back soon. */
  readonly roots?: VerifiedRoots;
};

export type RecordSealer = {
  /** `sealed` is called once, soon, in the order of these calls. */
  seal(record: OpenRecord, sealed: (bytes: Uint8Array) => void): void;
};

export function createRecordSealer(options: RecordSealerOptions): RecordSealer {
  let waiting: { readonly record: OpenRecord; readonly sealed: (bytes: Uint8Array) => void }[] = [];
  let batch = options.firstBatch;
  const flush = (): void => {
    const turn = waiting;
    waiting = [];
    for (let at = 0; at < turn.length; at += MAX_BATCH) {
      const part = turn.slice(at, at + MAX_BATCH);
      const bytes = sealRecords(
        part.map(({ record }) => record),
        options,
        batch++,
        options.roots,
      );
      part.forEach(({ sealed }, index) => {
        const own = bytes[index];
        if (own !== undefined) sealed(own);
      });
    }
  };
  return {
    seal(record, sealed) {
      waiting.push({ record, sealed });
      if (waiting.length === 1) options.schedule(flush);
    },
  };
}
