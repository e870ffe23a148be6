// From the word that revokes a token, as it leaves, to the first intent under it that another
// node refuses, by the client's clock: two nodes, each with a core, on this machine.
//   npm run bench -- revocation
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CellClient, CellError, connect, readCapability } from "../src/client.ts";
import { toHex } from "../src/security/bytes.ts";
import { attenuate, type Chain, chainBytes, readChain } from "../src/security/capability/chain.ts";
import { parseCreds, signingKeyOf } from "../src/security/identity/creds-file.ts";
import { startCell, withDataDir } from "./bench-cell.ts";
import { unwrap } from "./bench-trust.ts";
import { heading, latenciesOf, line, ms } from "./figures.ts";

const GREETER = join(import.meta.dirname, "..", "deploy", "examples", "hello", "greeter.ts");
const TRIALS = 500;
/** What the issue demands of the 99th percentile. */
const BUDGET_MS = 50;
const TARGET = "bench/far";

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cell0-bench-revocation-"));
  const file = (name: string) => join(folder, name);
  await writeFile(file("bench.yaml"), manifestText());
  try {
    await withDataDir((dataDir) =>
      withDataDir(async (otherDir) => {
        const first = await startCell(dataDir, [], ["--no-spare"]);
        await first.cli("node", "add", "b", "--shards", "128-255", "--out", file("b.creds"));
        const second = await startCell(otherDir, [], ["--no-spare", "--join", file("b.creds")]);
        const client = await connect({ identity: first.identity });
        try {
          await first.cli("apply", file("bench.yaml"), "--yes");
          const allowed = ["--target", TARGET, "--depth", "1", "--out", file("root.cap")];
          await first.cli("cap", "mint", "--holder", "operator", ...allowed);
          await measure(client, await narrower(first.identity, file("root.cap")));
        } finally {
          await client.close();
          await second.stop();
          await first.stop();
        }
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes one token after another, each narrowed from one root by its holder, for itself. */
async function narrower(identityFile: string, rootFile: string): Promise<() => Chain> {
  const identity = unwrap(parseCreds(await readFile(identityFile, "utf8")));
  const key = signingKeyOf(identity);
  const root = unwrap(readChain(await readCapability(rootFile)));
  return () => {
    const claims = { ...root.last, id: new Uint8Array(randomBytes(16)), maxDepth: 0 };
    return unwrap(attenuate(root, claims, key, identity.genesis.hash));
  };
}

async function measure(client: CellClient, next: () => Chain): Promise<void> {
  const refused: number[] = [];
  const answered: number[] = [];
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const chain = next();
    const capability = chainBytes(chain);
    await client.request(TARGET, "greet", { name: "Ada" }, { capability });
    const hash = toHex(chain.last.hash);
    const startedAt = performance.now();
    const revoked = client.request("kernel/capabilities", "capability.revoke", { hash }).then(() => {
      answered.push(performance.now() - startedAt);
    });
    refused.push((await untilRefused(client, capability)) - startedAt);
    await revoked;
  }
  heading(`a token is revoked at one node, and used at another; ${TRIALS} trials`);
  for (const [what, samples] of [
    ["until the other node refuses it", refused],
    ["until the authority has answered", answered],
  ] as const) {
    const { p50Ms, p99Ms, maxMs } = latenciesOf(samples);
    line(what, `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)}`);
  }
  const { p99Ms } = latenciesOf(refused);
  line("budget of the first one's p99", `${BUDGET_MS} ms: ${p99Ms < BUDGET_MS ? "held" : "MISSED"}`);
}

/** Sends one after the other until one is refused because it is revoked. */
async function untilRefused(client: CellClient, capability: Uint8Array): Promise<number> {
  for (;;) {
    try {
      await client.request(TARGET, "greet", { name: "Ada" }, { capability, timeoutMs: 5_000 });
    } catch (error) {
      if (error instanceof CellError && error.code === "CAPABILITY_REVOKED") return performance.now();
      throw error;
    }
  }
}

function manifestText(): string {
  const behaviour = `${GREETER}#greeter`;
  const child = { actor: "far", behaviour, input: { greeting: "Hello" }, placement: { node: "b" } };
  const head = { apiVersion: "cell0.dev/v1", kind: "ActorGraph", metadata: { name: "bench" } };
  return JSON.stringify({ ...head, spec: { children: [child] } });
}
