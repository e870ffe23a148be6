import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { locateBroker } from "../../../src/transport/broker/locate.ts";
import { isRecent } from "../../../src/transport/broker/version.ts";

describe("the look for a nats-server", () => {
  let directory: string;
  const place = (name: string): string => join(directory, name, "nats-server");
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "cell0-locate-"));
    const versions = { old: "2.9.10", new: "2.15.2", odd: "?" };
    for (const [name, version] of Object.entries(versions)) {
      await mkdir(join(directory, name));
      await writeFile(place(name), `#!/bin/sh\necho "nats-server: v${version}"\n`);
      await chmod(place(name), 0o755);
    }
    await mkdir(join(directory, ".tools", "bin"), { recursive: true });
    await writeFile(join(directory, ".tools", "bin", "nats-server"), "#!/bin/sh\necho v2.14.0\n", {
      mode: 0o755,
    });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("takes the one that is named", async () => {
    expect(await locateBroker({ env: { NATS_SERVER_BIN: place("new"), PATH: "" } })).toEqual({
      path: place("new"),
      version: "2.15.2",
    });
  });

  it("passes over one on PATH that is too old for the one of the set-up", async () => {
    const found = await locateBroker({ env: { PATH: join(directory, "old") }, packageRoot: directory });
    expect(found.version).toBe("2.14.0");
  });

  it.each([
    ["BROKER_TOO_OLD", "an old one is named", { NATS_SERVER_BIN: "old" }],
    ["BROKER_TOO_OLD", "only an old one is on PATH", { PATH: "old" }],
    ["BROKER_MISSING", "the named one does not run", { NATS_SERVER_BIN: "odd" }],
    ["BROKER_MISSING", "there is none", { PATH: "" }],
  ])("says %s, with the three ways to get one, when %s", async (code, _what, names) => {
    const env = Object.fromEntries(
      Object.entries(names).map(([key, name]) => [
        key,
        key === "PATH" ? (name === "" ? "" : join(directory, name)) : place(name),
      ]),
    );
    await expect(locateBroker({ env, packageRoot: join(directory, "empty") })).rejects.toMatchObject({
      code,
      remedy: expect.stringMatching(/npm start.*PATH.*NATS_SERVER_BIN/),
    });
  });

  it.each([
    ["2.14.0", true],
    ["2.14.0-RC.1", true],
    ["2.15.2", true],
    ["3.0.0", true],
    ["2.13.9", false],
    ["1.99.0", false],
    ["2", false],
  ])("thinks of version %s as new enough: %s", (version, recent) => {
    expect(isRecent(version)).toBe(recent);
  });
});
