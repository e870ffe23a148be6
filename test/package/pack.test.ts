// The package as its users get it: packed, installed into an empty folder, and used from there
// by whatever Node the machine has.
import { type ExecFileOptions, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withoutLocalBin } from "../../scripts/setup/command.mjs";
import { findNatsServer } from "../../scripts/setup/nats-server.mjs";
import { checkout } from "../../scripts/setup/paths.mjs";
import { createReport } from "../../scripts/setup/report.mjs";
import { coreBinary } from "../../scripts/setup/rust-core.mjs";

const MINUTE_MS = 60_000;

let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const context = { paths: checkout, env: withoutLocalBin(process.env), report: createReport() };
  const server = await findNatsServer(context);
  const core = coreBinary(context);
  if (server === undefined || !existsSync(core)) throw new Error("nats-server or the Rust core is missing");
  // Neither this checkout's Node nor npm's settings of the run that this test is part of.
  const foreign = Object.entries(context.env).filter(([name]) => !/^(npm_|NODE_|VITEST|VITE_)/i.test(name));
  env = { ...Object.fromEntries(foreign), CELL0_CORE_BIN: core, NATS_SERVER_BIN: server.path, NO_COLOR: "1" };

  folder = mkdtempSync(join(tmpdir(), "cell0-package-"));
  await call("npm", ["pack", "--pack-destination", folder], { cwd: checkout.root });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await call("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`]);
}, 5 * MINUTE_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function call(command: string, args: readonly string[], options: ExecFileOptions = {}) {
  const { stdout } = await promisify(execFile)(command, [...args], {
    cwd: folder,
    env,
    maxBuffer: 16 * 1024 * 1024,
    ...options,
    encoding: "utf8",
  });
  return stdout;
}

const cell0 = (...args: readonly string[]) => call("npx", ["--no-install", "cell0", ...args]);

test("it holds what it needs to run, to be built and to be read, and no source or secret", () => {
  const home = join(folder, "node_modules", "cell0");
  expect(readdirSync(home).sort()).toEqual(
    [
      ...["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "docs", "package.json"],
      ...["proto", "rust-core", "schema"],
    ].sort(),
  );
  expect(readdirSync(join(home, "rust-core")).sort()).toEqual([
    "Cargo.lock",
    "Cargo.toml",
    // npm packs every README.
    "README.md",
    "build.rs",
    "src",
  ]);
  for (const name of ["index.js", "index.d.ts", "client.js", "testkit.js", "cli/main.js"]) {
    expect(existsSync(join(home, "dist", name)), name).toBe(true);
  }
  const files = readdirSync(home, { recursive: true, encoding: "utf8" });
  expect(files.filter((name) => /(^|\/)(\.cell0|target|node_modules)\/|\.creds$|\.key$/.test(name))).toEqual(
    [],
  );
});

test("the command line answers, on Node 26 whatever the machine's Node is", async () => {
  const version = JSON.parse(await cell0("version", "--json"));
  expect(version).toMatchObject({ cell0: expect.stringMatching(/^\d/), core: expect.stringMatching(/^\d/) });
  expect(Number(version.node.split(".")[0])).toBeGreaterThanOrEqual(26);
});

test("its three entry points can be imported", async () => {
  const node = join(folder, "node_modules", ".bin", "node");
  const script = `
    const [main, client, testkit] = await Promise.all(["cell0", "cell0/client", "cell0/testkit"].map((name) => import(name)));
    console.log(JSON.stringify([typeof main.defineActor, typeof client.connect, typeof testkit.testActor]));`;
  const stdout = await call(node, ["--input-type=module", "--eval", script]);
  expect(JSON.parse(stdout)).toEqual(["function", "function", "function"]);
});

test("a bundler for browsers gets the client that needs nothing of Node's", async () => {
  const input = join(folder, "page.js");
  writeFileSync(input, 'import { connect } from "cell0/client";\nglobalThis.connect = connect;\n');
  const build = await rolldown({ cwd: folder, input, platform: "browser" });
  const [page] = (await build.generate({ format: "esm" })).output;
  await build.close();
  const modules = page.moduleIds.map((id) => relative(folder, id));
  expect(modules).toContain(join("node_modules", "cell0", "dist", "browser", "client.js"));
  expect(page.imports).toEqual([]);
  expect(page.code).not.toMatch(/["']node:/);
});

describe("a folder made by cell0 init", () => {
  beforeAll(async () => {
    await cell0("init", "demo");
  });

  test("passes its own test", async () => {
    await call(join(folder, "node_modules", ".bin", "node"), ["--test"], { cwd: join(folder, "demo") });
  });

  test(
    "runs as a cell, beside an example of the package, answers intents and stops when told to",
    async () => {
      const manifests = ["demo", "node_modules/cell0/dist/examples/hello"];
      const up = spawn("npx", ["--no-install", "cell0", "up", ...manifests], {
        cwd: folder,
        env,
        stdio: "pipe",
      });
      const output: string[] = [];
      createInterface({ input: up.stderr }).on("line", (line) => output.push(line));
      createInterface({ input: up.stdout }).on("line", (line) => output.push(line));
      const ended = once(up, "exit");
      try {
        await expect
          .poll(() => output.some((line) => line.includes("cell0 down")) || up.exitCode, {
            timeout: MINUTE_MS,
          })
          .toBe(true);
        const reply = await cell0("send", "demo/counter", "add", '{"amount":2}', "--json");
        expect(reply).toContain('"total":2');
        const greeting = await cell0("send", "hello/greeter", "greet", '{"name":"Ada"}', "--json");
        expect(greeting).toContain("Hello, Ada!");
        await cell0("down");
        expect((await ended)[0], output.join("\n")).toBe(0);
        expect(readdirSync(join(folder, ".cell0"), { recursive: true })).not.toContain("run/core.sock");
      } finally {
        // After a failure above, the cell still runs.
        if (up.exitCode === null) await cell0("down").catch(() => up.kill("SIGKILL"));
      }
    },
    3 * MINUTE_MS,
  );
});
