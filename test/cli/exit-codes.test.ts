import { describe, expect, it } from "vitest";
import { formatError, toCellError } from "../../src/cli/error-output.ts";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import type { ErrorCode } from "../../src/errors/registry.ts";

const here = (code: ErrorCode) => exitCodeOf(new CellError(code));
const fromCell = (code: ErrorCode) =>
  exitCodeOf(new CellError(code, undefined, { details: { remote: true } }));

describe("the exit code", () => {
  it.each<[ErrorCode, number, number]>([
    // code, found out here, answered by the cell
    ["CLI_USAGE", 2, 3],
    ["CLI_INTERNAL", 70, 70],
    ["CLI_INTERRUPTED", 130, 130],
    ["CLI_NOT_CONFIRMED", 1, 1],
    ["CLI_TARGET_UNKNOWN", 3, 3],
    ["CELL_NOT_FOUND", 4, 4],
    ["CELL_KEY_DAMAGED", 2, 3],
    ["CELL_REVISION_CONFLICT", 3, 3],
    ["BROKER_UNREACHABLE", 4, 4],
    ["BROKER_NO_RESPONDERS", 4, 4],
    ["ACTOR_DEADLINE_EXCEEDED", 4, 4],
    ["ACTOR_NOT_FOUND", 3, 3],
    ["AUTHORITY_INTENT_FORBIDDEN", 3, 3],
    ["ACTOR_MAILBOX_FULL", 3, 3],
  ])("of %s is %i here and %i from the cell", (code, local, remote) => {
    expect([here(code), fromCell(code)]).toEqual([local, remote]);
  });
});

describe("an error's text", () => {
  it("is code, what, where and what to do, the absent parts left out", () => {
    expect(formatError({ code: "A_B", message: "it broke", where: "here", remedy: "mend it" })).toBe(
      "A_B: it broke; here; mend it",
    );
    expect(formatError({ code: "A_B", message: "it broke", remedy: "mend it" })).toBe(
      "A_B: it broke; mend it",
    );
  });

  it("is coded for errors of the file system", () => {
    const error = Object.assign(new Error("ENOENT: no such file or directory, open '/x'"), {
      code: "ENOENT",
      path: "/x",
    });
    expect(toCellError(error)).toMatchObject({ code: "CLI_FILE_UNREADABLE", where: "/x" });
  });

  it("is CLI_INTERNAL for what nobody foresaw", () => {
    expect(toCellError(new TypeError("x is undefined"))).toMatchObject({
      code: "CLI_INTERNAL",
      message: "x is undefined",
    });
  });
});
