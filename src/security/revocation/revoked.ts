// What is revoked: epochs of scopes, and single tokens. Two of them are joined to one that holds
// what either does, and nothing that is done to one takes anything back: in whatever order records
// come, from whom, and how often, all nodes end with the same.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { mapKey } from "../bytes.ts";

export const MAX_SCOPES = 256;
export const MAX_REVOKED_TOKENS = 4_096;
/** Of them, those of which nothing but the hash is known: they stay for good. */
export const MAX_BARE_HASHES = 1_024;
/** An ended token stays listed so long: clocks differ, and its end is judged by each node's own. */
const KEPT_AFTER_END_MS = 3_600_000;

/** What a token says of itself. */
export type TokenTerms = {
  readonly scope: string;
  readonly epoch: number;
  readonly notAfterUnixMs: number;
};

export type RevokedToken = {
  /** SHA-256 of the token's body. */
  readonly hash: Uint8Array;
  /** By which the entry goes once the token is void anyway; undefined: not known, so that it stays. */
  readonly terms?: TokenTerms;
};

export type Revoked = {
  /** Epochs of 1 and more, by scope. */
  readonly epochs: ReadonlyMap<string, number>;
  /** By the hash, as `mapKey` makes a key of it. */
  readonly tokens: ReadonlyMap<string, RevokedToken>;
};

export const nothingRevoked: Revoked = { epochs: new Map(), tokens: new Map() };

/** What either holds; of two entries of one token the one that stays longer. */
export function joined(a: Revoked, b: Revoked): Revoked {
  const [epochs, tokens] = [new Map(a.epochs), new Map(a.tokens)];
  for (const [scope, epoch] of b.epochs) epochs.set(scope, Math.max(epoch, epochs.get(scope) ?? 0));
  for (const [name, token] of b.tokens) {
    const known = tokens.get(name);
    tokens.set(name, known === undefined ? token : longer(known, token));
  }
  return { epochs, tokens };
}

/** Terms of one token that differ in more than its end were made up by somebody: they end nothing. */
function longer(a: RevokedToken, b: RevokedToken): RevokedToken {
  if (a.terms === undefined || b.terms === undefined) return { hash: a.hash };
  if (a.terms.scope !== b.terms.scope || a.terms.epoch !== b.terms.epoch) return { hash: a.hash };
  return a.terms.notAfterUnixMs >= b.terms.notAfterUnixMs ? a : b;
}

/** Whether all that still matters of the second one is in the first, so that joining them adds nothing. */
export function covers(wide: Revoked, narrow: Revoked, nowUnixMs: number): boolean {
  for (const [scope, epoch] of narrow.epochs) if ((wide.epochs.get(scope) ?? 0) < epoch) return false;
  for (const [name, token] of narrow.tokens) {
    if (isVoid(token, wide, nowUnixMs)) continue;
    const held = wide.tokens.get(name);
    if (held === undefined || !staysAsLong(held, token)) return false;
  }
  return true;
}

function staysAsLong({ terms: held }: RevokedToken, { terms }: RevokedToken): boolean {
  if (held === undefined) return true;
  if (terms === undefined || held.scope !== terms.scope || held.epoch !== terms.epoch) return false;
  return held.notAfterUnixMs >= terms.notAfterUnixMs;
}

/** Without the tokens that are void by their end, an hour ago, or by their scope's epoch. */
export function withoutVoid(revoked: Revoked, nowUnixMs: number): Revoked {
  const tokens = [...revoked.tokens].filter(
    ([, token]) => !isVoid(token, revoked, nowUnixMs - KEPT_AFTER_END_MS),
  );
  return { epochs: revoked.epochs, tokens: new Map(tokens) };
}

const isVoid = ({ terms }: RevokedToken, { epochs }: Revoked, nowUnixMs: number): boolean =>
  terms !== undefined && (terms.notAfterUnixMs <= nowUnixMs || terms.epoch < (epochs.get(terms.scope) ?? 0));

/** CAPABILITY_REVOCATIONS_FULL. */
export function withToken(revoked: Revoked, token: RevokedToken): Result<Revoked, CellError> {
  const tokens = new Map([[mapKey(token.hash), token]]);
  return bounded(joined(revoked, { epochs: new Map(), tokens }));
}

/**
 * Voids every token of a scope that there is. The epoch is the time, so that none is used twice, not even
 * after all that was known of them was lost. CAPABILITY_REVOCATIONS_FULL.
 */
export function withRaisedEpoch(
  revoked: Revoked,
  scope: string,
  nowUnixMs: number,
): Result<Revoked, CellError> {
  const epoch = Math.max(nowUnixMs, (revoked.epochs.get(scope) ?? 0) + 1);
  const raised = joined(revoked, { epochs: new Map([[scope, epoch]]), tokens: new Map() });
  return bounded(withoutVoid(raised, nowUnixMs));
}

/** CAPABILITY_REVOCATIONS_FULL: it does not fit a record. */
export function bounded(revoked: Revoked): Result<Revoked, CellError> {
  const { epochs, tokens } = revoked;
  const bare = [...tokens.values()].filter(({ terms }) => terms === undefined).length;
  if (epochs.size > MAX_SCOPES) return full(`${MAX_SCOPES} scopes have an epoch`);
  if (tokens.size > MAX_REVOKED_TOKENS) return full(`${MAX_REVOKED_TOKENS} tokens are revoked`);
  return bare > MAX_BARE_HASHES
    ? full(`${MAX_BARE_HASHES} tokens are revoked by their hash alone`)
    : ok(revoked);
}

const full = (what: string) => err(new CellError("CAPABILITY_REVOCATIONS_FULL", what));
