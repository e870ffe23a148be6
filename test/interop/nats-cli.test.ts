// The stock `nats` command line, as docs/client.md types it: against a live cell, with the file that
// `cell0 client add` made.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { natsCli, whyNoNatsCli } from "../../scripts/setup/nats-cli.mjs";
import { checkout } from "../../scripts/setup/paths.mjs";
import { cell0, LAUNCHER, type LiveCell, startCell } from "../integration/live-cell.ts";

const missing = await whyNoNatsCli(process.env);
if (missing !== undefined) console.warn(`skipped without CI=true: ${missing}`);
const isCi = process.env.CI === "true";

type Said = { readonly stdout: string; readonly stderr: string; readonly code: number | null };
/** A command that listens, until its test ends. */
type Listener = { readonly said: () => string; stop(): Promise<void> };

/** Every inbox of its own. */
const INBOXES = "cell0.v1.local.inbox.ann.>";
const GREETER = "cell0.v1.local.in.ann.hello.greeter";
/** As nats takes apart what it translates with. */
const CELL0 = `'${process.execPath}' '${LAUNCHER}'`;

describe.skipIf(missing !== undefined && !isCi)(
  `the nats command line${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    let cell: LiveCell;
    let folder: string;
    let binary: string;
    const creds = (name: string): string => join(folder, `${name}.creds`);
    const start = (name: string, args: readonly string[]) =>
      spawn(
        binary,
        ["--server", url, "--creds", creds(name)].concat(["--inbox-prefix", `_INBOX_${name}`], args),
        { env: { ...process.env, XDG_CONFIG_HOME: folder, NO_COLOR: "1" } },
      );
    let url = "";

    async function nats(
      name: string,
      args: readonly string[],
      input: Uint8Array = Buffer.from(""),
    ): Promise<Said> {
      const child = start(name, args);
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (data: Buffer) => {
        stdout += String(data);
      });
      child.stderr.on("data", (data: Buffer) => {
        stderr += String(data);
      });
      child.stdin.end(input);
      const [code] = await once(child, "close");
      return { stdout, stderr, code: typeof code === "number" ? code : null };
    }

    /** Resolves once it listens: nats says that when the broker knows of it. */
    async function listen(name: string, ...args: readonly string[]): Promise<Listener> {
      const child = start(name, ["sub", ...args]);
      const exited = once(child, "close");
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => {
          said += String(data);
        });
      await vi.waitFor(() => expect(said).toContain("Subscribing on"), { timeout: 20_000 });
      return {
        said: () => said,
        async stop() {
          child.kill("SIGINT");
          await exited;
        },
      };
    }

    beforeAll(async () => {
      if (missing !== undefined) throw new Error(`${missing}, which CI=true demands`);
      folder = await mkdtemp(join(tmpdir(), "cell0-nats-"));
      binary = await natsCli(checkout, process.env);
      cell = await startCell({ up: ["deploy/examples/hello"] });
      url = new URL(JSON.parse(await readFile(cell.dir.cell, "utf8")).broker.url).href;
      const grant = ["--target", "hello/**"];
      await cell.json("client", "add", "ann", ...grant, "--events", "--discovery", "--out", creds("ann"));
      await cell.json("client", "add", "bob", ...grant, "--out", creds("bob"));
    }, 600_000);
    afterAll(async () => {
      await cell?.stop();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    it("lists the cell's graphs as services, and an actor as an endpoint", async () => {
      const list = await nats("ann", ["service", "list", "--json"]);
      expect(JSON.parse(list.stdout)).toMatchObject(
        expect.arrayContaining([
          expect.objectContaining({ name: "local-hello", id: "a" }),
          expect.objectContaining({ name: "local-kernel", id: "a" }),
        ]),
      );
      const info = await nats("ann", ["service", "info", "local-hello", "--json"]);
      expect(JSON.parse(info.stdout)).toMatchObject({
        info: { endpoints: [{ name: "greeter", metadata: { actor: "hello/greeter" } }] },
      });
    });

    it("is not told what runs, nor of events, by the file of a client that may not ask", async () => {
      const list = await nats("bob", ["service", "list", "--json", "--timeout", "500ms"]);
      expect(list.stdout + list.stderr).toMatch(/Permissions Violation for Publish to \\?"\$SRV\./i);
      const heard = await listen("bob", "cell0.v1.local.events.>");
      await vi.waitFor(() => expect(heard.said()).toMatch(/Permissions Violation for Subscription/i), {
        timeout: 20_000,
      });
      await heard.stop();
    });

    it("sends a capsule that cell0 made, and hears its reply and the events of it", async () => {
      const decoding = `${CELL0} --creds '${creds("ann")}' capsule decode --json`;
      const replies = await listen("ann", INBOXES, "--translate", decoding);
      const events = await listen("ann", "cell0.v1.local.events.>", "--translate", `${CELL0} watch --decode`);
      const made = await cell0([
        ...["--json", "--creds", creds("ann"), "--timeout", "60s", "capsule", "encode"],
        ...["hello/greeter", "greet", '{"name":"Ada"}'],
      ]);
      const { envelope, subject } = JSON.parse(made.stdout);
      expect(subject).toBe(GREETER);
      const bytes = Buffer.from(envelope, "base64");
      const sent = await nats("ann", ["pub", "--force-stdin", "--no-templates", subject], bytes);
      expect(sent.code).toBe(0);
      await vi.waitFor(() => expect(replies.said()).toContain('"text":"Hello, Ada!"'), { timeout: 20_000 });
      await vi.waitFor(() => expect(events.said()).toMatch(/hello\/greeter#1 finished .* from ann\]/), {
        timeout: 20_000,
      });
      await Promise.all([replies.stop(), events.stop()]);
    });

    it("hears at once, from a request, why what it sent is no capsule", async () => {
      const decoding = `${CELL0} --creds '${creds("ann")}' capsule decode --json`;
      const args = ["--raw", "--force-stdin", "--no-templates", "--timeout", "20s", "--translate", decoding];
      const { stdout } = await nats("ann", ["request", ...args, GREETER], Buffer.from("no capsule"));
      expect(JSON.parse(stdout)).toMatchObject({
        capsules: [
          { target: expect.stringMatching(/^_INBOX_ann\./), reply: { error: { code: "CAPSULE_MALFORMED" } } },
        ],
      });
    });

    it("cannot publish under another's name", async () => {
      const { stdout, stderr } = await nats("bob", ["request", "--timeout", "500ms", GREETER, "x"]);
      expect(stdout + stderr).toMatch(/Permissions Violation for Publish to/i);
    });
  },
);
