// Capability tokens on a live cell: made, narrowed and used as a user does, by clients that
// have no grants of their own.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, readCapability } from "../../src/client.ts";
import type { LiveCell } from "./live-cell.ts";
import { startParrot } from "./parrot-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

describe("a client without grants", () => {
  let workspace: Workspace;
  let cell: LiveCell;
  const path = (name: string) => workspace.path(name);
  const addClient = (name: string) =>
    cell.json("client", "add", name, "--manifest-grants", "--out", path(`${name}.creds`));
  const say = (as: string, cap: string, payload: unknown, intent = "say") =>
    cell.cli(
      "--creds",
      path(`${as}.creds`),
      "send",
      "live/parrot",
      intent,
      JSON.stringify(payload),
      "--cap",
      path(cap),
    );

  beforeAll(async () => {
    workspace = await makeWorkspace();
    cell = await startParrot(workspace);
    for (const name of ["ann", "bob"]) await addClient(name);
    const where = ["--where", "/text ^= hello"];
    const allowed = ["--target", "live/parrot", "--intent", "say", "--depth", "1", "--out", path("ann.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...allowed, ...where);
    const key = await cell.cli("--creds", path("bob.creds"), "cap", "key");
    const narrower = [
      "--holder",
      key.stdout.trim(),
      "--where",
      "/text length <= 8",
      "--out",
      path("bob.cap"),
    ];
    await cell.json("--creds", path("ann.creds"), "cap", "attenuate", path("ann.cap"), ...narrower);
  });
  afterAll(async () => {
    await cell?.stop();
    await workspace.remove();
  });

  it.each([
    ["ann", "ann.cap", "hello, world"],
    ["bob", "bob.cap", "hello, w"],
  ])("%s sends what its token says", async (as, cap, text) => {
    const { code, stdout } = await say(as, cap, { text });
    expect([code, JSON.parse(stdout)]).toEqual([0, { text, count: expect.any(Number) }]);
  });

  it.each([
    [
      "what its root does not hold",
      "bob",
      "bob.cap",
      { text: "bye" },
      "say",
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    ],
    [
      "what its own link does not hold",
      "bob",
      "bob.cap",
      { text: "hello, wo" },
      "say",
      "CAPABILITY_ARGUMENT_FORBIDDEN",
    ],
    ["another intent", "ann", "ann.cap", { message: "hello" }, "crash", "CAPABILITY_INTENT_FORBIDDEN"],
    ["another's token", "bob", "ann.cap", { text: "hello" }, "say", "CAPABILITY_HOLDER_MISMATCH"],
    [
      "a token though it has grants",
      "operator",
      "ann.cap",
      { text: "hello" },
      "say",
      "CAPABILITY_HOLDER_MISMATCH",
    ],
  ])("is refused %s", async (_what, as, cap, payload, intent, code) => {
    const creds = as === "operator" ? cell.dir.operatorCreds : path(`${as}.creds`);
    const { stderr } = await cell.cli(
      ...["--creds", creds, "send", "live/parrot", intent, JSON.stringify(payload), "--cap", path(cap)],
    );
    expect(stderr).toMatch(new RegExp(`^${code}`));
  });

  it("is refused without one", async () => {
    const { stderr } = await cell.cli(
      "--creds",
      path("ann.creds"),
      "send",
      "live/parrot",
      "say",
      '{"text":"hello"}',
    );
    expect(stderr).toMatch(/^AUTHORITY_INTENT_FORBIDDEN/);
  });

  it("uses it from the client library, an intent at a time", async () => {
    const client = await connect({ identity: path("ann.creds") });
    try {
      const capability = await readCapability(path("ann.cap"));
      const reply = await client.request("live/parrot", "say", { text: "hello" }, { capability });
      expect(reply.value).toMatchObject({ text: "hello" });
      await expect(client.request("live/parrot", "say", { text: "hello" })).rejects.toMatchObject({
        code: "AUTHORITY_INTENT_FORBIDDEN",
      });
    } finally {
      await client.close();
    }
  });

  it("sends one intent with a token that serves once, also after its node died", async () => {
    const allowed = ["--target", "live/parrot", "--intent", "say", "--depth", "1"];
    await cell.json("cap", "mint", "--holder", "ann", ...allowed, "--out", path("once.cap"), "--once");
    const key = (await cell.cli("--creds", path("ann.creds"), "cap", "key")).stdout.trim();
    const handOn = ["cap", "attenuate", path("once.cap"), "--holder", key, "--out", path("again.cap")];
    await cell.json("--creds", path("ann.creds"), ...handOn);
    const { stdout } = await cell.cli("cap", "show", path("again.cap"));
    expect(stdout.match(/^ {3}serves {5}one intent$/gm)).toHaveLength(2);
    expect((await say("ann", "once.cap", { text: "first" })).code).toBe(0);
    for (const cap of ["once.cap", "again.cap"])
      expect((await say("ann", cap, { text: "second" })).stderr).toMatch(/^CAPABILITY_SPENT/);
    await cell.kill("node");
    // It is sent until somebody answers: the first answer is this one.
    expect((await say("ann", "again.cap", { text: "third" })).stderr).toMatch(/^CAPABILITY_SPENT/);
  });

  it("has one of several intents answered that come at once with such a token", async () => {
    const client = await connect({ identity: path("ann.creds") });
    try {
      await cell.json(
        ...[
          "cap",
          "mint",
          "--holder",
          "ann",
          "--target",
          "live/parrot",
          "--out",
          path("twice.cap"),
          "--once",
        ],
      );
      const capability = await readCapability(path("twice.cap"));
      const sent = await Promise.allSettled(
        ["one", "two", "three"].map((text) => client.request("live/parrot", "say", { text }, { capability })),
      );
      expect(sent.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const each of sent)
        if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "CAPABILITY_SPENT" });
    } finally {
      await client.close();
    }
  });

  it("sends with a token that must be approved once it is", async () => {
    const allowed = ["--target", "live/parrot", "--approver", "bob", "--out", path("asked.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...allowed);
    expect((await say("ann", "asked.cap", { text: "hi" })).stderr).toMatch(/^CAPABILITY_NOT_APPROVED/);
    const approve = ["cap", "approve", path("asked.cap"), "--out", path("approved.cap")];
    expect((await cell.cli("--creds", path("ann.creds"), ...approve)).stderr).toMatch(
      /^CAPABILITY_APPROVER_UNASKED/,
    );
    await cell.json("--creds", path("bob.creds"), ...approve);
    expect((await say("ann", "approved.cap", { text: "hi" })).code).toBe(0);
  });

  it("is named in the list of what was minted", async () => {
    const { code, stdout } = await cell.cli("cap", "list");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^MINTED +HOLDER +KIND +MAY SEND +SCOPE +UNTIL \(UTC\) +BY\n[0-9a-f]{64} +ann +user +say to live\/parrot where \/text \^= "hello" +default +[-0-9]+ [:0-9]+ +operator +counts$/m,
    );
    const { stdout: events } = await cell.cli("logs", "--kind", "capabilityMinted");
    expect(events).toMatch(/ capability [0-9a-f]{16} minted by operator in scope default$/m);
  });

  it("has minted what it is granted itself, when it may ask for that", async () => {
    const grants = ["--target", "live/parrot", "kernel/capabilities", "--intent", "say", "capability.mint"];
    await cell.json("client", "add", "carl", ...grants, "--out", path("carl.creds"));
    const key = (await cell.cli("--creds", path("bob.creds"), "cap", "key")).stdout.trim();
    const ask = (target: string, intent: string) =>
      cell.cli(
        ...["--creds", path("carl.creds"), "cap", "mint", "--holder", key, "--target", target],
        ...["--intent", intent, "--out", path(`${intent}.cap`)],
      );
    expect((await ask("live/parrot", "say")).code).toBe(0);
    expect((await say("bob", "say.cap", { text: "hi" })).code).toBe(0);
    const { code, stderr } = await ask("live/parrot", "crash");
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/^AUTHORITY_INTENT_FORBIDDEN: no single grant of carl/),
    ]);
    const refused = await cell.cli(
      ...["--creds", path("ann.creds"), "cap", "mint", "--holder", key, "--target", "live/parrot"],
      ...["--out", path("none.cap")],
    );
    expect(refused.stderr).toMatch(/^AUTHORITY_INTENT_FORBIDDEN/);
  });

  describe("that was added with a token", () => {
    const send = (intent: string, payload: unknown) =>
      cell.cli("--creds", path("dora.creds"), "send", "live/parrot", intent, JSON.stringify(payload));

    it("sends what its file says without naming it, and hands narrower ones on", async () => {
      const asked = [
        "--target",
        "live/parrot",
        "--intent",
        "say",
        "--where",
        "/text ^= hello",
        "--depth",
        "1",
      ];
      const made = await cell.json("client", "add", "dora", "--token", ...asked, "--out", path("dora.creds"));
      expect(made).toMatchObject({ grants: [], capability: [{ scope: "dora", maxDepth: 1 }] });
      expect((await send("say", { text: "hello" })).code).toBe(0);
      expect((await send("say", { text: "bye" })).stderr).toMatch(/^CAPABILITY_ARGUMENT_FORBIDDEN/);
      // What the token does not name rests on grants, of which there are none.
      expect((await send("crash", { message: "x" })).stderr).toMatch(/^AUTHORITY_INTENT_FORBIDDEN/);
      const key = (await cell.cli("--creds", path("bob.creds"), "cap", "key")).stdout.trim();
      const narrower = ["--holder", key, "--out", path("of-dora.cap")];
      await cell.json("--creds", path("dora.creds"), "cap", "attenuate", path("dora.creds"), ...narrower);
      expect((await say("bob", "of-dora.cap", { text: "hello" })).code).toBe(0);
    });

    it("is refused, and who it handed on to, once the scope of its name is revoked", async () => {
      await cell.json("cap", "revoke", "--scope", "dora", "--yes");
      expect((await send("say", { text: "hello" })).stderr).toMatch(/^CAPABILITY_EPOCH_STALE/);
      expect((await say("bob", "of-dora.cap", { text: "hello" })).stderr).toMatch(/^CAPABILITY_EPOCH_STALE/);
    });

    it("is not made of conditions without a token, nor of a token without a target", async () => {
      for (const wrong of [
        ["--target", "live/parrot", "--where", "/a = 1"],
        ["--token", "--manifest-grants"],
      ]) {
        const { code, stderr } = await cell.cli("client", "add", "eve", ...wrong, "--out", path("eve.creds"));
        expect([code, stderr]).toEqual([2, expect.stringMatching(/^CLI_USAGE/)]);
      }
    });
  });

  it("stops and starts actors with a token of those permissions, and does nothing else with it", async () => {
    const names = ["--permission", "AGENT_SPAWN", "--permission", "AGENT_KILL", "--out", path("keeper.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...names);
    const ask = async (target: string, intent: string, payload: unknown) => {
      const asked = ["send", target, intent, JSON.stringify(payload), "--cap", path("keeper.cap")];
      const { code, stdout, stderr } = await cell.cli("--creds", path("ann.creds"), ...asked);
      return code === 0 ? JSON.parse(stdout) : stderr.split(":", 1)[0];
    };
    const parrot = { path: "live/parrot" };
    expect(await ask("kernel/a/registry", "registry.stop", { ...parrot, hold: true })).toEqual({
      state: "stopped",
    });
    expect(await ask("kernel/a/registry", "registry.start", parrot)).toEqual({ state: "running" });
    expect(await ask("kernel/a/registry", "node.rebuild", {})).toBe("CAPABILITY_INTENT_FORBIDDEN");
    expect(await ask("kernel/capabilities", "epoch.raise", { scope: "x" })).toBe(
      "CAPABILITY_INTENT_FORBIDDEN",
    );
    for (const wrong of [["STORAGE_READ"], ["AGENT_SPAWM"], ["AGENT_SPAWN", "--intent", "x"]]) {
      const { stderr } = await cell.cli("cap", "mint", "--holder", "ann", "--permission", ...wrong);
      expect(stderr).toMatch(/^CLI_USAGE/);
    }
    const { stdout } = await cell.cli("cap", "permissions");
    expect(stdout).toMatch(/^AGENT_SPAWN +child\.start, registry\.start +kernel\/\*\/registry$/m);
  });

  it("is minted a token for the kernel's actors apart from that for graphs, which is approved, listed and revoked as any", async () => {
    const names = ["--permission", "EVENT_SUBSCRIBE", "--approver", "bob", "--out", path("events.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...names);
    const read = async (cap: string) => {
      const asked = ["send", "kernel/a/telemetry", "events.read", "{}", "--cap", path(cap)];
      const { code, stderr } = await cell.cli("--creds", path("ann.creds"), ...asked);
      return code === 0 ? "ok" : stderr.split(":", 1)[0];
    };
    expect(await read("events.cap")).toBe("CAPABILITY_NOT_APPROVED");
    const approve = ["cap", "approve", path("events.cap"), "--out", path("events-1.cap")];
    await cell.json("--creds", path("bob.creds"), ...approve);
    expect(await read("events-1.cap")).toBe("ok");
    const shown = await cell.json("cap", "show", path("events-1.cap"));
    expect(shown).toMatchObject({ counts: true, links: [{ kind: "system" }] });
    const { minted } = (await cell.json("cap", "list")) as { readonly minted: readonly { kind: string }[] };
    expect(minted.at(-1)).toMatchObject({ kind: "system", client: "ann" });
    await cell.json("cap", "revoke", path("events-1.cap"));
    expect(await read("events-1.cap")).toBe("CAPABILITY_REVOKED");

    const both = ["--target", "live/parrot", "--permission", "EVENT_SUBSCRIBE", "--out", path("both.cap")];
    expect((await cell.cli("cap", "mint", "--holder", "ann", ...both)).stderr).toMatch(
      /^CAPABILITY_KINDS_MIXED: .*Mint two tokens/,
    );
    const added = ["--token", "--target", "live/parrot", "kernel/graph", "--out", path("mixed.creds")];
    expect((await cell.cli("client", "add", "mixed", ...added)).stderr).toMatch(/^CAPABILITY_KINDS_MIXED/);
    const { stdout: clients } = await cell.cli("client", "list");
    expect([/^ann /m.test(clients), /^mixed /m.test(clients)]).toEqual([true, false]);
    // Nor does the authority, whoever asks it how.
    const key = (await cell.cli("--creds", path("ann.creds"), "cap", "key")).stdout.trim();
    const permissions = [{ intents: ["say"], targets: ["live/parrot", "kernel/graph"], where: [] }];
    const asked = { holder: key, permissions, ttlMs: 60_000, depth: 0, once: false };
    const { stderr } = await cell.cli(
      "send",
      "kernel/capabilities",
      "capability.mint",
      JSON.stringify(asked),
    );
    expect(stderr).toMatch(/^CAPABILITY_KINDS_MIXED/);
  });

  it("starts as many agents as its token says", async () => {
    const template = { behaviour: "./parrot.ts#parrot" };
    const pool = { supervisor: "pool", strategy: "simple_one_for_one", template };
    await cell.json("apply", await workspace.write("flock.yaml", manifest("flock", [pool])), "--yes");
    const limited = ["--permission", "AGENT_SPAWN", "--agents", "2", "--out", path("two-agents.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...limited);
    const start = async (name: string) => {
      const payload = JSON.stringify({ supervisor: "flock/pool", name });
      const asked = ["send", "kernel/a/registry", "child.start", payload, "--cap", path("two-agents.cap")];
      const { code, stderr } = await cell.cli("--creds", path("ann.creds"), ...asked);
      return code === 0 ? "started" : stderr.split(":", 1)[0];
    };
    expect([await start("one"), await start("two"), await start("three")]).toEqual([
      ...["started", "started", "CAPABILITY_SPENT"],
    ]);
  });

  it("sends as many as its token says, with what it handed on, also after its node was killed", async () => {
    const limited = ["--target", "live/parrot", "--calls", "4", "--depth", "1", "--out", path("four.cap")];
    await cell.json("cap", "mint", "--holder", "ann", ...limited);
    const key = (await cell.cli("--creds", path("bob.creds"), "cap", "key")).stdout.trim();
    const fewer = ["--holder", key, "--calls", "2", "--out", path("two.cap")];
    await cell.json("--creds", path("ann.creds"), "cap", "attenuate", path("four.cap"), ...fewer);
    const outcome = async (as: string, cap: string) => {
      const { code, stderr } = await say(as, cap, { text: "hello" });
      return code === 0 ? "answered" : stderr.split(":", 1)[0];
    };
    const bobs = [];
    for (let n = 0; n < 3; n += 1) bobs.push(await outcome("bob", "two.cap"));
    expect(bobs).toEqual(["answered", "answered", "CAPABILITY_SPENT"]);
    expect(await outcome("ann", "four.cap")).toBe("answered");
    await cell.kill("node");
    expect(await outcome("ann", "four.cap")).toBe("answered");
    expect(await outcome("ann", "four.cap")).toBe("CAPABILITY_SPENT");
  });

  it("cannot use what somebody handed on who was withdrawn since", async () => {
    await cell.json("client", "revoke", "ann", "--yes");
    const { stderr } = await say("bob", "bob.cap", { text: "hello" });
    expect(stderr).toMatch(/^CAPABILITY_HOLDER_WITHDRAWN/);
  });
});
