// A chain counts only if its links are the very ones that were signed, one after the other from a
// root of the authority, in their only form; whatever else is refused with a code of its own.
import { isDeepStrictEqual } from "node:util";
import { equalBytes, toHex } from "../../../src/security/bytes.ts";
import { chainBytes, readChain } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { nothingRevoked, userOf } from "../../security/capability/token-fixture.ts";
import { certify, keyOf, NOW, trustStore } from "../../security/cell-fixture.ts";
import { accepted, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { chainLimit, chainSamples, chains } from "../samples.ts";
import { targetOf } from "../target.ts";

/** Every chain that was made, and those that it goes on from. */
const made: ReadonlySet<string> = new Set(
  chains.flatMap(({ links }) => links.map((_, at) => toHex(chainBytes({ links: links.slice(0, at + 1) })))),
);
const NOBODY = { holder: new Uint8Array(32) };
const trust = trustStore();
trust.add(certify({ principal: "cyd", key: keyOf(9).publicKey }).bytes, NOW);

export const chain = targetOf<Mutant>({
  name: "chain",
  inputs: mutants(chainSamples, chainLimit),
  check: ({ bytes, of }, saw) => {
    const read = readChain(bytes);
    // By whom the sample is for, and by whom it names itself.
    const own = chains[of]?.last ?? NOBODY;
    const isOwn = !read.ok || equalBytes(read.value.last.holder, own.holder);
    // What names an actor is no key, and a key names none.
    const names = [own.holder, { actor: own.holder }];
    const holders = isOwn ? names : [...names, userOf(read.value.last)];
    for (const holder of holders) {
      const counts = accepted(cellChainVerifier(trust, nothingRevoked).verify(bytes, holder, NOW), saw);
      if (counts === undefined) continue;
      demand(equalBytes(chainBytes(counts), bytes), "it counts in a second form");
      demand(made.has(toHex(bytes)), "nobody made the chain that counts");
      demand(isDeepStrictEqual(userOf(counts.last), holder), "it counts for who is not its holder");
      saw(counts.last.kind);
    }
  },
  ...ofMutants,
  mustSee: [
    ...["accepted", "agent"],
    "CAPABILITY_MALFORMED",
    "CAPABILITY_CHAIN_BROKEN",
    "CAPABILITY_SIGNATURE_INVALID",
    "CAPABILITY_HOLDER_MISMATCH",
  ],
  testRuns: 1_500,
});
