import { expect, test } from "vitest";
import { type Problem, renderProblem } from "../../src/manifest/problem.ts";

const problem = (excerpt: string, marked: string, extra: Partial<Problem> = {}): Problem => {
  const column = excerpt.indexOf(marked) + 1;
  const endColumn = column + marked.length;
  return {
    code: "MANIFEST_SYNTAX",
    message: "m",
    file: "f.yaml",
    line: 7,
    column,
    endColumn,
    excerpt,
    ...extra,
  };
};

const marksOf = (text: string): string => text.split("\n")[2] ?? "";

test("the offending text is underlined where a terminal shows it, after wide characters too", () => {
  expect(renderProblem(problem("名前: bad", "bad"))).toBe(
    "f.yaml:7:5: MANIFEST_SYNTAX: m\n  7 | 名前: bad\n    |       ^^^",
  );
});

test("a tab in the line takes one column", () => {
  expect(marksOf(renderProblem(problem("a:\tbad", "bad")))).toBe("    |    ^^^");
});

test("control characters of a manifest do not reach the terminal", () => {
  const shown = renderProblem(
    problem("a: \u001b[31m\u202ebad", "bad", { message: "no \u001b]0;x\u0007", suggestion: "\u009b" }),
  );
  expect(shown.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("a long line is cut around the offending text", () => {
  const line = `${"a".repeat(5000)}bad${"b".repeat(5000)}`;
  const [, shown = "", marks = ""] = renderProblem(problem(line, "bad")).split("\n");
  expect(shown.length).toBeLessThan(130);
  expect(shown.slice(marks.indexOf("^"), marks.lastIndexOf("^") + 1)).toBe("bad");
});

test("without colours nothing but text is written, with them the parts are wrapped", () => {
  const colors = {
    error: (text: string) => `<e>${text}</e>`,
    dim: (text: string) => text,
    bold: (text: string) => text,
  };
  expect(renderProblem(problem("a: bad", "bad"), colors)).toContain("<e>^^^</e>");
});

test("a problem of the whole file shows no line", () => {
  const whole = problem("", "", { line: 0, column: 0, endColumn: 0 });
  expect(renderProblem(whole)).toBe("f.yaml: MANIFEST_SYNTAX: m");
});
