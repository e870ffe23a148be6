// Tokens that actors hold, on a live cell of two nodes: a client hands an actor one in a payload, narrowed to
// it, and the actor acts under it, in every isolation, and can do nothing else with it.
import { readFile, rm } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type CellClient,
  capabilityForActor,
  connect,
  parseIdentity,
  readCapability,
} from "../../src/client.ts";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { toHex } from "../../src/security/bytes.ts";
import { type LiveCell, makeDirectory, startCell } from "./live-cell.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const ENVOYS = ["shared", "worker", "process", "durable", "apart"] as const;

describe("an actor that may do nothing by itself", () => {
  let first: LiveCell;
  let second: LiveCell;
  let workspace: Workspace;
  let directory: string;
  let ann: CellClient;
  const path = (name: string) => workspace.path(name);

  beforeAll(async () => {
    workspace = await makeWorkspace();
    directory = await makeDirectory();
    const envoy = (actor: string, more: object = {}) => ({ actor, behaviour: "./envoy.ts#envoy", ...more });
    const file = await workspace.write(
      "work.yaml",
      manifest("work", [
        { actor: "parrot", behaviour: "./parrot.ts#parrot" },
        { actor: "far", behaviour: "./parrot.ts#parrot", placement: { node: "b" } },
        { actor: "ledger", behaviour: "./ledger.ts#ledger", durable: true },
        { actor: "far-ledger", behaviour: "./ledger.ts#ledger", durable: true, placement: { node: "b" } },
        envoy("shared"),
        envoy("worker", { isolation: "worker" }),
        envoy("process", { isolation: "process" }),
        envoy("durable", { durable: true }),
        envoy("apart", { durable: true, isolation: "process" }),
        envoy("granted", { grants: [{ intents: ["say"], targets: ["work/parrot"] }] }),
      ]),
    );
    first = await startCell();
    await first.json("node", "add", "b", "--shards", "128-255", "--out", path("b.creds"));
    second = await startCell({
      ...{ directory, up: ["--join", path("b.creds")], operator: first.dir.operatorCreds },
    });
    await first.json("apply", file, "--yes");
    const may = ["--target", "work/*", "--intent", "ask", "--intent", "enter", "--intent", "read"];
    await first.json("client", "add", "ann", ...may, "--out", path("ann.creds"));
    const root = ["--target", "work/*", "--intent", "say", "--intent", "enter", "--depth", "2"];
    await first.json("cap", "mint", "--holder", "ann", ...root, "--out", path("ann.cap"));
    ann = await connect({ identity: path("ann.creds") });
  });
  afterAll(async () => {
    await ann?.close();
    await second?.stop();
    await first?.stop();
    await workspace.remove();
    await rm(directory, { recursive: true, force: true });
  });

  let made = 0;
  type Handed = { readonly text: string; readonly file: string; readonly links: { readonly hash: string }[] };
  /** As ann does it: her token, narrowed to an actor. */
  const hand = (actor: string, ...narrower: readonly string[]) =>
    handBy("ann", "ann.cap", actor, ...narrower);
  const handBy = async (client: string, file: string, actor: string, ...narrower: readonly string[]) => {
    made += 1;
    const to = ["--holder", `work/${actor}`, "--out", path(`${made}.cap`), ...narrower];
    const as = ["--creds", path(`${client}.creds`)];
    return (await first.json(...as, "cap", "attenuate", path(file), ...to)) as Handed;
  };
  /** What the actor hears of whom it asks: "answered", or a code. */
  const ask = async (
    actor: string,
    target: string,
    capability?: string,
    text = "hi",
    client = ann,
  ): Promise<string> => {
    const payload = { target: `work/${target}`, text, ...(capability === undefined ? {} : { capability }) };
    try {
      await client.request(`work/${actor}`, "ask", payload, { timeoutMs: 30_000 });
      return "answered";
    } catch (error) {
      return /[A-Z]+(?:_[A-Z]+)+/.exec((error as Error).message)?.[0] ?? String(error);
    }
  };

  it.each(ENVOYS)("sends under the token that it is handed, to both nodes: %s", async (actor) => {
    const { text } = await hand(actor, "--intent", "say", "--where", "/text ^= hi");
    expect(await ask(actor, "parrot")).toBe("AUTHORITY_INTENT_FORBIDDEN");
    expect(await ask(actor, "parrot", text)).toBe("answered");
    expect(await ask(actor, "far", text)).toBe("answered");
    expect(await ask(actor, "parrot", text, "bye")).toBe("CAPABILITY_ARGUMENT_FORBIDDEN");
    expect(await ask(actor, "far", text, "bye")).toBe("CAPABILITY_ARGUMENT_FORBIDDEN");
    expect(await ask(actor, "parrot", "no such text!")).toBe("CAPABILITY_MALFORMED");
  });

  it("is handed one by a program, by the client library alone", async () => {
    const [identity, capability] = [
      parseIdentity(await readFile(path("ann.creds"), "utf8")),
      await readCapability(path("ann.cap")),
    ];
    const text = capabilityForActor({
      ...{ identity, capability, actor: "work/shared" },
      ...{ intents: ["say"], targets: ["work/parrot"], where: ["/text ^= hi"], ttlMs: 60_000, calls: 1 },
    });
    expect(await ask("shared", "parrot", text)).toBe("answered");
    expect(await ask("shared", "parrot", text)).toBe("CAPABILITY_SPENT");
    expect(await ask("shared", "far", text)).toBe("CAPABILITY_INTENT_FORBIDDEN");
  });

  it("is alone with it: neither another actor nor a client can use it, nor hand it on", async () => {
    const { text, file } = await hand("shared");
    for (const target of ["parrot", "far"])
      expect(await ask("worker", target, text)).toBe("CAPABILITY_HOLDER_MISMATCH");
    const capability = await readCapability(file);
    await expect(ann.request("work/parrot", "say", { text: "hi" }, { capability })).rejects.toMatchObject({
      code: "CAPABILITY_HOLDER_MISMATCH",
    });
    const onward = ["cap", "attenuate", file, "--holder", "work/worker", "--out", path("onward.cap")];
    const { code, stderr } = await first.cli("--creds", path("ann.creds"), ...onward);
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringMatching(/^CAPABILITY_WIDENED/)]);
    const own = await readCapability(path("ann.cap"));
    expect(await ask("shared", "parrot", Buffer.from(own).toString("base64url"))).toBe(
      "CAPABILITY_HOLDER_MISMATCH",
    );
  });

  it("is not helped by what its manifest grants, where it sends under a token", async () => {
    const { text } = await hand("granted", "--target", "work/far");
    expect(await ask("granted", "parrot")).toBe("answered");
    expect(await ask("granted", "parrot", text)).toBe("CAPABILITY_INTENT_FORBIDDEN");
    await first.json("cap", "revoke", "--actor", "work/granted", "--yes");
    await vi.waitFor(async () => expect(await ask("granted", "far", text)).toBe("CAPABILITY_REVOKED"));
  });

  it.each(["shared", "durable", "process"])(
    "is on record with the token's hash, also where it is refused: %s",
    async (actor) => {
      const { text, links } = await hand(actor, "--where", "/text ^= hi");
      const hash = links.at(-1)?.hash ?? "";
      await ask(actor, "parrot", text);
      await ask(actor, "parrot", text, "bye");
      await ask(actor, "far", text, "bye");
      const events = async (cell: LiveCell, node: string, kind: string) =>
        (await cell.kernel.events(node, { kinds: [kind], limit: 100 })).map(
          (bytes) => fromBinary(EventSchema, bytes).kind,
        );
      await vi.waitFor(async () => {
        const accepted = (await events(first, "a", "intentAccepted")).filter(
          ({ case: kind, value }) =>
            kind === "intentAccepted" && value.authority.startsWith(`capability ${hash} of `),
        );
        expect(accepted).toHaveLength(1);
        for (const node of ["a", "b"]) {
          const refused = (await events(first, node, "intentRefused")).filter(
            ({ case: kind, value }) => kind === "intentRefused" && toHex(value.token) === hash,
          );
          expect(refused).toMatchObject([
            {
              value: {
                source: `work/${actor}`,
                intent: "say",
                error: { code: "CAPABILITY_ARGUMENT_FORBIDDEN" },
              },
            },
          ]);
        }
      });
    },
  );

  it("has a token used up by so many intents, to either node", async () => {
    const { text } = await hand("shared", "--calls", "3");
    const outcomes: string[] = [];
    for (const target of ["parrot", "far", "parrot", "far", "parrot"])
      outcomes.push(await ask("shared", target, text));
    expect(outcomes).toEqual([...Array(3).fill("answered"), ...Array(2).fill("CAPABILITY_SPENT")]);
  });

  it.each(["shared", "durable"])(
    "has a token that serves once spent by its first intent: %s",
    async (actor) => {
      const once = ["--holder", "ann", "--once", "--ttl", "4m", "--depth", "1", "--target", "work/*"];
      for (const [at, targets] of [
        ["parrot", "parrot", "far"],
        ["far", "parrot"],
      ].entries()) {
        const file = `once-${actor}-${at}.cap`;
        await first.json("cap", "mint", ...once, "--out", path(file));
        const { text } = await handBy("ann", file, actor);
        const outcomes: string[] = [];
        for (const target of targets) outcomes.push(await ask(actor, target, text));
        expect(outcomes).toEqual(["answered", ...targets.slice(1).map(() => "CAPABILITY_SPENT")]);
      }
    },
  );

  it("sends no more once who handed it its token is withdrawn", async () => {
    await first.json("client", "add", "bob", "--manifest-grants", "--out", path("bob.creds"));
    const root = ["--holder", "bob", "--target", "work/*", "--depth", "1", "--out", path("bob.cap")];
    await first.json("cap", "mint", ...root);
    const { text } = await handBy("bob", "bob.cap", "shared");
    const asked = () => ask("shared", "far", text, "hi", first.client);
    expect(await asked()).toBe("answered");
    await first.json("client", "revoke", "bob", "--yes");
    await vi.waitFor(async () => expect(await asked()).toBe("CAPABILITY_HOLDER_WITHDRAWN"));
  });

  it("sends what it has committed, though its node is killed before it leaves", async () => {
    const read = async (ledger: string) =>
      (
        (await ann.request(`work/${ledger}`, "read", {}, { timeoutMs: 20_000 })).value as {
          entries: number[];
        }
      ).entries;
    for (const [actor, entry] of [
      ["durable", 1],
      ["apart", 2],
    ] as const) {
      const { text: capability } = await hand(actor, "--intent", "enter");
      for (const target of ["work/ledger", "work/far-ledger"])
        await ann.request(`work/${actor}`, "enter", { target, entry, capability, delayMs: 3_000 });
    }
    await first.kill("node");
    await vi.waitFor(
      async () => {
        for (const ledger of ["ledger", "far-ledger"])
          expect((await read(ledger)).toSorted()).toEqual([1, 2]);
      },
      { timeout: 40_000 },
    );
  });

  it("sends nothing more when it is taken back, though its manifest grants it nothing", async () => {
    const { text } = await hand("worker");
    expect(await ask("worker", "far", text)).toBe("answered");
    await first.json("cap", "revoke", "--actor", "work/worker", "--yes");
    await vi.waitFor(async () => expect(await ask("worker", "far", text)).toBe("CAPABILITY_REVOKED"));
    expect(await ask("worker", "parrot", text)).toBe("CAPABILITY_REVOKED");
    await first.json("cap", "regrant", "--actor", "work/worker", "--yes");
    await vi.waitFor(async () => expect(await ask("worker", "far", text)).toBe("answered"));
  });

  it("sends no more once what its token came from is revoked", async () => {
    const { text } = await hand("shared");
    expect(await ask("shared", "parrot", text)).toBe("answered");
    await first.json("cap", "revoke", path("ann.cap"), "--yes");
    await vi.waitFor(async () => {
      expect(await ask("shared", "parrot", text)).toBe("CAPABILITY_REVOKED");
      expect(await ask("durable", "far", (await hand("durable")).text)).toBe("CAPABILITY_REVOKED");
    });
  });

  it("has one minted for it, which is listed by its path", async () => {
    const to = ["--holder", "work/shared", "--target", "work/parrot", "--intent", "say"];
    const minted = (await first.json("cap", "mint", ...to, "--out", path("minted.cap"))) as Handed;
    expect(await ask("shared", "parrot", minted.text)).toBe("answered");
    const { stdout } = await first.cli("cap", "list");
    expect(stdout).toMatch(/^[0-9a-f]{64} +work\/shared +agent +say to work\/parrot +default .* counts$/m);
    const shown = await first.cli("cap", "show", path("minted.cap"), "--actor", "work/shared");
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("for actor work/shared")]);
    const others = await first.cli("cap", "show", path("minted.cap"), "--actor", "work/worker");
    expect([others.code, others.stdout]).toEqual([1, expect.stringContaining("CAPABILITY_HOLDER_MISMATCH")]);
    const text = await first.cli("cap", "show", path("minted.cap"), "--text");
    expect(text.stdout.trim()).toBe(minted.text);
  });
});
