// Descriptors that this process was itself given by whoever started it and that a
// child would inherit further: Node closes only the lowest ones. A program gets
// /dev/null in their place.
import { openSync, readdirSync, readFileSync } from "node:fs";

/** What may stand in a child's list of descriptors: the system's own, or a descriptor of this process. */
export type Stdio = ("pipe" | "ignore" | number)[];

const CLOSE_ON_EXEC = 0o2000000;
/** Beyond this nothing is looked for. */
const MAX_DESCRIPTOR = 4096;

let known: Stdio | undefined;

/** Pipes for 0 to 2, and /dev/null over every inherited one; looked up once, since Node opens none of this kind. */
export function closedStdio(): Stdio {
  known ??= withoutInherited(inheritedDescriptors());
  return known;
}

function withoutInherited(inherited: readonly number[]): Stdio {
  const highest = Math.max(2, ...inherited);
  const stdio: Stdio = Array.from({ length: highest + 1 }, (_, at) => (at < 3 ? "pipe" : "ignore"));
  if (inherited.length === 0) return stdio;
  const nothing = openSync("/dev/null", "r+");
  for (const descriptor of inherited) stdio[descriptor] = nothing;
  return stdio;
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
