// The thread behind bridge.ts: starts a core, and answers each request by what the core says. The
// core ends when this thread does, since the pipe on its standard input ends then.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { JudgeRequestSchema, JudgeResponseSchema } from "../../../src/gen/cell0/v1/core_pb.ts";
import { CoreClient } from "../../../src/transport/core/core-client.ts";
import { genesis } from "../../security/cell-fixture.ts";
import { coreBinary } from "../../transport/core/core-binary.ts";
import type { Answer, BridgeData } from "./bridge.ts";

const { port, answered }: BridgeData = workerData;
const TIMEOUT_MS = 60_000;

async function start(): Promise<CoreClient> {
  const directory = mkdtempSync(join(tmpdir(), "cell0-judge-"));
  const socket = join(directory, "core.sock");
  const args = ["serve", "--data-dir", join(directory, "data"), "--socket", socket, "--exit-with-parent"];
  const core = spawn(coreBinary(), args, { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(core, "exit").then(() => Promise.reject(new Error("the core ended")));
  await Promise.race([once(core.stdout, "data"), ended]);
  ended.catch(() => undefined);
  const client = new CoreClient({
    endpoint: { kind: "unix", path: socket },
    hostVersion: "0.1.0",
    genesisHash: genesis.hash,
    timeoutMs: TIMEOUT_MS,
  });
  await client.handshake();
  // The connection holds; nobody is told when this thread is ended, to remove it then.
  rmSync(directory, { recursive: true, force: true });
  return client;
}

const started = start();

async function answer(request: Uint8Array): Promise<Answer> {
  try {
    const client = await started;
    return toBinary(JudgeResponseSchema, await client.judge(fromBinary(JudgeRequestSchema, request)));
  } catch (cause) {
    return String(cause);
  }
}

port.on("message", (request: Uint8Array) => {
  void answer(request).then((reply) => {
    port.postMessage(reply);
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
});
