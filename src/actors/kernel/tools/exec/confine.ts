// Puts a program under what the system offers against it: an empty network of its
// own, a user of its own that owns nothing, no new privileges, no capabilities, death with the
// node, small limits. What the system lacks weakens the bound, and is said with
// every use.
import type { Platform } from "../../../isolation/process/layers.ts";

export type Confinement = {
  /** Beginning of the command line, as this user; the program and its arguments follow. */
  readonly prefix: (user: number | undefined) => readonly string[];
  /** Path of setpriv, where each run is to have a user of its own. */
  readonly ownUser: string | undefined;
  /** What is lacking, in words. */
  readonly lacking: readonly string[];
};

export type ConfinementNeeds = {
  /** Whether it is to have the node's network. */
  readonly network: boolean;
  /** Whether networks can be made here; found out by trying. */
  readonly canCutOff: boolean;
};

/** Threads and processes; counted by user, so where each run has its own. */
const MAX_PROCESSES = 256;
const MAX_OPEN_FILES = 256;
const MAX_FILE_BYTES = 1024 ** 3;

/** Pure. */
export function confinement(
  { name, isRoot, find }: Pick<Platform, "name" | "isRoot" | "find">,
  { network, canCutOff }: ConfinementNeeds,
): Confinement {
  const [unshare, prlimit, setpriv] = ["unshare", "prlimit", "setpriv"].map((program) =>
    name === "linux" ? find(program) : undefined,
  );
  const isCutOff = !network && canCutOff && unshare !== undefined;
  const ownUser = isRoot ? setpriv : undefined;
  return {
    ownUser,
    prefix: (user) => [
      ...(isCutOff ? [unshare, ...NETWORK_FLAGS, "--"] : []),
      ...(prlimit === undefined ? [] : [prlimit, ...LIMIT_FLAGS, ...countFlags(user), "--"]),
      ...(setpriv === undefined ? [] : [setpriv, ...identityFlags(user), ...PRIVILEGE_FLAGS, "--"]),
    ],
    lacking: [
      ...(network || isCutOff ? [] : ["it keeps the node's network"]),
      ...(setpriv === undefined ? ["it keeps the node's privileges"] : []),
      ...(ownUser !== undefined ? [] : ["it runs as the node's user"]),
      ...(prlimit === undefined ? ["it has no resource limits"] : []),
    ],
  };
}

export const NETWORK_FLAGS = ["--net", "--ipc"] as const;
const LIMIT_FLAGS = ["--core=0", `--nofile=${MAX_OPEN_FILES}`, `--fsize=${MAX_FILE_BYTES}`] as const;
const countFlags = (user: number | undefined): readonly string[] =>
  user === undefined ? [] : [`--nproc=${MAX_PROCESSES}`];
const identityFlags = (user: number | undefined): readonly string[] =>
  user === undefined
    ? []
    : [
        ...[`--reuid=${user}`, `--regid=${user}`, "--clear-groups"],
        ...["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"],
      ];
/** The parent-death signal is set last: a change of user clears it. */
const PRIVILEGE_FLAGS = ["--no-new-privs", "--pdeathsig", "KILL"] as const;
