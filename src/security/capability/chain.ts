// A chain of tokens, from the root that the cell's authority signed to the one that is used:
// its form, its links, and how its holder adds one.
import { create, toBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { CapabilityChainSchema } from "../../gen/cell0/v1/capability_pb.ts";
import { equalBytes } from "../bytes.ts";
import type { Signer } from "../keys/signing-key.ts";
import { verifyEd25519 } from "../keys/verify.ts";
import { MAX_CAPABILITY_BYTES } from "../wire/capsule.ts";
import { approvalInput, capabilityInput } from "../wire/signing-input.ts";
import { decodeStrict } from "../wire/strict-decode.ts";
import { missingApprovals } from "./approval.ts";
import { isHeldBy } from "./holder.ts";
import { widened } from "./narrower.ts";
import { MAX_LINKS, readToken, signToken, type Token, type TokenClaims } from "./token.ts";

/** So that all its signatures can be verified within what a holder has of that in a second. */
const MAX_APPROVALS = 32;
const BOUNDS = { "CapabilityChain.links": MAX_LINKS };

export type Chain = {
  /** The root first; at least one. */
  readonly links: readonly Token[];
  readonly root: Token;
  /** The one that is used. */
  readonly last: Token;
};

/** The form only. CAPABILITY_MALFORMED; never throws. */
export function readChain(bytes: Uint8Array): Result<Chain, CellError> {
  if (bytes.length > MAX_CAPABILITY_BYTES) return malformed(`it has more than ${MAX_CAPABILITY_BYTES} bytes`);
  const decoded = decodeStrict(CapabilityChainSchema, bytes, BOUNDS);
  if (!decoded.ok) return malformed(decoded.error.message);
  const links: Token[] = [];
  for (const link of decoded.value.links) {
    const read = readToken(link);
    if (!read.ok) return read;
    links.push(read.value);
  }
  const approvals = links.reduce((sum, link) => sum + link.approvals.length, 0);
  if (approvals > MAX_APPROVALS) return malformed(`it has more than ${MAX_APPROVALS} approvals`);
  const chain = chainOf(links);
  // Of one chain there are no further bytes that say the same.
  if (chain.ok && !equalBytes(chainBytes(chain.value), bytes)) return malformed("it is not in its only form");
  return chain;
}

export function chainOf(links: readonly Token[]): Result<Chain, CellError> {
  const [root] = links;
  const last = links.at(-1);
  if (root === undefined || last === undefined) return malformed("it has no link");
  return ok({ links, root, last });
}

export const chainBytes = ({ links }: { readonly links: readonly Pick<Token, "bytes">[] }): Uint8Array =>
  toBinary(CapabilityChainSchema, create(CapabilityChainSchema, { links: links.map(({ bytes }) => bytes) }));

/**
 * Adds a link that is signed by the holder of the last one. Errors: CAPABILITY_HOLDER_MISMATCH when
 * the key is not that holder's, CAPABILITY_WIDENED, CAPABILITY_MALFORMED.
 */
export function attenuate(
  chain: Chain,
  claims: Omit<TokenClaims, "parent">,
  holder: Signer,
  genesisHash: Uint8Array,
): Result<Chain, CellError> {
  const { last, links } = chain;
  if (!isHeldBy(last, holder.publicKey, genesisHash)) return err(new CellError("CAPABILITY_HOLDER_MISMATCH"));
  const wider = widened(claims, last);
  if (wider !== undefined) return err(new CellError("CAPABILITY_WIDENED", wider));
  const signed = signToken({ ...claims, parent: last.hash }, holder, genesisHash);
  if (!signed.ok) return signed;
  const longer = chainOf([...links, signed.value]);
  return longer.ok ? readChain(chainBytes(longer.value)) : longer;
}

export type Verify = typeof verifyEd25519;

/**
 * Whether each link follows the one before, is approved and signed; never changes for a chain.
 * @param verify default: the quick way, since anybody may send what is not valid
 */
export function checkLinks(
  chain: Pick<Chain, "links">,
  genesisHash: Uint8Array,
  verify: Verify = verifyEd25519,
): CellError | undefined {
  const bare = chain.links.findIndex((link) => missingApprovals(link) > 0);
  if (bare < 0) return checkSignatures(chain, genesisHash, verify);
  return new CellError("CAPABILITY_NOT_APPROVED", undefined, { where: `link ${bare}` });
}

/** The same, whether or not enough have approved it. */
export function checkSignatures(
  { links }: Pick<Chain, "links">,
  genesisHash: Uint8Array,
  verify: Verify = verifyEd25519,
): CellError | undefined {
  const broken = links.findIndex((link, at) => !followsOn(link, links[at - 1]));
  if (broken >= 0) return new CellError("CAPABILITY_CHAIN_BROKEN", undefined, { where: `link ${broken}` });
  let parent: Token | undefined;
  for (const [at, link] of links.entries()) {
    const where = `link ${at}`;
    const { issuer, body, signature, hash, approvals } = link;
    if (!verify(issuer, capabilityInput(genesisHash, issuer, body), signature)) {
      return new CellError("CAPABILITY_SIGNATURE_INVALID", undefined, { where });
    }
    for (const { approver, signature: agreed } of approvals) {
      if (verify(approver, approvalInput(genesisHash, approver, hash), agreed)) continue;
      return new CellError("CAPABILITY_SIGNATURE_INVALID", "an approval's signature is not valid", { where });
    }
    // Last: it takes long for what is made to take long, and that has a name by now.
    const wider = parent && widened(link, parent);
    if (wider !== undefined) return new CellError("CAPABILITY_WIDENED", wider, { where });
    parent = link;
  }
  return undefined;
}

/** An actor's token is the last one: what it names as its holder is no key, whatever signs by it. */
const followsOn = ({ parent, issuer }: Token, before: Token | undefined): boolean =>
  before === undefined
    ? parent.length === 0
    : before.kind !== "agent" && equalBytes(parent, before.hash) && equalBytes(issuer, before.holder);

const malformed = (why: string) =>
  err(new CellError("CAPABILITY_MALFORMED", `the capability is not valid: ${why}`));
