// Counts how often each intent has killed its actor. Pure: entries in, entries out. Kept
// for one actor at a time, by who sent the intent and its id, so that nobody's intent is
// counted under another's; bounded, and when it is full the sender with most entries gives
// way, so that one who sends much that kills never makes another's deaths forgotten.
import type { FailureClass, Incarnation } from "../actors/child.ts";
import type { IntentRef } from "../actors/intent.ts";

/** One death, as its story tells it; texts are bounded. */
export type Death = {
  readonly atUnixMs: number;
  readonly incarnation: Incarnation;
  readonly class: FailureClass;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly origin: string;
};

export type PoisonEntry = {
  readonly sender: string;
  readonly intentId: string;
  /** Oldest first. */
  readonly deaths: readonly Death[];
  /** It was set aside: whatever else it kills, once is enough. */
  readonly buried: boolean;
  /** After the intent's deadline it cannot come again. */
  readonly expiresUnixMs: number;
};

export type PoisonEntries = readonly PoisonEntry[];

/** Intents that have killed one actor and may still come again. */
export const MAX_ENTRIES = 64;
/** What a manifest may ask for at most. */
const MAX_DEATHS = 16;

/** Clients by name, actors by node and path: what intake has verified. */
export const senderOf = ({ principal, source }: Pick<IntentRef, "principal" | "source">): string =>
  `${principal} ${source}`;

export type Key = Pick<PoisonEntry, "sender" | "intentId">;

export const keyOf = (intent: Pick<IntentRef, "id" | "principal" | "source">): Key => ({
  sender: senderOf(intent),
  intentId: intent.id,
});

export function deathsOf(entries: PoisonEntries, key: Key): readonly Death[] {
  return entries.find((entry) => isOf(entry, key))?.deaths ?? [];
}

/** Adds a death. The entry returned last is the one that it was added to. */
export function countDeath(
  entries: PoisonEntries,
  key: Key,
  death: Death,
  { nowUnixMs, expiresUnixMs }: { readonly nowUnixMs: number; readonly expiresUnixMs: number },
): PoisonEntries {
  const deaths = [...deathsOf(entries, key), death].slice(-MAX_DEATHS);
  const others = entries.filter((entry) => !isOf(entry, key) && entry.expiresUnixMs >= nowUnixMs);
  const buried = isBuried(entries, key);
  return [...withRoom(others), { ...key, deaths, buried, expiresUnixMs }];
}

export function isBuried(entries: PoisonEntries, key: Key): boolean {
  return entries.find((entry) => isOf(entry, key))?.buried === true;
}

/** The intent is set aside. What it began may kill still: its deaths are counted on. */
export function bury(entries: PoisonEntries, key: Key): PoisonEntries {
  return entries.map((entry) => (isOf(entry, key) ? { ...entry, buried: true } : entry));
}

function withRoom(entries: PoisonEntries): PoisonEntries {
  if (entries.length < MAX_ENTRIES) return entries;
  const counts = new Map<string, number>();
  for (const { sender } of entries) counts.set(sender, (counts.get(sender) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const at = entries.findIndex(({ sender }) => counts.get(sender) === most);
  return entries.toSpliced(at, 1);
}

const isOf = (entry: PoisonEntry, { sender, intentId }: Key): boolean =>
  entry.intentId === intentId && entry.sender === sender;
