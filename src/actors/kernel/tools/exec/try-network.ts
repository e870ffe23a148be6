// Whether this process may make empty networks: found out by making one.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Platform } from "../../../isolation/process/layers.ts";
import { NETWORK_FLAGS } from "./confine.ts";

const TIMEOUT_MS = 5_000;

/** Tries once, when it is first asked. */
export function networkTrial({
  name,
  isRoot,
  find,
}: Pick<Platform, "name" | "isRoot" | "find">): () => Promise<boolean> {
  let tried: Promise<boolean> | undefined;
  const attempt = async (): Promise<boolean> => {
    const [unshare, nothing] = [find("unshare"), find("true")];
    if (name !== "linux" || !isRoot || unshare === undefined || nothing === undefined) return false;
    const args = [...NETWORK_FLAGS, "--", nothing];
    return await promisify(execFile)(unshare, args, { env: {}, timeout: TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  };
  return () => {
    tried ??= attempt();
    return tried;
  };
}
