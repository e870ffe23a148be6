// What a node has seen of its journals and commits is on its disk before anything follows.
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { actorMark, journalMark, type Marks, openMarks } from "../../../src/runtime/durable/marks.ts";
import { withDirectory } from "./durable-fixture.ts";

const hash = (byte: number) => byte.toString(16).padStart(2, "0").repeat(32);
const mark = (number: number) => ({ number, hash: hash(number % 256) });
const TILL = actorMark("books/till");

const withMarks = (
  work: (path: string, open: (spareLines?: number) => Marks, problems: unknown[]) => Promise<void>,
) =>
  withDirectory(async (directory) => {
    const path = join(directory, "marks");
    const problems: unknown[] = [];
    const opened: Marks[] = [];
    await work(
      path,
      (spareLines = 4_096) => {
        const marks = openMarks({ path, onProblem: (error) => problems.push(error), spareLines });
        opened.push(marks);
        return marks;
      },
      problems,
    );
    for (const marks of opened) marks.close();
  });

describe("a node's marks", () => {
  it("are on disk when noting them has resolved, without being closed", () =>
    withMarks(async (_path, open) => {
      const marks = open();
      await Promise.all([marks.note(TILL, mark(1)), marks.note(TILL, mark(2))]);
      await marks.note(journalMark(3), mark(7));
      const again = open();
      expect(again.get(TILL)).toEqual(mark(2));
      expect(again.get(journalMark(3))).toEqual(mark(7));
      expect(again.get(actorMark("books/other"))).toBeUndefined();
    }));

  it("write nothing once they are closed: their descriptor may be another file's by then", () =>
    withDirectory(async (directory) => {
      const path = join(directory, "marks");
      const marks = openMarks({ path, onProblem: (error) => expect.fail(String(error)) });
      await marks.note(TILL, mark(1));
      const underWay = marks.note(TILL, mark(2));
      marks.close();
      const other = openSync(join(directory, "other"), "w");
      await Promise.all([underWay, marks.note(TILL, mark(3))]);
      marks.close();
      writeSync(other, "its own");
      closeSync(other);
      expect(readFileSync(join(directory, "other"), "utf8")).toBe("its own");
      const again = openMarks({ path, onProblem: () => {} });
      expect(again.get(TILL)).toEqual(mark(2));
      again.close();
    }));

  it.each(["a:books/till 9", `a:books/till 9 ${hash(9).slice(0, 40)}`, "\u0000\u0000\u0000", "a:BOOKS 1 x"])(
    "pass over a last line that was cut short: %j",
    (line) =>
      withMarks(async (path, open) => {
        const marks = open();
        await marks.note(TILL, mark(1));
        appendFileSync(path, line);
        const again = open();
        expect(again.get(TILL)).toEqual(mark(1));
        await again.note(TILL, mark(2));
        expect(open().get(TILL)).toEqual(mark(2));
      }),
  );

  it("notice a line that was changed, once, and take none of it", () =>
    withDirectory(async (directory) => {
      const path = join(directory, "marks");
      const damage: string[] = [];
      const open = () =>
        openMarks({ path, onProblem: () => {}, expected: true, onDamage: (what) => damage.push(what) });
      const marks = open();
      for (const name of [TILL, journalMark(3)]) await marks.note(name, mark(17));
      marks.close();
      expect(damage.splice(0)).toEqual(["the file is gone"]);
      writeFileSync(path, readFileSync(path, "utf8").replace(" 17 ", " 16 "));
      const again = open();
      again.close();
      expect(damage).toEqual(["1 lines were changed"]);
      expect([again.get(TILL), again.get(journalMark(3))]).toEqual([undefined, mark(17)]);
      open().close();
      expect(damage).toHaveLength(1);
    }));

  it("are missed when the file is gone, but not by a node that never had any", () =>
    withDirectory(async (directory) => {
      const path = join(directory, "marks");
      const damage: string[] = [];
      const open = (expected: boolean) =>
        openMarks({ path, onProblem: () => {}, expected, onDamage: (what) => damage.push(what) }).close();
      open(false);
      expect(damage).toEqual([]);
      rmSync(path);
      open(true);
      expect(damage).toEqual(["the file is gone"]);
    }));

  it("are written anew before the file grows without bound, and say the same then", () =>
    withMarks(async (path, open) => {
      const marks = open(10);
      for (let number = 1; number <= 500; number++) {
        await marks.note(TILL, mark(number));
        await marks.note(journalMark(number % 3), mark(number));
        expect(marks.lines()).toBeLessThanOrEqual(4 * 4 + 10 + 1);
      }
      expect(readFileSync(path, "utf8").split("\n").length).toBeLessThanOrEqual(4 * 4 + 10 + 2);
      expect(existsSync(`${path}.new`)).toBe(false);
      const again = open();
      expect(again.get(TILL)).toEqual(mark(500));
      expect([0, 1, 2].map((shard) => again.get(journalMark(shard))?.number)).toEqual([498, 499, 500]);
    }));

  it("ignore what a death in the middle of that left", () =>
    withMarks(async (path, open) => {
      const marks = open(2);
      await marks.note(TILL, mark(3));
      writeFileSync(`${path}.new`, `${TILL} 1 ${hash(1)}\n`);
      expect(open().get(TILL)).toEqual(mark(3));
      for (let number = 4; number < 20; number++) await marks.note(TILL, mark(number));
      expect(open().get(TILL)).toEqual(mark(19));
    }));

  it("make up for a write that failed with the next one that does not, and say so once", () =>
    withMarks(async (path, open, problems) => {
      const marks = open(1);
      // The file can be appended to, but not be written anew.
      mkdirSync(`${path}.new`);
      for (let number = 1; number < 12; number++) await marks.note(TILL, mark(number));
      expect(problems).toHaveLength(1);
      rmSync(`${path}.new`, { recursive: true });
      await marks.note(journalMark(1), mark(1));
      const again = open();
      expect(again.get(TILL)).toEqual(mark(11));
      expect(again.get(journalMark(1))).toEqual(mark(1));
    }));
});
