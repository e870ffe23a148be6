// On Linux the kernel itself ends a process whose parent died, even one that is too busy
// to notice; elsewhere a child notices by its closed channel.
import { existsSync } from "node:fs";

const SETPRIV = "/usr/bin/setpriv";

export type Command = { readonly command: string; readonly args: readonly string[] };

/** The command that dies with whoever starts it. */
export function dyingWithParent({ command, args }: Command): Command {
  if (process.platform !== "linux" || !existsSync(SETPRIV)) return { command, args };
  return { command: SETPRIV, args: ["--pdeathsig", "KILL", "--", command, ...args] };
}
