import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type LiveCell, repository, startCell } from "../integration/live-cell.ts";
import { makePython, type Python, whyNoPython } from "./python-environment.ts";

const missing = await whyNoPython();
if (missing !== undefined) console.warn(`skipped without CI=true: ${missing}`);
const VECTORS = join(repository, "test", "vectors", "capsule-v1.json");

describe.skipIf(missing !== undefined && process.env.CI !== "true")(
  `a Python client, with nats-py and a protobuf library${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    let python: Python;
    let cell: LiveCell;
    let folder: string;
    beforeAll(async () => {
      if (missing !== undefined) throw new Error(`${missing}, which CI=true demands`);
      folder = await mkdtemp(join(tmpdir(), "cell0-interop-"));
      const buf = join(repository, "node_modules", ".bin", "buf");
      await promisify(execFile)(buf, ["build", "-o", join(folder, "descriptors.binpb")], { cwd: repository });
      python = await makePython();
      cell = await startCell({ up: ["deploy/examples/hello"] });
      const creds = join(folder, "snake.creds");
      await cell.json(
        "client",
        "add",
        "snake",
        "--target",
        "hello/greeter",
        "--intent",
        "greet",
        "--out",
        creds,
      );
    }, 400_000);
    afterAll(async () => {
      await cell?.stop();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    const send = async (target: string, intent: string, payload: unknown): Promise<unknown> => {
      const files = [join(folder, "snake.creds"), join(folder, "descriptors.binpb")];
      return JSON.parse(await python.run("client.py", ...files, target, intent, JSON.stringify(payload)));
    };

    it("publishes a signed intent and reads the signed reply, whose node chains to genesis", async () => {
      const sent = await send("hello/greeter", "greet", { name: "Grace" });
      expect(sent).toEqual({ reply: { text: "Hello, Grace!", count: 1 } });
    });

    it.each([
      ["hello/greeter", "greet", { name: 7 }, "ACTOR_PAYLOAD_INVALID"],
      ["hello/nobody", "greet", { name: "x" }, "ACTOR_NOT_FOUND"],
      ["kernel/graph", "graph.get", {}, "AUTHORITY_INTENT_FORBIDDEN"],
    ])("reads the signed refusal of %s %s %j", async (target, intent, payload, code) => {
      expect(await send(target, intent, payload)).toEqual({ error: { code, message: expect.any(String) } });
    });

    it("agrees with the published vectors on every proof, batches among them", async () => {
      const verdict = z.object({ stage: z.string().optional() });
      const { vectors } = z
        .object({ vectors: z.array(z.object({ name: z.string(), verdicts: z.array(verdict) })) })
        .parse(JSON.parse(await readFile(VECTORS, "utf8")));
      const stages = vectors.map(({ name, verdicts }) => [name, verdicts.map(({ stage }) => stage)] as const);
      // What cannot be decoded is no matter of proofs.
      const expected = stages.filter(([, stages]) => !stages.includes("decode"));
      const judged: unknown = JSON.parse(
        await python.run("vectors.py", VECTORS, join(folder, "descriptors.binpb")),
      );
      expect(judged).toMatchObject(
        Object.fromEntries(expected.map(([name, stages]) => [name, !stages.includes("signature")])),
      );
      expect(expected.length).toBeGreaterThan(10);
    });
  },
);
