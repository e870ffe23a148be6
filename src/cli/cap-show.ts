// A chain of capability tokens for people: link by link who handed what to whom, and whether it
// counts now as far as this command line knows.

import type { CellError } from "../errors/cell-error.ts";
import { limitTexts } from "../runtime/limit-text.ts";
import { equalBytes, toHex } from "../security/bytes.ts";
import { capabilityText } from "../security/capability/capability-text.ts";
import { type Chain, chainBytes, checkSignatures } from "../security/capability/chain.ts";
import { unbuilt } from "../security/capability/chain-verifier.ts";
import { formatConstraint, permissionsAsText } from "../security/capability/constraint-text.ts";
import { actorHolder } from "../security/capability/holder.ts";
import type { Permission } from "../security/capability/permission.ts";
import type { Token, TokenKindName } from "../security/capability/token.ts";
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import { isStranger } from "../security/trust/trust-store.ts";
import { readTokenFile } from "./cap-file.ts";
import type { Colors, Context } from "./context.ts";
import { formatTime } from "./duration.ts";
import { formatError } from "./error-output.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { chainVerifierOf, type KnownTrust, knownTrust } from "./known-trust.ts";
import { plain } from "./render/text.ts";

export type ShowOptions = { readonly actor?: string; readonly text?: true };

export async function show(
  context: Context,
  file: string,
  { actor, text: textAlone }: ShowOptions,
): Promise<ExitCode> {
  const chain = await readTokenFile(context, file);
  const text = capabilityText(chainBytes(chain));
  if (textAlone) {
    context.print(text);
    context.printJson({ text });
    return exitCodes.ok;
  }
  const known = await knownTrust(context);
  const now = Date.now();
  const standing = standingOf(chain, known, now, actor);
  context.print(renderChain(chain, nameOfKeys(known, now, actor), standing, context.colors));
  context.printJson({ ...standing, text, links: chainToJson(chain) });
  return standing.counts ? exitCodes.ok : exitCodes.negative;
}

/** Name of whoever has a key, or the key's fingerprint; of an actor its path, where that is known. */
export type NameOfKey = (key: Uint8Array, kind?: TokenKindName) => string;

/** @param actor path of an actor that may be the holder: a token names it by a hash alone */
export const nameOfKeys =
  ({ trust }: Pick<KnownTrust, "trust">, nowUnixMs: number, actor?: string): NameOfKey =>
  (key, kind) => {
    if (kind === "agent") {
      const isIts = actor !== undefined && equalBytes(key, actorHolder(trust.genesis.hash, actor));
      return isIts ? `actor ${actor}` : `an actor (${toHex(key).slice(0, 16)})`;
    }
    const known = trust.byKey(key, nowUnixMs);
    return known.ok ? known.value.principal : `key ${fingerprintOf(key)}`;
  };

/** One line: who handed it to whom, what it allows, until when. */
export function describeLink(link: Token, index: number, nameOf: NameOfKey): string {
  const verb = index === 0 ? "minted" : "narrowed";
  const allowed = link.permissions.map(describePermission).join("; or ");
  const kinds: Partial<Record<TokenKindName, string>> = { ephemeral: "once, ", system: "of kind system, " };
  const until = `${kinds[link.kind] ?? ""}until ${formatTime(link.notAfterUnixMs)} UTC`;
  return plain(
    `${verb} by ${nameOf(link.issuer)} for ${nameOf(link.holder, link.kind)}: ${allowed}; ${until}`,
  );
}

const describePermission = ({ intents, targets, constraints }: Permission): string =>
  [
    `${intents.join(", ")} to ${targets.join(", ")}`,
    ...constraints.map((each) => `where ${formatConstraint(each)}`),
  ].join(" ");

export type Standing = { readonly counts: boolean; readonly note: string; readonly code?: string };

/**
 * Whether it counts now for its holder.
 * @param actor path of the actor that is to be its holder; absent: whoever is
 */
export function standingOf(chain: Chain, known: KnownTrust, nowUnixMs: number, actor?: string): Standing {
  const { kind, holder, notAfterUnixMs } = chain.last;
  const own = kind === "agent" ? { actor: holder } : holder;
  const user = actor === undefined ? own : { actor };
  const verdict = chainVerifierOf(known).verify(chainBytes(chain), user, nowUnixMs);
  const fault = verdict.ok ? unbuilt(verdict.value) : unsignedOr(verdict.error, chain, known);
  if (fault !== undefined) return { counts: false, note: formatError(fault), code: fault.code };
  const until = `until ${formatTime(notAfterUnixMs)} UTC`;
  const idle = kind === "agent" ? undefined : idleHolder(holder, known, nowUnixMs);
  if (idle !== undefined) return idle;
  if (known.isWhole) return { counts: true, note: `counts ${until}` };
  const isNodes = isStranger(known.trust.byKey(chain.root.issuer, nowUnixMs));
  const proviso = `unless it was revoked or a holder withdrawn${isNodes ? ", or its minter is no node of shard 0" : ""}`;
  return { counts: true, note: `counts ${until}, ${proviso}: an identity file does not tell` };
}

/** What stands against who has the key; undefined: nothing that is known here. */
function idleHolder(key: Uint8Array, known: KnownTrust, nowUnixMs: number): Standing | undefined {
  const own = known.trust.byKey(key, nowUnixMs);
  if (own.ok && own.value.kind !== "client")
    return { counts: false, note: `its holder is no client but ${own.value.kind} ${own.value.principal}` };
  if (own.ok || (!known.isWhole && isStranger(own))) return undefined;
  const note = `its holder is nobody who counts: ${own.error.message}`;
  return { counts: false, note, code: own.error.code };
}

/** Whether it is approved is judged first: what is shown of it is to be signed all the same. */
function unsignedOr(error: CellError, chain: Chain, { trust }: KnownTrust): CellError {
  if (error.code !== "CAPABILITY_NOT_APPROVED") return error;
  return checkSignatures(chain, trust.genesis.hash) ?? error;
}

export function renderChain(chain: Chain, nameOf: NameOfKey, standing: Standing, colors: Colors): string {
  const lines = chain.links.flatMap((link, index) => {
    const depth = link.maxDepth === 0 ? "it ends here" : `${link.maxDepth} more times at most`;
    return [
      `${colors.bold(String(index))}  ${index === 0 ? "minted" : "narrowed"} by ${colors.cyan(nameOf(link.issuer))} for ${colors.cyan(nameOf(link.holder, link.kind))}`,
      ...link.permissions.flatMap(({ intents, targets, constraints }) => [
        `   may send   ${intents.join(", ")} to ${targets.join(", ")}`,
        ...constraints.map((each) => `   where      ${plain(formatConstraint(each))}`),
      ]),
      ...limitTexts(link.limits).map((each) => `   at most    ${each}`),
      `   valid      ${formatTime(link.notBeforeUnixMs)} to ${formatTime(link.notAfterUnixMs)} UTC`,
      ...(link.kind === "ephemeral" ? ["   serves     one intent"] : []),
      ...(link.kind === "system" ? ["   reaches    the kernel's own actors"] : []),
      ...approvalLines(link, nameOf),
      `   handed on  ${depth}`,
      colors.dim(`   ${link.kind}, scope ${link.scope} in epoch ${link.epoch}, ${toHex(link.hash)}`),
    ];
  });
  const note = plain(standing.note);
  return [...lines, standing.counts ? colors.green(note) : colors.red(note)].join("\n");
}

function approvalLines({ approval, approvals }: Token, nameOf: NameOfKey): readonly string[] {
  if (approval === undefined) return [];
  const given = approvals.map(({ approver }) => nameOf(approver));
  const names = approval.approvers.map((key) => nameOf(key));
  const awaited = names.filter((name) => !given.includes(name));
  return [
    `   approvals  ${given.length} of ${approval.needed} needed${given.length === 0 ? "" : `, by ${given.join(", ")}`}`,
    ...(given.length >= approval.needed ? [] : [`   awaits     ${awaited.join(", ")}`]),
  ];
}

export const chainToJson = ({ links }: Chain) =>
  links.map(({ bytes, body, signature, id, issuer, holder, parent, hash, permissions, ...link }) => ({
    id: toHex(id),
    hash: toHex(hash),
    parent: toHex(parent),
    issuer: toHex(issuer),
    holder: toHex(holder),
    permissions: permissionsAsText(permissions),
    ...approvalToJson(link),
  }));

function approvalToJson<T extends Pick<Token, "approval" | "approvals">>({
  approval,
  approvals,
  ...rest
}: T) {
  if (approval === undefined) return rest;
  const { needed, approvers } = approval;
  const given = approvals.map(({ approver }) => toHex(approver));
  return { ...rest, approval: { needed, approvers: approvers.map(toHex), given } };
}
