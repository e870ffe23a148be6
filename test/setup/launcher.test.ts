import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { candidatesOnPath, withoutLocalBin } from "../../scripts/setup/command.mjs";

const root = join(import.meta.dirname, "..", "..");
const nodes = await describeNodes();
let folder: string;
let launcher: string;

beforeEach(() => {
  // A package as it is installed: dist and no src, its dependency hoisted beside it.
  folder = mkdtempSync(join(tmpdir(), "cell0-launcher-"));
  const home = join(folder, "node_modules", "cell0");
  mkdirSync(join(home, "bin"), { recursive: true });
  mkdirSync(join(home, "dist", "cli"), { recursive: true });
  launcher = join(home, "bin", "cell0.mjs");
  cpSync(join(root, "bin", "cell0.mjs"), launcher);
  writeFileSync(join(home, "package.json"), JSON.stringify({ name: "cell0", type: "module" }));
  symlinkSync(join(root, "node_modules", "node"), join(folder, "node_modules", "node"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function commandLine(body: string): void {
  writeFileSync(
    join(folder, "node_modules", "cell0", "dist", "cli", "main.js"),
    `export async function main(argv) { ${body} }`,
  );
}

describe.each(nodes)("started by $title", ({ node }) => {
  test("the command line runs on Node 26 or newer, and gets the arguments", async () => {
    commandLine("console.log(JSON.stringify([process.versions.node, argv])); return 0;");
    const { stdout } = await promisify(execFile)(node, [launcher, "up", "--data-dir", "a b"]);
    const [version, argv] = JSON.parse(stdout);
    expect(Number(version.split(".")[0])).toBeGreaterThanOrEqual(26);
    expect(argv).toEqual(["up", "--data-dir", "a b"]);
  });

  test("its exit code is kept", async () => {
    commandLine("return 42;");
    await expect(promisify(execFile)(node, [launcher])).rejects.toMatchObject({ code: 42 });
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s reaches it", async (signal) => {
    commandLine(
      `const { promise, resolve } = Promise.withResolvers();
       const alive = setInterval(() => {}, 1000);
       process.once("${signal}", () => { clearInterval(alive); resolve(7); });
       console.log("ready");
       return promise;`,
    );
    const child = spawn(node, [launcher], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill(signal);
    expect((await once(child, "exit"))[0]).toBe(7);
  });
});

test.skipIf(nodes.length < 2)("an older Node without the dependency says what to do", async () => {
  rmSync(join(folder, "node_modules", "node"));
  const older = nodes.at(-1)?.node ?? "";
  await expect(promisify(execFile)(older, [launcher])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^SETUP_NODE_RUNTIME_MISSING: .*what to do: /),
  });
});

test("a package without its dist says what to do", async () => {
  await expect(promisify(execFile)(process.execPath, [launcher])).rejects.toMatchObject({
    stderr: expect.stringMatching(/^SETUP_NOT_BUILT: /),
  });
});

/** This Node, and an older one if the machine has one. */
async function describeNodes(): Promise<{ title: string; node: string }[]> {
  const found = [{ title: "Node 26 itself", node: process.execPath }];
  for (const node of candidatesOnPath("node", withoutLocalBin(process.env)).filter((path) =>
    existsSync(path),
  )) {
    const { stdout } = await promisify(execFile)(node, ["--version"]);
    if (Number(/\d+/.exec(stdout)?.[0]) >= 26) continue;
    return [...found, { title: `an older Node (${stdout.trim()})`, node }];
  }
  return found;
}
