// The least version of nats-server that has what Cell 0 relies on.
import { CellError } from "../../errors/cell-error.ts";

export const LEAST_BROKER_VERSION = "2.14.0";

/** Throws BROKER_TOO_OLD. */
export function requireVersion(version: string, where: string): void {
  if (isRecent(version)) return;
  throw new CellError(
    "BROKER_TOO_OLD",
    `nats-server ${version} is too old: ${LEAST_BROKER_VERSION} is needed`,
    { where },
  );
}

export function isRecent(version: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.+-]/).slice(0, 3).map(Number);
  const [have, least] = [numbers(version), numbers(LEAST_BROKER_VERSION)];
  for (const [index, needed] of least.entries()) {
    const part = have[index] ?? 0;
    if (part !== needed) return part > needed;
  }
  return true;
}
