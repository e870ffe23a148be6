// What this platform can put around a process, beside Node's own permission model:
// each layer is there, or it is stated why not.
import { existsSync } from "node:fs";
import { type Cgroups, findCgroups } from "./cgroup.ts";

export type LayerName = "user" | "network" | "privileges" | "limits" | "cgroup" | "memory";

export type Layers = {
  /** Path of setpriv; drops privileges, and ends the process with its parent. */
  readonly setpriv: string | undefined;
  readonly prlimit: string | undefined;
  readonly unshare: string | undefined;
  /** Whether each process can have a user of its own. */
  readonly ownUser: boolean;
  /** Whether each process can have an empty network of its own. */
  readonly ownNetwork: boolean;
  readonly cgroups: Cgroups | undefined;
  /** Whether /proc tells how much memory a process has. */
  readonly proc: boolean;
  /** Why a layer is not there. */
  readonly missing: Readonly<Partial<Record<LayerName, string>>>;
};

export type Platform = {
  readonly name: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly find: (program: string) => string | undefined;
  readonly cgroups: () => { readonly cgroups?: Cgroups; readonly why: string };
};

const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

export const thisPlatform: Platform = {
  name: process.platform,
  isRoot: process.geteuid?.() === 0,
  find: (program) => FOLDERS.map((folder) => `${folder}/${program}`).find((path) => existsSync(path)),
  cgroups: () => findCgroups(),
};

/** What should be there, judged by what is installed; `tryLayers` finds out whether it works. */
export function expectedLayers(platform: Platform): Layers {
  if (platform.name !== "linux") {
    const why = `it is built on Linux only, this is ${platform.name}`;
    const missing = { user: why, network: why, privileges: why, limits: why, cgroup: why, memory: why };
    return {
      ...{ setpriv: undefined, prlimit: undefined, unshare: undefined, cgroups: undefined },
      ...{ ownUser: false, ownNetwork: false, proc: false, missing },
    };
  }
  const { isRoot } = platform;
  const [setpriv, prlimit, unshare] = ["setpriv", "prlimit", "unshare"].map((name) => platform.find(name));
  const { cgroups, why } = platform.cgroups();
  const missing = {
    ...(setpriv === undefined ? { privileges: "setpriv is not installed" } : {}),
    ...(prlimit === undefined ? { limits: "prlimit is not installed" } : {}),
    ...(isRoot && setpriv !== undefined
      ? {}
      : { user: isRoot ? "setpriv is not installed" : "the node does not run as root" }),
    ...(isRoot && unshare !== undefined
      ? {}
      : { network: isRoot ? "unshare is not installed" : "the node does not run as root" }),
    ...(cgroups === undefined ? { cgroup: why } : {}),
    ...(cgroups === undefined && prlimit === undefined
      ? { memory: "neither cgroups nor prlimit are there" }
      : {}),
  };
  return {
    setpriv,
    prlimit,
    unshare,
    ownUser: missing.user === undefined,
    ownNetwork: missing.network === undefined,
    cgroups,
    proc: true,
    missing,
  };
}

/** From the strongest to the weakest that may still work, each with why it is weaker. */
export function weakerLayers(layers: Layers, why: string): Layers | undefined {
  if (layers.ownNetwork)
    return { ...layers, ownNetwork: false, missing: { ...layers.missing, network: why } };
  if (layers.ownUser) return { ...layers, ownUser: false, missing: { ...layers.missing, user: why } };
  if (layers.setpriv !== undefined)
    return { ...layers, setpriv: undefined, missing: { ...layers.missing, privileges: why } };
  if (layers.prlimit !== undefined)
    return { ...layers, prlimit: undefined, missing: { ...layers.missing, limits: why } };
  return undefined;
}

/** The layers that `sandbox: required` asks for and this platform lacks. */
export function lackingLayers({ missing }: Layers, needsCpu: boolean): readonly string[] {
  const needed: LayerName[] = ["user", "network", "privileges", "limits", "memory"];
  if (needsCpu) needed.push("cgroup");
  return needed.flatMap((name) => (missing[name] === undefined ? [] : [`${name}: ${missing[name]}`]));
}
