// How much of its limits each link of one root's chains has used, and whether it serves once more. Pure.
import { CellError } from "../errors/cell-error.ts";
import { toHex } from "../security/bytes.ts";
import { LIMIT_NAMES, type LimitName } from "../security/capability/token.ts";
import type { CountedUse } from "../security/intake/authority.ts";
import { formatAmount, nounOfLimit } from "./limit-text.ts";

export type Tally = {
  /** Hash of the link, hex, and what `COUNTED_AS` has for the limit. */
  readonly token: string;
  readonly used: number;
  readonly notAfterUnixMs: number;
};

/** What follows a link's hash in the records; they hold of calls the hash alone since before there were others. */
const COUNTED_AS: Readonly<Record<LimitName, string>> = {
  calls: "",
  agents: ".agents",
  costMicro: ".cost",
  cpuMilli: ".cpu",
  memoryBytes: ".memory",
  storageBytes: ".storage",
};

/** Limits of links that are counted under one root, those of the root itself beside them. */
export const MAX_NARROWED = 63;
/** An ended one stays so long: clocks differ. */
const KEPT_AFTER_END_MS = 3_600_000;

/**
 * The tallies once these have been counted, in their order: each under all of its links, or, with a fault, under
 * none. Faults: CAPABILITY_SPENT.
 */
export function tallied(
  before: readonly Tally[],
  uses: readonly CountedUse[],
  nowUnixMs: number,
): { readonly tallies: readonly Tally[]; readonly faults: readonly (CellError | undefined)[] } {
  const counting = before.filter(({ notAfterUnixMs }) => notAfterUnixMs + KEPT_AFTER_END_MS > nowUnixMs);
  const tallies = new Map(counting.map((tally) => [tally.token, tally]));
  const faults = uses.map((use) => count(tallies, use));
  return { tallies: [...tallies.values()], faults };
}

function count(tallies: Map<string, Tally>, { root, links }: CountedUse): CellError | undefined {
  const named = links.map((link) => ({ ...link, name: nameOf(link) }));
  const own = toHex(links.at(-1)?.token ?? root);
  for (const { name, token, limit, most, amount } of named) {
    const left = Math.max(0, most - (tallies.get(name)?.used ?? 0));
    // What others have used of a token that it was narrowed from is not its holder's to know.
    if (amount > left) return spent(limit, { most, amount, left: toHex(token) === own ? left : undefined });
  }
  const narrowed = new Set([...tallies.keys(), ...named.map(({ name }) => name)]);
  for (const limit of LIMIT_NAMES) narrowed.delete(nameOf({ token: root, limit }));
  if (narrowed.size > MAX_NARROWED) {
    const what = `${MAX_NARROWED} limits of tokens that were narrowed from its root are counted already`;
    return new CellError("CAPABILITY_SPENT", what);
  }
  for (const { name, amount, notAfterUnixMs } of named)
    tallies.set(name, { token: name, used: (tallies.get(name)?.used ?? 0) + amount, notAfterUnixMs });
  return undefined;
}

type Left = { readonly most: number; readonly amount: number; readonly left: number | undefined };

function spent(limit: LimitName, { most, amount, left }: Left): CellError {
  const noun = nounOfLimit(limit);
  const asked = formatAmount(limit, amount);
  const what =
    left === undefined
      ? `${noun}: ${asked} asked, and less is left of a token that it was narrowed from`
      : `${noun}: ${asked} asked, ${formatAmount(limit, left)} left of ${formatAmount(limit, most)}`;
  return new CellError("CAPABILITY_SPENT", what);
}

type CountedLink = Pick<CountedUse["links"][number], "token" | "limit">;

const nameOf = ({ token, limit }: CountedLink): string => `${toHex(token)}${COUNTED_AS[limit]}`;

/** Of each link the higher number. */
export function atLeast(tallies: readonly Tally[], floor: readonly Tally[]): readonly Tally[] {
  if (floor.length === 0) return tallies;
  const highest = new Map(floor.map((tally) => [tally.token, tally]));
  for (const tally of tallies) {
    const low = highest.get(tally.token);
    if (low === undefined || low.used < tally.used) highest.set(tally.token, tally);
  }
  return [...highest.values()];
}
