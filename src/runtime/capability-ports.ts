// What the capability authority's actor works through.
import { longWork } from "../actors/in-hand.ts";
import type { CapabilityPorts } from "../actors/kernel/capabilities.ts";
import type { CapabilitiesReport } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { emptyGraph } from "../manifest/merge.ts";
import { fromHex, mapKey, toHex } from "../security/bytes.ts";
import { readToken } from "../security/capability/token.ts";
import {
  covers,
  nothingRevoked,
  type RevokedToken,
  withRaisedEpoch,
  withToken,
} from "../security/revocation/revoked.ts";
import { grantedRows } from "./granted-report.ts";
import { capabilitiesIn } from "./manifest-capabilities.ts";
import { type MintPorts, mintedRows, mintToken } from "./minting.ts";
import { type GrantPorts, holderOfHash, regrant, takeBack } from "./taken-back.ts";

export function capabilityPorts(ports: GrantPorts, minting: MintPorts): CapabilityPorts {
  const { revocations, revisions } = ports;
  const { list } = revocations;
  const placed = () => revisions.current()?.placed ?? { ...emptyGraph, placed: {} };
  const asked = ({ id, principal }: { readonly id: string; readonly principal: string }) => ({
    author: principal,
    causeId: fromHex(id) ?? new Uint8Array(),
  });
  return {
    async mint(request, minter) {
      const { bytes, hash } = await mintToken(request, minter, minting);
      return { token: bytes, hash: toHex(hash) };
    },
    async revoke(named, requester) {
      if ("actor" in named || "client" in named) return await takeBack(named, ports, asked(requester));
      const hash = "hash" in named ? (fromHex(named.hash) ?? new Uint8Array()) : undefined;
      const key = hash && holderOfHash(hash, ports);
      if (key !== undefined) return await takeBack({ key }, ports, asked(requester));
      const token = "token" in named ? tokenOf(named.token) : { hash: hash ?? new Uint8Array() };
      const now = Date.now();
      const alone = { ...nothingRevoked, tokens: new Map([[mapKey(token.hash), token]]) };
      const already = covers(list.revoked(now), alone, now);
      await revocations.change((revoked) => withToken(revoked, token), asked(requester));
      return { hash: toHex(token.hash), already };
    },
    async raiseEpoch(scope, requester) {
      await revocations.change((revoked) => withRaisedEpoch(revoked, scope, Date.now()), asked(requester));
      const held = longWork(() => [...capabilitiesIn(placed()).values()]);
      const holders = held.filter(({ holder: { graph } }) => graph === scope).length;
      return { scope, epoch: list.epochOf(scope), holders };
    },
    regrant: (whose, requester) => regrant(whose, ports, asked(requester)),
    async list() {
      const { epochs, tokens } = list.revoked(Date.now());
      return {
        ...longWork(() => grantedRows(placed(), list)),
        ...(await mintedOrWhyNot(minting)),
        scopes: [...epochs].map(([scope, epoch]) => ({ scope, epoch })),
        tokens: [...tokens.values()].map(({ hash, ...rest }) => ({ hash: toHex(hash), ...rest })),
      };
    },
  };
}

/** What is revoked is told also when the broker does not say what was minted. */
async function mintedOrWhyNot(minting: MintPorts): Promise<Pick<CapabilitiesReport, "minted" | "unread">> {
  try {
    return { minted: await mintedRows(minting) };
  } catch (error) {
    return { minted: [], unread: error instanceof Error ? error.message : String(error) };
  }
}

/** Throws CAPABILITY_MALFORMED, CAPABILITY_EXPIRED. */
function tokenOf(bytes: Uint8Array): RevokedToken {
  const read = readToken(bytes);
  if (!read.ok) throw read.error;
  const { hash, scope, notAfterUnixMs, epoch } = read.value;
  if (notAfterUnixMs > Date.now()) return { hash, terms: { scope, epoch, notAfterUnixMs } };
  const remedy = "There is nothing to revoke: it ended by itself.";
  throw new CellError("CAPABILITY_EXPIRED", undefined, { remedy });
}
