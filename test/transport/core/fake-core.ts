// A stand-in for the Rust core where a test must make it fail on purpose.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { CoreService } from "../../../src/gen/cell0/v1/core_pb.ts";

type Methods = typeof CoreService.method;
export type Handlers = {
  [N in keyof Methods]?: (
    request: MessageShape<Methods[N]["input"]>,
  ) => MessageInitShape<Methods[N]["output"]> | Promise<MessageInitShape<Methods[N]["output"]>>;
};

/** What a handler throws to refuse as the core does. */
export class Refused extends Error {
  readonly grpc: number;
  readonly code: string;
  constructor(grpc: number, code: string) {
    super(`${code}: refused`);
    this.grpc = grpc;
    this.code = code;
  }
}

export type FakeCore = {
  readonly socket: string;
  start(): Promise<void>;
  /** Cuts all connections at once, as a kill does. */
  kill(): void;
  /** What the health service says from now on. */
  setServing(serving: boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
};

const handshake = () => ({ protocol: 1, coreVersion: "0.1.7", voteKey: new Uint8Array(32) });

export async function fakeCore(handlers: Handlers = {}): Promise<FakeCore> {
  const directory = await mkdtemp(join(tmpdir(), "cell0-core-"));
  const socket = join(directory, "core.sock");
  let server: Server | undefined;
  let serving = true;
  const watchers = new Set<(serving: boolean) => void>();

  const start = async (): Promise<void> => {
    await rm(socket, { force: true });
    const next = new Server();
    const all: Handlers = { handshake, ...handlers };
    for (const [name, method] of Object.entries(CoreService.method)) {
      const handler: unknown = Reflect.get(all, name);
      addUnary(next, method, typeof handler === "function" ? (request) => handler(request) : undefined);
    }
    next.register(
      "/grpc.health.v1.Health/Watch",
      (call: { write(value: boolean): void; on(event: string, listener: () => void): void }) => {
        const write = (value: boolean): void => call.write(value);
        watchers.add(write);
        call.on("cancelled", () => watchers.delete(write));
        write(serving);
      },
      (value: boolean) => Buffer.from([8, value ? 1 : 2]),
      (bytes: Buffer) => bytes,
      "serverStream",
    );
    await new Promise<void>((resolve, reject) => {
      next.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    server = next;
  };
  const kill = (): void => {
    server?.forceShutdown();
    server = undefined;
    watchers.clear();
  };
  await start();
  return {
    socket,
    start,
    kill,
    setServing(value) {
      serving = value;
      for (const write of watchers) write(value);
    },
    async [Symbol.asyncDispose]() {
      kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function addUnary(
  server: Server,
  method: { readonly name: string; readonly input: DescMessage; readonly output: DescMessage },
  handler: ((request: Message) => Record<string, unknown> | Promise<Record<string, unknown>>) | undefined,
): void {
  const handle = async (request: Message): Promise<Record<string, unknown>> => {
    if (handler === undefined) throw new Refused(status.UNIMPLEMENTED, "");
    return handler(request);
  };
  server.register<Message, Record<string, unknown>>(
    `/${CoreService.typeName}/${method.name}`,
    (
      call: ServerUnaryCall<Message, Record<string, unknown>>,
      callback: sendUnaryData<Record<string, unknown>>,
    ) => {
      handle(call.request).then(
        (value) => callback(null, value),
        (error: unknown) => callback(refusal(error)),
      );
    },
    (value) => Buffer.from(toBinary(method.output, create(method.output, value))),
    (bytes: Buffer) => fromBinary(method.input, bytes),
    "unary",
  );
}

function refusal(error: unknown): Partial<StatusObject> {
  const metadata = new Metadata();
  if (error instanceof Refused) metadata.set("cell0-error-code", error.code);
  return {
    code: error instanceof Refused ? error.grpc : status.INTERNAL,
    details: error instanceof Error ? error.message : "",
    metadata,
  };
}
