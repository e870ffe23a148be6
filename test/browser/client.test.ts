// The client library in a browser: a page in a headless Chromium, against a cell and against nodes
// that answer as a test says, on a real broker.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getChromium } from "../../scripts/setup/chromium.mjs";
import { checkout } from "../../scripts/setup/paths.mjs";
import { signatureVectors } from "../../scripts/signature-vectors.ts";
import { toHex } from "../../src/security/bytes.ts";
import { type LiveCell, startCell } from "../integration/live-cell.ts";
import { startCell as startFakeCell, type TestCell } from "../transport/client/cell-fixture.ts";
import { type Chromium, type Page, startChromium } from "./chromium.ts";
import type { TestPage } from "./page/page.ts";
import { type PageServer, servePage } from "./page-server.ts";

const browser = await getChromium(checkout, process.env);
const missing = "missing" in browser ? browser.missing : undefined;
if (missing !== undefined) console.warn(`skipped without CI=true: ${missing}`);
const isCi = process.env.CI === "true";

/** Calls a function of the page. */
const call = <K extends keyof TestPage>(page: Page, name: K, ...args: Parameters<TestPage[K]>) =>
  page.evaluate(`page.${name}(...${JSON.stringify(args)})`);

describe.skipIf(missing !== undefined && !isCi)(
  `the client in a browser${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    let server: PageServer;
    let chromium: Chromium;
    beforeAll(async () => {
      if (!("path" in browser)) throw new Error(`${missing}, which CI=true demands`);
      server = await servePage();
      chromium = await startChromium(browser.path);
    }, 600_000);
    afterAll(async () => {
      await chromium?.close();
      await server?.close();
    });

    it("is built of nothing that only Node has", async () => {
      for (const text of [server.library, server.page]) {
        expect(text.length).toBeGreaterThan(10_000);
        expect(text).not.toMatch(/["'`]node:|\brequire\(["'`](?:crypto|buffer|net|tls|fs|util)/);
      }
      const page = await chromium.open(server.origin);
      expect(await call(page, "foreign")).toEqual([]);
    });

    it("judges the public signature vectors by the cell's one rule", async () => {
      const rows = signatureVectors();
      const page = await chromium.open(server.origin);
      const asked = rows.map(
        ({ key, message, signature }) => [toHex(key), toHex(message), toHex(signature)] as const,
      );
      const verdicts = await call(page, "verdicts", asked);
      expect(rows.length).toBeGreaterThan(1_000);
      expect(verdicts).toEqual(rows.map(({ verdict }) => verdict === "valid"));
    });

    describe("with a cell", () => {
      let cell: LiveCell;
      let url: string;
      let identity: string;
      beforeAll(async () => {
        const listener = ["--websocket", "0", "--websocket-origin", server.origin];
        cell = await startCell({ up: ["deploy/examples/hello", ...listener] });
        url = /"websocket":"([^"]+)"/.exec(cell.output())?.[1] ?? "";
        const file = join(cell.dir.root, "page.creds");
        await cell.json(
          "client",
          "add",
          "page",
          "--target",
          "hello/**",
          "--events",
          "--ttl",
          "1h",
          "--out",
          file,
        );
        identity = await readFile(file, "utf8");
      });
      afterAll(() => cell?.stop());

      it("sends a signed request and verifies the reply", async () => {
        const page = await chromium.open(server.origin);
        expect(await call(page, "connect", identity, url)).toEqual({ value: "page" });
        expect(await call(page, "request", "hello/greeter", "greet", { name: "Ada Ω" }, {})).toMatchObject({
          value: { text: "Hello, Ada Ω!" },
        });
        expect(await call(page, "close")).toEqual({});
        expect(page.complaints).toEqual([]);
      });

      it.each([
        ["hello/greeter", "greet", { name: 7 }, "ACTOR_PAYLOAD_INVALID"],
        ["kernel/graph", "graph.get", {}, "AUTHORITY_INTENT_FORBIDDEN"],
      ])("shows the code of a refusal of %s %s %j", async (target, intent, payload, code) => {
        const page = await chromium.open(server.origin);
        await call(page, "connect", identity, url);
        expect(await call(page, "request", target, intent, payload, {})).toMatchObject({ code });
      });

      it("hears the cell's events, as the file says that it may", async () => {
        const page = await chromium.open(server.origin);
        await call(page, "connect", identity, url);
        const heard = call(page, "firstEvent", "hello/greeter");
        // The broker takes the subscription before what is sent after it.
        await call(page, "request", "hello/greeter", "greet", { name: "Ada" }, {});
        expect(await heard).toEqual({ value: ["a", expect.stringMatching(/^intent/)] });
      });

      it("is not let in from a page of another origin", async () => {
        const page = await chromium.open(server.otherOrigin);
        expect(await call(page, "connect", identity, url)).toMatchObject({ code: "BROKER_UNREACHABLE" });
      });

      it("is not let in with another cell's identity", async () => {
        await using other = await startFakeCell();
        const { text } = await other.identity("page");
        const page = await chromium.open(server.origin);
        expect(await call(page, "connect", text, url)).toMatchObject({ code: "BROKER_REFUSED_CREDENTIALS" });
      });

      it("says what a browser needs in place of a file and of the broker's TCP address", async () => {
        const page = await chromium.open(server.origin);
        expect(await call(page, "connect", identity)).toMatchObject({
          code: "BROKER_URL_UNUSABLE",
          remedy: expect.stringContaining("--websocket"),
        });
        expect(await call(page, "connectByPath", "page.creds")).toMatchObject({
          code: "AUTHORITY_IDENTITY_INVALID",
          remedy: expect.stringContaining("parseIdentity"),
        });
      });
    });

    describe("with nodes that answer as told", () => {
      const startNodes = () => startFakeCell({ websocket: { port: -1, allowedOrigins: [server.origin] } });
      const connectedPage = async (cell: TestCell): Promise<Page> => {
        const page = await chromium.open(server.origin);
        const { text } = await cell.identity("ann");
        expect(await call(page, "connect", text, cell.broker.websocketUrl)).toEqual({ value: "ann" });
        return page;
      };

      const ask = (page: Page, timeoutMs: number) => call(page, "request", "t/a", "say", {}, { timeoutMs });

      it("passes over a reply under a key that the cell does not know, and takes the true one", async () => {
        await using cell = await startNodes();
        await cell.node("mallory", { "t/a say": () => ["forged"] }, { impostor: true, serveTrust: false });
        const page = await connectedPage(cell);
        expect(await ask(page, 4_000)).toMatchObject({ code: "BROKER_REPLY_UNTRUSTED" });
        expect(await call(page, "problems")).toContain("AUTHORITY_ISSUER_UNKNOWN");
        await cell.node("a", { "t/a say": () => ["true"] });
        expect(await ask(page, 20_000)).toEqual({ value: "true" });
      });

      it("passes over a reply that the node which it names did not sign", async () => {
        await using cell = await startNodes();
        const { connection } = await cell.node("a", { "t/a say": () => ["forged"] }, { forges: true });
        const page = await connectedPage(cell);
        expect(await ask(page, 4_000)).toMatchObject({ code: "BROKER_REPLY_UNTRUSTED" });
        expect(await call(page, "problems")).toContain("CAPSULE_SIGNATURE_INVALID");
        // It would hand out its own certificate and no other.
        await connection.close();
        await cell.node("b", { "t/a say": () => ["true"] });
        expect(await ask(page, 20_000)).toEqual({ value: "true" });
      });

      it("yields a stream in order to its end", async () => {
        await using cell = await startNodes();
        await cell.node("a", { "t/many say": () => [1, "two", { three: 3 }] });
        const page = await connectedPage(cell);
        expect(await call(page, "stream", "t/many", "say", {})).toEqual({ value: [1, "two", { three: 3 }] });
      });
    });
  },
);
