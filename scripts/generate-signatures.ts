// Writes docs/signatures.md: the cell's one rule for signatures, and what verifiers say of the
// public vectors. A test fails when it is not what this makes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { verify as verifyByNoble } from "@noble/ed25519";
import { isSmallOrder } from "../src/security/keys/small-order.ts";
import { verifyByRule as verifyInBrowser } from "../src/security/keys/verify.browser.ts";
import { verifyByRule, verifyEd25519 } from "../src/security/keys/verify.ts";
import { checkout } from "./setup/paths.mjs";
import { type SignatureVector, signatureVectors } from "./signature-vectors.ts";

type Kind = { readonly name: string; readonly has: (vector: SignatureVector) => boolean };

const flagged =
  (...names: readonly string[]) =>
  ({ flags }: SignatureVector): boolean =>
    names.some((name) => flags.includes(name));

/** A vector is of the first kind that it fits. */
const kinds: readonly Kind[] = [
  { name: "the key has small order", has: ({ key }) => key.length === 32 && isSmallOrder(key) },
  { name: "R or the key is hashed in another encoding than it has", has: flagged("reencoded_k") },
  {
    name: "cofactors do not cancel out: R or the key has a part of small order",
    has: flagged("low_order_residue"),
  },
  { name: "R is not the canonical encoding of its point", has: flagged("non_canonical_R") },
  { name: "R has small order", has: flagged("low_order_R") },
  {
    name: "R or the key has a part of small order, which cancels out",
    has: flagged("low_order_component_A", "low_order_component_R"),
  },
  {
    name: 'one of the twelve cases of "Taming the many EdDSAs"',
    has: ({ source }) => source === "speccheck",
  },
  { name: "S is not below the order of the group", has: flagged("SignatureMalleability") },
  { name: "ordinary", has: flagged("Valid", "Ktv", "TinkOverflow", "") },
  { name: "damaged: changed, cut or lengthened, edge values", has: () => true },
];

export function signaturesPage(): string {
  const vectors = signatureVectors();
  const kindOf = new Map(vectors.map((vector) => [vector, kinds.find(({ has }) => has(vector))?.name]));
  const lines = [
    "# Signatures",
    "",
    "<!-- Made by `npm run generate` from test/vectors/ed25519.csv; do not edit. -->",
    "",
    "Every verifier in a cell judges an Ed25519 signature by one rule: [ZIP215](https://zips.z.cash/zip-0215) without",
    "keys of small order. ZIP215 leaves nothing open: the equation has the cofactor, so that a batch says what single",
    "verifications say; S is below the group's order; points are decoded however they are encoded. A key of small order",
    "is refused because a signature under it says nothing about its message. Keys that a cell certifies are canonical too.",
    "",
    "- **The quick verifier** is OpenSSL (node:crypto), with keys and R of small order refused before it, so that it is",
    "  one rule in all its versions. It accepts nothing that the rule refuses, and refuses some signatures that the rule",
    "  admits: those that only a deliberate signer makes. Honest ones never differ.",
    "- **The Rust core** implements the rule in full, alone and in batches. A node asks it about each signature on an",
    "  intent that the quick verifier refuses: at most 8 a second for each sender and 64 in all, so that forgeries buy no",
    "  slow verification. Beyond that, or when the core does not answer, the intent is refused with",
    "  `CAPSULE_SIGNATURE_UNDECIDED`, which may be tried again.",
    "  An intent that the core is asked about is taken after those of its sender that the quick verifier admits",
    "  meanwhile; among such ones the order stays.",
    "- Certificates, revisions and records of actors, which no client writes, are judged by the rule in the node itself.",
    "  Replies, which nodes sign, the links of capabilities, their approvals and what says that they are revoked are",
    "  judged by the quick verifier alone. So they are by the core's `Judge`, which has that verifier's rule beside the",
    "  other: it compares R byte by byte, without the cofactor.",
    "- **In a browser** the client library has no OpenSSL: it judges replies and certificates by the rule, with noble.",
    "",
    "What they say of the public vectors (where they are from: [test/vectors](../test/vectors/README.md)). Tests judge",
    "each row by every one of them; that the core says what the rule does, alone and in one batch of all, is what its",
    "tests show.",
    "",
    "| signatures | rows | valid by the rule | OpenSSL alone | ZIP215 alone | node | Rust core | browser |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
  ];
  for (const { name } of kinds) {
    const rows = vectors.filter((vector) => kindOf.get(vector) === name);
    const count = (isValid: (vector: SignatureVector) => boolean) => rows.filter(isValid).length;
    const byRule = count(({ verdict }) => verdict === "valid");
    const quick = count(({ key, message, signature }) => verifyEd25519(key, message, signature));
    const zip215 = count(isValidByZip215);
    const node = count(({ key, message, signature }) => verifyByRule(key, message, signature));
    const browser = count(({ key, message, signature }) => verifyInBrowser(key, message, signature));
    lines.push(`| ${[name, rows.length, byRule, quick, zip215, node, byRule, browser].join(" | ")} |`);
  }
  return `${lines.join("\n")}\n`;
}

function isValidByZip215({ key, message, signature }: SignatureVector): boolean {
  try {
    return verifyByNoble(signature, message, key, { zip215: true });
  } catch {
    return false;
  }
}

if (import.meta.main) writeFileSync(join(checkout.root, "docs", "signatures.md"), signaturesPage());
