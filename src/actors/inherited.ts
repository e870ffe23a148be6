// Descriptors that this process was itself given by whoever started it and that a
// child would inherit further: Node closes only the lowest ones. A program gets
// /dev/null in their place.
import { openSync, readdirSync, readFileSync } from "node:fs";

/** What may stand in a child's list of descriptors: the system's own, or a descriptor of this process. */
export type Stdio = ("pipe" | "ignore" | number)[];

const CLOSE_ON_EXEC = 0o2000000;
/** Beyond this nothing is looked for. */
const MAX_DESCRIPTOR = 4096;

type Known = { readonly inherited: readonly number[]; readonly nothing: number };
let known: Known | undefined;

/**
 * A child's own descriptors from 0 up, and /dev/null over every inherited one above them: open
 * for reading only, which it is even where only root may write to it.
 */
export function withoutInherited(own: readonly ("pipe" | "ignore")[]): Stdio {
  const { inherited, nothing } = look();
  const stdio: Stdio = [...own];
  for (const descriptor of inherited) {
    if (descriptor < own.length) continue;
    while (stdio.length <= descriptor) stdio.push("ignore");
    stdio[descriptor] = nothing;
  }
  return stdio;
}

/** Once: Node itself opens none of this kind. */
function look(): Known {
  if (known !== undefined) return known;
  const inherited = inheritedDescriptors();
  known = { inherited, nothing: inherited.length === 0 ? -1 : openSync("/dev/null", "r") };
  return known;
}

/** None where there is no /proc. */
function inheritedDescriptors(): readonly number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((descriptor) => descriptor > 2 && descriptor <= MAX_DESCRIPTOR && !closesOnExec(descriptor));
  } catch {
    return [];
  }
}

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
  } catch {
    // Closed meanwhile: the one by which the folder was read.
    return true;
  }
}
