// Whether another user of this machine can get at a path: a checkout in a home directory that
// is closed to others gives the sandbox's user, or nobody, nothing to run.
import { statSync } from "node:fs";
import { dirname } from "node:path";

const SEARCHABLE_BY_OTHERS = 0o001;

export function readableByAll(path: string): boolean {
  const above = dirname(path);
  if ((statSync(above).mode & SEARCHABLE_BY_OTHERS) === 0) return false;
  return above === path || readableByAll(above);
}
