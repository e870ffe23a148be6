import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import { ParkedActors } from "../../src/runtime/parked-actors.ts";
import type { Parked } from "../../src/supervisor/supervisor-state.ts";

let directory: string;
let problems: CellError[];
let now: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cell0-parked-"));
  problems = [];
  now = 1_000_000_000;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (): ParkedActors =>
  new ParkedActors({ directory, now: () => now, onProblem: (error) => problems.push(error) });
const because = (message: string): Parked => ({
  failure: { class: "hang", name: "ProcessDied", message, origin: "kernel", rootActor: "shop/a" },
  atUnixMs: 7,
});

describe("what is parked", () => {
  test("is parked in the next process too, with its reason", () => {
    open().set("shop/a", because("it spins"));
    const later = open();
    expect(later.get("shop/a")).toEqual(because("it spins"));
    expect(later.refusal("shop/a")).toMatchObject({ code: "ACTOR_PARKED", where: "shop/a" });
    expect(problems).toEqual([]);
  });

  test("is free in the next process once it was started, and it is known when", () => {
    const parked = open();
    parked.set("shop/a", because("it spins"));
    parked.delete("shop/a");
    expect(open().get("shop/a")).toBeUndefined();
    expect(open().freedAtUnixMs("shop/a")).toBe(now);
    now += 3_600_000;
    expect(open().freedAtUnixMs("shop/a")).toBeUndefined();
    expect(readdirSync(join(directory, "shop"))).toEqual([]);
  });

  test("says so to who sends to what stands below it, and to nobody else", () => {
    const parked = open();
    parked.set("shop/group", because("it fails"));
    expect(parked.refusal("shop/group/m1")).toMatchObject({ code: "ACTOR_PARKED", where: "shop/group/m1" });
    expect(parked.refusal("shop/groups")).toBeUndefined();
    expect(parked.refusal("shop")).toBeUndefined();
  });

  test("stays down when its file is damaged, and no other is", () => {
    const parked = open();
    parked.set("shop/a", because("it spins"));
    parked.set("shop/a/b", because("it spins"));
    writeFileSync(join(directory, "shop", "a.json"), "{");
    const later = open();
    expect(later.get("shop/a")?.failure.class).toBe("corruption");
    expect(later.get("shop/a/b")).toEqual(because("it spins"));
    expect(problems.map(({ code }) => code)).toEqual(["CELL_PARKED_UNREADABLE"]);
  });

  test("is parked in this process at least when the disk takes nothing, on record", () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "a file in the way");
    const parked = open();
    parked.set("shop/a", because("it spins"));
    expect(parked.get("shop/a")).toEqual(because("it spins"));
    expect(problems.map(({ code }) => code)).toContain("CELL_PARKED_UNREADABLE");
  });

  test("ends with the process when it is one of the node's own actors, which could not be freed otherwise", () => {
    open().set("kernel/a/registry", because("poison"));
    expect(open().get("kernel/a/registry")).toBeUndefined();
  });
});
