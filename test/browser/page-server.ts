// Serves the test's page on the loopback address: the client library as `npm run build` makes it for
// browsers, and a page that imports it by its package's name, bundled as its users would.
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleForBrowser } from "../../scripts/bundle-browser.ts";
import { checkout } from "../../scripts/setup/paths.mjs";

export type PageServer = {
  /** The same page, of two origins. */
  readonly origin: string;
  readonly otherOrigin: string;
  /** Text of the bundles that the page is made of. */
  readonly library: string;
  readonly page: string;
  close(): Promise<void>;
};

const HTML = '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>';

export async function servePage(): Promise<PageServer> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-page-"));
  const client = join(checkout.root, "src", "client.ts");
  await bundleForBrowser({ input: { client }, folder });
  await bundleForBrowser({
    input: { page: join(import.meta.dirname, "page", "page.ts") },
    folder,
    alias: { "cell0/client": join(folder, "client.js") },
  });
  const [library, page] = await Promise.all(
    ["client.js", "page.js"].map((name) => readFile(join(folder, name), "utf8")),
  );
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? page : HTML);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    library: library ?? "",
    page: page ?? "",
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
