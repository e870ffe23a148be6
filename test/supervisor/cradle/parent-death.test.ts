// What is to die with its parent does not begin under another one: a parent that was killed
// while it started a broker left that running, on the port that its successor needs (chaos
// with seed 106, beside a busy machine).
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dyingWithParent } from "../../../src/supervisor/cradle/parent-death.ts";

const canDie = process.platform === "linux" && existsSync("/usr/bin/setpriv");

const ended = (command: string, args: readonly string[]): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code));
  });

describe.skipIf(!canDie)("a command that dies with its parent", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "cell0-parent-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const touching = (name: string) => {
    const file = join(directory, name);
    return { file, ...dyingWithParent({ command: "/usr/bin/env", args: ["touch", file] }) };
  };

  it("runs under the process that starts it, with its arguments as they are", async () => {
    const { file, command, args } = touching(`a "quoted" $name`);
    expect(await ended(command, args)).toBe(0);
    expect(existsSync(file)).toBe(true);
  });

  it("does not begin under another one, as when its own died meanwhile", async () => {
    const { file, command, args } = touching("never");
    const code = await ended("/bin/sh", ["-c", '"$@"; exit $?', "sh", command, ...args]);
    expect(code).toBe(1);
    expect(existsSync(file)).toBe(false);
  });
});
