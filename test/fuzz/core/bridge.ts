// The real Rust core, asked without a promise: laws are judged synchronously. A thread of its own
// speaks gRPC with a core that it has started; this one waits for its answer.
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type JudgeRequest,
  JudgeRequestSchema,
  type JudgeResponse,
  JudgeResponseSchema,
} from "../../../src/gen/cell0/v1/core_pb.ts";

/** Longer than a core takes to start on a machine that does much else. */
const PATIENCE_MS = 120_000;

/** What is sent there, and what comes back: bytes, or why there are none. */
export type BridgeData = {
  readonly port: MessagePort;
  readonly answered: Int32Array<SharedArrayBuffer>;
};
export type Answer = Uint8Array | string;

let ask: ((request: Uint8Array) => Answer) | undefined;

/** What the core says; one is started with the first request, and ends with this thread. */
export function judgedByCore(request: JudgeRequest): JudgeResponse {
  ask ??= open();
  const answer = ask(toBinary(JudgeRequestSchema, request));
  if (typeof answer === "string") throw new Error(`the core has no answer: ${answer}`);
  return fromBinary(JudgeResponseSchema, answer);
}

function open(): (request: Uint8Array) => Answer {
  const { port1, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL("./bridge-worker.ts", import.meta.url), {
    workerData: { port: port2, answered } satisfies BridgeData,
    transferList: [port2],
  });
  // Neither keeps a process alive that has nothing more to ask.
  worker.unref();
  port1.unref();
  return (request) => {
    Atomics.store(answered, 0, 0);
    port1.postMessage(request);
    Atomics.wait(answered, 0, 0, PATIENCE_MS);
    const received: { message: Answer } | undefined = receiveMessageOnPort(port1);
    return received?.message ?? `it said nothing within ${PATIENCE_MS} ms`;
  };
}
