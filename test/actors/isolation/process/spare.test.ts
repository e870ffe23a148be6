// A spare is held by the very same things as a process that is started for its actor,
// holds nothing of any actor, and is used once. Linux only.
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createIsolation, type Isolation } from "../../../../src/actors/isolation/isolation.ts";
import { FIXTURES, type Housed, housed } from "../housed.ts";

const codeRoot = join(tmpdir(), `cell0-code-spare-${process.pid}`);
let house: Isolation;
const running: Housed[] = [];
beforeAll(() => {
  house = createIsolation(codeRoot);
});
afterAll(async () => {
  for (const { host } of running) await host.kill();
  await house.close();
  await rm(codeRoot, { recursive: true, force: true });
});

const start = async (path: string): Promise<{ readonly actor: Housed; readonly pid: number }> => {
  const behaviour = { module: join(FIXTURES, "escape.ts"), export: "fugitive" };
  const actor = await housed({ isolation: "process", house, spec: { path, behaviour } });
  running.push(actor);
  return { actor, pid: Number(await look(actor, "pid")) };
};
async function look(actor: Housed, what: string): Promise<unknown> {
  const { values, error } = await actor.ask("look", { what, arg: "" }, 20_000);
  if (error !== undefined) throw error;
  return Reflect.get(Object(Reflect.get(Object(values[0]), "got")), "done");
}

const text = (pid: number, name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");
/** Processes of this house, by the folder that their code is put into. */
const processes = (): number[] =>
  readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    try {
      const isOne = text(pid, "cmdline").includes(`--allow-fs-read=${codeRoot}/`) && text(pid, "comm") !== "";
      return isOne && text(pid, "cmdline").split("\0")[0] === process.execPath ? [pid] : [];
    } catch {
      return [];
    }
  });

/** Flags, identity, privileges and limits, without what is each one's own. */
function held(pid: number): Readonly<Record<string, unknown>> {
  const own = new Set<string>();
  const status = text(pid, "status");
  for (const [, id = ""] of status.matchAll(/^[UG]id:\s+(\d+)/gm)) own.add(id);
  const flags = text(pid, "cmdline")
    .split("\0")
    .map((word) => (word.includes(codeRoot) ? "its slot" : word));
  const rows = (source: string, names: RegExp): string[] =>
    source
      .split("\n")
      .filter((line) => names.test(line))
      .map((line) => line.replace(/\b\d{5}\b/g, (id) => (own.has(id) ? "its user" : id)));
  return {
    flags,
    environment: text(pid, "environ"),
    status: rows(status, /^(?:Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap\w+):/),
    // How far its memory may grow is counted from what it has when it is loaded.
    limits: rows(text(pid, "limits"), /^Max (?!data size)/),
    grows: !/^Max data size\s+unlimited/m.test(text(pid, "limits")),
  };
}

test.runIf(process.platform === "linux")(
  "a spare becomes an actor under all that holds a cold one",
  async () => {
    const cold = await start("test/cold");
    const spares = async (): Promise<number[]> =>
      await vi.waitFor(
        () => {
          const found = processes().filter((pid) => pid !== cold.pid);
          expect(found).toHaveLength(2);
          expect(found.map((pid) => held(pid).grows)).toEqual([held(cold.pid).grows, held(cold.pid).grows]);
          return found;
        },
        { timeout: 20_000, interval: 50 },
      );
    const waiting = await spares();
    const warm = await start("test/warm");
    expect(waiting).toContain(warm.pid);
    expect(held(warm.pid)).toEqual(held(cold.pid));
    for (const what of ["environment", "arguments", "permissions", "descriptors"]) {
      expect(await look(warm.actor, what), what).toEqual(await look(cold.actor, what));
    }
    // It is used once: another takes its place, and ends with the house.
    await warm.actor.host.kill();
    const next = await start("test/next");
    expect(next.pid).not.toBe(warm.pid);
  },
);
