// One point of `cell0 doctor`: what was looked at, and how to mend it.
import type { Colors } from "./context.ts";
import { padEnd, plain } from "./render/text.ts";

export type CheckResult = {
  readonly name: string;
  /** `note`: nothing to mend, but worth knowing. */
  readonly state: "ok" | "note" | "failed";
  readonly what: string;
  readonly remedy?: string;
};

export type CheckGroup = { readonly title: string; readonly checks: readonly CheckResult[] };

export const good = (name: string, what: string): CheckResult => ({ name, state: "ok", what });
export const note = (name: string, what: string): CheckResult => ({ name, state: "note", what });
export const bad = (name: string, what: string, remedy: string): CheckResult => ({
  name,
  state: "failed",
  what,
  remedy,
});

/** Whatever is thrown is that point's failure, and no other's. */
export async function checked(
  name: string,
  remedy: string,
  look: () => Promise<CheckResult> | CheckResult,
): Promise<CheckResult> {
  try {
    return await look();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const better = thrown instanceof Error && "remedy" in thrown ? String(thrown.remedy) : remedy;
    return bad(name, message, better);
  }
}

export function renderGroups(groups: readonly CheckGroup[], colors: Colors): string {
  const width = Math.max(...groups.flatMap(({ checks }) => checks.map(({ name }) => name.length)));
  const marks = { ok: colors.green("ok  "), note: colors.yellow("note"), failed: colors.red("FAIL") };
  const lines = groups.flatMap(({ title, checks }) => [
    colors.bold(title),
    ...checks.flatMap(({ name, state, what, remedy }) => [
      `  ${marks[state]}  ${padEnd(name, width)}  ${plain(what)}`,
      ...(remedy === undefined
        ? []
        : [`        ${" ".repeat(width)}  ${colors.cyan("mend:")} ${plain(remedy)}`]),
    ]),
    "",
  ]);
  const failed = groups.flatMap(({ checks }) => checks).filter(({ state }) => state === "failed").length;
  const verdict =
    failed === 0
      ? colors.green("Nothing to mend.")
      : colors.red(`${failed} ${failed === 1 ? "point" : "points"} to mend.`);
  return [...lines, verdict].join("\n");
}
