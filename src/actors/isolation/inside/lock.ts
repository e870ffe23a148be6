// Locks, before any foreign code runs, what Node's permission model leaves open:
// other processes, this one's identity and flags, native code, and modules that open
// files or threads by themselves. One layer of several, and not the boundary: where
// there is one, that is the system's.
import { createRequire, registerHooks, syncBuiltinESMExports } from "node:module";

const PROCESS = [
  "kill",
  "_kill",
  "_debugProcess",
  "_debugEnd",
  "_linkedBinding",
  "binding",
  "dlopen",
  "execve",
  "setuid",
  "seteuid",
  "setgid",
  "setegid",
  "setgroups",
  "initgroups",
  "umask",
  "chdir",
  "loadEnvFile",
];

/** Modules that nothing below an actor has a use for. */
const MODULES: ReadonlySet<string> = new Set([
  "child_process",
  "cluster",
  "ffi",
  "inspector",
  "inspector/promises",
  "repl",
  "sea",
  "sqlite",
  "test",
  "trace_events",
  "wasi",
  "worker_threads",
]);

const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  v8: [
    "setFlagsFromString",
    "setHeapSnapshotNearHeapLimit",
    "writeHeapSnapshot",
    "takeCoverage",
    "startCpuProfile",
  ],
  os: ["setPriority"],
};

class LockedError extends Error {
  readonly code = "ERR_ACCESS_DENIED";
  readonly permission: string;
  constructor(what: string, permission: string) {
    super(`${what} is locked`);
    this.permission = permission;
  }
}

function locked(name: string, permission: string): () => never {
  return () => {
    throw new LockedError(name, permission);
  };
}

/** Node itself assigns some of these when it loads a module: that must do nothing, and not throw. */
function seal(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { get: () => value, set: () => {}, configurable: false });
}

/** `node:sqlite`, `sqlite`: whether it is a module that is not to be had. */
const isDenied = (specifier: string): boolean => MODULES.has(specifier.replace(/^node:/, ""));

/** For good, and for the whole process or thread. */
export function lockProcess(): void {
  for (const name of PROCESS) seal(process, name, locked(`process.${name}`, "Process"));
}

/** Also modules and functions of others; where foreign code goes on running. */
export function lockAll(): void {
  lockProcess();
  const require = createRequire(import.meta.url);
  for (const [module, names] of Object.entries(FUNCTIONS)) {
    const exports: object = require(`node:${module}`);
    for (const name of names) seal(exports, name, locked(`${module}.${name}`, "Process"));
  }
  const { getBuiltinModule } = process;
  seal(process, "getBuiltinModule", (name: string) => {
    if (isDenied(String(name))) throw new LockedError(String(name), "Module");
    return getBuiltinModule(name);
  });
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (isDenied(specifier)) throw new LockedError(specifier, "Module");
      const resolved = nextResolve(specifier, context);
      if (isDenied(resolved.url)) throw new LockedError(specifier, "Module");
      return resolved;
    },
    load(url, context, nextLoad) {
      if (isDenied(url)) throw new LockedError(url, "Module");
      return nextLoad(url, context);
    },
  });
  const modules: object = require("node:module");
  for (const name of ["register", "registerHooks"]) seal(modules, name, locked(`module.${name}`, "Module"));
  syncBuiltinESMExports();
}
