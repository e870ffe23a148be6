// Programs that only tests need: where they are found, and what is said where they cannot be had.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getChromium } from "../../scripts/setup/chromium.mjs";
import { natsCli, whyNoNatsCli } from "../../scripts/setup/nats-cli.mjs";
import { pathsOf } from "../../scripts/setup/paths.mjs";

const DEBIAN = { system: 'NAME="Debian"\nID=debian\n', uid: 0 };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cell0-programs-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const path = join(root, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
const env = () => ({ PATH: [root, "/bin"].join(delimiter) });
const chromium = (machine = DEBIAN, more: NodeJS.ProcessEnv = {}) =>
  getChromium(pathsOf(root), { PATH: root, ...more }, machine);

describe("Chromium", () => {
  test("on PATH is used as it is", async () => {
    const path = program("chromium", "echo Chromium 156.0");
    expect(await chromium()).toEqual({ path });
  });

  test("a program by that name which does not run is passed over", async () => {
    program("chromium-browser", "echo 'requires the snap' >&2; exit 1");
    const path = program("google-chrome", "echo Google Chrome 156.0");
    expect(await chromium()).toEqual({ path });
  });

  test.each([
    ["another system", { system: "ID=ubuntu\nID_LIKE=debian\n", uid: 0 }, /not on this machine.*not Debian/],
    ["a system that says nothing", { system: "", uid: 0 }, /not Debian/],
    ["who is not root", { ...DEBIAN, uid: 1000 }, /only root/],
  ])("is not installed for %s", async (_what, machine, why) => {
    program("apt-get", `touch '${join(root, "called")}'`);
    expect(await chromium(machine)).toEqual({ missing: expect.stringMatching(why) });
    expect(await chromium(machine, { CHROMIUM_BIN: "/nowhere" })).toEqual({
      missing: "CHROMIUM_BIN does not run",
    });
  });

  test("is installed from Debian's packages by root", async () => {
    const made = join(root, "chromium");
    program(
      "apt-get",
      `case "$1" in install) printf '#!/bin/sh\\necho Chromium 1\\n' > '${made}'; /bin/chmod 755 '${made}';; esac`,
    );
    expect(await chromium()).toEqual({ path: made });
  });

  test("that could not be installed is missing, with what apt-get said", async () => {
    program("apt-get", "echo 'no such host' >&2; exit 100");
    expect(await chromium()).toEqual({
      missing: expect.stringMatching(/could not be installed.*no such host/),
    });
  });
});

describe("the nats command line", () => {
  test("is the one that is named", async () => {
    const named = { ...env(), NATS_CLI_BIN: "/opt/nats" };
    expect(await whyNoNatsCli(named)).toBeUndefined();
    expect(await natsCli(pathsOf(root), named)).toBe("/opt/nats");
  });

  test.each([
    ["without Go", undefined, "Go: not on this machine"],
    ["with a Go that is too old", "echo go1.25.1", "Go: 1.25.1 is older than 1.26.0"],
  ])("cannot be had %s", async (_what, script, why) => {
    if (script !== undefined) program("go", script);
    expect(await whyNoNatsCli({ PATH: root })).toBe(why);
  });

  test("is built once, and again when its pinned version changes", async () => {
    const paths = { ...pathsOf(root), natsCliSources: join(root, "sources") };
    mkdirSync(paths.natsCliSources);
    const sums = join(paths.natsCliSources, "go.sum");
    writeFileSync(sums, "one");
    const built = join(root, "built");
    program(
      "go",
      `case "$1" in env) echo go1.26.0;; build) echo x >> '${built}'; while [ "$1" != -o ]; do shift; done; echo > "$2";; esac`,
    );
    const builds = async () => {
      expect(await natsCli(paths, env())).toBe(paths.natsCliBin);
      return readFileSync(built, "utf8").trim().split("\n").length;
    };
    expect(await builds()).toBe(1);
    expect(await builds()).toBe(1);
    writeFileSync(sums, "two");
    expect(await builds()).toBe(2);
  });

  test("that does not build says where its log is", async () => {
    program("go", "echo 'no such module' >&2; exit 1");
    const paths = { ...pathsOf(root), natsCliSources: root };
    await expect(natsCli(paths, env())).rejects.toThrow(/nats-cli-go\.log\):\nno such module/);
  });
});
