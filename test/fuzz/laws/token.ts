// A token is read as a second reader reads it, in its only form; and what is read can be signed
// again, and is then the same.
import { isDeepStrictEqual } from "node:util";
import { SignedTokenSchema, TokenBodySchema } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { equalBytes, sha256, toHex } from "../../../src/security/bytes.ts";
import { MAX_TOKEN_BYTES, readToken, signToken, type Token } from "../../../src/security/capability/token.ts";
import { genesis, keys } from "../../security/cell-fixture.ts";
import { accepted, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { type Meaning, meaningOfBytes } from "../reference-reader.ts";
import { chains } from "../samples.ts";
import { targetOf } from "../target.ts";
import { fieldOf, writeFields } from "../wire-tree.ts";

const links = chains.flatMap((chain) => chain.links);
const BOUNDS = {
  "TokenBody.permissions": 16,
  "Permission.intents": 64,
  "Permission.targets": 64,
  "Permission.constraints": 64,
  "Values.values": 64,
};

export const token = targetOf<Mutant>({
  name: "token",
  inputs: mutants(
    links.map(({ bytes }) => bytes),
    MAX_TOKEN_BYTES,
  ),
  check: ({ bytes }, saw) => {
    const read = accepted(readToken(bytes), saw);
    if (read === undefined) return;
    const { body, signature, hash } = read;
    const only = writeFields([fieldOf(1, 2, body), fieldOf(2, 2, signature)]);
    demand(equalBytes(only, bytes), "it reads a second form of a token");
    demand(meaningOfBytes(SignedTokenSchema, bytes, {}) !== undefined, "it reads what others refuse");
    const meaning = meaningOfBytes(TokenBodySchema, body, BOUNDS);
    demand(meaning !== undefined, "it reads a body that others refuse, or read otherwise");
    demand(meaning.holder === toHex(read.holder), "it reads another holder");
    demand(equalBytes(hash, sha256(body)), "its hash is another's");
    demand(!Number.isNaN(new Date(read.notAfterUnixMs).getTime()), "its end is no date");
    const again = signToken(read, keys.issuer, genesis.hash);
    demand(again.ok, "what was read cannot be signed");
    demand(isDeepStrictEqual(claimsOf(again.value), claimsOf(read)), "signed again it says something else");
    const rewritten = meaningOfBytes(TokenBodySchema, again.value.body, BOUNDS);
    const issuer = toHex(keys.issuer.publicKey);
    demand(
      isDeepStrictEqual(limited(rewritten), limited({ ...meaning, issuer })),
      "it reads it otherwise than others do",
    );
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPABILITY_MALFORMED"],
  testRuns: 1_500,
});

/** Who signed it aside; ids and keys in hex. */
const claimsOf = ({
  id,
  holder,
  parent,
  kind,
  permissions,
  limits,
  maxDepth,
  scope,
  epoch,
  ...more
}: Token) => ({
  ...{ id: toHex(id), holder: toHex(holder), parent: toHex(parent), kind, permissions, limits },
  ...{ maxDepth, scope, epoch, from: more.notBeforeUnixMs, until: more.notAfterUnixMs },
});

/** Limits that limit nothing are none. */
const limited = ({ limits = {}, ...rest }: Meaning = {}): Meaning => ({ ...rest, limits });
