// One process with everything around it that this platform has: its user, its
// folder for code, its limits; taken down together when it ends.
import { randomBytes } from "node:crypto";
import { CellError } from "../../../errors/cell-error.ts";
import { ownCode } from "../../own-code.ts";
import { type Cgroup, makeCgroup } from "./cgroup.ts";
import { dropSlot, makeSlot } from "./code-slot.ts";
import { boundText, OVERHEAD_BYTES, processCommand } from "./command.ts";
import { endAllOf } from "./end-all-of.ts";
import type { Layers } from "./layers.ts";
import { limitGrowth, watchMemory } from "./memory-watch.ts";
import { ownReadable } from "./packages.ts";
import { ProcessLink } from "./process-link.ts";
import type { Users } from "./users.ts";

export type ProcessNeeds = {
  readonly memoryBytes: number;
  readonly cpu?: number | undefined;
  /** Further folders that it may read. */
  readonly readable: readonly string[];
  /** Whether code in TypeScript is expected; the wrong guess costs time. */
  readonly typescript: boolean;
};

export type SandboxedProcess = {
  readonly link: ProcessLink;
  /** Where its code is to be put. */
  readonly slot: string;
  readonly user: number | undefined;
  readonly inCgroup: boolean;
};

export type ProcessGround = {
  readonly layers: Layers;
  readonly users: Pick<Users, "claim" | "release">;
  readonly codeRoot: string;
};

/** Never the node's own in its place. @throws CellError ACTOR_HOST_LOST */
async function ownUser(users: Pick<Users, "claim">): Promise<number> {
  const user = await users.claim();
  if (user !== undefined) return user;
  throw new CellError("ACTOR_HOST_LOST", "no user of its own is to be had for a process: all are taken");
}

/** Starts it; its program may not be loaded yet. @throws when the system cannot start it */
export async function startSandboxed(ground: ProcessGround, needs: ProcessNeeds): Promise<SandboxedProcess> {
  const { layers, users, codeRoot } = ground;
  const { memoryBytes, cpu, readable } = needs;
  const user = layers.ownUser ? await ownUser(users) : undefined;
  const name = randomBytes(8).toString("hex");
  const slot = await makeSlot(codeRoot, name, user);
  const cgroup = await groupFor(layers, name, needs);
  const code = ownCode();
  const link = new ProcessLink({
    command: processCommand({
      layers,
      user,
      memoryBytes,
      readable: [...ownReadable(code.folder), ...readable, slot],
      node: process.execPath,
      entry: code.entry("process"),
      args: needs.typescript ? ["typescript"] : [],
    }),
    ranOutOfMemory: async () => (await cgroup?.ranOutOfMemory()) === true,
  });
  link.bound = boundText(layers, { user, memoryBytes, cpu, inCgroup: cgroup !== undefined });
  void link.ready.then(() => fixGrowth({ link, inCgroup: cgroup !== undefined }, layers, memoryBytes));
  const unwatch = bindMemory(link, layers, cgroup, memoryBytes);
  void link.gone.then(async () => {
    unwatch();
    await dropSlot(slot);
    const isEmpty = user === undefined || (await endAllOf(user, layers.setpriv));
    await cgroup?.remove();
    // Another must not become the user of what is left over.
    if (user !== undefined && isEmpty) users.release(user);
  });
  return { link, slot, user, inCgroup: cgroup !== undefined };
}

async function groupFor(layers: Layers, name: string, needs: ProcessNeeds): Promise<Cgroup | undefined> {
  if (layers.cgroups === undefined) return undefined;
  const { memoryBytes, cpu } = needs;
  const limits = { memoryBytes: memoryBytes + OVERHEAD_BYTES, ...(cpu === undefined ? {} : { cpu }) };
  // Weaker then, and said so.
  return await makeCgroup(layers.cgroups, `cell0-${name}`, limits).catch(() => undefined);
}

function bindMemory(
  link: ProcessLink,
  layers: Layers,
  cgroup: Cgroup | undefined,
  memoryBytes: number,
): () => void {
  const { pid } = link;
  if (pid === undefined) return () => {};
  if (cgroup !== undefined) {
    cgroup.add(pid).catch((error) => link.end({ kind: "error", what: `its cgroup refuses it: ${error}` }));
    return () => {};
  }
  if (!layers.proc) return () => {};
  return watchMemory(pid, memoryBytes, (bytes) => {
    const what = `its process had ${Math.floor(bytes / 2 ** 20)} MiB, ${Math.floor((memoryBytes + OVERHEAD_BYTES) / 2 ** 20)} are allowed`;
    link.end({ kind: "memory", what });
  });
}

/** Once its program is loaded: no more private memory than its share beyond what it has. */
async function fixGrowth(
  { link, inCgroup }: Pick<SandboxedProcess, "link" | "inCgroup">,
  { prlimit, proc }: Layers,
  bytes: number,
): Promise<void> {
  if (prlimit === undefined || inCgroup || !proc || link.pid === undefined) return;
  await limitGrowth(prlimit, link.pid, bytes + OVERHEAD_BYTES);
}
