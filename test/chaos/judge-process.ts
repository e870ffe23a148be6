// The judge of chaos: a process of its own that is never killed. It keeps a steady load on
// every actor with the real client library, remembers what it was told, compares that with
// what the actors keep, and follows the streams of what they commit with a stock connection.
// Arguments: identity of the operator, keys of the broker's account, "durable" or "volatile",
// and the milliseconds between two intents on one actor.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { type CellClient, connect } from "../../src/client.ts";
import { judge, type Keeps, type Ledger } from "../../src/drill/judge.ts";
import { Lane } from "../../src/drill/load.ts";
import { systemClock } from "../../src/drill/ports.ts";
import { allActors } from "./actors.ts";
import { CommitJudge } from "./commits.ts";
import { followStreams } from "./follow-streams.ts";

export type Verdict = {
  readonly sent: number;
  readonly answered: number;
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  /** Not acknowledged by the deadline: neither lost nor kept. */
  readonly unanswered: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Longest that an intent was under way until it was answered, ms. */
  readonly slowestMs: number;
  readonly records: number;
  readonly recordFaults: readonly string[];
};

const DEADLINE_MS = 20_000;
const ASK_MS = 2_000;
const ASK_UNTIL_MS = 60_000;
/** Ledgers are judged and emptied so often; the first of them come one after the other, so that the load never pauses. */
const AUDIT_EVERY_MS = 8_000;
const MAX_NAMED = 50;

const [, , operatorCreds = "", brokerAuthority = "", form = "durable", everyMs = "40"] = process.argv;
const keeps: Keeps = form === "durable" ? "everything" : "process";
const totals = { sent: 0, answered: 0, unanswered: 0, slowestMs: 0 };
const lost: string[] = [];
const duplicated: string[] = [];
const failed: Record<string, number> = {};
let ending = false;

const client = await connect({ identity: operatorCreds });
const commits = new CommitJudge();
const streams =
  form === "durable"
    ? await followStreams(
        await readFile(operatorCreds, "utf8"),
        await readFile(brokerAuthority, "utf8"),
        commits,
      )
    : undefined;
process.once("message", () => {
  ending = true;
});
process.once("disconnect", () => process.exit(1));
process.send?.({ type: "ready" });
const telling = setInterval(() => {
  const progress = {
    ...totals,
    lost: lost.length,
    duplicated: duplicated.length,
    recordFaults: commits.faults.length,
  };
  process.send?.({ type: "progress", progress });
}, 1_000);

await Promise.all(
  allActors.map((path, at) => watchOver(client, path, (AUDIT_EVERY_MS * (at + 1)) / allActors.length)),
);
clearInterval(telling);
await streams?.caughtUp();
await streams?.close();
await client.close();
const verdict: Verdict = {
  ...totals,
  lost: lost.slice(0, MAX_NAMED),
  duplicated: duplicated.slice(0, MAX_NAMED),
  failed,
  records: commits.records,
  recordFaults: commits.faults,
};
process.send?.({ type: "verdict", verdict }, () => process.exit(0));

/** Load, then audit, then load again, until the end; the last audit comes when nothing is killed any more. */
async function watchOver(cell: CellClient, path: string, firstAuditMs: number): Promise<void> {
  let next = 0;
  for (let forMs = firstAuditMs; ; forMs = AUDIT_EVERY_MS) {
    const lane = new Lane({
      clock: systemClock,
      firstNumber: next,
      everyMs: Number(everyMs),
      send: async (n) => {
        totals.sent += 1;
        const { value } = await cell.request(path, "count", { n }, { timeoutMs: DEADLINE_MS });
        totals.answered += 1;
        return { life: lifeOf(value) };
      },
    });
    lane.onEnd(({ dueMs, endedMs = dueMs }) => {
      totals.slowestMs = Math.max(totals.slowestMs, Math.round(endedMs - dueMs));
    });
    const endPacing = systemClock.every(5, () => lane.tick());
    lane.start();
    const untilMs = systemClock.nowMs() + forMs;
    while (!ending && systemClock.nowMs() < untilMs) await systemClock.after(100);
    await lane.stop();
    endPacing();
    next = lane.nextNumber;
    await audit(cell, path, lane);
    if (ending) return;
  }
}

async function audit(cell: CellClient, path: string, lane: Lane): Promise<void> {
  const sent = lane.take();
  const ledger = await ask<Ledger>(cell, path, "ledger");
  const found = judge(sent, ledger ?? { life: "", applied: [] }, keeps);
  totals.unanswered += found.unanswered.length;
  const story = (n: number): string => {
    const of = sent.find((each) => each.n === n);
    const told = of?.outcome.kind === "failed" ? of.outcome.code : (of?.outcome.kind ?? "sent before");
    const tookMs = Math.round((of?.endedMs ?? 0) - (of?.dueMs ?? 0));
    const times = ledger?.applied.filter(([first, last]) => first <= n && n <= last).length ?? 0;
    return `${path} ${n}: told ${told} after ${tookMs} ms, applied ${times} times`;
  };
  lost.push(...found.lost.map(story));
  duplicated.push(...found.duplicated.map(story));
  for (const [code, count] of Object.entries(found.failed)) failed[code] = (failed[code] ?? 0) + count;
  // An answer may be lost on the way; that the ledger is empty says that it was done.
  for (let empty = (ledger?.applied.length ?? 0) === 0; !empty; ) {
    await ask(cell, path, "forget");
    empty = (await ask<Ledger>(cell, path, "ledger"))?.applied.length === 0;
  }
}

/** Again and again, while all around it dies; undefined: it does not come back. */
async function ask<T>(cell: CellClient, path: string, intent: string): Promise<T | undefined> {
  const untilMs = systemClock.nowMs() + ASK_UNTIL_MS;
  while (systemClock.nowMs() < untilMs) {
    try {
      // The drill's own behaviour answers.
      return (await cell.request(path, intent, {}, { timeoutMs: ASK_MS })).value as T;
    } catch {
      await systemClock.after(20);
    }
  }
  return undefined;
}

function lifeOf(value: unknown): string {
  const life: unknown = Reflect.get(Object(value), "life");
  if (typeof life !== "string") throw new TypeError("the answer names no life");
  return life;
}
