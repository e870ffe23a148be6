// Tries every way out that a hostile author would. What gets out returns what it got;
// what is denied throws. `new URL("./leak.txt", import.meta.url)` and
// `new URL("../../../../../../../etc/passwd", import.meta.url)` name files that lie elsewhere.

import dgram from "node:dgram";
import dns from "node:dns/promises";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { defineActor, type IntentEvents, intent, reply } from "cell0";
import { fromPromise, setup } from "xstate";
import { z } from "zod";

const require = createRequire(import.meta.url);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const get = (target: object, name: string): unknown => Reflect.get(target, name);
const call = (target: object, name: string, ...args: unknown[]): unknown => {
  const found = get(target, name);
  if (typeof found !== "function") throw new Error(`there is no ${name}`);
  return Reflect.apply(found, target, args);
};
/** Specifiers that no compiler or scanner sees. */
const load = async (name: string): Promise<object> => await import(name);

function connected(open: () => net.Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open();
    socket.once("connect", () => resolve("connected"));
    socket.once("error", reject);
  });
}

/** By name; `arg` is a path, a port or a process, as the test says. */
const attempts: Readonly<Record<string, (arg: string) => unknown>> = {
  "read a file": (path) => fs.readFileSync(path, "utf8"),
  "read a file by a promise": (path) => fs.promises.readFile(path, "utf8"),
  "read a file by a stream": (path) =>
    new Promise((resolve, reject) => fs.createReadStream(path).once("data", resolve).once("error", reject)),
  "open a file as a blob": async (path) => await (await fs.openAsBlob(path)).text(),
  "list a folder": (path) => fs.readdirSync(path),
  "look at a file": (path) => fs.statSync(path).size,
  "watch a file": (path) => fs.watch(path).close(),
  "copy a file": (path) => fs.copyFileSync(path, here("./copied.txt")),
  "write beside its own code": () => fs.writeFileSync(here("./made.txt"), "x"),
  "change its own code": () => fs.appendFileSync(fileURLToPath(import.meta.url), "\n"),
  "write a file": (path) => fs.writeFileSync(path, "x"),
  "make a folder": () => fs.mkdtempSync("/tmp/escape-"),
  "fill memory's disk": () => fs.writeFileSync("/dev/shm/escape", Buffer.alloc(1024)),
  "make a link out": (path) => {
    fs.symlinkSync(path, here("./link.txt"));
    return fs.readFileSync(here("./link.txt"), "utf8");
  },
  "follow a link of its own folder": () => fs.readFileSync(here("./leak.txt"), "utf8"),
  "read what its code names above its folder": () =>
    fs.readFileSync(here("../../../../../../../etc/passwd"), "utf8"),
  "read its own process": () => fs.readFileSync("/proc/self/environ", "utf8"),
  "read its parent's process": () => fs.readFileSync(`/proc/${process.ppid}/environ`, "utf8"),
  "read its parent's memory": () => fs.openSync(`/proc/${process.ppid}/mem`, "r"),
  "list all processes": () => fs.readdirSync("/proc"),
  "connect by TCP": (port) => connected(() => net.connect({ host: "127.0.0.1", port: Number(port) })),
  "connect to a socket's path": (path) => connected(() => net.connect({ path })),
  "connect to an abstract socket": (name) => connected(() => net.connect({ path: `\0${name}` })),
  "listen by TCP": () =>
    new Promise((resolve, reject) =>
      net
        .createServer()
        .listen(0, () => resolve("listens"))
        .once("error", reject),
    ),
  "listen at a path": () =>
    new Promise((resolve, reject) =>
      net
        .createServer()
        .listen("/tmp/escape.sock", () => resolve("listens"))
        .once("error", reject),
    ),
  "send by UDP": (port) =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket("udp4");
      socket.once("error", reject);
      socket.send("x", Number(port), "127.0.0.1", (error) => (error ? reject(error) : resolve("sent")));
    }),
  "ask a name server": () => dns.resolve("example.com"),
  "look up a name": () => dns.lookup("localhost"),
  fetch: (port) => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.status),
  "ask by HTTP": (port) =>
    new Promise((resolve, reject) =>
      http
        .get({ host: "127.0.0.1", port: Number(port) }, (answer) => resolve(answer.statusCode))
        .once("error", reject),
    ),
  "open a WebSocket": (port) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      socket.onopen = () => resolve("open");
      socket.onerror = () => reject(new Error("refused"));
    }),
  "start a program": async () => String(call(await load("node:child_process"), "execFileSync", "id")),
  "start a program by require": () => String(call(require("node:child_process"), "execFileSync", "id")),
  "start a program by getBuiltinModule": () =>
    String(call(Object(process.getBuiltinModule("child_process")), "execFileSync", "id")),
  "start a program by Module._load": () =>
    String(call(Object(call(require("node:module"), "_load", "child_process")), "execFileSync", "id")),
  "become a program": () => call(process, "execve", "/usr/bin/id", ["id"], {}),
  "start a thread": async () =>
    Reflect.construct(Object(get(await load("node:worker_threads"), "Worker")), ["1", { eval: true }]),
  "start a cluster": async () => call(await load("node:cluster"), "fork"),
  "run tests": async () => {
    const { run } = await load("node:test").then(Object);
    return await new Promise((resolve, reject) =>
      Object(run({ files: ["/tmp/x.mjs"] }))
        .once("test:start", resolve)
        .once("error", reject),
    );
  },
  "use WASI": async () =>
    Reflect.construct(Object(get(await load("node:wasi"), "WASI")), [
      { version: "preview1", preopens: { "/": "/" } },
    ]),
  "open the inspector": async () => call(await load("node:inspector"), "open", 0),
  "inspect itself": async () => {
    const { Session } = await load("node:inspector").then(Object);
    new Session().connect();
    return "connected";
  },
  "open a database on disk": async () => {
    const { DatabaseSync } = await load("node:sqlite").then(Object);
    return new DatabaseSync("/tmp/escape.db").exec("create table t (a)");
  },
  "open a database by require": () => Object(require("node:sqlite")).DatabaseSync,
  "load native code": () => call(process, "dlopen", { exports: {} }, "/lib/x86_64-linux-gnu/libc.so.6"),
  "load an addon": () => require(["/tmp", "escape.node"].join("/")),
  "call foreign functions": async () => await load("node:ffi"),
  "use an internal binding": () => call(process, "binding", "fs"),
  "use a linked binding": () => call(process, "_linkedBinding", "fs"),
  "keep things in local storage": () => localStorage.setItem("a", "b"),
  "signal its parent": () => process.kill(process.ppid, 0),
  "signal a sibling": (pid) => process.kill(Number(pid), 0),
  "signal itself": () => process.kill(process.pid, "SIGSTOP"),
  "signal by the inner name": () => call(process, "_kill", process.ppid, 0),
  "debug its parent": () => call(process, "_debugProcess", process.ppid),
  "become root": () => call(process, "setuid", 0),
  "become another group": () => call(process, "setgid", 0),
  "take on groups": () => call(process, "setgroups", [0]),
  "go first": () => os.setPriority(0, -20),
  "go last": () => os.setPriority(0, 19),
  "set flags": () => v8.setFlagsFromString("--allow-natives-syntax"),
  "write its heap": () => v8.writeHeapSnapshot("/tmp/escape.heapsnapshot"),
  "write a report": () => process.report.writeReport("/tmp/escape.json"),
  "make code of text": () => Reflect.construct(Function, ["return 1"])(),
  "evaluate text": () => call(globalThis, "eval", "1 + 1"),
  "hook the module system": () => call(require("node:module"), "registerHooks", { resolve: () => ({}) }),
  "hook the module system the old way": () =>
    call(require("node:module"), "register", "data:text/javascript,"),
  "set flags by a named import": async () => call(await load("node:v8"), "setFlagsFromString", "--expose-gc"),
  "set flags by another's copy": () =>
    call(Object(process.getBuiltinModule("v8")), "setFlagsFromString", "--expose-gc"),
  "import a file as JSON": async (path) => await import(path, { with: { type: "json" } }),
  "import a file as code": async (path) => await load(`file://${path}`),
  "import from the network": async (port) => await load(`http://127.0.0.1:${port}/x.mjs`),
  "require a file": (path) => require(path),
  "list by a pattern": () => {
    const found = fs.globSync("/etc/pass*");
    if (found.length === 0) throw new Error("there is none");
    return found;
  },
  "find out whether a file is there": (path) => {
    if (!fs.existsSync(path)) throw new Error("there is none");
    return "found";
  },
  "list by a folder's handle": () => fs.opendirSync("/").readSync()?.name,
  "read a link": () => fs.readlinkSync("/proc/self/exe"),
  "read by a descriptor of its folder": () => fs.readFileSync("/proc/self/fd/3/../../environ"),
  "watch a file by polling": (path) =>
    new Promise((resolve, reject) => {
      try {
        fs.watchFile(path, { interval: 20 }, resolve);
        reject(new Error("there is none"));
      } catch (error) {
        reject(error);
      }
    }),
  "keep compiled code on disk": () => {
    const { status, message } = Object(
      call(require("node:module"), "enableCompileCache", "/tmp/escape-cache"),
    );
    if (status === 1) return "enabled";
    throw new Error(`restricted: ${status} ${message}`);
  },
  "load native code by OpenSSL": () => call(require("node:crypto"), "setEngine", "/tmp/escape.so"),
  "ask by HTTP/2": async (port) =>
    await new Promise((resolve, reject) => {
      const { connect } = Object(process.getBuiltinModule("http2"));
      const session = connect(`http://127.0.0.1:${port}`);
      session.once("connect", resolve).once("error", reject);
    }),
  "ask by TLS": (port) =>
    new Promise((resolve, reject) => {
      const { connect } = Object(process.getBuiltinModule("tls"));
      connect({ host: "127.0.0.1", port: Number(port) })
        .once("secureConnect", resolve)
        .once("error", reject);
    }),
  "listen on its channel's descriptor": () =>
    new Promise((resolve, reject) =>
      net
        .createServer()
        .listen({ fd: 3 }, () => resolve("listens"))
        .once("error", reject),
    ),
  "listen by UDP": () =>
    new Promise((resolve, reject) =>
      dgram
        .createSocket("udp4")
        .once("error", reject)
        .bind(0, () => resolve("listens")),
    ),
  "give itself permissions": () => {
    const { permission } = process;
    const { has } = permission;
    Reflect.set(permission, "has", () => true);
    try {
      return fs.readFileSync("/etc/passwd", "utf8");
    } finally {
      Reflect.set(permission, "has", has);
    }
  },
  "make a heap snapshot near its limit": () => call(v8, "setHeapSnapshotNearHeapLimit", 1),
  "trace events": async () => await load("node:trace_events"),
  "leave its folder": () => process.chdir("/"),
  "load an environment": (path) => process.loadEnvFile(path),
  "reach a prototype": () => {
    const reached: unknown = Reflect.get({}, "__proto__");
    if (reached === undefined) throw new Error("there is none");
    return "reached";
  },
};

/** What is looked at in place of denied. */
const looks: Readonly<Record<string, () => unknown>> = {
  environment: () => Object.keys(process.env),
  arguments: () => process.argv.slice(2),
  user: () => ({ uid: process.getuid?.(), gid: process.getgid?.(), groups: process.getgroups?.() }),
  network: () =>
    Object.values(os.networkInterfaces())
      .flat()
      .map((each) => each?.address),
  descriptors: () => {
    const open: number[] = [];
    for (let fd = 0; fd < 128; fd++) {
      try {
        const stat = fs.fstatSync(fd);
        if (stat.isFile() || stat.isSocket() || stat.isDirectory()) open.push(fd);
      } catch {
        // Not open.
      }
    }
    return open;
  },
  "code of text": async () => {
    const vm: object = require("node:vm");
    const { a } = await load("data:text/javascript,export const a = 1").then(Object);
    return [call(vm, "runInThisContext", "typeof process.kill"), a];
  },
  permissions: () =>
    ["fs.write", "net", "child", "worker", "wasi", "inspector", "addon", "ffi"].filter((name) =>
      process.permission.has(name),
    ),
  pid: () => process.pid,
};

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};

/** Ends the process, or would. */
const breaks: Readonly<Record<string, () => unknown>> = {
  "garbage on the channel": () => fs.writeSync(3, Buffer.concat([header(7), Buffer.from("garbage")])),
  "an oversize frame": () => fs.writeSync(3, header(0x7fff_ffff)),
  "an empty frame": () => fs.writeSync(3, header(0)),
  // ActorReply { delivery: 4000 }
  "a reply that nobody asked for": () =>
    fs.writeSync(3, Buffer.concat([header(5), Buffer.from([0x22, 3, 0x08, 0xa0, 0x1f])])),
  // ActorBegun { delivery: 4000 }
  "a beginning of nothing": () =>
    fs.writeSync(3, Buffer.concat([header(5), Buffer.from([0x1a, 3, 0x08, 0xa0, 0x1f])])),
  // ActorLog { delivery: 4000 }
  "a record of another's intent": () =>
    fs.writeSync(3, Buffer.concat([header(5), Buffer.from([0x32, 3, 0x08, 0xa0, 0x1f])])),
  // ActorUp {}
  "a second start": () => fs.writeSync(3, Buffer.concat([header(2), Buffer.from([0x12, 0])])),
  // ActorExit { kind: "shutdown" }
  "an end that nobody asked for": () =>
    fs.writeSync(3, Buffer.concat([header(12), Buffer.from([0x52, 10, 0x0a, 8]), Buffer.from("shutdown")])),
  "an endless loop": () => {
    for (;;);
  },
  "a wait without end": () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  "a growing heap": () => {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 1000 }, () => ({ kept })));
  },
  "growing buffers": () => {
    const kept: Buffer[] = [];
    for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
  },
  "growing shared buffers": () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Uint8Array(new SharedArrayBuffer(16 * 1024 * 1024)).fill(1));
  },
  "growing WebAssembly memory": () => {
    const kept: unknown[] = [];
    for (;;) {
      const memory = new WebAssembly.Memory({ initial: 256 });
      new Uint8Array(memory.buffer).fill(1);
      kept.push(memory);
    }
  },
  abort: () => process.abort(),
  exit: () => process.exit(0),
};

/** Much of something, which must neither end the node nor fill it. */
const floods: Readonly<Record<string, () => unknown>> = {
  output: () => {
    for (let line = 0; line < 20_000; line++) console.log(`${line} `.repeat(20));
  },
  errors: () => {
    for (let line = 0; line < 20_000; line++) console.error(`${line} `.repeat(20));
  },
};

const text = z.object({ what: z.string(), arg: z.string().default("") });
const intents = {
  attempt: intent({ payload: text, reply: z.object({ got: z.unknown() }) }),
  look: intent({ payload: text, reply: z.object({ got: z.unknown() }) }),
  break: intent({ payload: text, reply: z.object({ got: z.unknown() }) }),
  flood: intent({ payload: text, reply: z.object({ got: z.unknown() }) }),
};

type Call = { readonly kind: string; readonly what: string; readonly arg: string };
const tables: Readonly<Record<string, Readonly<Record<string, (arg: string) => unknown>>>> = {
  attempt: attempts,
  look: looks,
  break: breaks,
  flood: floods,
};

async function perform({ kind, what, arg }: Call): Promise<unknown> {
  const found = tables[kind]?.[what];
  if (found === undefined) throw new Error(`nothing is called ${what}`);
  if (kind !== "attempt") return { done: await found(arg) };
  try {
    return { escaped: String(await found(arg)).slice(0, 200) };
  } catch (error) {
    return { denied: error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : "thrown" };
  }
}

type Event = IntentEvents<typeof intents>;
const base = setup({
  types: { context: {} as { open: string; call: Call }, events: {} as IntentEvents<typeof intents> },
  actors: { perform: fromPromise<unknown, Call>(({ input }) => perform(input)) },
});
const begin = {
  target: "busy",
  actions: base.assign({
    open: ({ event }) => event.intent.id,
    call: ({ event }: { event: Event }) => ({ kind: event.type, ...event.payload }),
  }),
};
const machine = base.createMachine({
  context: { open: "", call: { kind: "", what: "", arg: "" } },
  initial: "idle",
  states: {
    idle: { on: { attempt: begin, look: begin, break: begin, flood: begin } },
    busy: {
      invoke: {
        src: "perform",
        input: ({ context }) => context.call,
        onDone: {
          target: "idle",
          actions: reply(({ event }) => ({ got: event.output }), { to: ({ context }) => context.open }),
        },
      },
    },
  },
});

export const fugitive = defineActor({ machine, intents, ready: (snapshot) => snapshot.matches("idle") });
export const attemptNames: readonly string[] = Object.keys(attempts);
