import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./fake-terminal.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-completion-"));
  await writeFile(join(directory, "bash"), (await run(["completion", "bash"])).out);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What bash offers for the last word. */
function offered(...words: string[]): readonly string[] {
  const quoted = ["cell0", ...words].map((word) => `'${word}'`).join(" ");
  const script = `source "$1"; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _cell0; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["-c", script, "bash", join(directory, "bash")], { encoding: "utf8" });
  return out.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it.each<[string, string[], string[]]>([
    ["commands", ["re"], ["restart", "restore"]],
    ["subcommands", ["get", "a"], ["actors", "actor"]],
    ["options of a command", ["apply", "--p"], ["--prune"]],
    ["global options everywhere", ["get", "tree", "--js"], ["--json"]],
    ["choices of an option", ["send", "--priority", "h"], ["high"]],
    ["choices of an argument", ["completion", ""], ["bash", "zsh", "fish"]],
    ["file names, by offering nothing itself", ["apply", "gra"], []],
  ])("offers %s", (_what, words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });
});

describe("completion scripts", () => {
  it.each(["zsh", "fish"])("for %s name every command and quote what they say of it", async (shell) => {
    const { out, exitCode } = await run(["completion", shell]);
    expect(exitCode).toBe(0);
    for (const word of ["apply", "principals", "--concurrency", "revoke"]) {
      expect(out).toContain(shell === "fish" ? word.replace(/^--/, "-l ") : word);
    }
    const unescaped = out.replaceAll("'\\''", "");
    expect(unescaped.split("'").length % 2).toBe(1);
  });

  it("refuse a shell that they do not know", async () => {
    expect((await run(["completion", "csh"])).exitCode).toBe(2);
  });
});
