// What the judge has found so far: counts, and the story of each thing that speaks against
// the cell. A story names no more than what a reader needs to look for it in the logs.
import type { Judgement, Ledger } from "../../src/drill/judge.ts";
import type { Sent } from "../../src/drill/load.ts";
import type { Comparison } from "./books.ts";
import { MAX_NAMED, type Verdict } from "./verdict.ts";

export class Findings {
  sent = 0;
  answered = 0;
  unanswered = 0;
  slowestMs = 0;
  forwarded = 0;
  fired = 0;
  readonly lost: string[] = [];
  readonly duplicated: string[] = [];
  readonly disordered: string[] = [];
  /** Actors that were not heard of again. */
  readonly silent: string[] = [];
  readonly failed: Record<string, number> = {};

  ended({ dueMs, endedMs = dueMs }: Sent): void {
    this.slowestMs = Math.max(this.slowestMs, Math.round(endedMs - dueMs));
  }

  /** Of what a client sent an actor. */
  counted(path: string, sent: readonly Sent[], ledger: Ledger, found: Judgement): void {
    const story = (n: number): string => {
      const of = sent.find((each) => each.n === n);
      const told = of?.outcome.kind === "failed" ? of.outcome.code : (of?.outcome.kind ?? "sent before");
      const tookMs = Math.round((of?.endedMs ?? 0) - (of?.dueMs ?? 0));
      const times = ledger.applied.filter(([first, last]) => first <= n && n <= last).length;
      return `${path} ${n}: told ${told} after ${tookMs} ms, applied ${times} times`;
    };
    this.unanswered += found.unanswered.length;
    this.lost.push(...found.lost.map(story));
    this.duplicated.push(...found.duplicated.map(story));
    for (const [code, count] of Object.entries(found.failed)) {
      this.failed[code] = (this.failed[code] ?? 0) + count;
    }
  }

  /** Of what one actor sent another. */
  routed(from: string, to: string, { lost, doubled, disordered }: Comparison): void {
    const story = (n: number) => `${from} to ${to}, ${n}`;
    this.lost.push(...lost.map(story));
    this.duplicated.push(...doubled.map(story));
    this.disordered.push(...disordered.map(story));
  }

  counts() {
    const { sent, answered, unanswered, slowestMs, forwarded, fired } = this;
    return { sent, answered, unanswered, slowestMs, forwarded, fired };
  }

  named(): Pick<Verdict, "lost" | "duplicated" | "disordered" | "silent" | "failed"> {
    return {
      lost: this.lost.slice(0, MAX_NAMED),
      duplicated: this.duplicated.slice(0, MAX_NAMED),
      disordered: this.disordered.slice(0, MAX_NAMED),
      silent: this.silent,
      failed: this.failed,
    };
  }
}
