// A plan as text: what is added, changed, removed and restarted, and why.
import type {
  ApplyReport,
  ErrorRow,
  PlanChange,
  PlanReport,
  RevokedHolder,
} from "../../actors/kernel/reports.ts";
import type { Colors } from "../context.ts";
import { formatError } from "../error-output.ts";
import { counted, plain } from "./text.ts";

const MAX_VALUE_LENGTH = 120;
/** A grant is read whole before it is given. */
const GRANTED: ReadonlySet<string> = new Set(["grants", "tools"]);
const MAX_GRANT_LENGTH = 2_000;

export function renderPlan(plan: PlanReport, colors: Colors): string {
  const revoked = plan.revoked.map((holder) => renderRevoked(holder, colors));
  if (plan.changes.length === 0)
    return [...revoked, `Nothing to change: the cell is at revision ${plan.baseRevision}.`].join("\n");
  const lines = plan.changes.flatMap((change) => renderChange(change, colors));
  const end = `${summary(plan.changes)} against revision ${plan.baseRevision}.`;
  return [...lines, "", ...revoked, end].join("\n");
}

const renderRevoked = ({ kind, holder }: RevokedHolder, colors: Colors): string =>
  `${colors.red("!")} ${plain(holder)}  what it is granted was revoked; \`cell0 cap regrant --${kind} ${holder}\` grants it again`;

export function renderProblems(problems: readonly ErrorRow[], colors: Colors): string {
  return problems.map((problem) => colors.red(plain(formatError(problem)))).join("\n");
}

export function renderOutcome(report: ApplyReport, colors: Colors): string {
  const unsatisfied = report.unsatisfied.map(
    ({ path, reason }) => `${colors.red("!")} ${plain(path)}  ${plain(reason)}`,
  );
  const head = report.applied
    ? colors.green(`Applied as revision ${report.revision}.`)
    : report.problems.length === 0
      ? `Nothing changed: the cell is at revision ${report.revision}.`
      : colors.red(`Not applied: revision ${report.revision} still runs.`);
  const tail = unsatisfied.length === 0 ? [] : ["", "Not running as stated:", ...unsatisfied];
  return [head, ...tail].join("\n");
}

/** Whether somebody who has not looked at the plan may lose something by it. */
export const disturbs = (changes: readonly PlanChange[]): boolean =>
  changes.some(({ kind, restarts }) => kind === "removed" || restarts);

function summary(changes: readonly PlanChange[]): string {
  const count = (kind: PlanChange["kind"]) => changes.filter((change) => change.kind === kind).length;
  const restarted = changes.filter(({ restarts }) => restarts).length;
  const parts = [
    `${count("added")} added`,
    `${count("changed")} changed`,
    ...(count("moved") === 0 ? [] : [`${count("moved")} moved`]),
    `${count("removed")} removed`,
    `${counted(restarted, "restart")}`,
  ];
  return parts.join(", ");
}

function renderChange(change: PlanChange, colors: Colors): readonly string[] {
  const path = plain(change.path);
  const head = {
    added: colors.green(`+ ${path}`),
    changed: colors.yellow(`~ ${path}`),
    moved: colors.cyan(`> ${path}`),
    removed: colors.red(`- ${path}`),
  }[change.kind];
  const reason = change.reason === "" ? "" : plain(change.reason);
  const note = change.restarts
    ? colors.yellow(`restarts${reason === "" ? "" : `: ${reason}`}`)
    : colors.dim(reason);
  const fields = change.fields.map(
    ({ field, old, new: now }) =>
      `    ${plain(field)}: ${difference(old, now, GRANTED.has(field) ? MAX_GRANT_LENGTH : MAX_VALUE_LENGTH)}`,
  );
  return [note === "" || reason + String(change.restarts) === "false" ? head : `${head}  ${note}`, ...fields];
}

function difference(old: unknown, now: unknown, maxLength: number): string {
  if (old === undefined) return `${shown(now, maxLength)} (new)`;
  if (now === undefined) return `${shown(old, maxLength)} (gone)`;
  return `${shown(old, maxLength)} -> ${shown(now, maxLength)}`;
}

function shown(value: unknown, maxLength: number): string {
  const text = plain(JSON.stringify(value) ?? "nothing");
  return text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
}
