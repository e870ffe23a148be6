// What the capability authority's actor works through.
import type { CapabilityPorts } from "../actors/kernel/capabilities.ts";
import type { RevocationsReport } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { fromHex, mapKey, toHex } from "../security/bytes.ts";
import { readToken } from "../security/capability/token.ts";
import { type RevokedToken, withRaisedEpoch, withToken } from "../security/revocation/revocations.ts";
import type { CellRevocations } from "./revocations.ts";

export function capabilityPorts(revocations: CellRevocations): CapabilityPorts {
  const { list } = revocations;
  const asked = ({ id, principal }: { readonly id: string; readonly principal: string }) => ({
    author: principal,
    causeId: fromHex(id) ?? new Uint8Array(),
  });
  return {
    async revoke(named, requester) {
      const { token, epoch } = "token" in named ? tokenOf(named.token) : { token: hashOnly(named.hash) };
      const known = list.revoked().tokens.get(mapKey(token.hash));
      const isStale = token.scope !== undefined && epoch !== undefined && epoch < list.epochOf(token.scope);
      // One that is known by its hash alone is named better by the token.
      const already =
        isStale || (known !== undefined && (known.scope !== undefined || token.scope === undefined));
      const record = already
        ? list.record()
        : await revocations.change((revoked) => withToken(revoked, token), asked(requester));
      return { hash: toHex(token.hash), generation: record?.generation ?? 0, already };
    },
    async raiseEpoch(scope, requester) {
      const { generation, epochs } = await revocations.change(
        (revoked) => withRaisedEpoch(revoked, scope),
        asked(requester),
      );
      return { scope, epoch: epochs.get(scope) ?? 0, generation };
    },
    list: () => reportOf(list.record()?.generation ?? 0, list.revoked()),
  };
}

export const reportOf = (
  generation: number,
  { epochs, tokens }: ReturnType<CellRevocations["list"]["revoked"]>,
): RevocationsReport => ({
  generation,
  scopes: [...epochs].map(([scope, epoch]) => ({ scope, epoch })),
  tokens: [...tokens.values()].map(({ hash, ...rest }) => ({ hash: toHex(hash), ...rest })),
});

/** Throws CAPABILITY_MALFORMED, CAPABILITY_EXPIRED. */
function tokenOf(bytes: Uint8Array): { readonly token: RevokedToken; readonly epoch?: number } {
  const read = readToken(bytes);
  if (!read.ok) throw read.error;
  const { hash, scope, notAfterUnixMs: untilUnixMs, epoch } = read.value;
  if (untilUnixMs <= Date.now()) {
    const remedy = "There is nothing to revoke: it ended by itself.";
    throw new CellError("CAPABILITY_EXPIRED", undefined, { remedy });
  }
  return { token: { hash, scope, untilUnixMs }, epoch };
}

const hashOnly = (hash: string): RevokedToken => ({ hash: fromHex(hash) ?? new Uint8Array() });
