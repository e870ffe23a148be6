// Chains of capability tokens for a cell's operator: a root minted by the cell's authority, narrowed
// by its holder for itself.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readCapability } from "../src/client.ts";
import { attenuate, type Chain, chainBytes, readChain } from "../src/security/capability/chain.ts";
import { parseCreds, signingKeyOf } from "../src/security/identity/creds-file.ts";
import type { SigningKey } from "../src/security/keys/signing-key.ts";
import type { BenchCell } from "./bench-cell.ts";
import { unwrap } from "./bench-trust.ts";

/** One chain for each number of links, for the greeter of the example. */
export async function chainsOf(cell: BenchCell, lengths: readonly number[]): Promise<Uint8Array[]> {
  const file = join(cell.dataDir, "bench-root.cap");
  const allowed = ["--target", "hello/greeter", "--intent", "greet", "--depth", "7", "--ttl", "1h"];
  await cell.cli("cap", "mint", "--holder", "operator", ...allowed, "--out", file);
  const identity = unwrap(parseCreds(await readFile(cell.identity, "utf8")));
  const root = unwrap(readChain(await readCapability(file)));
  const narrowed = (links: number) => narrow(root, links - 1, signingKeyOf(identity), identity.genesis.hash);
  return lengths.map((links) => chainBytes(narrowed(links)));
}

/** Handed on to the same holder, so many times; each allows a little less to hand on. */
export function narrow(root: Chain, times: number, holder: SigningKey, genesisHash: Uint8Array): Chain {
  let chain = root;
  for (let time = 0; time < times; time += 1) {
    const { last } = chain;
    const claims = { ...last, id: new Uint8Array(randomBytes(16)), maxDepth: last.maxDepth - 1 };
    chain = unwrap(attenuate(chain, claims, holder, genesisHash));
  }
  return chain;
}
