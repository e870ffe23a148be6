// Mutants: right bytes after up to four edits, drawn by fast-check, which leaves out those edits that
// a failure does not need; and now and then bytes that were never right.
import fc from "fast-check";
import { copyOf, toHex } from "../../src/security/bytes.ts";
import { applyEdit, type Edit, ON_BYTES, ON_FIELDS, RARE } from "./edits.ts";
import { smallest } from "./smallest.ts";
import type { Law } from "./target.ts";

/** Bytes, and which of the samples they were made of. */
export type Mutant = { readonly bytes: Uint8Array; readonly of: number };

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...ON_FIELDS) },
    { weight: 30, arbitrary: fc.constantFrom(...ON_BYTES) },
    { weight: 1, arbitrary: fc.constantFrom(...RARE) },
  ),
  path: fc.array(fc.nat(63), { maxLength: 4 }),
  at: fc.nat(0xffff),
  n: fc.nat(0xffff),
});

/** Of each sample as it is, too. @param maxBytes beyond which whoever reads them stops */
export function mutants(samples: readonly Uint8Array[], maxBytes: number): fc.Arbitrary<Mutant> {
  const mutated = fc
    .record({ of: fc.nat(samples.length - 1), edits: fc.array(edit, { maxLength: 4 }) })
    .map(({ of, edits }) => {
      const original = samples[of] ?? new Uint8Array();
      // As they come off the broker: in no pool of Node's.
      return {
        of,
        bytes: copyOf(edits.reduce((bytes, each) => applyEdit(bytes, each, samples, maxBytes), original)),
      };
    });
  const arbitrary = fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ of: 0, bytes }));
  return fc.oneof({ weight: 19, arbitrary: mutated }, { weight: 1, arbitrary });
}

const MAX_SHOWN_BYTES = 16 * 1024;
const hexOf = (bytes: Uint8Array): string =>
  bytes.length <= MAX_SHOWN_BYTES
    ? toHex(bytes)
    : `${toHex(bytes.subarray(0, MAX_SHOWN_BYTES))}... (${bytes.length} bytes; the seed makes them all)`;

/** How mutants are shown and made smaller. */
export const ofMutants: Required<Pick<Law<Mutant>, "show" | "smaller">> = {
  show: ({ bytes }) => hexOf(bytes),
  smaller: ({ of, bytes }, fails) => ({ of, bytes: smallest(bytes, (each) => fails({ of, bytes: each })) }),
};
