// How a drill shows on a terminal: its table, its progress, and what its words mean.
import type { Row } from "../drill/row.ts";
import { PROGRESS_MS, type Scenario } from "../drill/scenario.ts";
import { DISTURBED_FACTOR, DISTURBED_FLOOR_MS, SHADOW_MS } from "../drill/siblings.ts";
import type { TrialResult } from "../drill/trial.ts";
import type { Colors } from "./context.ts";
import { formatLatency } from "./duration.ts";
import type { Column } from "./render/table.ts";
import { plain } from "./render/text.ts";

export const DEFINITIONS = `The client sends numbered intents at fixed times, whether or not earlier ones were answered, and counts each from when it was due: one each 50 ms to the target and to each of four siblings, who take turns, and from the failure to the recovery one each 2 to 5 ms to the target while fewer than two wait. A recovery runs from the failure (the signal, or the intent that makes the actor fail, as it leaves) to the first answer of the incarnation that is there at the end, on the client's clock; for a broker or core that died, to the first answer after the last intent that failed. Of drift it runs from the foreign write, as that leaves the drill; of exhaustion from when the cell notices that memory has run out: what an actor takes to fill it is part of no recovery. Hangs have the time until they are noticed added to their budget: the actor's progress limit of ${PROGRESS_MS} ms and the interval of the looks. Treachery parks its actor: its recovery holds the refusal of a further intent with ACTOR_PARKED and the operator's start that follows at once; without that refusal there is none. Poison holds both deaths, and has the budget of two.
A cell that is drilled offers faults on demand. At layers 3 and 4 it also has no bound on how often kernel and process die, so that one cell serves many trials, and makes the process that stands by 50 ms after a recovery, not 500. A failure of layer 4 waits until that one stands by and the process has worked for a second, since those that die sooner are started later and later; kill-cold kills both. Where memory is to run out the node's heap is 256 MiB. Of a kernel that hangs or gets no memory the supervisors give up at the first failure, not at the eleventh within ten seconds.
lost      answered, but not in the actor's state at the end. A durable actor keeps everything that it answered. A volatile one goes back to the state before the intent that failed, when its process went on. When its own worker or process died it may go back to an earlier snapshot (shown as rolledBack in the JSON), and when its node died it starts fresh: there only what its present life answered counts.
doubled   in the state twice; or there though the client was told that it was not begun.
disturbed a sibling of which an intent failed, or whose p99 from the failure on (${SHADOW_MS} ms, or twice the recovery) is more than ${DISTURBED_FACTOR} times its p99 without failures, and ${DISTURBED_FLOOR_MS} ms more.
It exits with 1 when a budget is missed, when anything is lost, doubled, disturbed, not recovered, or never answered though an answer is promised, and when nothing of what was asked for by name can be drilled.`;

const CLEAR_LINE = "\r\u001b[2K";

export const nameOf = ({ layer, failure, kind, isolation, durable }: Scenario): string =>
  `${layer} ${failure}/${kind} ${isolation}${durable ? " durable" : ""}`;

export const progressLine = (
  scenario: Scenario,
  done: number,
  trials: number,
  { recoveryMs }: TrialResult,
): string => `${CLEAR_LINE}${nameOf(scenario)}  ${done} of ${trials}  ${ms(recoveryMs)}`;

export function scenarioLine(scenario: Scenario, row: Row): string {
  const name = nameOf(scenario).padEnd(44);
  if (row.state !== "drilled") return `${name}  ${row.state}: ${plain(row.reason)}`;
  const { recovered, trials, p50Ms, p99Ms, budgetMs, faults } = row;
  const figures = `${recovered} of ${trials}, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, budget ${budgetMs} ms`;
  return `${name}  ${figures}: ${faults.length === 0 ? "ok" : faults.join(", ")}`;
}

export function drillColumns(colors: Colors): readonly Column<Row>[] {
  const figure = (
    title: string,
    value: (row: Extract<Row, { state: "drilled" }>) => string,
  ): Column<Row> => ({
    title,
    align: "right",
    value: (row) => (row.state === "drilled" ? value(row) : ""),
  });
  const none = (value: number) => (value === 0 ? "0" : colors.red(String(value)));
  return [
    { title: "LAYER", value: ({ layer }) => layer },
    { title: "FAILURE", value: ({ failure, kind }) => (kind === "" ? failure : `${failure}/${kind}`) },
    {
      title: "ISOLATION",
      value: ({ isolation, durable }) =>
        isolation === undefined ? "-" : `${isolation}${durable === true ? ", durable" : ""}`,
    },
    figure("TRIALS", ({ trials }) => String(trials)),
    figure("RECOVERED", ({ recovered, trials }) =>
      recovered === trials ? String(recovered) : colors.red(String(recovered)),
    ),
    figure("P50", ({ p50Ms }) => ms(p50Ms)),
    figure("P99", ({ p99Ms, withinBudget }) => (withinBudget ? ms(p99Ms) : colors.red(ms(p99Ms)))),
    figure("MAX", ({ maxMs }) => ms(maxMs)),
    figure("BUDGET", ({ budgetMs }) => `${budgetMs} ms`),
    figure("LOST", ({ lost }) => none(lost)),
    figure("DOUBLED", ({ duplicated }) => none(duplicated)),
    figure("DISTURBED", ({ siblings, siblingsDisturbed }) =>
      siblings === 0 ? "-" : none(siblingsDisturbed),
    ),
    {
      title: "VERDICT",
      value: (row) => {
        if (row.state !== "drilled") return colors.dim(`${row.state}: ${plain(row.reason)}`);
        return row.faults.length === 0 ? colors.green("ok") : colors.red(row.faults.join(", "));
      },
    },
  ];
}

const ms = (value: number | null | undefined): string =>
  value === null || value === undefined ? "-" : formatLatency(value);
