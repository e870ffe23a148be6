// The judge's process as chaos sees it: started, asked to poison, asked for its verdict.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { OwnCell } from "../../src/drill/cell.ts";
import { POISONOUS } from "./letters.ts";
import type { Verdict } from "./verdict.ts";

export type JudgeHandle = {
  /** What it counted so far, by name. */
  progress(): Readonly<Record<string, number>>;
  /** Has it send an intent that kills each life of the actor; rejects unless it was told that this is poison. */
  poison(path: string): Promise<void>;
  /** When nothing is killed any more: it asks every actor once more. */
  verdict(): Promise<Verdict>;
  end(): void;
};

const VERDICT_WITHIN_MS = 600_000;

export type JudgeOptions = {
  readonly form: "durable" | "volatile";
  readonly everyMs: number;
  readonly settleMs: number;
};

export async function startJudge(
  { operatorCreds, brokerAuthority }: OwnCell,
  { form, everyMs, settleMs }: JudgeOptions,
): Promise<JudgeHandle> {
  const judge = fork(
    join(import.meta.dirname, "judge-process.ts"),
    [operatorCreds, brokerAuthority, form, String(everyMs), String(settleMs)],
    { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  await new Promise<void>((resolve, reject) => {
    judge.once("message", () => resolve());
    judge.once("exit", (code) => reject(new Error(`the judge ended with ${code}`)));
  });
  let progress: Record<string, number> = {};
  let turns = 0;
  const poisonings = new Map<number, (told: string) => void>();
  judge.on("message", (message) => {
    const { type, turn, told, progress: counts } = Object(message);
    if (type === "progress") progress = { ...counts };
    if (type !== "poisoned") return;
    poisonings.get(turn)?.(String(told));
    poisonings.delete(turn);
  });
  return {
    progress: () => progress,
    async poison(path) {
      turns += 1;
      const { promise, resolve } = Promise.withResolvers<string>();
      poisonings.set(turns, resolve);
      judge.send({ type: "poison", path, turn: turns });
      const told = await promise;
      if (told !== POISONOUS) throw new Error(`its sender was told ${told}`);
    },
    verdict: () => verdictOf(judge),
    end: () => void judge.kill("SIGKILL"),
  };
}

async function verdictOf(judge: ChildProcess): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
  const timer = setTimeout(() => reject(new Error("the judge comes to no end")), VERDICT_WITHIN_MS);
  judge.on("message", (message) => {
    const { type, verdict } = Object(message);
    if (type === "verdict") resolve(verdict);
  });
  judge.once("exit", (code) => reject(new Error(`the judge ended with ${code}`)));
  judge.send({ type: "end" });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
