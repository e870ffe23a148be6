// Aligned columns without rules or borders, for people and for awk.
import type { Colors } from "../context.ts";
import { padEnd, padStart, widthOf } from "./text.ts";

export type Column<T> = {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: "left" | "right";
};

const GAP = "  ";

/** Lines without trailing spaces; an empty list gives the heading alone. */
export function renderTable<T>(rows: readonly T[], columns: readonly Column<T>[], colors: Colors): string {
  const cells = [
    columns.map(({ title }) => colors.dim(title)),
    ...rows.map((row) => columns.map(({ value }) => value(row))),
  ];
  return alignRows(
    cells,
    columns.map(({ align }) => align ?? "left"),
  ).join("\n");
}

export function alignRows(
  rows: readonly (readonly string[])[],
  aligns: readonly ("left" | "right")[],
): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, at) => (aligns[at] === "right" ? padStart : padEnd)(cell, widths[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}
