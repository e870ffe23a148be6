// Tools with everything around them in hand: grants, records, secrets, time. The
// network, the disk and the programs are real.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Behaviour } from "../../../../src/actors/behaviour.ts";
import { startActor } from "../../../../src/actors/host.ts";
import { thisPlatform } from "../../../../src/actors/isolation/process/layers.ts";
import { Users } from "../../../../src/actors/isolation/process/users.ts";
import { CallLimits } from "../../../../src/actors/kernel/tools/call-limits.ts";
import { execTool } from "../../../../src/actors/kernel/tools/exec/actor.ts";
import { FairSlots } from "../../../../src/actors/kernel/tools/exec/fair-slots.ts";
import { networkTrial } from "../../../../src/actors/kernel/tools/exec/try-network.ts";
import { fsTool } from "../../../../src/actors/kernel/tools/fs/actor.ts";
import { FolderTurns } from "../../../../src/actors/kernel/tools/fs/folder-turns.ts";
import { httpTool } from "../../../../src/actors/kernel/tools/http/actor.ts";
import type { NetPorts } from "../../../../src/actors/kernel/tools/http/connect.ts";
import type { GrantedTools } from "../../../../src/actors/kernel/tools/tool-call.ts";
import { CellError } from "../../../../src/errors/cell-error.ts";
import type { ExecGrant, FsGrant, HttpGrant, ToolsSpec } from "../../../../src/manifest/tools.ts";
import { systemClock } from "../../../../src/supervisor/ports.ts";
import type { EventInput } from "../../../../src/telemetry/event.ts";

export const ACTOR = "research/agent";

export const httpGrant = (fields: Partial<HttpGrant> & Pick<HttpGrant, "hosts">): HttpGrant => ({
  methods: ["GET"],
  paths: ["/**"],
  maxBytes: 64 * 1024,
  timeoutMs: 5_000,
  privateAddresses: true,
  redirects: 0,
  ...fields,
});

export const fsGrant = (path: string, fields: Partial<FsGrant> = {}): FsGrant => ({
  name: "workspace",
  path,
  access: ["read", "list", "write"],
  maxBytes: 1024,
  quotaBytes: 4096,
  ...fields,
});

export const execGrant = (fields: Partial<ExecGrant> & Pick<ExecGrant, "program">): ExecGrant => ({
  args: [[]],
  timeoutMs: 5_000,
  maxOutputBytes: 64 * 1024,
  stdinBytes: 0,
  env: {},
  network: false,
  ...fields,
});

export const toolsOf = (fields: Partial<ToolsSpec>): ToolsSpec => ({
  http: [],
  fs: [],
  exec: [],
  concurrent: 8,
  perMinute: 100_000,
  ...fields,
});

export type World = {
  /** The reply's value; throws the CellError that is the answer. */
  call(intent: string, payload: unknown, sender?: string): Promise<unknown>;
  /** The code of the error that is the answer; "ok" when there is none. */
  outcome(intent: string, payload: unknown, sender?: string): Promise<string>;
  readonly events: EventInput[];
  grants: (actor: string) => GrantedTools;
  stop(): Promise<void>;
};

export type WorldOptions = {
  readonly tools?: ToolsSpec;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly net?: Partial<NetPorts>;
};

const BEHAVIOURS: readonly [string, Behaviour][] = [
  ["http", httpTool],
  ["fs", fsTool],
  ["exec", execTool],
];

export async function startWorld({ tools, secrets = {}, net = {} }: WorldOptions): Promise<World> {
  const events: EventInput[] = [];
  const world = {
    grants: (actor: string): GrantedTools => (actor === ACTOR ? (tools ?? "nothing") : "elsewhere"),
  };
  const input = {
    grantsOf: (actor: string) => world.grants(actor),
    record: (event: EventInput) => events.push(event),
    limits: new CallLimits(),
    unixMs: Date.now,
    monotonicMs: () => performance.now(),
    net: {
      resolve: async () => {
        throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
      },
      ...net,
    },
    secret: async (name: string) => {
      const value = secrets[name];
      if (value === undefined) throw new CellError("CELL_SECRET_UNKNOWN");
      return value;
    },
    turns: new FolderTurns(),
    platform: thisPlatform,
    users: new Users(),
    slots: new FairSlots(16),
    canCutOff: networkTrial(thisPlatform),
  };
  const hosts = new Map(
    await Promise.all(
      BEHAVIOURS.map(async ([name, behaviour]) => [name, await hostOf(name, behaviour, input)] as const),
    ),
  );
  let count = 0;
  const call = (intent: string, payload: unknown, sender = ACTOR): Promise<unknown> => {
    const name = intent === "exec" ? "exec" : (intent.split(".")[0] ?? "");
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    count += 1;
    const id = count.toString(16).padStart(32, "0");
    const taken = hosts.get(name)?.deliver({
      intent: {
        id,
        rootId: id,
        causeId: "",
        hash: "00".repeat(32),
        type: intent,
        principal: "a",
        source: sender,
        epoch: 0,
        target: `kernel/a/${name}`,
        contentType: "application/json",
        payload: new TextEncoder().encode(JSON.stringify(payload)),
        issuedAtUnixMs: Date.now(),
        deadlineUnixMs: Date.now() + 20_000,
        priority: "normal",
        hopLimit: 8,
        traceparent: "",
        wantsReply: true,
      },
      respond: (answer) => (answer.kind === "error" ? reject(answer.error) : resolve(answer.value)),
    });
    if (taken?.ok === false) reject(taken.error);
    return promise;
  };
  return Object.assign(world, {
    call,
    outcome: async (intent: string, payload: unknown, sender = ACTOR) => {
      try {
        await call(intent, payload, sender);
        return "ok";
      } catch (error) {
        return error instanceof CellError ? error.code : String(error);
      }
    },
    events,
    stop: async () => {
      await Promise.all([...hosts.values()].map((host) => host.stop(0)));
    },
  });
}

const hostOf = (name: string, behaviour: Behaviour, input: unknown) =>
  startActor({
    spec: {
      kind: "actor",
      path: `kernel/a/${name}`,
      behaviour: { module: "", export: "" },
      input: null,
      restart: "permanent",
      shutdownMs: 1_000,
      isolation: "shared",
      durable: false,
      mailbox: { bound: 1_000, whenFull: "refuse" },
      intents: {},
      grants: [],
      placement: {},
    },
    behaviour,
    incarnation: { term: 1, activation: 1 },
    input,
    snapshot: undefined,
    ports: { send: () => {}, record: () => {}, clock: systemClock, random: Math.random },
  });

/** A server on loopback that remembers what it was asked. */
export type Loopback = {
  readonly server: Server;
  readonly port: number;
  readonly host: string;
  readonly requests: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage["headers"];
  }[];
  close(): Promise<void>;
};

export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Loopback> {
  const requests: Loopback["requests"] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    requests.push({ method, url, headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { server, port, host: `http://127.0.0.1:${port}`, requests, close };
}

export async function makeFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "cell0-tools-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
