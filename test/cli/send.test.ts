import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { fakeCell, refusal } from "./fake-cell.ts";
import { type FakeTerminalOptions, fakeTerminal, run } from "./fake-terminal.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cell0-send-"));
  await writeFile(join(directory, "me.creds"), "an identity");
  await writeFile(join(directory, "one.json"), '{"name":"Ada"}');
  await writeFile(join(directory, "many.jsonl"), '{"n":1}\n\n{"n":2}\n{"n":3}');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const echo = () => fakeCell({ echo: (payload) => [payload] });
const send = (argv: string[], cell = echo(), options: FakeTerminalOptions = {}) =>
  run(["--creds", "me.creds", "send", "hello/greeter", ...argv], {
    cwd: directory,
    openCell: cell.openCell,
    ...options,
  });

describe("send", () => {
  it.each<[string, string[], string, unknown]>([
    ["an argument", ["echo", '{"name":"Ada"}'], "", { name: "Ada" }],
    ["nothing", ["echo"], "", {}],
    ["a file", ["echo", "--file", "one.json"], "", { name: "Ada" }],
    ["standard input", ["echo", "-"], '{"name":"Eve"}', { name: "Eve" }],
    ["standard input as a file", ["echo", "--file", "-"], "[1,2]", [1, 2]],
  ])("takes its payload from %s", async (_what, argv, input, payload) => {
    const cell = echo();
    const { exitCode, out } = await send(argv, cell, { input });
    expect(cell.asked).toEqual([{ target: "hello/greeter", intent: "echo", payload }]);
    expect([exitCode, JSON.parse(out)]).toEqual([0, payload]);
    expect(cell.closedCount()).toBe(1);
  });

  it("prints replies as they come, one a line", async () => {
    const cell = fakeCell({ count: () => [{ n: 1 }, { n: 2 }, { n: 3 }] });
    expect((await send(["count"], cell)).out).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
  });

  it("prints one object with --json, and leaves the times out of nothing else", async () => {
    const { json } = await send(["echo", '{"a":1}', "--json"]);
    expect(json()).toEqual([{ index: 0, ok: true, replies: [{ a: 1 }], elapsedMs: expect.any(Number) }]);
  });

  it("gives the id instead of replies with --no-reply", async () => {
    const { json } = await send(["echo", "--no-reply", "--json"]);
    expect(json()).toMatchObject([{ ok: true, id: "00112233445566778899aabbccddeeff", replies: [] }]);
  });

  it("prints a refusal as the cell put it, with 3", async () => {
    const cell = fakeCell({
      greet: () => {
        throw refusal("ACTOR_PAYLOAD_INVALID", "name: expected a text");
      },
    });
    const { exitCode, err, out } = await send(["greet"], cell);
    expect([exitCode, out]).toEqual([3, ""]);
    expect(err).toMatch(/^ACTOR_PAYLOAD_INVALID: name: expected a text; See the schema/);
  });

  it("answers a deadline with 4", async () => {
    const cell = fakeCell({
      greet: () => {
        throw new CellError("ACTOR_DEADLINE_EXCEEDED");
      },
    });
    expect((await send(["greet"], cell)).exitCode).toBe(4);
  });

  it("does not connect for a payload that is not JSON", async () => {
    const cell = echo();
    const { exitCode, err } = await send(["echo", "{oops"], cell);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/^CLI_PAYLOAD_INVALID: the payload is not JSON/);
    expect(cell.opened).toEqual([]);
  });
});

describe("send --lines", () => {
  it("sends each line, passes over empty ones, and sums up on standard error", async () => {
    const cell = echo();
    const { exitCode, out, err } = await send(["echo", "--lines", "many.jsonl"], cell);
    expect(exitCode).toBe(0);
    expect(cell.asked.map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(out.split("\n").sort()).toEqual(["", '#1 {"n":1}', '#2 {"n":2}', '#3 {"n":3}']);
    expect(err).toMatch(/^3 sent in .*: 3 answered, 0 failed\nlatency {2}p50 .* p99 .* max /);
  });

  it("exits with 5 when some are refused, and names their codes", async () => {
    const cell = fakeCell({
      odd: (payload) => {
        if (JSON.stringify(payload) === '{"n":2}') throw refusal("ACTOR_PAYLOAD_INVALID", "even");
        return [payload];
      },
    });
    const { exitCode, err } = await send(["odd", "--lines", "-"], cell, { input: '{"n":1}\n{"n":2}\n' });
    expect(exitCode).toBe(5);
    expect(err).toMatch(/#2 ACTOR_PAYLOAD_INVALID: even/);
    expect(err).toMatch(/1 answered, 1 failed\n.*\n {2}1 {2}ACTOR_PAYLOAD_INVALID\n$/);
  });

  it("exits with 4 when nobody answers any of them", async () => {
    const cell = fakeCell({
      slow: () => {
        throw new CellError("ACTOR_DEADLINE_EXCEEDED");
      },
    });
    expect((await send(["slow", "--lines", "many.jsonl"], cell)).exitCode).toBe(4);
  });

  it("prints a result a line and the summary last with --json", async () => {
    const { json, err } = await send(["echo", "--lines", "many.jsonl", "--json"]);
    const rows = json();
    expect(rows).toHaveLength(4);
    expect(rows.at(-1)).toMatchObject({ summary: { sent: 3, succeeded: 3, failed: 0, failures: {} } });
    expect(err).toBe("");
  });

  it("has at most so many under way as told", async () => {
    let underWay = 0;
    let most = 0;
    const cell = fakeCell({
      work: async (payload) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return [payload];
      },
    });
    const input = Array.from({ length: 40 }, (_, n) => JSON.stringify({ n })).join("\n");
    const { exitCode } = await send(["work", "--lines", "-", "--concurrency", "4"], cell, { input });
    expect([exitCode, most, cell.asked.length]).toEqual([0, 4, 40]);
  });

  it("names file and line of a payload that is not JSON", async () => {
    const { exitCode, err } = await send(["echo", "--lines", "-"], echo(), { input: '{"n":1}\n{n:2}\n' });
    expect(exitCode).toBe(2);
    expect(err).toMatch(/^CLI_PAYLOAD_INVALID: .*; standard input:2;/m);
  });

  it("ends with 130 when it is interrupted", async () => {
    const { terminal, interrupt } = fakeTerminal({ cwd: directory, input: '{"n":1}\n{"n":2}\n' });
    const cell = fakeCell({
      echo: (payload) => {
        interrupt();
        return [payload];
      },
    });
    const argv = ["--creds", "me.creds", "send", "a/b", "echo", "--lines", "-", "--concurrency", "1"];
    expect(await main(argv, terminal, cell.openCell)).toBe(130);
    expect(cell.asked).toHaveLength(1);
  });
});
