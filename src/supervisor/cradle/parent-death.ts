// On Linux the kernel itself ends a process whose parent died, even one that is too busy
// to notice; elsewhere a child notices by its closed channel.
import { existsSync } from "node:fs";

const SETPRIV = "/usr/bin/setpriv";
const SHELL = "/bin/sh";
/** A parent that died before the kernel was asked is another one by now: the child must not begin. */
const ONLY_UNDER = 'test "$PPID" -eq "$0" && unset PWD OLDPWD && exec "$@"';

export type Command = { readonly command: string; readonly args: readonly string[] };

/** The command that dies with this process, which is to start it. */
export function dyingWithParent({ command, args }: Command): Command {
  if (process.platform !== "linux" || !existsSync(SETPRIV)) return { command, args };
  const own = [command, ...args];
  const checked = existsSync(SHELL) ? [SHELL, "-c", ONLY_UNDER, String(process.pid), ...own] : own;
  return { command: SETPRIV, args: ["--pdeathsig", "KILL", "--", ...checked] };
}
