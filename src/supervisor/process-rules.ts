// Layer 4 of the resurrection matrix as the cradle is given it: what is left of each
// rule for a parent that starts processes again. The cradle itself reads no matrix.
import type { RestartRule, RestartRules } from "./cradle/restart-policy.ts";
import { type Answer, failureClasses, type ResurrectionMatrix } from "./matrix-rules.ts";

/** @param maxRestarts replaces the number of restarts of every rule, not its period */
export function processRules(layer: ResurrectionMatrix["process"], maxRestarts?: number): RestartRules {
  const rules = failureClasses.flatMap((failure) => {
    const rule = ruleOf(layer[failure], maxRestarts);
    return rule === undefined ? [] : [[failure, rule] as const];
  });
  return Object.fromEntries(rules);
}

/** Undefined: the process stays down. There is no supervisor's intensity to count by at this layer. */
function ruleOf(answer: Answer<"process">, maxRestarts: number | undefined): RestartRule | undefined {
  if (answer.kind !== "rule" || answer.action === "halt" || answer.counting === "intensity") return undefined;
  const { parkedAfter, counting } = answer;
  const { restarts, periodMs } = counting;
  return {
    restarts: maxRestarts ?? restarts,
    periodMs,
    ...(parkedAfter === undefined
      ? {}
      : { parkedAfter: { deaths: parkedAfter.deaths, periodMs: parkedAfter.periodMs } }),
  };
}
