// The judge of chaos: a process of its own that is never killed. It keeps a steady load on
// every actor with the real client library, remembers what it was told, compares that with
// what the actors keep, and follows the streams of what they commit with a stock connection.
// Arguments: identity of the operator, keys of the broker's account, "durable" or "volatile",
// the milliseconds between two intents on one actor, and those after which what one actor
// sent another, or a timer, counts as lost.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { type CellClient, CellError, connect } from "../../src/client.ts";
import type { Keeps } from "../../src/drill/judge.ts";
import { askUntil } from "./asking.ts";
import { auditForwarder, auditTarget, auditTimekeeper, MAX_DELAY_MS } from "./audits.ts";
import { CommitJudge } from "./commits.ts";
import { Findings } from "./findings.ts";
import { followStreams } from "./follow-streams.ts";
import { LetterJudge } from "./letters.ts";
import { type Cast, pathsOf, rosterOf } from "./roster.ts";
import { StartJudge } from "./starts.ts";
import { MAX_NAMED, type Verdict } from "./verdict.ts";
import { type Court, type Watch, watch } from "./watch.ts";

const POISON_MS = 20_000;
const LETTERS_WITHIN_MS = 20_000;
/** Isolated actors and couriers cost more an intent: so many times fewer. */
const SELDOM = 3;

const [
  ,
  ,
  operatorCreds = "",
  brokerAuthority = "",
  given = "durable",
  everyMs = "100",
  settleMs = "240000",
] = process.argv;
const form = given === "volatile" ? "volatile" : "durable";
const keeps: Keeps = form === "durable" ? "everything" : "process";
const roster = rosterOf(form);
const receivers = pathsOf(roster, "receiver");

let ending = false;
const cell = await connect({ identity: operatorCreds });
const commits = new CommitJudge();
const letters = new LetterJudge();
const starts = new StartJudge();
const findings = new Findings();
const court: Court = { cell, findings, letters, settleMs: Number(settleMs), isEnding: () => ending };
const streams =
  form === "durable"
    ? await followStreams(await readFile(operatorCreds, "utf8"), await readFile(brokerAuthority, "utf8"), {
        commits,
        letters,
      })
    : undefined;
void followStarts();
process.on("message", (message) => {
  const { type, path, turn } = Object(message);
  if (type === "end") ending = true;
  if (type === "poison") void poison(cell, String(path), Number(turn));
});
process.once("disconnect", () => process.exit(1));
process.send?.({ type: "ready" });
const toldFaults = new Set<string>();
const telling = setInterval(() => {
  const { lost, duplicated, disordered } = findings;
  // At once, since the one who runs this may give up before there is a verdict.
  const faults = [...lost, ...duplicated, ...disordered, ...commits.faults, ...starts.faults];
  for (const fault of faults.slice(0, MAX_NAMED)) {
    if (!toldFaults.has(fault)) process.stderr.write(`found: ${fault}\n`);
    toldFaults.add(fault);
  }
  const progress = {
    ...findings.counts(),
    lost: lost.length,
    duplicated: duplicated.length,
    otherFaults: disordered.length + commits.faults.length + starts.faults.length,
  };
  process.send?.({ type: "progress", progress });
}, 1_000);

const judged = roster.filter(({ role }) => role !== "receiver");
await Promise.all(judged.map((each, at) => watch(court, watchOf(each, (at + 1) / judged.length))));
clearInterval(telling);
await askUntil(
  async () => letters.isComplete,
  (isComplete) => isComplete,
  LETTERS_WITHIN_MS,
);
await streams?.caughtUp();
await streams?.close();
await cell.close();
const verdict: Verdict = {
  ...findings.counts(),
  ...findings.named(),
  letters: letters.count,
  letterFaults: letters.faults(),
  records: commits.records,
  unseen: commits.unseen,
  recordFaults: commits.faults,
  lives: commits.lives,
  starts: starts.starts,
  startFaults: starts.faults,
};
process.send?.({ type: "verdict", verdict }, () => process.exit(0));

function watchOf({ path, role, isolation }: Cast, phase: number): Watch {
  const every = Number(everyMs) * (role === "member" || isolation === "shared" ? 1 : SELDOM);
  const base = { path, phase };
  switch (role) {
    case "forwarder":
      return {
        ...base,
        everyMs: Number(everyMs) * SELDOM,
        intent: "forward",
        payload: (n) => ({ n, to: receivers[n % receivers.length] }),
        audit: (sent) => auditForwarder(court, path, receivers, sent),
      };
    case "timekeeper":
      return {
        ...base,
        everyMs: Number(everyMs) * SELDOM,
        intent: "arm",
        // Some are due before those that were armed earlier.
        payload: (n) => ({ n, delayMs: MAX_DELAY_MS - (n % 4) * 200 }),
        audit: (sent) => auditTimekeeper(court, path, sent),
      };
    default:
      return {
        ...base,
        everyMs: every,
        intent: "count",
        payload: (n) => ({ n }),
        audit: (sent) => auditTarget(court, path, sent, keeps),
      };
  }
}

/** An intent that kills each life that takes it, and what its sender hears of it. */
async function poison(client: CellClient, path: string, turn: number): Promise<void> {
  let id = "";
  const onSent = (sent: string) => {
    id = sent;
  };
  const told = await client.request(path, "fail", { how: "throw" }, { timeoutMs: POISON_MS, onSent }).then(
    () => "answered",
    (error: unknown) => (error instanceof CellError ? error.code : "no coded error"),
  );
  letters.told(id, path, told);
  process.send?.({ type: "poisoned", turn, told });
}

async function followStarts(): Promise<void> {
  for await (const event of cell.events({ kind: "actorStarted" })) starts.take(event);
}
