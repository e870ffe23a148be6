// exec with real programs, and everything that could make one do something else.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { thisPlatform } from "../../../../src/actors/isolation/process/layers.ts";
import { findProgram } from "../../../../src/actors/kernel/tools/exec/argument-policy.ts";
import { confinement } from "../../../../src/actors/kernel/tools/exec/confine.ts";
import { performRun } from "../../../../src/actors/kernel/tools/exec/run-program.ts";
import { networkTrial } from "../../../../src/actors/kernel/tools/exec/try-network.ts";
import type { ExecGrant } from "../../../../src/manifest/tools.ts";
import { processorMs } from "../../../measure.ts";
import { execGrant, makeFolder, serve, startWorld, toolsOf, type World } from "./tool-world.ts";

const NO_NETWORK = { network: false, canCutOff: false };
const git = execGrant({
  program: "/usr/bin/git",
  args: [
    ["status", "--short"],
    ["log", "-n", { pattern: "[0-9]{1,3}" }],
    ["show", { pattern: "[0-9a-f]{7,40}" }],
    ["grep", { pattern: ".{1,80}" }],
  ],
});

describe("programs and arguments", () => {
  test.each<[string, readonly string[], boolean]>([
    ["/usr/bin/git", ["status", "--short"], true],
    ["git", ["status", "--short"], true],
    ["git", ["log", "-n", "10"], true],
    ["git", ["grep", "two words; $(rm -rf /)"], true],
    ["git", [], false],
    ["git", ["status"], false],
    ["git", ["status", "--short", "--short"], false],
    ["git", ["--short", "status"], false],
    ["git", ["status --short"], false],
    ["git", ["STATUS", "--short"], false],
    ["git", ["log", "-n", "1000"], false],
    ["git", ["log", "-n", ""], false],
    ["git", ["log", "-n", "1\n2"], false],
    ["git", ["log", "-n", " 1"], false],
    ["git", ["log", "-n", "١"], false],
    ["git", ["log", "-n1"], false],
    ["git", ["log", "-n", "1", "--output=/etc/passwd"], false],
    ["git", ["show", "--output=/etc/pass"], false],
    ["git", ["grep", "--open-files-in-pager=sh"], false],
    ["git", ["grep", "-O/bin/sh"], false],
    ["git", ["grep", "--"], false],
    ["git", ["grep", "a\u0007b"], false],
    ["git", ["push"], false],
    ["git", ["-c", "core.pager=sh", "status", "--short"], false],
    ["/bin/git", ["status", "--short"], false],
    ["./git", ["status", "--short"], false],
    ["/usr/bin/../bin/git", ["status", "--short"], false],
    ["/usr/bin//git", ["status", "--short"], false],
    ["bin/git", ["status", "--short"], false],
    ["it", ["status", "--short"], false],
    ["", ["status", "--short"], false],
    ["sh", ["-c", "git status"], false],
    ["rm", ["-rf", "/"], false],
  ])("%s %j: %s", (program, args, allowed) => {
    const found = findProgram("g/a", [git], program, args);
    expect(found.ok).toBe(allowed);
    if (!found.ok) expect(found.error.code).toBe("TOOL_NOT_GRANTED");
  });

  test("NUL and half characters are refused before any comparison", () => {
    for (const args of [
      ["status\0", "--short"],
      ["status", "\ud800"],
    ]) {
      expect(findProgram("g/a", [git], "git", args)).toMatchObject({
        error: { code: "TOOL_REQUEST_INVALID" },
      });
    }
  });

  test("a pattern of many repetitions is matched in linear time", () => {
    const slow = execGrant({ program: "/bin/x", args: [[{ pattern: "a*a*a*a*a*a*a*a*a*a*a*a*b" }]] });
    const ms = processorMs(() => expect(findProgram("g/a", [slow], "x", ["a".repeat(4_000)]).ok).toBe(false));
    expect(ms).toBeLessThan(500);
  });
});

describe("a program that runs", () => {
  let folder: { readonly path: string; remove(): Promise<void> };
  let worlds: World[] = [];
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(async () => {
    for (const each of worlds) await each.stop();
    worlds = [];
    await folder.remove();
  });
  async function world(...exec: readonly ExecGrant[]): Promise<World> {
    const made = await startWorld({ tools: toolsOf({ exec }) });
    worlds.push(made);
    return made;
  }
  const shell = (script: string, fields: Partial<ExecGrant> = {}) =>
    execGrant({ program: "/bin/sh", args: [["-c", script]], ...fields });
  const run = (script: string) => ({ program: "sh", args: ["-c", script] });

  test("answers with its outputs and exit code, whatever that is", async () => {
    const script = "echo out; echo err >&2; exit 3";
    const { call, events } = await world(shell(script));
    expect(await call("exec", run(script))).toEqual({
      exitCode: 3,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
      encoding: "text",
    });
    expect(events).toMatchObject([
      {
        kind: {
          case: "toolUsed",
          value: { tool: "exec", asked: `sh -c ${script}`, outcome: "exit 3", bytesIn: 8 },
        },
      },
    ]);
  });

  test("gets the words as they are: no shell reads them", async () => {
    const words = ["$(id)", "`id`", "; id", "| id", "* ?", "$HOME", '"', "'", ">x"];
    const { call } = await world(execGrant({ program: "/bin/echo", args: [words] }));
    expect(await call("exec", { program: "echo", args: words })).toMatchObject({
      stdout: `${words.join(" ")}\n`,
    });
  });

  test("sees no environment but its own", async () => {
    process.env.CELL0_TEST_SECRET = "leak";
    const { call } = await world(execGrant({ program: "/usr/bin/env", env: { GIT_PAGER: "cat" } }));
    const { stdout } = (await call("exec", { program: "env" })) as { stdout: string };
    delete process.env.CELL0_TEST_SECRET;
    expect(stdout.trim().split("\n").sort()).toEqual([
      "GIT_PAGER=cat",
      "HOME=/nonexistent",
      "LANG=C.UTF-8",
      "PATH=/usr/bin:/bin",
    ]);
  });

  test("gets no descriptor of the node's, and no input but what is granted", async () => {
    // Of what stands above 2: nothing but /dev/null, and the folder that ls reads.
    const script =
      "ls -l /proc/self/fd | grep -cE '(socket|pipe|anon_inode|[0-9]+ -> /dev/(pts|shm|kvm))'; cat";
    const { call, outcome } = await world(shell(script, { stdinBytes: 5 }));
    expect(await call("exec", { ...run(script), stdin: "given" })).toMatchObject({ stdout: "3\ngiven" });
    expect(await outcome("exec", { ...run(script), stdin: "longer" })).toBe("TOOL_TOO_LARGE");
  });

  test.runIf(process.getuid?.() === 0 && existsSync("/usr/bin/setpriv"))(
    "runs as a user of its own, without capabilities and without the way to new ones",
    async () => {
      const script =
        "id -u; id -g; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; cat /etc/shadow";
      const { call } = await world(shell(script));
      const reply = (await call("exec", run(script))) as { stdout: string; stderr: string };
      const [user] = reply.stdout.split("\n");
      expect(Number(user)).toBeGreaterThanOrEqual(61_184);
      expect(Number(user)).toBeLessThanOrEqual(65_519);
      expect(reply.stdout).toBe(
        `${user}\n${user}\n${user}\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n`,
      );
      expect(reply.stderr).toContain("Permission denied");
      writeFileSync(join(folder.path, "kept.txt"), "kept");
      const remove = `rm -f ${join(folder.path, "kept.txt")}; kill -9 ${process.pid}`;
      const other = await world(shell(remove));
      expect(await other.outcome("exec", run(remove))).toBe("ok");
      expect(readFileSync(join(folder.path, "kept.txt"), "utf8")).toBe("kept");
    },
  );

  test("has no network but by its grant, and every use says what is lacking", async () => {
    const { host, requests, close } = await serve((_, response) => response.end());
    const port = new URL(host).port;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    const bash = { program: "/bin/bash", args: [["-c", script]] };
    const { call, events } = await world(execGrant(bash));
    const canCutOff = await networkTrial(thisPlatform)();
    await call("exec", { program: "bash", args: ["-c", script] });
    expect(requests).toHaveLength(canCutOff ? 0 : 1);
    const [used] = events;
    const grant = used?.kind.case === "toolUsed" ? used.kind.value.grant : "";
    expect(grant?.includes("it keeps the node's network")).toBe(!canCutOff);
    const open = await world(execGrant({ ...bash, network: true }));
    await open.call("exec", { program: "bash", args: ["-c", script] });
    expect(requests).toHaveLength(canCutOff ? 1 : 2);
    await close();
  });

  test("is killed with all that it started when its time is over", async () => {
    const pids = join(folder.path, "pids");
    writeFileSync(pids, "");
    // Writable for whoever the program runs as.
    const { chmodSync } = await import("node:fs");
    chmodSync(folder.path, 0o755);
    chmodSync(pids, 0o666);
    const script = `sleep 60 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`;
    const { outcome, events } = await world(shell(script, { timeoutMs: 300 }));
    expect(await outcome("exec", run(script))).toBe("TOOL_TIMEOUT");
    const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
    expect(started).toHaveLength(2);
    for (const pid of started) await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { interval: 10 });
    expect(events).toMatchObject([
      { kind: { case: "toolUsed", value: { error: { code: "TOOL_TIMEOUT" } } } },
    ]);
  });

  test("what it leaves running in the background is killed at its end", async () => {
    const script = "sleep 60 & echo $!";
    const { call } = await world(shell(script));
    const { stdout } = (await call("exec", run(script))) as { stdout: string };
    await vi.waitFor(() => expect(isRunning(Number(stdout))).toBe(false), { interval: 10 });
  });

  test.runIf(process.getuid?.() === 0 && existsSync("/usr/bin/setpriv"))(
    "what made a session of its own is ended too, also while it holds the output open",
    async () => {
      const script = "setsid sleep 60 & echo $!; sleep 0.1";
      const { call } = await world(shell(script));
      const { stdout } = (await call("exec", run(script))) as { stdout: string };
      // Until the system has reaped it.
      await vi.waitFor(() => expect(isRunning(Number(stdout))).toBe(false));
    },
  );

  test.runIf(process.getuid?.() === 0 && existsSync("/usr/bin/setpriv"))(
    "two at a time are two users: one cannot signal the other, nor does the end of one end the other",
    async () => {
      const long = "echo $$; sleep 1; echo whole";
      const { call } = await world(shell(long), shell("true"), shell("kill -9 -1; true"));
      const first = call("exec", run(long));
      expect(await call("exec", run("kill -9 -1; true"))).toBeDefined();
      expect(await call("exec", run("true"))).toMatchObject({ exitCode: 0 });
      expect(await first).toMatchObject({ stdout: expect.stringContaining("whole") });
    },
  );

  test("where it keeps the node's user, what holds the output open holds up no answer", async () => {
    const script = "setsid sleep 60 & echo $!";
    const held = confinement({ name: "linux", isRoot: false, find: () => undefined }, NO_NETWORK);
    const users = { claim: async () => undefined, release: () => {} };
    const running = { grant: shell(script), args: ["-c", script], stdin: undefined, as: "text" as const };
    const started = performance.now();
    const { reply } = await performRun(running, { held, users }, new AbortController().signal);
    expect(performance.now() - started).toBeLessThan(30_000);
    process.kill(Number(reply.stdout), "SIGKILL");
  });

  test("without a user of its own for it nothing is run", async () => {
    const held = confinement({ name: "linux", isRoot: true, find: (name) => `/usr/bin/${name}` }, NO_NETWORK);
    const users = { claim: async () => undefined, release: () => {} };
    const running = { grant: shell("id"), args: ["-c", "id"], stdin: undefined, as: "text" as const };
    await expect(performRun(running, { held, users }, new AbortController().signal)).rejects.toMatchObject({
      code: "TOOL_FAILED",
    });
  });

  test("that prints without end is killed at its bound", async () => {
    const { outcome } = await world(execGrant({ program: "/usr/bin/yes", maxOutputBytes: 10_000 }));
    expect(await outcome("exec", { program: "yes" })).toBe("TOOL_TOO_LARGE");
  });

  test("that is not there, or whose folder is not, is told", async () => {
    const { outcome } = await world(execGrant({ program: "/usr/bin/true", cwd: join(folder.path, "none") }));
    expect(await outcome("exec", { program: "true" })).toBe("TOOL_NOT_FOUND");
  });

  test("that a signal ends is told by the signal", async () => {
    const script = "kill -SEGV $$";
    const { call } = await world(shell(script));
    expect(await call("exec", run(script))).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
  });
});

describe("confinement", () => {
  const all = (program: string) => `/usr/bin/${program}`;
  const none = () => undefined;
  test.each([
    ["root on Linux", { name: "linux", isRoot: true, find: all }, true, []],
    [
      "root where no network can be made",
      { name: "linux", isRoot: true, find: all },
      false,
      ["it keeps the node's network"],
    ],
    [
      "a user on Linux",
      { name: "linux", isRoot: false, find: all },
      false,
      ["it keeps the node's network", "it runs as the node's user"],
    ],
    [
      "another system",
      { name: "darwin", isRoot: false, find: all },
      false,
      [
        "it keeps the node's network",
        "it keeps the node's privileges",
        "it runs as the node's user",
        "it has no resource limits",
      ],
    ],
    [
      "Linux without its tools",
      { name: "linux", isRoot: true, find: none },
      false,
      [
        "it keeps the node's network",
        "it keeps the node's privileges",
        "it runs as the node's user",
        "it has no resource limits",
      ],
    ],
  ] as const)("says what is lacking: %s", (_, platform, canCutOff, lacking) => {
    expect(confinement(platform, { network: false, canCutOff }).lacking).toEqual(lacking);
  });

  test("a granted network is lacking nothing, and is not cut off", () => {
    const { prefix, lacking } = confinement(
      { name: "linux", isRoot: true, find: all },
      { network: true, canCutOff: true },
    );
    expect(lacking).toEqual([]);
    expect(prefix(61_184)).not.toContain("--net");
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^[ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1] ?? "X");
  } catch {
    return false;
  }
}
