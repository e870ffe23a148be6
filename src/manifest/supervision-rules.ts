// Rules of supervision that look at more than one field: what a strategy asks for, and who
// may be significant (EEP 56).
import type { AutoShutdown, RestartType, Strategy } from "./graph.ts";
import type { ProblemText } from "./yaml-document.ts";

export type FieldProblem = {
  readonly field: string;
  readonly at: "key" | "value";
  readonly text: ProblemText;
};

export type Supervising = {
  readonly strategy?: Strategy | undefined;
  readonly template?: unknown;
  readonly children?: readonly unknown[] | undefined;
};

export function supervisionProblems({ strategy, template, children = [] }: Supervising): FieldProblem[] {
  const isDynamic = strategy === "simple_one_for_one";
  const problems: FieldProblem[] = [];
  if (isDynamic && template === undefined) {
    const message = "`simple_one_for_one` makes its children from a template, and there is none";
    problems.push(unfit("strategy", "value", message, "`template` beside it"));
  }
  if (isDynamic && children.length > 0) {
    const message = "children of `simple_one_for_one` are started at run time";
    problems.push(unfit("children", "key", message, "no children beside a template"));
  }
  if (strategy !== undefined && !isDynamic && template !== undefined) {
    const message = `no child of \`${strategy}\` is made from a template`;
    problems.push(unfit("template", "key", message, "`strategy: simple_one_for_one`"));
  }
  return problems;
}

export type Significance = {
  readonly significant?: boolean | undefined;
  readonly restart?: RestartType | undefined;
};

/** @param autoShutdown of the supervisor above; undefined when that is not known to be good */
export function significanceProblems(
  { significant, restart }: Significance,
  autoShutdown: AutoShutdown | undefined,
): FieldProblem[] {
  if (significant !== true) return [];
  if (restart === "permanent") {
    const message = "a permanent child never ends by itself, so that it cannot be significant";
    return [unfit("significant", "key", message, "`restart: transient` or `restart: temporary`")];
  }
  if (autoShutdown !== "never") return [];
  const message = "the supervisor above never ends for a significant child";
  return [unfit("significant", "key", message, "`autoShutdown: any_significant` or `all_significant` there")];
}

const unfit = (field: string, at: "key" | "value", message: string, expected: string): FieldProblem => ({
  field,
  at,
  text: { code: "MANIFEST_INVALID_VALUE", message, expected },
});
