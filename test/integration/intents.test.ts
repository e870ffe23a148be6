import { readFile } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { SendOptions } from "../../src/client.ts";
import { type Event, EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { toHex } from "../../src/security/bytes.ts";
import { cell0, type LiveCell, lastJson, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("an intent", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest(
        "live",
        [
          { actor: "parrot", behaviour: "./parrot.ts#parrot", input: { prefix: "I say " } },
          { actor: "strict", behaviour: "./parrot.ts#parrot", intents: ["say"] },
          { actor: "busy", behaviour: "./worker.ts#worker", mailbox: { bound: 2, whenFull: "refuse" } },
          {
            actor: "dropping",
            behaviour: "./worker.ts#worker",
            mailbox: { bound: 2, whenFull: "drop_oldest" },
          },
          { actor: "sorting", behaviour: "./worker.ts#worker" },
          {
            actor: "relay",
            behaviour: "./relay.ts#relay",
            grants: [{ intents: ["say"], targets: ["live/parrot", "elsewhere/nobody"] }],
          },
        ],
        { clients: [{ name: "shop", grants: [{ intents: ["say"], targets: ["live/strict"] }] }] },
      ),
    );
    cell = await startCell({ up: [file] });
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  const refused = (target: string, intent: string, payload: string, code: string, exit: number) => ({
    args: ["send", target, intent, payload],
    code,
    exit,
  });
  it.each([
    refused("live/nobody", "say", '{"text":"x"}', "ACTOR_NOT_FOUND", 3),
    refused("nowhere/at-all", "say", '{"text":"x"}', "ACTOR_NOT_FOUND", 3),
    refused("live/parrot", "sing", "{}", "ACTOR_INTENT_UNKNOWN", 3),
    refused("live/strict", "crash", '{"message":"x"}', "ACTOR_INTENT_UNKNOWN", 3),
    refused("live/parrot", "say", '{"text":7}', "ACTOR_PAYLOAD_INVALID", 3),
    refused("live/parrot", "say", '{"text":"x","more":1}', "ACTOR_PAYLOAD_INVALID", 3),
    refused("live/parrot", "say", "{text}", "CLI_PAYLOAD_INVALID", 2),
    refused("kernel/a/registry", "registry.sing", "{}", "ACTOR_INTENT_UNKNOWN", 3),
  ])("of `$args` ends with $code", async ({ args, code, exit }) => {
    const outcome = await cell.cli(...args);
    expect(outcome).toMatchObject({
      code: exit,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^${code}: .+; .+`)),
    });
  });

  it("is answered by the actor that it names", async () => {
    const { value } = await cell.client.request("live/parrot", "say", { text: "hello" });
    expect(value).toEqual({ text: "I say hello", count: expect.any(Number) });
  });

  it("is recorded with all that it caused under its id, and heard by who listens", async () => {
    const heard: Event[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const event of cell.client.events({ signal: stop.signal })) heard.push(event);
    })();
    // Nobody says when the listening has begun; and events come some milliseconds after the answer.
    const sent = new Set<string>();
    const id = await vi.waitFor(async () => {
      const { id } = await cell.client.send("live/relay", "relay", {
        target: "live/parrot",
        text: "on record",
      });
      sent.add(id);
      const finished = heard.filter(({ kind }) => kind.case === "intentFinished");
      const own = finished
        .map(({ intent }) => toHex(intent?.id ?? new Uint8Array()))
        .find((id) => sent.has(id));
      if (own === undefined) throw new Error("none of them was heard yet");
      return own;
    });
    stop.abort();
    await listening.catch(() => undefined);
    const recorded = (await cell.kernel.events("a", { rootId: id })).map((bytes) =>
      fromBinary(EventSchema, bytes),
    );
    const story = recorded.map(({ actor, kind }) => `${actor} ${kind.case}`);
    for (const each of [
      "live/relay intentAccepted",
      "live/relay sent",
      "live/parrot intentFinished",
      "live/relay intentFinished",
    ])
      expect(story).toContain(each);
    expect(story[0]).toBe("live/relay intentAccepted");
  });

  it("of a thousand, 64 at a time, is answered each by its own reply", async () => {
    const items = Array.from({ length: 1_000 }, (_, at) => ({
      target: "live/parrot",
      intent: "say",
      payload: { text: String(at) },
    }));
    const heard = new Map<number, unknown>();
    const summary = await cell.client.many(items, {
      concurrency: 64,
      onResult: (result) => heard.set(result.index, result.ok ? result.reply.value : result.error),
    });
    expect(summary).toMatchObject({ succeeded: 1_000, failed: 0 });
    expect(
      [...heard].filter(([at, value]) => JSON.stringify(value)?.startsWith(`{"text":"I say ${at}"`) !== true),
    ).toEqual([]);
  });

  const work = (actor: string, label: string, options: SendOptions = {}, ms = 20) =>
    cell.client.request(actor, "work", { ms, label }, { timeoutMs: 20_000, ...options });
  /** One intent in hand, long enough to be seen at it; what follows waits in the mailbox. */
  const occupy = async (actor: string) => {
    const answer = work(actor, "one", {}, 3_000);
    await vi.waitFor(
      async () => expect(await cell.kernel.actor("a", actor)).toMatchObject({ state: "busy" }),
      {
        interval: 5,
      },
    );
    return { answer };
  };
  const send = (actor: string, labels: readonly string[]) =>
    Promise.allSettled(labels.map((label) => work(actor, label, { retry: false })));

  it("beyond a full mailbox is refused with a time to try again, and what waits is answered", async () => {
    const { answer } = await occupy("live/busy");
    const answers = await send("live/busy", ["two", "three", "four"]);
    expect((await answer).value).toEqual({ done: ["one"] });
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(answers[2]).toMatchObject({
      reason: { code: "ACTOR_MAILBOX_FULL", retryable: true, retryAfterMs: expect.any(Number) },
    });
    expect((await work("live/busy", "five")).value).toEqual({ done: ["one", "two", "three", "five"] });
  });

  it("that a full mailbox refuses is sent again until there is room, as the refusal advises", async () => {
    const labels = Array.from({ length: 12 }, (_, at) => `again ${at}`);
    const answers = await Promise.all(labels.map((label) => work("live/busy", label)));
    const last = answers.map(({ value }) => JSON.stringify(value)).sort((a, b) => b.length - a.length)[0];
    for (const label of labels) expect(last?.split(`"${label}"`)).toHaveLength(2);
  });

  it("that waited longest makes room where the manifest says drop_oldest, and hears so", async () => {
    await occupy("live/dropping");
    const answers = await send("live/dropping", ["two", "three", "four"]);
    expect(answers[0]).toMatchObject({ reason: { code: "ACTOR_INTENT_DROPPED", retryable: true } });
    expect(answers[2]).toMatchObject({ value: { value: { done: ["one", "three", "four"] } } });
  });

  it("of a higher priority is taken before those that wait, and one past its deadline not at all", async () => {
    await occupy("live/sorting");
    const answers = await Promise.allSettled([
      work("live/sorting", "hasty", { timeoutMs: 100 }),
      work("live/sorting", "low", { priority: "low" }),
      work("live/sorting", "normal"),
      work("live/sorting", "critical", { priority: "critical" }),
    ]);
    expect(answers[0]).toMatchObject({ reason: { code: "ACTOR_DEADLINE_EXCEEDED" } });
    expect(answers[1]).toMatchObject({ value: { value: { done: ["one", "critical", "normal", "low"] } } });
  });

  describe("of an actor", () => {
    const relay = (target: string) => cell.client.request("live/relay", "relay", { target, text: "psst" });

    it("reaches another that its grants name", async () => {
      expect((await relay("live/parrot")).value).toEqual({ heard: "I say psst" });
    });
    it.each([
      ["live/strict", "AUTHORITY_INTENT_FORBIDDEN"],
      ["kernel/graph", "AUTHORITY_INTENT_FORBIDDEN"],
      ["elsewhere/nobody", "ACTOR_NOT_FOUND"],
    ])("to %s fails with %s, which the actor is told", async (target, code) => {
      await expect(relay(target)).rejects.toMatchObject({
        code: "ACTOR_REFUSED",
        message: expect.stringContaining(code),
      });
    });
  });

  describe("of a client", () => {
    const as = (creds: string, ...args: readonly string[]) =>
      cell0(["--creds", workspace.path(creds), ...args]);

    it("may do what its certificate says, and nothing else", async () => {
      const file = workspace.path("web.creds");
      const made = await cell.json(
        "client",
        "add",
        "web",
        "--target",
        "live/parrot",
        "--intent",
        "say",
        "--out",
        file,
      );
      expect(made).toMatchObject({ principal: "web", file });
      const allowed = await as("web.creds", "send", "live/parrot", "say", '{"text":"hi"}');
      expect(allowed).toMatchObject({ code: 0, stderr: "" });
      for (const [target, intent] of [
        ["live/parrot", "crash"],
        ["live/strict", "say"],
        ["kernel/graph", "graph.revisions"],
      ] as const) {
        const { code, stderr } = await as("web.creds", "send", target, intent, "{}");
        expect({ code, error: stderr.split(":")[0] }, target).toEqual({
          code: 3,
          error: "AUTHORITY_INTENT_FORBIDDEN",
        });
      }
    });

    it("may do what the manifest grants to its name", async () => {
      await cell.json("client", "add", "shop", "--manifest-grants", "--out", workspace.path("shop.creds"));
      expect(await as("shop.creds", "send", "live/strict", "say", '{"text":"hi"}')).toMatchObject({
        code: 0,
      });
      const other = await as("shop.creds", "send", "live/parrot", "say", '{"text":"hi"}');
      expect(other).toMatchObject({ code: 3, stderr: expect.stringContaining("AUTHORITY_INTENT_FORBIDDEN") });
    });

    it("hears events only if it was let to", async () => {
      const { code, stderr } = await as("web.creds", "watch");
      expect({ code, error: stderr.includes("BROKER_PERMISSION_DENIED") }).toEqual({ code: 4, error: true });
    });

    it("is refused from the moment that the client is withdrawn", async () => {
      await cell.json("client", "revoke", "web", "--yes");
      const { code, stderr } = await as("web.creds", "send", "live/parrot", "say", '{"text":"hi"}');
      expect({ code, error: stderr.split(":")[0] }).toEqual({ code: 3, error: "AUTHORITY_REVOKED" });
    });
  });

  describe("sent from a file of lines", () => {
    it("is one of many, whose outcomes are summed up, failures by code", async () => {
      const lines = ['{"text":"a"}', '{"text":7}', '{"text":"c"}'].join("\n");
      const file = await workspace.write("lines.jsonl", `${lines}\n`);
      const { code, stdout } = await cell.cli("--json", "send", "live/parrot", "say", "--lines", file);
      expect(code).toBe(5);
      expect(lastJson(stdout)).toMatchObject({
        summary: { sent: 3, succeeded: 2, failed: 1, failures: { ACTOR_PAYLOAD_INVALID: 1 } },
      });
    });
  });

  describe("has a place that stock NATS tools find", () => {
    const ask = async (subject: string): Promise<unknown[]> => {
      const creds = await readFile(cell.dir.operatorCreds);
      const { broker } = await cell.kernel.status("a");
      const nats = await connect({ servers: broker.url, authenticator: credsAuthenticator(creds) });
      const answers: unknown[] = [];
      for await (const answer of await nats.requestMany(subject, "", { strategy: "stall", maxWait: 2_000 })) {
        answers.push(answer.json());
      }
      await nats.close();
      return answers;
    };

    it("by $SRV.PING: one service a graph", async () => {
      const pings = await ask("$SRV.PING");
      expect(pings).toEqual(
        expect.arrayContaining(
          ["local-live", "local-kernel"].map((name) =>
            expect.objectContaining({
              type: "io.nats.micro.v1.ping_response",
              name,
              id: "a",
              metadata: expect.anything(),
            }),
          ),
        ),
      );
      expect(pings).toHaveLength(2);
    });

    it("by $SRV.INFO: one endpoint an actor, with its subject", async () => {
      const [info] = await ask("$SRV.INFO.local-live");
      expect(info).toMatchObject({
        type: "io.nats.micro.v1.info_response",
        endpoints: expect.arrayContaining([
          expect.objectContaining({ name: "parrot", subject: "cell0.v1.local.in.*.live.parrot" }),
        ]),
      });
    });

    it("by $SRV.STATS: what each has handled", async () => {
      const [stats] = await ask("$SRV.STATS.local-live.a");
      const { handled } = await cell.kernel.actor("a", "live/parrot");
      expect(handled).toBeGreaterThan(1_000);
      expect(stats).toMatchObject({
        type: "io.nats.micro.v1.stats_response",
        endpoints: expect.arrayContaining([
          expect.objectContaining({ name: "parrot", num_requests: handled }),
        ]),
      });
    });
  });
});
