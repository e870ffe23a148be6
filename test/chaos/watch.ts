// One actor under a steady load of numbered intents, and what is asked of it when the load
// pauses: its audit. Load and audits take turns until the end; the last audit comes when
// nothing is killed any more.
import { type CellClient, CellError } from "../../src/client.ts";
import { Lane, type Sent } from "../../src/drill/load.ts";
import { systemClock } from "../../src/drill/ports.ts";
import { Silent } from "./asking.ts";
import type { Findings } from "./findings.ts";
import type { LetterJudge } from "./letters.ts";

const DEADLINE_MS = 20_000;
const AUDIT_EVERY_MS = 8_000;
const PACE_MS = 5;
const LOOK_EVERY_MS = 100;

export type Court = {
  readonly cell: CellClient;
  readonly findings: Findings;
  readonly letters: LetterJudge;
  /** How long what is under way inside of the cell is waited for until it counts as lost. */
  readonly settleMs: number;
  readonly isEnding: () => boolean;
};

export type Watch = {
  readonly path: string;
  readonly everyMs: number;
  /** Part of the time between two audits after which the first one comes, so that the load never pauses for all. */
  readonly phase: number;
  readonly intent: string;
  readonly payload: (n: number) => unknown;
  /** Judges everything sent since the last audit, all of it ended, and has the actor forget it. */
  readonly audit: (sent: readonly Sent[]) => Promise<void>;
};

export async function watch(court: Court, of: Watch): Promise<void> {
  let next = 0;
  for (let forMs = AUDIT_EVERY_MS * of.phase; ; forMs = AUDIT_EVERY_MS) {
    const lane = new Lane({
      clock: systemClock,
      firstNumber: next,
      everyMs: of.everyMs,
      send: (n) => sendOne(court, of, n),
    });
    lane.onEnd((sent) => court.findings.ended(sent));
    const endPacing = systemClock.every(PACE_MS, () => lane.tick());
    lane.start();
    const untilMs = systemClock.nowMs() + forMs;
    while (!court.isEnding() && systemClock.nowMs() < untilMs) await systemClock.after(LOOK_EVERY_MS);
    await lane.stop();
    endPacing();
    next = lane.nextNumber;
    if (!(await isAudited(court, of, lane.take())) || court.isEnding()) return;
  }
}

/** False: it is not heard of any more, which is a finding of its own. */
async function isAudited({ findings }: Court, { audit }: Watch, sent: readonly Sent[]): Promise<boolean> {
  try {
    await audit(sent);
    return true;
  } catch (error) {
    if (!(error instanceof Silent)) throw error;
    findings.silent.push(error.message);
    return false;
  }
}

async function sendOne(
  { cell, findings, letters }: Court,
  { path, intent, payload }: Watch,
  n: number,
): Promise<{ readonly life: string }> {
  let id = "";
  const onSent = (sent: string) => {
    id = sent;
  };
  findings.sent += 1;
  try {
    const { value } = await cell.request(path, intent, payload(n), { timeoutMs: DEADLINE_MS, onSent });
    findings.answered += 1;
    letters.told(id, path, "answered");
    return { life: lifeOf(value) };
  } catch (error) {
    if (error instanceof CellError) letters.told(id, path, error.code);
    throw error;
  }
}

function lifeOf(value: unknown): string {
  const life: unknown = Reflect.get(Object(value), "life");
  if (typeof life !== "string") throw new TypeError("the answer names no life");
  return life;
}
