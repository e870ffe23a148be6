// The audits of each role: what a client was told against what the actor keeps, what a
// forwarder sent against what its receivers took, what was armed against what fired.
import { judge, type Keeps, type Ledger } from "../../src/drill/judge.ts";
import type { Sent } from "../../src/drill/load.ts";
import { ask, askUntil } from "./asking.ts";
import { type Books, booksSchema, compare, ledgerSchema, numbersOf } from "./books.ts";
import type { Court } from "./watch.ts";

/** Of each timer, at most; what a client heard nothing of may be armed still. */
export const MAX_DELAY_MS = 900;
export const TIMERS = "timers";

/** Of an actor that counts. */
export async function auditTarget(
  { cell, findings }: Court,
  path: string,
  sent: readonly Sent[],
  keeps: Keeps,
): Promise<void> {
  const ledger = ledgerSchema.parse(await ask(cell, path, "ledger"));
  findings.counted(path, sent, ledger, judge(sent, ledger, keeps));
  // An answer may be lost on the way; that the ledger is empty says that it was done.
  for (let empty = ledger.applied.length === 0; !empty; ) {
    await ask(cell, path, "forget");
    empty = ledgerSchema.parse(await ask(cell, path, "ledger")).applied.length === 0;
  }
}

/** Of a forwarder, with all that it sends to. */
export async function auditForwarder(
  court: Court,
  path: string,
  receivers: readonly string[],
  sent: readonly Sent[],
): Promise<void> {
  const { findings } = court;
  const books = await booksOf(court, path);
  const ledger: Ledger = { life: books.life, applied: Object.values(books.sent).flat() };
  findings.counted(path, sent, ledger, judge(sent, ledger, "everything"));
  for (const to of receivers) {
    const passedOn = numbersOf(books.sent[to]);
    const taken = await askUntil(
      async () => numbersOf((await booksOf(court, to)).taken[path]),
      (found) => found.length >= passedOn.length,
      court.settleMs,
    );
    findings.forwarded += taken.length;
    findings.routed(path, to, compare(passedOn, taken));
    await forget(court, to, { source: path }, ({ taken: left }) => (left[path] ?? []).length === 0);
  }
  await forget(court, path, {}, ({ sent: left }) => Object.keys(left).length === 0);
}

/** Of a timekeeper: each number that it armed a timer for fired once. */
export async function auditTimekeeper(court: Court, path: string, sent: readonly Sent[]): Promise<void> {
  const { findings } = court;
  const answered = sent.filter(({ outcome }) => outcome.kind === "answered");
  const notBeforeMs = performance.now() + (answered.length < sent.length ? 2 * MAX_DELAY_MS : 0);
  const books = await askUntil(
    () => booksOf(court, path),
    ({ taken }) => {
      const fired = new Set(numbersOf(taken[TIMERS]));
      return performance.now() >= notBeforeMs && answered.every(({ n }) => fired.has(n));
    },
    court.settleMs,
  );
  const ledger: Ledger = { life: books.life, applied: books.taken[TIMERS] ?? [] };
  findings.fired += numbersOf(books.taken[TIMERS]).length;
  findings.counted(path, sent, ledger, judge(sent, ledger, "everything"));
  await forget(court, path, { source: TIMERS }, ({ taken }) => (taken[TIMERS] ?? []).length === 0);
}

async function booksOf({ cell }: Court, path: string): Promise<Books> {
  return booksSchema.parse(await ask(cell, path, "ledger"));
}

async function forget(
  court: Court,
  path: string,
  what: object,
  isDone: (books: Books) => boolean,
): Promise<void> {
  do await ask(court.cell, path, "forget", what);
  while (!isDone(await booksOf(court, path)));
}
