// How the process of an actor is started, and what then holds it: pure, so that
// every flag can be read, and tested, in one place.
import type { Layers } from "./layers.ts";

const MIB = 1024 * 1024;
export const DEFAULT_PROCESS_MEMORY_BYTES = 256 * MIB;
/** What Node itself takes beside the heap. */
export const OVERHEAD_BYTES = 96 * MIB;
const MAX_THREADS = 64;
const MAX_FILES = 128;

const NODE_FLAGS = [
  "--permission",
  "--no-addons",
  "--no-experimental-sqlite",
  "--no-experimental-ffi",
  "--no-experimental-webstorage",
  "--no-global-search-paths",
  "--disallow-code-generation-from-strings",
  "--disable-proto=delete",
  "--disable-sigusr1",
  "--no-warnings",
];

export type CommandOptions = {
  readonly layers: Layers;
  /** Own user and group; undefined: the node's. */
  readonly user: number | undefined;
  readonly memoryBytes: number;
  readonly readable: readonly string[];
  readonly node: string;
  readonly entry: string;
  /** Of the entry. */
  readonly args?: readonly string[];
};

export function processCommand(options: CommandOptions): readonly [command: string, ...args: string[]] {
  const { layers, user, memoryBytes, readable, node, entry, args: given = [] } = options;
  const { setpriv, prlimit, unshare, ownNetwork } = layers;
  const words = [
    ...(ownNetwork && unshare !== undefined ? [unshare, "--net", "--ipc"] : []),
    ...(prlimit === undefined ? [] : [prlimit, ...limitFlags(user)]),
    ...(setpriv === undefined ? [] : [setpriv, ...privilegeFlags(user)]),
  ];
  const args = [
    ...NODE_FLAGS,
    `--max-old-space-size=${Math.max(8, Math.floor(memoryBytes / MIB))}`,
    // Folders before what is in them: the other way round Node forgets the folder.
    ...[...new Set(readable)].toSorted().map((path) => `--allow-fs-read=${path}`),
    entry,
    ...given,
  ];
  const [command = node, ...rest] = [...words, node, ...args];
  return [command, ...rest];
}

/** Threads are counted by user: without one of its own the node's would count too. */
function limitFlags(user: number | undefined): string[] {
  const threads = user === undefined ? [] : [`--nproc=${MAX_THREADS}`];
  return ["--core=0", "--fsize=0", `--nofile=${MAX_FILES}`, "--msgqueue=0", ...threads];
}

/** The parent-death signal is set last: a change of user clears it. */
function privilegeFlags(user: number | undefined): string[] {
  const identity =
    user === undefined
      ? []
      : [
          ...["--reuid", String(user), "--regid", String(user), "--clear-groups"],
          ...["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"],
        ];
  return [...identity, "--no-new-privs", "--pdeathsig", "KILL"];
}

export type Bound = {
  readonly user: number | undefined;
  readonly memoryBytes: number;
  readonly cpu: number | undefined;
  readonly inCgroup: boolean;
};

/** One line: what holds the process, and what does not. */
export function boundText(layers: Layers, { user, memoryBytes, cpu, inCgroup }: Bound): string {
  const memoryMib = Math.floor(memoryBytes / MIB);
  const limitMib = Math.floor((memoryBytes + OVERHEAD_BYTES) / MIB);
  const held = [
    "permission model",
    ...(user === undefined ? [] : [`own user ${user}`]),
    ...(layers.setpriv === undefined ? [] : ["no new privileges", "ends with its node"]),
    ...(layers.ownNetwork ? ["own empty network"] : []),
    ...(layers.prlimit === undefined ? [] : ["no files written"]),
  ];
  const memory = inCgroup
    ? `memory ${limitMib} MiB by cgroup`
    : layers.proc
      ? `memory ${limitMib} MiB by limit and watch (heap ${memoryMib} MiB), no cgroup`
      : `heap ${memoryMib} MiB only`;
  const processors =
    inCgroup && cpu !== undefined ? `${cpu} processors by cgroup` : "processor time unlimited";
  const lacking = [
    ...(user === undefined ? ["the node's own user"] : []),
    ...(layers.ownNetwork ? [] : ["network denied by the permission model alone"]),
    ...(layers.setpriv === undefined ? ["privileges kept"] : []),
    ...(layers.prlimit === undefined ? ["no resource limits"] : []),
  ];
  const weaker = lacking.length === 0 ? "" : `; weaker: ${lacking.join(", ")}`;
  return `process: ${held.join(", ")}; ${memory}, ${processors}${weaker}`;
}
