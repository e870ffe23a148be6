// A real nats-server for a test: own directory, any free port, stopped by pid.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrokerAuthority, createBrokerAuthority } from "../../src/transport/broker/authority.ts";
import { type BrokerConfigOptions, brokerConfig } from "../../src/transport/broker/config.ts";
import { brokerArgs, locateBroker } from "../../src/transport/broker/locate.ts";
import type { PermissionRequest } from "../../src/transport/broker/permissions.ts";
import { issueUser } from "../../src/transport/broker/user.ts";
import { waitForBroker } from "../../src/transport/broker/wait.ts";
import { type BrokerConnection, type ConnectOptions, connectBroker } from "../../src/transport/connection.ts";
import { inboxPrefix } from "../../src/transport/subjects.ts";

export type BrokerFixture = {
  readonly cell: string;
  readonly authority: BrokerAuthority;
  readonly url: string;
  /** Where browsers connect, from its last start on; empty: nowhere. */
  readonly websocketUrl: string;
  readonly directory: string;
  /** Text of a creds file. */
  creds(user: Omit<PermissionRequest, "cell">): Promise<string>;
  /** Connects as that principal, with its own inbox prefix; closed when the fixture stops. */
  connect(
    user: Omit<PermissionRequest, "cell">,
    options?: Partial<ConnectOptions>,
  ): Promise<BrokerConnection>;
  /** kill -9 and wait for the exit. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory. */
  start(): Promise<void>;
  /** Throws away what JetStream has stored; only while it is killed. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startBroker(
  cell = "test",
  options: Partial<BrokerConfigOptions> = {},
): Promise<BrokerFixture> {
  const { path: binary } = await locateBroker();
  const directory = await mkdtemp(join(tmpdir(), "cell0-broker-"));
  const authority = await createBrokerAuthority(cell);
  const connections: BrokerConnection[] = [];
  const configFile = join(directory, "nats.conf");
  const configure = (port: number) =>
    writeFile(
      configFile,
      brokerConfig({
        port,
        storeDir: join(directory, "jetstream"),
        serverName: cell,
        authority,
        ...options,
      }),
    );
  let child: ChildProcess | undefined;
  let url = "";
  let websocketUrl = "";

  const creds: BrokerFixture["creds"] = async (user) => (await issueUser({ ...user, authority, cell })).creds;
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  };
  const start = async (): Promise<void> => {
    const server = spawn(binary, [...brokerArgs(configFile)], { stdio: ["ignore", "ignore", "pipe"] });
    child = server;
    const { port, websocketPort } = await listening(server, options.websocket !== undefined);
    if (websocketPort !== undefined) websocketUrl = `ws://127.0.0.1:${websocketPort}`;
    if (url === "") {
      url = `nats://127.0.0.1:${port}`;
      await configure(port);
    }
    await waitForBroker({ url, creds: await creds({ kind: "node", principal: "fixture" }) });
  };
  const stop = async (): Promise<void> => {
    await Promise.all(connections.map((connection) => connection.close()));
    await kill();
    await rm(directory, { recursive: true, force: true });
  };

  await configure(-1);
  await start();
  return {
    cell,
    authority,
    url,
    get websocketUrl() {
      return websocketUrl;
    },
    directory,
    creds,
    async connect(user, connectOptions = {}) {
      const connection = await connectBroker({
        url,
        creds: await creds(user),
        name: user.principal,
        inboxPrefix: inboxPrefix(cell, user.principal),
        ...connectOptions,
      });
      connections.push(connection);
      return connection;
    },
    kill,
    start,
    wipe: () => rm(join(directory, "jetstream"), { recursive: true, force: true }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Reads the log until it says where the server listens. */
function listening(
  server: ChildProcess,
  forBrowsers: boolean,
): Promise<{ readonly port: number; readonly websocketPort: number | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof listening>>>();
  let log = "";
  server.stderr?.on("data", (chunk: Buffer) => {
    log = `${log}${chunk}`.slice(-64 * 1024);
    const port = /Listening for client connections on [^\s]*:(\d+)/.exec(log)?.[1];
    const websocketPort = /Listening for websocket clients on \S*:(\d+)/.exec(log)?.[1];
    if (port === undefined || (forBrowsers && websocketPort === undefined)) return;
    resolve({
      port: Number(port),
      websocketPort: websocketPort === undefined ? undefined : Number(websocketPort),
    });
  });
  server.once("error", reject);
  server.once("exit", () => reject(new Error(`nats-server ended: ${log}`)));
  return promise;
}
