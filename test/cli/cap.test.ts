import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { fromHex, mapKey, toHex } from "../../src/security/bytes.ts";
import { capabilityText } from "../../src/security/capability/capability-text.ts";
import { chainBytes } from "../../src/security/capability/chain.ts";
import { signToken } from "../../src/security/capability/token.ts";
import { formatTokenFile, parseTokenFile } from "../../src/security/capability/token-file.ts";
import { parseCreds, signingKeyOf } from "../../src/security/identity/creds-file.ts";
import { signRevocations } from "../../src/security/revocation/revocations.ts";
import type { Revoked } from "../../src/security/revocation/revoked.ts";
import { run } from "./fake-terminal.ts";
import { keeping } from "./keeping-cell.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

const cap = (cell: MadeCell, ...argv: string[]) =>
  run(["--data-dir", "data", "cap", ...argv], { cwd: cell.parent });
/** A client of it that has no grants. */
async function addClient(cell: MadeCell, name: string) {
  const call = async (...argv: string[]) => {
    const { exitCode, err } = await run(["--data-dir", "data", "client", ...argv], {
      cwd: cell.parent,
      openCell: keeping(cell).openCell,
    });
    expect([exitCode, err]).toEqual([0, ""]);
  };
  await call("add", name, "--manifest-grants");
  return { file: `${name}.creds`, withdraw: () => call("revoke", name, "--yes") };
}
const mint = (cell: MadeCell, ...argv: string[]) =>
  cap(cell, "mint", "--offline", "--holder", "operator", "--target", "shop/*", ...argv);

describe("cap mint", () => {
  it("writes a token that show reads back, and says who uses it how", async () => {
    await using cell = await madeCell();
    const made = await mint(
      cell,
      "--intent",
      "order.place",
      "--where",
      "/amount <= 10",
      "--where",
      "/state in open,new",
      "--ttl",
      "10m",
    );
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    expect(made.out).toMatch(
      /^Token minted by issuer for operator: order\.place to shop\/\* where \/amount <= 10 where .*\n/,
    );
    expect(made.out).toContain("--cap");
    const shown = await cap(cell, "show", "operator.cap");
    expect([shown.exitCode, shown.err]).toEqual([0, ""]);
    expect(shown.out).toMatch(
      /^0 {2}minted by issuer for operator\n {3}may send {3}order\.place to shop\/\*\n {3}where {6}\/amount <= 10\n {3}where {6}\/state in "open","new"\n/,
    );
    expect(shown.out).toMatch(/\ncounts until [-\d]+ [:\d]+ UTC\n$/);
  });

  it("writes over nothing", async () => {
    await using cell = await madeCell();
    await writeFile(join(cell.parent, "operator.cap"), "precious");
    expect((await mint(cell)).err).toMatch(/^CLI_FILE_EXISTS/);
    expect(await readFile(join(cell.parent, "operator.cap"), "utf8")).toBe("precious");
  });

  it.each([
    [
      "a holder that nobody knows",
      ["--holder", "nobody"],
      /^CLI_TARGET_UNKNOWN: no client "nobody" is known here/,
    ],
    ["a holder that is a node", ["--holder", "a"], /^CLI_USAGE: "a" is no client that counts/],
    ["a target that is no pattern", ["--target", "Shop"], /^CLI_USAGE: .*`Shop` is not a pattern/],
    ["a condition of another form", ["--where", "/a matches x"], /^CLI_USAGE: a condition is one of/],
    ["a depth beyond the longest chain", ["--depth", "8"], /^CLI_USAGE/],
  ])("refuses %s", async (_what, argv, message) => {
    await using cell = await madeCell();
    const { exitCode, err } = await mint(cell, ...argv);
    expect(err).toMatch(message);
    expect(exitCode).toBe(err.startsWith("CLI_TARGET_UNKNOWN") ? 3 : 2);
    expect(await readdir(cell.parent)).toEqual(["data"]);
  });
});

describe("cap mint, of the kernel's own actors", () => {
  const kernel = (cell: MadeCell, ...argv: string[]) =>
    cap(cell, "mint", "--offline", "--holder", "operator", ...argv);

  it.each([
    ["by a target", ["--target", "kernel/graph", "--intent", "graph.get"]],
    ["by a permission's name", ["--permission", "AGENT_SPAWN", "--permission", "SECURITY_ADMIN"]],
    ["by both", ["--target", "kernel/graph", "--permission", "AGENT_SPAWN"]],
  ])("makes a token of kind system %s, as show says", async (_what, argv) => {
    await using cell = await madeCell();
    const made = await kernel(cell, ...argv);
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    expect(made.out).toMatch(/^Token minted by issuer for operator: .*; of kind system, until .* UTC\.\n/);
    const shown = await cap(cell, "show", "operator.cap");
    expect(shown.exitCode).toBe(0);
    expect(shown.out).toContain("\n   reaches    the kernel's own actors\n");
    expect(shown.out).toMatch(/\n {3}system, scope default in epoch 0, [0-9a-f]{64}\n/);
    const { out } = await run(["--data-dir", "data", "cap", "show", "operator.cap", "--json"], {
      cwd: cell.parent,
    });
    expect(JSON.parse(out)).toMatchObject({ counts: true, links: [{ kind: "system" }] });
  });

  it("makes no token that reaches those of graphs too, but for one that serves once or an actor's", async () => {
    await using cell = await madeCell();
    const both = ["--target", "shop/*", "--permission", "AGENT_SPAWN"];
    const { exitCode, err } = await kernel(cell, ...both);
    expect(err).toMatch(/^CAPABILITY_KINDS_MIXED: .*Mint two tokens/s);
    expect(exitCode).not.toBe(0);
    expect(await readdir(cell.parent)).toEqual(["data"]);
    expect((await kernel(cell, ...both, "--once")).exitCode).toBe(0);
    const actors = ["mint", "--offline", "--holder", "shop/desk", ...both];
    expect((await cap(cell, ...actors)).exitCode).toBe(0);
  });

  it("is handed on as it is of kind system, for once, or to an actor", async () => {
    await using cell = await madeCell();
    await kernel(cell, "--target", "kernel/**", "--depth", "2", "--ttl", "4m");
    const { out } = await cap(cell, "key");
    const narrow = async (...argv: string[]) => {
      const made = await cap(cell, "attenuate", "operator.cap", "--out", "narrow.cap", ...argv);
      expect([made.exitCode, made.err]).toEqual([0, ""]);
      const read = parseTokenFile(await readFile(join(cell.parent, "narrow.cap"), "utf8"));
      await rm(join(cell.parent, "narrow.cap"));
      return read.ok ? read.value.last.kind : "unread";
    };
    expect(await narrow("--holder", out.trim(), "--target", "kernel/graph")).toBe("system");
    expect(await narrow("--holder", out.trim(), "--once")).toBe("ephemeral");
    expect(await narrow("--holder", "shop/desk")).toBe("agent");
  });
});

it("cap mint refuses the key of a node", async () => {
  await using cell = await madeCell();
  const { out } = await run(["--creds", cell.dir.nodeCreds, "cap", "key"], { cwd: cell.parent });
  expect(out).toMatch(/^[0-9a-f]{64}\n$/);
  const { exitCode, err } = await mint(cell, "--holder", out.trim());
  expect([exitCode, err]).toEqual([
    2,
    expect.stringMatching(/^CLI_USAGE: this key is no client's that counts/),
  ]);
});

describe("cap attenuate", () => {
  const key = async (cell: MadeCell) => {
    const { out } = await cap(cell, "key");
    expect(out).toMatch(/^[0-9a-f]{64}\n$/);
    return out.trim();
  };

  it("adds a link that is narrower, in the place of conditions that it implies", async () => {
    await using cell = await madeCell();
    await mint(cell, "--where", "/amount <= 10", "--depth", "2", "--ttl", "1h");
    const made = await cap(
      cell,
      "attenuate",
      "operator.cap",
      ...[
        "--holder",
        await key(cell),
        "--intent",
        "order.place",
        "--where",
        "/amount <= 5",
        "--ttl",
        "1m",
        "--out",
        "less.cap",
      ],
    );
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    const { json, exitCode } = await cap(cell, "show", "less.cap", "--json");
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject([
      {
        counts: true,
        links: [
          { maxDepth: 2, permissions: [{ intents: ["**"], where: ["/amount <= 10"] }] },
          {
            maxDepth: 1,
            permissions: [{ intents: ["order.place"], targets: ["shop/*"], where: ["/amount <= 5"] }],
          },
        ],
      },
    ]);
  });

  it("has the limits that are given, and its parent's else", async () => {
    await using cell = await madeCell();
    await mint(
      cell,
      ...["--depth", "1", "--memory", "1GiB", "--cpu", "1.5", "--storage", "10MiB", "--cost", "2"],
    );
    const less = ["--memory", "512MiB", "--cpu", "250m", "--cost", "0.000001", "--agents", "3"];
    const handOn = ["attenuate", "operator.cap", "--holder", await key(cell), "--out", "less.cap"];
    expect((await cap(cell, ...handOn, ...less)).err).toBe("");
    const { json } = await cap(cell, "show", "less.cap", "--json");
    const gib = 2 ** 30;
    expect(json()).toMatchObject([
      {
        counts: true,
        links: [
          { limits: { memoryBytes: gib, cpuMilli: 1_500, storageBytes: 10 * 2 ** 20, costMicro: 2_000_000 } },
          {
            limits: {
              memoryBytes: gib / 2,
              cpuMilli: 250,
              storageBytes: 10 * 2 ** 20,
              costMicro: 1,
              agents: 3,
            },
          },
        ],
      },
    ]);
  });

  it.each([
    ["a higher limit", ["--cost", "2.000001"], "CAPABILITY_WIDENED"],
    ["targets beyond its parent's", ["--target", "bank/*"], "CAPABILITY_WIDENED"],
    ["as great a depth", ["--depth", "2"], "CAPABILITY_WIDENED"],
    ["a later end", ["--ttl", "2h"], "CAPABILITY_WIDENED"],
  ])("refuses %s", async (_what, argv, code) => {
    await using cell = await madeCell();
    await mint(cell, "--depth", "2", "--cost", "2");
    const { err } = await cap(
      cell,
      "attenuate",
      "operator.cap",
      "--holder",
      "operator",
      "--out",
      "less.cap",
      ...argv,
    );
    expect(err).toMatch(new RegExp(`^${code}`));
  });

  it("refuses one that may not be handed on", async () => {
    await using cell = await madeCell();
    await mint(cell);
    const { err } = await cap(cell, "attenuate", "operator.cap", "--holder", "operator", "--out", "less.cap");
    expect(err).toMatch(/^CAPABILITY_WIDENED: this token may not be handed on/);
  });
});

/** What the cell's authority has revoked, as its node keeps it. */
async function revokeIn(cell: MadeCell, revoked: Revoked) {
  const identity = parseCreds(await readFile(cell.dir.nodeCreds, "utf8"));
  if (!identity.ok) throw identity.error;
  const { genesis, certificates } = identity.value;
  const of = (kind: string) => certificates.find((each) => each.kind === kind)?.bytes ?? new Uint8Array();
  const record = signRevocations(
    { ...revoked, issuedUnixMs: Date.now(), author: "operator", causeId: new Uint8Array() },
    { key: signingKeyOf(identity.value), genesis, certificates: [of("issuer"), of("node")] },
  );
  if (!record.ok) throw record.error;
  const mirror = await openMirror(cell.dir.revocations, "revoked");
  await mirror.put(toHex(record.value.hash), record.value.bytes);
}

describe("a token that serves once", () => {
  it.each([
    [[], 60_000],
    [["--ttl", "5m"], 300_000],
  ])("is minted for a minute, and for five at most: %j", async (argv, ttlMs) => {
    await using cell = await madeCell();
    expect((await mint(cell, "--once", ...argv)).out).toMatch(/; once, until /);
    const { out, json } = await cap(cell, "show", "operator.cap", "--json");
    expect(out).not.toBe("");
    const [{ links }] = json() as [
      { links: { kind: string; notBeforeUnixMs: number; notAfterUnixMs: number }[] },
    ];
    expect(links).toMatchObject([{ kind: "ephemeral" }]);
    expect((links[0]?.notAfterUnixMs ?? 0) - (links[0]?.notBeforeUnixMs ?? 0)).toBe(ttlMs);
    expect((await cap(cell, "show", "operator.cap")).out).toContain("\n   serves     one intent\n");
  });

  it("is not minted for longer", async () => {
    await using cell = await madeCell();
    const { exitCode, err } = await mint(cell, "--once", "--ttl", "6m");
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_USAGE: .*serves once, .*5 minutes/)]);
  });

  it("is made of any other, and ends no later than that", async () => {
    await using cell = await madeCell();
    await mint(cell, "--depth", "2", "--ttl", "30s");
    const made = await cap(
      cell,
      "attenuate",
      "operator.cap",
      "--holder",
      "operator",
      "--once",
      "--out",
      "once.cap",
    );
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    const { json } = await cap(cell, "show", "once.cap", "--json");
    const [{ links }] = json() as [{ links: { kind: string; notAfterUnixMs: number }[] }];
    expect(links.map(({ kind }) => kind)).toEqual(["user", "ephemeral"]);
    expect(links[1]?.notAfterUnixMs).toBe(links[0]?.notAfterUnixMs);
  });
});

describe("a token that demands approvals", () => {
  it("counts once so many have approved it, and says whom it awaits", async () => {
    await using cell = await madeCell();
    const [ann, bob] = [await addClient(cell, "ann"), await addClient(cell, "bob")];
    const made = await mint(cell, ...["--approver", "ann", "--approver", "bob", "--approvals", "2"]);
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    const shown = await cap(cell, "show", "operator.cap");
    expect(shown.exitCode).toBe(1);
    expect(shown.out).toMatch(/\n {3}approvals {2}0 of 2 needed\n {3}awaits {5}(ann, bob|bob, ann)\n/);
    expect(shown.out).toMatch(/\nCAPABILITY_NOT_APPROVED: /);
    const approve = (file: string, from: string, out: string) =>
      run(["--creds", file, "cap", "approve", from, "--out", out], { cwd: cell.parent });
    const first = await approve(ann.file, "operator.cap", "1.cap");
    expect([first.exitCode, first.out]).toEqual([
      0,
      expect.stringMatching(/\nIt needs 1 approval more\.\n$/),
    ]);
    expect((await cap(cell, "show", "1.cap")).out).toMatch(
      /\n {3}approvals {2}1 of 2 needed, by ann\n {3}awaits {5}bob\n/,
    );
    const second = await approve(bob.file, "1.cap", "2.cap");
    expect(second.out).toMatch(/\nIt needs no more approvals\.\n$/);
    expect((await cap(cell, "show", "2.cap")).exitCode).toBe(0);
    await bob.withdraw();
    expect((await cap(cell, "show", "2.cap")).out).toMatch(/\nCAPABILITY_NOT_APPROVED: /);
  });

  it("is approved link by link, each named for what it allows by itself", async () => {
    await using cell = await madeCell();
    const ann = await addClient(cell, "ann");
    await mint(cell, ...["--approver", "ann", "--depth", "1"]);
    const narrower = [
      "--holder",
      "operator",
      "--where",
      "/amount <= 10",
      "--approver",
      "ann",
      "--out",
      "less.cap",
    ];
    await cap(cell, "attenuate", "operator.cap", ...narrower);
    const approve = (...argv: string[]) =>
      run(["--creds", ann.file, "cap", "approve", "less.cap", ...argv], { cwd: cell.parent });
    const both = await approve("--out", "x.cap");
    expect([both.exitCode, both.err]).toEqual([
      2,
      expect.stringMatching(/^CLI_USAGE: links 0, 1 ask for it/),
    ]);
    const root = await approve("--link", "0", "--out", "root.cap");
    expect(root.out).toMatch(/^Approved link 0, all of it: minted by .* \*\* to shop\/\*; until /);
    const last = await approve("--link", "1", "--out", "last.cap");
    expect(last.out).toMatch(/^Approved link 1, all of it: narrowed by .* where \/amount <= 10; until /);
    expect((await approve("--link", "2", "--out", "y.cap")).err).toMatch(/^CAPABILITY_APPROVER_UNASKED/);
  });

  it("is not approved by who is not asked", async () => {
    await using cell = await madeCell();
    const [ann] = [await addClient(cell, "ann")];
    await mint(cell);
    const { exitCode, err } = await run(
      ["--creds", ann.file, "cap", "approve", "operator.cap", "--out", "x.cap"],
      { cwd: cell.parent },
    );
    expect([exitCode, err]).toEqual([
      expect.any(Number),
      expect.stringMatching(/^CAPABILITY_APPROVER_UNASKED/),
    ]);
  });

  it.each([
    [
      "more approvals than approvers",
      ["--approver", "operator", "--approvals", "2"],
      /^CLI_USAGE: it demands 2 approvals of 1/,
    ],
    ["approvals of nobody", ["--approvals", "1"], /^CLI_USAGE: it demands 1 approvals of 0/],
    [
      "one approver twice",
      ["--approver", "operator", "--approver", "operator"],
      /^CLI_USAGE: an approver is named twice/,
    ],
    ["an approver whom nobody knows", ["--approver", "nobody"], /^CLI_TARGET_UNKNOWN: no client "nobody"/],
  ])("is not minted with %s", async (_what, argv, message) => {
    await using cell = await madeCell();
    expect((await mint(cell, ...argv)).err).toMatch(message);
  });
});

describe("what is revoked", () => {
  it("is told of a token from the directory's own copy, and new ones are minted in their scope's epoch", async () => {
    await using cell = await madeCell();
    await mint(cell, "--scope", "shop", "--out", "old.cap");
    expect((await cap(cell, "show", "old.cap")).exitCode).toBe(0);
    await revokeIn(cell, { epochs: new Map([["shop", 7]]), tokens: new Map() });
    expect((await cap(cell, "show", "old.cap")).out).toMatch(
      /\nCAPABILITY_EPOCH_STALE: its epoch in shop is 0, the current one 7/,
    );
    await mint(cell, "--scope", "shop", "--out", "new.cap");
    const shown = await cap(cell, "show", "new.cap", "--json");
    expect([shown.exitCode, shown.json()]).toMatchObject([0, [{ links: [{ scope: "shop", epoch: 7 }] }]]);
    const [{ links }] = shown.json() as [{ links: { hash: string }[] }];
    const hash = fromHex(links[0]?.hash ?? "") ?? new Uint8Array();
    await revokeIn(cell, { epochs: new Map(), tokens: new Map([[mapKey(hash), { hash }]]) });
    expect((await cap(cell, "show", "new.cap")).out).toMatch(/\nCAPABILITY_REVOKED: /);
  });

  it("that cannot be read lets nothing be minted, and is found by a backup", async () => {
    await using cell = await madeCell();
    const mirror = await openMirror(cell.dir.revocations, "revoked");
    await mirror.put("00", Uint8Array.of(1, 2, 3));
    expect((await mint(cell)).err).toMatch(/^CAPABILITY_REVOCATIONS_INVALID: .*revocations\/00\.revoked/);
    const backup = await run(["--data-dir", "data", "backup", "b.tar.gz"], { cwd: cell.parent });
    expect(backup.err).toMatch(/^CAPABILITY_REVOCATIONS_INVALID/);
  });
});

describe("cap show", () => {
  it("says why a token does not count", async () => {
    await using cell = await madeCell();
    await using other = await madeCell();
    await mint(other);
    const file = join(other.parent, "operator.cap");
    const { exitCode, out } = await cap(cell, "show", file);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/\nCAPABILITY_AUTHORITY_UNKNOWN: /);
  });

  it("says who counts no more, and refuses to give that one a further token", async () => {
    await using cell = await madeCell();
    const client = await addClient(cell, "ann");
    await mint(cell, "--holder", "ann", "--out", "ann.cap");
    expect((await cap(cell, "show", "ann.cap")).exitCode).toBe(0);
    await client.withdraw();
    const { exitCode, out } = await cap(cell, "show", "ann.cap");
    expect([exitCode, out]).toEqual([1, expect.stringMatching(/\nits holder is nobody who counts: /)]);
    expect((await mint(cell, "--holder", "ann", "--out", "b.cap")).err).toMatch(
      /^CLI_USAGE: "ann" is no client that counts/,
    );
  });

  it("says by an identity file what that can tell of a token that a node minted", async () => {
    await using cell = await madeCell();
    const ann = await addClient(cell, "ann");
    await mint(cell, "--holder", "ann", "--out", "issuers.cap");
    const minted = parseTokenFile(await readFile(join(cell.parent, "issuers.cap"), "utf8"));
    const node = parseCreds(await readFile(cell.dir.nodeCreds, "utf8"));
    if (!minted.ok || !node.ok) throw new Error("there is no token, or no node");
    const signed = signToken(minted.value.root, signingKeyOf(node.value), node.value.genesis.hash);
    if (!signed.ok) throw signed.error;
    const [root, links] = [signed.value, [signed.value]];
    await writeFile(join(cell.parent, "nodes.cap"), formatTokenFile({ links, root, last: root }));

    const by = (...argv: string[]) => run([...argv, "cap", "show", "nodes.cap"], { cwd: cell.parent });
    const whole = await by("--data-dir", "data");
    expect([whole.exitCode, whole.out]).toEqual([0, expect.stringMatching(/\ncounts until [-\d: ]+ UTC\n$/)]);
    const own = await by("--creds", ann.file);
    expect([own.exitCode, own.out]).toEqual([
      0,
      expect.stringMatching(/, or its minter is no node of shard 0: an identity file does not tell\n$/),
    ]);
  });

  it("says by an identity file what that can tell of a token that was handed on", async () => {
    await using cell = await madeCell();
    const [ann, bob] = [await addClient(cell, "ann"), await addClient(cell, "bob")];
    await mint(cell, "--holder", "ann", "--depth", "1", "--out", "ann.cap");
    const as = (file: string, ...argv: string[]) =>
      run(["--creds", file, "cap", ...argv], { cwd: cell.parent });
    const { out } = await as(bob.file, "key");
    const made = await as(ann.file, "attenuate", "ann.cap", "--holder", out.trim(), "--out", "bob.cap");
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    const shown = await as(bob.file, "show", "bob.cap");
    expect([shown.exitCode, shown.out]).toEqual([
      0,
      expect.stringMatching(/unless it was revoked or a holder withdrawn: an identity file does not tell\n$/),
    ]);
    expect((await as(ann.file, "attenuate", "ann.cap", "--holder", "bob", "--out", "c.cap")).err).toMatch(
      /^CLI_TARGET_UNKNOWN: no client "bob" is known here; Give its public key/,
    );
  });

  it("refuses what is no token", async () => {
    await using cell = await madeCell();
    await writeFile(join(cell.parent, "x.cap"), "nothing");
    expect((await cap(cell, "show", "x.cap")).exitCode).toBe(2);
    expect((await cap(cell, "show", "x.cap")).err).toMatch(
      /^CAPABILITY_MALFORMED: the file is no capability/,
    );
  });
});

describe("a token of an actor", () => {
  it("is narrowed to it by who holds it, and printed as the text that a payload takes", async () => {
    await using cell = await madeCell();
    await mint(cell, "--depth", "2");
    const made = await cap(cell, "attenuate", "operator.cap", "--holder", "shop/cart", "--calls", "3");
    expect([made.exitCode, made.err]).toEqual([0, ""]);
    expect(made.out).toMatch(/^Token narrowed by operator for actor shop\/cart: /);
    expect(made.out).toContain("cell0 cap show");
    const file = parseTokenFile(await readFile(join(cell.parent, "shop-cart.cap"), "utf8"));
    if (!file.ok) throw file.error;
    expect(file.value.last).toMatchObject({ kind: "agent", maxDepth: 0, limits: { calls: 3 } });
    const text = await cap(cell, "show", "shop-cart.cap", "--text");
    expect([text.exitCode, text.out]).toEqual([0, `${capabilityText(chainBytes(file.value))}\n`]);
  });

  it("is shown with the actor's path to who knows it", async () => {
    await using cell = await madeCell();
    await mint(cell, "--holder", "shop/cart");
    const shown = await cap(cell, "show", "shop-cart.cap");
    expect(shown.out).toMatch(/^0 {2}minted by issuer for an actor \([0-9a-f]{16}\)\n/);
    expect([shown.exitCode, shown.out]).toEqual([0, expect.stringMatching(/\ncounts until /)]);
    const known = await cap(cell, "show", "shop-cart.cap", "--actor", "shop/cart");
    expect([known.exitCode, known.out]).toEqual([
      0,
      expect.stringMatching(/^0 {2}minted by issuer for actor shop\/cart\n/),
    ]);
    const other = await cap(cell, "show", "shop-cart.cap", "--actor", "shop/till");
    expect([other.exitCode, other.out]).toEqual([1, expect.stringMatching(/\nCAPABILITY_HOLDER_MISMATCH/)]);
  });

  it.each([
    ["that may be handed on", ["--depth", "1"], /^CLI_USAGE: an actor hands nothing on/],
    ["that serves once", ["--once"], /^CLI_USAGE: --once is for who has a key.*--calls 1/],
    ["whose path is none", ["--holder", "shop/Cart"], /^CLI_USAGE: no actor has such a path/],
  ])("is refused %s", async (_what, argv, message) => {
    await using cell = await madeCell();
    const { exitCode, err } = await mint(cell, "--holder", "shop/cart", ...argv);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it("is handed on no further, and approved by no actor", async () => {
    await using cell = await madeCell();
    await mint(cell, "--holder", "shop/cart");
    const onward = await cap(cell, "attenuate", "shop-cart.cap", "--holder", "operator", "--out", "o.cap");
    expect(onward.err).toMatch(/^CAPABILITY_WIDENED: this token may not be handed on/);
    expect((await mint(cell, "--approver", "shop/cart")).err).toMatch(/^CLI_TARGET_UNKNOWN/);
  });
});

describe("a capsule with a capability", () => {
  it("takes one of capability and payload from standard input", async () => {
    await using cell = await madeCell();
    for (const argv of [["send"], ["capsule", "encode"]]) {
      const { exitCode, err } = await run(
        ["--data-dir", "data", ...argv, "shop/orders", "order.place", "-", "--cap", "-"],
        {
          cwd: cell.parent,
          input: "{}",
        },
      );
      expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_USAGE: standard input is either/)]);
    }
  });

  const encode = (cell: MadeCell, payload: string) =>
    run(
      [
        "--data-dir",
        "data",
        "capsule",
        "encode",
        "shop/orders",
        "order.place",
        payload,
        "--cap",
        "operator.cap",
      ],
      {
        cwd: cell.parent,
      },
    );

  it("is not judged by what it takes of its token's limits, which is said", async () => {
    await using cell = await madeCell();
    await mint(cell, "--calls", "3", "--cost", "2.5");
    const { out: input } = await encode(cell, "{}");
    const explained = await run(["--data-dir", "data", "cap", "explain"], { cwd: cell.parent, input });
    expect(explained.out).toMatch(
      /^-- {4}limits +3 intents, 2\.5 cost in all: what is left, .* its node knows$/m,
    );
    expect(explained.exitCode).toBe(0);
  });

  it.each([
    [
      "authorises it",
      '{"amount":10}',
      0,
      /\nok {4}link 0 .*minted by issuer for operator.*\nok {4}authority .*capability [0-9a-f]{64}/,
    ],
    [
      "stops at",
      '{"amount":11}',
      1,
      /\nfail {2}authority .*CAPABILITY_ARGUMENT_FORBIDDEN: the constraint on payload\/amount does not hold/,
    ],
  ])("is verified link by link, up to what %s", async (_what, payload, exitCode, shown) => {
    await using cell = await madeCell();
    await mint(cell, "--where", "/amount <= 10");
    const { out } = await encode(cell, payload);
    const explained = await run(["--data-dir", "data", "cap", "explain"], { cwd: cell.parent, input: out });
    expect(explained.out).toMatch(shown);
    const verified = await run(["--data-dir", "data", "capsule", "verify"], { cwd: cell.parent, input: out });
    expect(verified.out).toMatch(shown);
    expect(verified.exitCode).toBe(exitCode);
    const decoded = await run(["--data-dir", "data", "capsule", "decode", "--json"], {
      cwd: cell.parent,
      input: out,
    });
    expect(decoded.json()).toMatchObject([
      { capsules: [{ capability: [{ permissions: [{ targets: ["shop/*"] }] }] }] },
    ]);
  });
});
