// One record of the stream of tokens with limits: what was used of the limits of one root's chains. A record
// of a later form is none to whoever does not know that, so that nothing is counted over it.
import { randomBytes } from "node:crypto";
import { z } from "zod";

/** Of 69 rows of 111 bytes at most, with the headers that say what is expected. */
export const MAX_RECORD_BYTES = 8 * 1024;
/** Of narrowed links, and six of the root. */
export const MAX_ROWS = 69;
const NONCE_BYTES = 16;

export type TallyRow = {
  /** The link's hash, hex, and which limit: `.agents`, say; of calls nothing. */
  readonly token: string;
  readonly used: number;
  readonly notAfterUnixMs: number;
};

const record = z.strictObject({
  /** Unlike any other writer's: whose record it is that is there can be told. */
  nonce: z.string().max(64),
  tallies: z
    .array(
      z.tuple([
        z.string().regex(/^[0-9a-f]{64}(?:\.(?:agents|cost|cpu|memory|storage))?$/),
        z.int().min(0),
        z.int().min(0),
      ]),
    )
    .max(MAX_ROWS)
    .transform((rows) => rows.map(([token, used, notAfterUnixMs]) => ({ token, used, notAfterUnixMs }))),
});

export function writeRecord(tallies: readonly TallyRow[]): Uint8Array {
  const rows = tallies.map(({ token, used, notAfterUnixMs }) => [token, used, notAfterUnixMs]);
  const nonce = randomBytes(NONCE_BYTES).toString("hex");
  return Buffer.from(JSON.stringify({ nonce, tallies: rows }));
}

/** Undefined: it is no such record. */
export function readRecord(data: Uint8Array): readonly TallyRow[] | undefined {
  try {
    const read = record.safeParse(JSON.parse(Buffer.from(data).toString("utf8")));
    return read.success ? read.data.tallies : undefined;
  } catch {
    return undefined;
  }
}
