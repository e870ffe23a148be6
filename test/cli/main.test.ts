import { describe, expect, it } from "vitest";
import { commandTable } from "../../src/cli/commands.ts";
import { documentationOf } from "../../src/cli/documented.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { fakeTerminal, run } from "./fake-terminal.ts";

describe("the command line", () => {
  it.each<[string, string[], RegExp]>([
    [
      "an unknown command names the nearest one",
      ["aply"],
      /^CLI_USAGE: unknown command 'aply'; did you mean apply\?\n$/,
    ],
    ["an unknown option names the nearest one", ["send", "--prority", "low"], /did you mean --priority\?/],
    ["a missing argument is named", ["apply"], /missing required argument 'files'/],
    ["a subcommand is missing", ["get"], /CLI_USAGE: a subcommand is missing/],
    ["a duration without a unit", ["--timeout", "5", "send", "a", "b"], /A duration is a number and a unit/],
    ["a duration of nothing", ["--timeout", "0s", "send", "a", "b"], /It is 1ms to 3650d/],
    ["a concurrency of none", ["send", "a", "b", "--concurrency", "0"], /from 1 to 1024/],
    [
      "a priority that does not exist",
      ["send", "a", "b", "--priority", "urgent"],
      /Allowed choices are critical/,
    ],
    ["a revision that is no number", ["rollback", "one"], /A revision is a number from 1/],
    ["an event kind that is misspelt", ["watch", "--kind", "actorCrash"], /Did you mean actorCrashed\?/],
    ["shards beyond the last", ["node", "add", "b", "--shards", "0-256"], /within 0 to 255/],
    ["shards named twice", ["node", "add", "b", "--shards", "0-10,10-20"], /named twice/],
    ["two payloads", ["send", "a", "b", "{}", "--file", "x"], /give the payload once/],
  ])("answers %s with 2", async (_what, argv, message) => {
    const { exitCode, err, out } = await run(argv);
    expect(err).toMatch(message);
    expect(exitCode).toBe(2);
    expect(out).toBe("");
  });

  it("prints errors as JSON on standard error with --json", async () => {
    const { exitCode, err, out } = await run(["--json", "aply"]);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: "CLI_USAGE",
        message: "unknown command 'aply'",
        remedy: "did you mean apply?",
        retryable: false,
        retry: "never",
      },
    });
    expect([exitCode, out]).toEqual([2, ""]);
  });

  it("prints help and succeeds when nothing is asked", async () => {
    const { exitCode, out } = await run([]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/Usage: cell0 COMMAND/);
  });

  it("says where there is no cell, and how to make one, with 4", async () => {
    const { exitCode, err } = await run(["--data-dir", "/nowhere/at/all", "get", "tree"]);
    expect(exitCode).toBe(4);
    expect(err).toBe(
      "CELL_NOT_FOUND: there is no cell in this directory; /nowhere/at/all; Start one with `cell0 up`, or name its directory with `--data-dir`.\n",
    );
  });

  it("finds the data directory in CELL0_DATA_DIR", async () => {
    const { err } = await run(["get", "tree"], { env: { CELL0_DATA_DIR: "/from/the/environment" } });
    expect(err).toContain("/from/the/environment");
  });

  it("shows versions for --version", async () => {
    const { exitCode, out } = await run(["--version"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^cell0 +\d+\.\d+\.\d+/);
  });
});

describe("every command", async () => {
  const program = await buildProgram(fakeTerminal().terminal, () => true);

  it("of the table is there, under its name", () => {
    expect(program.commands.map((command) => command.name())).toEqual(commandTable.map(({ name }) => name));
  });

  const all = program.commands.flatMap((command) => [
    { words: [command.name()], command },
    ...command.commands.map((each) => ({ words: [command.name(), each.name()], command: each })),
  ]);

  it.each(all.map(({ words, command }) => [words.join(" "), words, command] as const))(
    "cell0 %s has help with an example and exit codes",
    async (_name, words, command) => {
      const { exitCode, out } = await run([...words, "--help"]);
      expect(exitCode).toBe(0);
      expect(out).toMatch(/\nExamples?:\n/);
      expect(out).toMatch(/\nExit codes:\n {4}0 {2}done\n/);
      expect(out).toContain("--json");
      expect(command.description()).not.toBe("");
      expect(documentationOf(command)?.examples.length).toBeGreaterThan(0);
    },
  );
});
