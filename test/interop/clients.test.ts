// The clients in clients/, which share no code with the cell: against a live one, against the published
// vectors, and against one another, each handing the other a token on.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateClient, staleFiles } from "../../scripts/generate-clients.ts";
import {
  CAPABILITY_VECTORS,
  CAPSULE_VECTORS,
  makeCapabilityVectors,
  makeCapsuleVectors,
} from "../../scripts/generate-vectors.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { type LiveCell, startCell } from "../integration/live-cell.ts";
import { startCell as startFakeCell } from "../transport/client/cell-fixture.ts";
import type { ClientTools, Said } from "./client-tools.ts";
import { type GoTools, makeGo, whyNoGo } from "./go-environment.ts";
import { makePython, whyNoPython } from "./python-environment.ts";

const languages = [
  { language: "python", other: "go" },
  { language: "go", other: "python" },
] as const;
const missing = [await whyNoPython(), await whyNoGo()].filter((why) => why !== undefined).join("; ");
if (missing !== "") console.warn(`skipped without CI=true: ${missing}`);
const isCi = process.env.CI === "true";

describe.skipIf(missing !== "" && !isCi)(
  `clients in other languages${missing === "" ? "" : ` (${missing})`}`,
  () => {
    let tools: { readonly python: ClientTools; readonly go: GoTools };
    let cell: LiveCell;
    let folder: string;
    const path = (name: string): string => join(folder, name);
    const client = (language: keyof typeof tools, ...args: readonly string[]) =>
      tools[language].client(path(`${language}.creds`), ...args);

    /** Its nodes answer as a test says, on a real broker. */
    const fakeCell = async (language: keyof typeof tools) => {
      const fake = await startFakeCell();
      const creds = join(fake.broker.directory, "client.creds");
      await writeFile(creds, (await fake.identity("ann")).text);
      const ask = (target: string, timeoutMs: number, ...payloads: readonly string[]) =>
        tools[language].client(
          ...[creds, "ask", "--timeout-ms", String(timeoutMs), target, "say"],
          ...(payloads.length === 0 ? ["{}"] : payloads),
        );
      return { ...fake, ask };
    };

    beforeAll(async () => {
      if (missing !== "") throw new Error(`${missing}, which CI=true demands`);
      folder = await mkdtemp(join(tmpdir(), "cell0-interop-"));
      tools = { python: await makePython(), go: await makeGo(folder) };
      cell = await startCell({ up: ["deploy/examples/hello"] });
      for (const { language } of languages) {
        const grant = ["--target", "hello/greeter", "--intent", "greet"];
        await cell.json("client", "add", language, ...grant, "--out", path(`${language}.creds`));
      }
    }, 600_000);
    afterAll(async () => {
      await cell?.stop();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    describe.each(languages)("the one in $language", ({ language, other }) => {
      const ask = async (target: string, intent: string, payload: unknown, ...options: readonly string[]) => {
        const { stdout, stderr } = await client(
          language,
          "ask",
          ...options,
          target,
          intent,
          JSON.stringify(payload),
        );
        return stderr === "" ? JSON.parse(stdout) : stderr.split(":")[0];
      };

      it("sends a signed intent and reads the signed reply, whose node chains to genesis", async () => {
        expect(await ask("hello/greeter", "greet", { name: "Grace" })).toMatchObject({
          text: "Hello, Grace!",
        });
      });

      it.each([
        ["hello/greeter", "greet", { name: 7 }, "ACTOR_PAYLOAD_INVALID"],
        ["hello/nobody", "greet", { name: "x" }, "ACTOR_NOT_FOUND"],
        ["kernel/graph", "graph.get", {}, "AUTHORITY_INTENT_FORBIDDEN"],
      ])("reads the signed refusal of %s %s %j", async (target, intent, payload, code) => {
        expect(await ask(target, intent, payload)).toBe(code);
      });

      it("narrows a token for the other one, which can use it for that and nothing else", async () => {
        const [minted, narrowed] = [path(`${language}-minted.cap`), path(`${language}-narrowed.cap`)];
        const allowed = ["--target", "hello/greeter", "--intent", "greet", "--depth", "1", "--out", minted];
        await cell.json("cap", "mint", "--holder", language, ...allowed);
        const { stdout: key } = await client(other, "key");
        const where = ["--where", '{"path": "/name", "prefix": "A"}', "--ttl-ms", "600000"];
        const { stdout, stderr } = await client(language, "attenuate", ...where, minted, key.trim());
        expect(stderr).toBe("");
        await writeFile(narrowed, stdout);
        const use = (by: keyof typeof tools, name: string) =>
          client(by, "ask", "--cap", narrowed, "hello/greeter", "greet", JSON.stringify({ name }));
        expect((await use(other, "Ada")).stdout).toContain("Hello, Ada!");
        expect((await use(other, "Bob")).stderr).toMatch(/^CAPABILITY_ARGUMENT_FORBIDDEN: /);
        expect((await use(language, "Ada")).stderr).toMatch(/^CAPABILITY_HOLDER_MISMATCH: /);
        const again = await client(other, "attenuate", narrowed, key.trim());
        expect(again.stderr).toMatch(/^CAPABILITY_WIDENED: /);
        const shown = await cell.json("cap", "show", narrowed);
        expect(shown).toMatchObject({
          counts: true,
          links: [{}, { permissions: [{ targets: ["hello/greeter"] }] }],
        });
      });

      it("narrows a token for an actor, whose path names it", async () => {
        const [minted, narrowed] = [path(`${language}-root.cap`), path(`${language}-agent.cap`)];
        const allowed = ["--target", "hello/greeter", "--depth", "1", "--out", minted];
        await cell.json("cap", "mint", "--holder", language, ...allowed);
        const { stdout, stderr } = await client(language, "attenuate", minted, "support/desk");
        expect(stderr).toBe("");
        await writeFile(narrowed, stdout);
        const shown = await cell.json("cap", "show", narrowed, "--actor", "support/desk");
        expect(shown).toMatchObject({ counts: true, links: [{}, { kind: "agent", maxDepth: 0 }] });
        expect(await cell.cli("cap", "show", narrowed, "--actor", "support/other")).toMatchObject({
          code: 1,
        });
      });

      it("hears at once that nobody listens, and at its deadline that nobody answered", async () => {
        await using fake = await fakeCell(language);
        expect((await fake.ask("t/silent", 20_000)).stderr).toMatch(/^BROKER_NO_RESPONDERS: /);
        await fake.node("a", { "t/silent say": () => "silent" });
        expect((await fake.ask("t/silent", 500)).stderr).toMatch(/^ACTOR_DEADLINE_EXCEEDED: /);
      });

      it("takes replies in order up to the final one, and an error for the end", async () => {
        await using fake = await fakeCell(language);
        const failure = new CellError("ACTOR_CRASHED");
        await fake.node("a", { "t/many say": () => [1, "two", null], "t/fails say": () => [1, failure, 3] });
        const values = ({ stdout }: Said) =>
          stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
        expect(values(await fake.ask("t/many", 20_000))).toEqual([1, "two", null]);
        const failed = await fake.ask("t/fails", 20_000);
        expect(values(failed)).toEqual([1]);
        expect(failed.stderr).toMatch(/^ACTOR_CRASHED: /);
      });

      it("takes the replies to many intents at once from a node that it did not know", async () => {
        await using fake = await fakeCell(language);
        await fake.node("a", { "t/echo say": (payload) => [payload] });
        const payloads = Array.from({ length: 50 }, (_, at) => String(at));
        const { stdout, stderr } = await fake.ask("t/echo", 20_000, ...payloads);
        expect(stderr).toBe("");
        expect(stdout.trim().split("\n").sort()).toEqual(payloads.sort());
      });

      it("passes over a reply that no node of its cell signed, and waits for one that is", async () => {
        await using fake = await fakeCell(language);
        await fake.node("mallory", { "t/a say": () => ["forged"] }, { impostor: true, serveTrust: false });
        expect((await fake.ask("t/a", 500)).stderr).toMatch(/^ACTOR_DEADLINE_EXCEEDED: /);
        await fake.node("a", { "t/a say": () => ["true"] });
        expect(JSON.parse((await fake.ask("t/a", 20_000)).stdout)).toBe("true");
      });

      it("makes of the published vectors what they say", async () => {
        const [capsules, capabilities] = [makeCapsuleVectors(), makeCapabilityVectors()];
        const found: unknown = JSON.parse(await tools[language].vectors(CAPSULE_VECTORS, CAPABILITY_VECTORS));
        const expected = {
          encodings: capsules.encodings.map(({ name, message }) => [name, message]),
          replies: capsules.replies.map((each) => [each.name, outcomeOf(each)]),
          attenuations: capabilities.attenuations.map((each) => [each.name, outcomeOf(each)]),
          proofs: capsules.vectors.map(({ name, verdicts }) => [name, proofOf(verdicts)]),
        };
        for (const rows of Object.values(expected)) expect(rows.length).toBeGreaterThan(3);
        expect(found).toMatchObject(
          Object.fromEntries(
            Object.entries(expected).map(([part, rows]) => [
              part,
              Object.fromEntries(rows.filter(([, outcome]) => outcome !== undefined)),
            ]),
          ),
        );
      });

      it("has the code that buf makes of the proto files now", async () => {
        const anew = path(`${language}-generated`);
        await generateClient(language, anew, tools[language].env);
        expect(await staleFiles(language, anew)).toEqual([]);
      });
    });

    it("the one in go is formatted and vetted", async () => {
      expect(await tools.go.lint()).toBe("");
    });
  },
);

function outcomeOf(vector: object): string | undefined {
  const named = new Map<string, unknown>(Object.entries(vector));
  const found = ["payload", "error", "code", "attenuated"].map((name) => named.get(name));
  return found.find((each) => typeof each === "string");
}

/** Undefined: it cannot be decoded, so that a proof is no matter of it. */
function proofOf(
  verdicts: readonly { readonly stage?: string; readonly code?: string }[],
): string | undefined {
  const [first] = verdicts;
  if (first?.stage === "decode") return undefined;
  return first?.stage === "signature" ? first.code : "proven";
}
