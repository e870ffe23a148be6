// One set-up at a time in a checkout: two npm ci in one folder would wreck each other.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SetupError } from "./setup-error.mjs";

const POLL_MS = 250;
/** Longer than any set-up takes on a slow machine. */
const PATIENCE_MS = 30 * 60_000;

/**
 * @param {string} path
 * @param {(holder: number) => void} onWait told once, when another process holds the lock
 * @returns {Promise<() => void>} gives the lock back
 */
export async function takeLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    if (tryLock(path)) return () => rmSync(path, { force: true });
    const holder = Number(readIfThere(path));
    if (!isAlive(holder)) {
      // Its holder died. Whoever removes it competes again for the exclusive write.
      rmSync(path, { force: true });
      continue;
    }
    if (!told) onWait(holder);
    told = true;
    await wait(POLL_MS);
  }
  throw new SetupError(
    "SETUP_BUSY",
    `another set-up of this checkout (pid ${readIfThere(path)}) is still running`,
  );
}

/** @param {string} path */
function tryLock(path) {
  try {
    writeFileSync(path, `${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
