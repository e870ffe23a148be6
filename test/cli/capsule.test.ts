import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FakeTerminalOptions } from "./fake-terminal.ts";
import { run } from "./fake-terminal.ts";
import { type MadeCell, madeCell } from "./made-cell.ts";

const capsule = (cell: MadeCell, argv: string[], options: FakeTerminalOptions = {}) =>
  run(["--data-dir", "data", "capsule", ...argv], { cwd: cell.parent, ...options });
const greet = ["encode", "hello/greeter", "greet", '{"name":"Ada"}'];

describe("capsule encode", () => {
  it("says where to publish it and where its replies go", async () => {
    await using cell = await madeCell();
    const { exitCode, out, err } = await capsule(cell, greet);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^[A-Za-z0-9+/]+=*\n$/);
    expect(err).toMatch(
      /^publish to {2}cell0\.v1\.local\.in\.operator\.hello\.greeter\nreplies at {2}cell0\.v1\.local\.inbox\.operator\.[\w-]+\.0\n$/,
    );
  });

  it.each(["raw", "hex", "base64"])("prints %s that decode and verify read back", async (format) => {
    await using cell = await madeCell();
    const made = await capsule(cell, [...greet, "-o", format]);
    const input = format === "raw" ? made.bytes : made.out;
    const decoded = await capsule(cell, ["decode", "--json"], { input });
    expect(decoded.json()).toMatchObject([
      {
        algorithm: "ed25519",
        proof: { kind: "single" },
        capsules: [
          { target: "hello/greeter", intent: "greet", payload: { name: "Ada" }, priority: "normal" },
        ],
      },
    ]);
    const verified = await capsule(cell, ["verify", "-"], { input });
    expect([verified.exitCode, verified.err]).toEqual([0, ""]);
    expect(verified.out).toMatch(
      /^ok {4}envelope .*\nok {4}proof .*\nok {4}issuer +client operator, generation 1/,
    );
  });

  it("asks for no reply with --no-reply", async () => {
    await using cell = await madeCell();
    const { json } = await capsule(cell, [...greet, "--no-reply", "--json"]);
    expect(json()).toMatchObject([{ replyInbox: "" }]);
  });

  it.each([
    [
      "a target that is no path",
      ["encode", "Hello", "greet"],
      /CAPSULE_FIELD_INVALID|BROKER_SUBJECT_INVALID/,
    ],
    [
      "an inbox of somebody else",
      [...greet, "--reply-inbox", "cell0.v1.local.inbox.mallory.x"],
      /^CLI_USAGE/,
    ],
    ["a payload that is no JSON", ["encode", "a/b", "c", "{"], /^CLI_PAYLOAD_INVALID/],
  ])("refuses %s", async (_what, argv, message) => {
    await using cell = await madeCell();
    const { exitCode, err } = await capsule(cell, argv);
    expect(err).toMatch(message);
    expect(exitCode).toBeGreaterThan(0);
  });
});

describe("capsule verify", () => {
  it.each<[string, string[], string]>([
    [
      "the subject of another target",
      ["--subject", "cell0.v1.local.in.operator.hello.other"],
      "CAPSULE_TARGET_MISMATCH",
    ],
    [
      "the subject of another principal",
      ["--subject", "cell0.v1.local.in.mallory.hello.greeter"],
      "AUTHORITY_PRINCIPAL_MISMATCH",
    ],
    ["a subject that is none", ["--subject", "elsewhere"], "CAPSULE_SUBJECT_INVALID"],
    ["a time long after", ["--at", "2027-06-01T00:00:00Z"], "CAPSULE_STALE"],
    ["a time before", ["--at", "2020-01-01T00:00:00Z"], "AUTHORITY_CERTIFICATE_NOT_YET_VALID"],
  ])("fails for %s, with its code and 1", async (_what, argv, code) => {
    await using cell = await madeCell();
    const { out } = await capsule(cell, greet);
    const verified = await capsule(cell, ["verify", ...argv, "--json"], { input: out });
    expect(verified.exitCode).toBe(1);
    expect(verified.json()).toMatchObject([{ valid: false }]);
    expect(verified.out).toContain(code);
  });

  it("passes for its own subject", async () => {
    await using cell = await madeCell();
    const { out } = await capsule(cell, greet);
    const argv = ["verify", "--subject", "cell0.v1.local.in.operator.hello.greeter"];
    expect((await capsule(cell, argv, { input: out })).exitCode).toBe(0);
  });

  it("fails for a capsule of another cell, by its genesis", async () => {
    await using cell = await madeCell();
    await using other = await madeCell();
    const { out } = await capsule(other, greet);
    const verified = await capsule(cell, ["verify"], { input: out });
    expect(verified.exitCode).toBe(1);
    expect(verified.out).toMatch(/fail {2}proof +CAPSULE_SIGNATURE_INVALID/);
    expect(verified.out).toMatch(/fail {2}issuer +AUTHORITY_ISSUER_UNKNOWN/);
  });

  it("works with an identity alone, without a data directory", async () => {
    await using cell = await madeCell();
    await writeFile(join(cell.parent, "me.creds"), await readFile(cell.dir.operatorCreds));
    const { out } = await capsule(cell, greet);
    const options = { cwd: cell.parent, input: out };
    expect(
      (await run(["--data-dir", "none", "--creds", "me.creds", "capsule", "verify"], options)).exitCode,
    ).toBe(0);
  });

  it("passes nothing with a changed byte, and never fails but with a code", async () => {
    await using cell = await madeCell();
    const { bytes } = await capsule(cell, [...greet, "-o", "raw"]);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bits;
        const { exitCode, err } = await capsule(cell, ["verify"], { input: changed });
        expect([exitCode, err]).toEqual([1, ""]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("capsule decode", () => {
  it.each([
    ["nothing", ""],
    ["text", "hello"],
    ["hex of something else", "deadbeef"],
  ])("refuses %s with CLI_CAPSULE_UNREADABLE", async (_what, input) => {
    await using cell = await madeCell();
    const { exitCode, err } = await capsule(cell, ["decode"], { input });
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^CLI_CAPSULE_UNREADABLE: /)]);
  });
});
