// Reads test/vectors/ed25519.csv.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "./setup/paths.mjs";

export type SignatureVector = {
  readonly source: string;
  readonly id: string;
  /** By the cell's rule: valid, invalid, small-order-key. */
  readonly verdict: string;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  /** As the source has them. */
  readonly flags: readonly string[];
};

export function signatureVectors(): readonly SignatureVector[] {
  const text = readFileSync(join(checkout.root, "test", "vectors", "ed25519.csv"), "utf8");
  const [, ...rows] = text.trimEnd().split("\n");
  return rows.map((row) => {
    const [source = "", id = "", verdict = "", key, signature, message, flags = ""] = row.split(",");
    return {
      ...{ source, id, verdict, flags: flags.split(" ") },
      ...{ key: fromHex(key), signature: fromHex(signature), message: fromHex(message) },
    };
  });
}

const fromHex = (text = ""): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
