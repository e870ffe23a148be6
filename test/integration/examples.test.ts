// Each example as its README says, command by command.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type LiveCell, repository, startCell } from "./live-cell.ts";

const EXAMPLES = join("deploy", "examples");
const readme = (example: string): Promise<string> =>
  readFile(join(repository, EXAMPLES, example, "README.md"), "utf8");
/** A test that does something else than the README says proves nothing about it. */
const requireSaid = async (example: string, ...commands: readonly string[]): Promise<void> => {
  const text = await readme(example);
  for (const command of commands) expect(text).toContain(command);
};

describe("the example hello", () => {
  let cell: LiveCell;
  beforeAll(async () => {
    cell = await startCell({ up: ["deploy/examples/hello"] });
  });
  afterAll(() => cell?.stop());

  it("greets and counts, as its README says", async () => {
    await requireSaid(
      "hello",
      "cell0 up deploy/examples/hello",
      `cell0 send hello/greeter greet '{"name":"Ada"}'`,
    );
    for (const count of [1, 2]) {
      const { code, stdout } = await cell.cli("send", "hello/greeter", "greet", '{"name":"Ada"}');
      expect({ code, reply: JSON.parse(stdout) }).toEqual({ code: 0, reply: { text: "Hello, Ada!", count } });
    }
  });
});

describe("the example support-desk", () => {
  const tickets = "deploy/examples/support-desk/tickets.jsonl";
  let cell: LiveCell;
  beforeAll(async () => {
    cell = await startCell({ up: ["deploy/examples/support-desk"] });
  });
  afterAll(() => cell?.stop());

  const outcome = z.object({
    id: z.string(),
    category: z.string(),
    queue: z.string(),
    urgency: z.string(),
    escalated: z.boolean(),
    answer: z.string(),
  });
  const result = z.object({ index: z.int(), ok: z.literal(true), replies: z.tuple([outcome]) });
  const tally = (values: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
    return counts;
  };

  it("leads 200 tickets through the desk, and its report counts what became of each", async () => {
    const send = ["send", "support/intake", "ticket.open", "--lines", tickets, "--concurrency", "16"];
    await requireSaid("support-desk", "cell0 up deploy/examples/support-desk", `cell0 ${send.join(" ")}`);
    const { code, stdout, stderr } = await cell.cli("--json", ...send);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines.pop()).toMatchObject({ summary: { sent: 200, succeeded: 200, failed: 0 } });
    const outcomes = lines.map((line) => result.parse(line)).sort((a, b) => a.index - b.index);

    const asked = (await readFile(join(repository, tickets), "utf8")).trim().split("\n");
    const opened = asked.map((line) =>
      z.object({ id: z.string(), subject: z.string() }).parse(JSON.parse(line)),
    );
    const answered = outcomes.map(({ replies: [reply] }) => reply);
    expect(answered.map(({ id }) => id)).toEqual(opened.map(({ id }) => id));
    for (const [at, { id, answer }] of answered.entries()) {
      expect(answer).toContain(`Your ticket is ${id}: "${opened[at]?.subject}"`);
    }

    await requireSaid("support-desk", "cell0 send support/report report.get");
    // What the desk sends to its report is not waited for by the ticket's answer.
    await vi.waitFor(
      async () =>
        expect(await report()).toEqual({
          tickets: 200,
          escalated: answered.filter(({ escalated }) => escalated).length,
          byCategory: tally(answered.map(({ category }) => category)),
          byQueue: tally(answered.map(({ queue }) => queue)),
          byUrgency: tally(answered.map(({ urgency }) => urgency)),
        }),
      { timeout: 10_000, interval: 100 },
    );
    const { byCategory } = z.object({ byCategory: z.record(z.string(), z.int()) }).parse(await report());
    expect(Object.keys(byCategory).length).toBeGreaterThanOrEqual(8);

    await requireSaid("support-desk", "cell0 send support/escalation escalations.list");
    const { stdout: list } = await cell.cli("send", "support/escalation", "escalations.list");
    const { pages } = z.object({ pages: z.array(z.object({ id: z.string() })) }).parse(JSON.parse(list));
    const escalated = answered.filter((each) => each.escalated).map(({ id }) => id);
    expect(pages.map(({ id }) => id).sort()).toEqual(escalated.sort());
    expect(escalated.length).toBeGreaterThan(0);
  });

  const report = async (): Promise<unknown> =>
    JSON.parse((await cell.cli("send", "support/report", "report.get")).stdout);

  it("refuses a ticket that is none, and goes on", async () => {
    const { code, stderr } = await cell.cli("send", "support/intake", "ticket.open", '{"id":"T-1"}');
    expect({ code, error: stderr.split(":")[0] }).toEqual({ code: 3, error: "ACTOR_PAYLOAD_INVALID" });
  });

  it("answers for a step that it may not take, when its grant is taken out, as its README invites to try", async () => {
    await requireSaid("support-desk", "take one out");
    const folder = await mkdtemp(join(tmpdir(), "cell0-desk-"));
    await cp(join(repository, EXAMPLES, "support-desk"), folder, { recursive: true });
    const file = join(folder, "cell.yaml");
    const text = (await readFile(file, "utf8")).replace(/.*intents: \[answer\.draft\].*\n/, "");
    await writeFile(file, text);
    await cell.json("apply", file, "--yes");
    const [ticket = ""] = (await readFile(join(repository, tickets), "utf8")).split("\n");
    const { code, stderr } = await cell.cli("send", "support/intake", "ticket.open", ticket);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^ACTOR_REFUSED: .*AUTHORITY_INTENT_FORBIDDEN/);
    await rm(folder, { recursive: true, force: true });
  });
});

describe("the example log-watch", () => {
  let folder: string;
  let cell: LiveCell;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cell0-log-watch-"));
    await cp(join(repository, EXAMPLES, "log-watch"), folder, {
      recursive: true,
      filter: (source) => !source.endsWith("access.log"),
    });
    cell = await startCell({ up: [folder] });
  });
  afterAll(async () => {
    await cell?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const sent = async (target: string, intent: string): Promise<unknown> => {
    await requireSaid("log-watch", `cell0 send ${target} ${intent}`);
    return JSON.parse((await cell.cli("send", target, intent)).stdout);
  };
  const FIELDS = /^\S+ \S+ \S+ \[([^\]]+)\] "\S+ (\S+) [^"]*" (\d{3})/;

  it("raises one alert while more than a fifth of a growing log's requests fail, and clears it", async () => {
    await requireSaid(
      "log-watch",
      "cell0 up deploy/examples/log-watch",
      "node deploy/examples/log-watch/write-log.mjs",
    );
    const writer = promisify(execFile)(process.execPath, [join(folder, "write-log.mjs")]);
    const raised = { name: "error-ratio", atUnixMs: expect.any(Number), errorRatio: expect.any(Number) };
    const { alerts } = await vi.waitFor(
      async () => {
        const list = await sent("log-watch/alerts", "alerts.list");
        expect(list).toEqual({ open: 0, alerts: [{ ...raised, clearedUnixMs: expect.any(Number) }] });
        return z
          .object({
            alerts: z.tuple([
              z.object({ errorRatio: z.number(), atUnixMs: z.int(), clearedUnixMs: z.int() }),
            ]),
          })
          .parse(list);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect((await writer).stdout).toContain("1800 lines written");
    const [alert] = alerts;
    expect(alert.errorRatio).toBeGreaterThan(0.2);
    expect(alert.clearedUnixMs).toBeGreaterThan(alert.atUnixMs);
  });

  it("keeps the rates of the last minute by the log's own time", async () => {
    const lines = (await readFile(join(folder, "access.sample.log"), "utf8")).trim().split("\n");
    const entries = lines.map((line) => {
      const [, time = "", path = "", status = ""] = FIELDS.exec(line) ?? [];
      return {
        at: Date.parse(time.replace(":", " ").replaceAll("/", " ")) / 1000,
        path,
        failed: status >= "500",
      };
    });
    const newest = Math.max(...entries.map(({ at }) => at));
    const last = entries.filter(({ at }) => at > newest - 60);
    const errors = last.filter(({ failed }) => failed).length;
    await vi.waitFor(
      async () =>
        expect(await sent("log-watch/window", "rates.get")).toMatchObject({
          requests: last.length,
          errors,
          errorRatio: errors / last.length,
          windowSeconds: 60,
        }),
      { timeout: 10_000, interval: 100 },
    );
    const { code, stdout } = await cell.cli("send", "log-watch/follower", "follower.status");
    expect({ code, status: JSON.parse(stdout) }).toEqual({
      code: 0,
      status: { lines: lines.length, unreadable: 0 },
    });
  });

  it("goes on when the log is cut off and written again", async () => {
    await truncate(join(folder, "access.log"));
    await promisify(execFile)(process.execPath, [join(folder, "write-log.mjs"), "20000"]);
    await vi.waitFor(
      async () => {
        const { stdout } = await cell.cli("send", "log-watch/follower", "follower.status");
        expect(JSON.parse(stdout)).toEqual({ lines: 3_600, unreadable: 0 });
      },
      { timeout: 10_000, interval: 100 },
    );
  });
});
