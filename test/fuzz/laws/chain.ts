// A chain counts only if its links are the very ones that were signed, one after the other from a
// root of the authority, in their only form; whatever else is refused with a code of its own.
import { equalBytes, toHex } from "../../../src/security/bytes.ts";
import { chainBytes, readChain } from "../../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../../src/security/capability/chain-verifier.ts";
import { nothingRevoked } from "../../security/capability/token-fixture.ts";
import { certify, keyOf, NOW, trustStore } from "../../security/cell-fixture.ts";
import { accepted, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { chainLimit, chainSamples, chains } from "../samples.ts";
import { targetOf } from "../target.ts";

/** Every chain that was made, and those that it goes on from. */
const made: ReadonlySet<string> = new Set(
  chains.flatMap(({ links }) => links.map((_, at) => toHex(chainBytes({ links: links.slice(0, at + 1) })))),
);
const trust = trustStore();
trust.add(certify({ principal: "cyd", key: keyOf(9).publicKey }).bytes, NOW);

export const chain = targetOf<Mutant>({
  name: "chain",
  inputs: mutants(chainSamples, chainLimit),
  check: ({ bytes, of }, saw) => {
    const read = readChain(bytes);
    // By whom the sample is for, and by whom it names itself.
    const own = chains[of]?.last.holder ?? new Uint8Array(32);
    const holders =
      read.ok && !equalBytes(read.value.last.holder, own) ? [own, read.value.last.holder] : [own];
    for (const holder of holders) {
      const counts = accepted(cellChainVerifier(trust, nothingRevoked).verify(bytes, holder, NOW), saw);
      if (counts === undefined) continue;
      demand(equalBytes(chainBytes(counts), bytes), "it counts in a second form");
      demand(made.has(toHex(bytes)), "nobody made the chain that counts");
      demand(equalBytes(counts.last.holder, holder), "it counts for who is not its holder");
    }
  },
  ...ofMutants,
  mustSee: [
    "accepted",
    "CAPABILITY_MALFORMED",
    "CAPABILITY_CHAIN_BROKEN",
    "CAPABILITY_SIGNATURE_INVALID",
    "CAPABILITY_HOLDER_MISMATCH",
  ],
  testRuns: 1_500,
});
