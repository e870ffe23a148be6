// A headless Chromium, spoken to by its DevTools protocol: opens a page, calls into it, ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Page = {
  /** Value of an expression, or of what its promise resolves with; rejects with what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** What the page has logged or thrown where nobody caught it. */
  readonly complaints: readonly string[];
};

export type Chromium = { open(url: string): Promise<Page>; close(): Promise<void> };

type Message = {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
};

const START_MS = 60_000;
/** From asking it to end until it is killed. */
const END_MS = 5_000;

export async function startChromium(binary: string): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), "cell0-chromium-"));
  const args = ["--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--no-first-run"];
  // Its own sandbox refuses to run as root; what it loads here is this test's page alone.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const quiet = [
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-crash-reporter",
  ];
  const child = spawn(binary, [...args, ...asRoot, ...quiet, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    // What it leaves there goes with its profile.
    env: { ...process.env, TMPDIR: profile },
    detached: true,
  });
  const kill = (): void => killGroup(child);
  process.once("exit", kill);
  const exited = once(child, "exit");
  const end = async (): Promise<void> => {
    const late = setTimeout(kill, END_MS);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await exited;
    clearTimeout(late);
    kill();
    process.off("exit", kill);
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const protocol = await connectTo(await endpointOf(child));
    return {
      open: (url) => openPage(protocol, url),
      async close() {
        await protocol.call("Browser.close", {});
        protocol.close();
        await end();
      },
    };
  } catch (error) {
    kill();
    await end();
    throw error;
  }
}

/** Its other processes end some time after the first one. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it is gone.
  }
}

function endpointOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let log = "";
  child.stderr?.on("data", (data: Buffer) => {
    log = `${log}${data}`.slice(-64 * 1024);
    const url = /DevTools listening on (ws:\/\/\S+)/.exec(log)?.[1];
    if (url !== undefined) resolve(url);
  });
  child.once("error", reject);
  child.once("exit", () => reject(new Error(`Chromium ended: ${log}`)));
  const late = setTimeout(() => reject(new Error(`Chromium does not come up: ${log}`)), START_MS);
  return promise.finally(() => clearTimeout(late));
}

type Protocol = {
  call(method: string, params: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>>;
  /** Hears the events of a session. */
  listen(sessionId: string, listener: (method: string, params: unknown) => void): void;
  close(): void;
};

async function connectTo(url: string): Promise<Protocol> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const waiting = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>();
  const listeners = new Map<string, (method: string, params: unknown) => void>();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, sessionId = "", method, params, result, error }: Message = JSON.parse(String(data));
    if (method !== undefined) listeners.get(sessionId)?.(method, params);
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result ?? {});
    else waiting.get(id)?.reject(new Error(error.message));
    waiting.delete(id);
  });
  socket.addEventListener("close", () => {
    for (const call of waiting.values()) call.reject(new Error("Chromium closed the connection"));
  });
  return {
    call(method, params, sessionId) {
      const id = ++last;
      const call = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      waiting.set(id, call);
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
      return call.promise;
    },
    listen: (sessionId, listener) => void listeners.set(sessionId, listener),
    close: () => socket.close(),
  };
}

async function openPage(protocol: Protocol, url: string): Promise<Page> {
  const { targetId } = await protocol.call("Target.createTarget", { url: "about:blank" });
  const attached = await protocol.call("Target.attachToTarget", { targetId, flatten: true });
  const sessionId = String(attached.sessionId);
  const complaints: string[] = [];
  const loaded = Promise.withResolvers<void>();
  protocol.listen(sessionId, (method, params) => {
    if (method === "Page.loadEventFired") loaded.resolve();
    if (method === "Runtime.exceptionThrown" || method === "Runtime.consoleAPICalled")
      complaints.push(JSON.stringify(params));
  });
  await protocol.call("Page.enable", {}, sessionId);
  await protocol.call("Runtime.enable", {}, sessionId);
  await protocol.call("Page.navigate", { url }, sessionId);
  await loaded.promise;
  return {
    complaints,
    async evaluate(expression) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await protocol.call("Runtime.evaluate", options, sessionId);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return Object(result).value;
    },
  };
}
