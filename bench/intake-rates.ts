// Signed and authorised requests to a cell beside unsigned ones over NATS alone and in Moleculer.
// Each pair has a caller and a responder in a process of its own and a broker in a third; they take
// turns in short rounds, so that whatever else the machine does falls on all of them alike.
import type { BenchCell } from "./bench-cell.ts";
import { chainsOf } from "./chains.ts";
import type { RunResult } from "./contender.ts";
import { heading, latenciesOf, line, median, ms, rate, spread } from "./figures.ts";
import { type Caller, type Owned, startCaller, startPlainBroker, startResponder } from "./peers.ts";

const ROUNDS = 7;
const BUSY = { concurrency: 64, durationMs: 1_500 };
const ALONE = { concurrency: 1, durationMs: 1_000 };
/** Both sides are compiled by then. */
const WARM_UP = { concurrency: 64, durationMs: 4_000 };
/** What the issue aims at: a request alone costs no more than this beyond NATS's. */
const AIM_BEYOND_RAW_MS = 0.35;

/** The first two are what the others are compared with. */
const NAMES = [
  "NATS request/reply",
  "Moleculer",
  "by grant",
  "by token, 1 link",
  "by token, 3 links",
] as const;
type Name = (typeof NAMES)[number];
type Results = ReadonlyMap<Name, readonly RunResult[]>;

export async function measureRates(cell: BenchCell): Promise<void> {
  const owned: Owned[] = [];
  const keep = <T extends Owned>(each: T): T => {
    owned.unshift(each);
    return each;
  };
  try {
    const { url } = keep(await startPlainBroker());
    for (const name of ["nats", "moleculer"] as const) keep(await startResponder(name, url));
    const [one, three] = await chainsOf(cell, [1, 3]);
    const callers: Readonly<Record<Name, Caller>> = {
      "NATS request/reply": keep(await startCaller("nats", url)),
      Moleculer: keep(await startCaller("moleculer", url)),
      "by grant": keep(await startCaller("cell0", cell.identity)),
      "by token, 1 link": keep(await startCaller("cell0", cell.identity, one)),
      "by token, 3 links": keep(await startCaller("cell0", cell.identity, three)),
    };
    for (const name of NAMES) await callers[name].run(WARM_UP);
    printBusy(await takeTurns(callers, BUSY));
    printAlone(await takeTurns(callers, ALONE));
  } finally {
    for (const each of owned) await each.stop();
  }
}

async function takeTurns(
  callers: Readonly<Record<Name, Caller>>,
  order: { readonly concurrency: number; readonly durationMs: number },
): Promise<Results> {
  const results = new Map(NAMES.map((name): [Name, RunResult[]] => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    // Each comes first once in a while.
    for (const [at] of NAMES.entries()) {
      const name = NAMES[(at + round) % NAMES.length] ?? NAMES[0];
      results.get(name)?.push(await callers[name].run(order));
    }
  }
  return results;
}

const ratesOf = (results: Results, name: Name): readonly number[] =>
  (results.get(name) ?? []).map(({ count, elapsedMs }) => count / (elapsedMs / 1000));

const latencies = (results: Results, name: Name) =>
  latenciesOf((results.get(name) ?? []).flatMap(({ samplesMs }) => samplesMs));

function printBusy(results: Results): void {
  heading(
    `${BUSY.concurrency} in flight: median of ${ROUNDS} rounds of ${BUSY.durationMs / 1000} s taken in turns, lowest and highest; ratios of the same round`,
  );
  for (const name of NAMES) {
    const rates = ratesOf(results, name);
    const ratio = (to: Name) => {
      const peers = ratesOf(results, to);
      return median(rates.map((each, round) => each / (peers[round] ?? Number.NaN))).toFixed(2);
    };
    const { p50Ms, p99Ms } = latencies(results, name);
    line(
      labelOf(name),
      `${rate(median(rates))} (${spread(rates, rate)})  p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`,
    );
    if (isPeer(name)) continue;
    const toMoleculer = ratio("Moleculer");
    line("", `x${ratio("NATS request/reply")} of NATS, x${toMoleculer} of Moleculer`);
  }
}

function printAlone(results: Results): void {
  heading(`one at a time: all samples of ${ROUNDS} rounds of ${ALONE.durationMs / 1000} s taken in turns`);
  const raw = latencies(results, "NATS request/reply");
  for (const name of NAMES) {
    const { p50Ms, p99Ms } = latencies(results, name);
    const beyond = (what: number, than: number) =>
      `NATS ${what < than ? "-" : "+"} ${ms(Math.abs(what - than))}`;
    const compared = isPeer(name)
      ? ""
      : `  (${beyond(p50Ms, raw.p50Ms)}, ${beyond(p99Ms, raw.p99Ms)}; aim + ${ms(AIM_BEYOND_RAW_MS)})`;
    line(labelOf(name), `p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}${compared}`);
  }
}

const isPeer = (name: Name): boolean => name === "NATS request/reply" || name === "Moleculer";

const labelOf = (name: Name): string =>
  isPeer(name) ? `${name}, unsigned` : `a cell, signed, authorised ${name}`;
