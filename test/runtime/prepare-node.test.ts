// First starts into directories that are not what they seem.
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DataDir, dataDir } from "../../src/runtime/data-dir.ts";
import { prepareNode } from "../../src/runtime/prepare-node.ts";

let parent: string;
let dir: DataDir;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "cell0-test-"));
  dir = dataDir(join(parent, "cell"));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
  await rm(dir.run, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const { lock, made } = await prepareNode(dir, {});
  await lock.release();
  return made;
}

describe("a first start", () => {
  test("writes over no key when cell.json is gone", async () => {
    await start();
    const key = await readFile(dir.issuerKey);
    await rm(dir.cell);
    await expect(start()).rejects.toMatchObject({ code: "CELL_CONFIG_INVALID" });
    expect(await readFile(dir.issuerKey)).toEqual(key);
  });

  test("that was interrupted is done again", async () => {
    await start();
    await rm(dir.cell);
    await writeFile(join(dir.root, ".making"), "");
    expect(await start()).toBe("cell");
    expect(await start()).toBe("nothing");
    await rm(dir.cell);
    await expect(start()).rejects.toMatchObject({ code: "CELL_CONFIG_INVALID" });
  });
});

describe("a listener for browsers", () => {
  const websocket = { port: 0, origins: ["http://localhost:8080"] };
  const configured = async (): Promise<string> => await readFile(dir.brokerConfig, "utf8");

  test("is there for the start that asks for it, and for no later one", async () => {
    const { lock, websocketUrl } = await prepareNode(dir, { websocket });
    await lock.release();
    const port = /^ws:\/\/127\.0\.0\.1:(\d+)$/.exec(websocketUrl ?? "")?.[1];
    expect(await configured()).toContain(`  port: ${port}\n  no_tls: true\n`);
    expect(await configured()).toContain('allowed_origins: ["http://localhost:8080"]');
    await start();
    expect(await configured()).not.toContain("websocket");
  });

  test("is refused to a node whose broker is another's", async () => {
    await start();
    const config = JSON.parse(await readFile(dir.cell, "utf8"));
    await writeFile(dir.cell, JSON.stringify({ ...config, broker: { ...config.broker, embedded: false } }));
    await expect(prepareNode(dir, { websocket })).rejects.toMatchObject({ code: "CELL_OPTION_CONFLICT" });
  });

  test("takes no port that the broker has", async () => {
    await start();
    const { broker } = JSON.parse(await readFile(dir.cell, "utf8"));
    const same = { ...websocket, port: broker.port };
    await expect(prepareNode(dir, { websocket: same })).rejects.toMatchObject({ code: "CELL_PORT_TAKEN" });
  });
});

describe("a directory of sockets outside of the data directory", () => {
  beforeEach(() => {
    dir = dataDir(join(parent, "x".repeat(90)));
    expect(dir.run.startsWith(dir.root)).toBe(false);
  });

  test("that others may enter is not used", async () => {
    await mkdir(dir.run);
    await chmod(dir.run, 0o777);
    await expect(start()).rejects.toMatchObject({ code: "CELL_DIRECTORY_UNSAFE" });
  });

  test("that is a link to somewhere is not used", async () => {
    await symlink(parent, dir.run);
    await expect(start()).rejects.toMatchObject({ code: "CELL_DIRECTORY_UNSAFE" });
  });

  test("that is made now is used", async () => {
    expect(await start()).toBe("cell");
  });
});
