// Ends whatever still runs as a user that was made for one process or program: also
// what left its group and session. Done as that user, by one signal to all that it may
// reach, so that nothing forks away between a look and the signal.
import { execFile } from "node:child_process";
import { runningAs } from "./users.ts";

const TRIES = 5;
const TIMEOUT_MS = 5_000;

/** Whether nothing runs as that user any more. Never rejects. @param setpriv path of setpriv */
export async function endAllOf(user: number, setpriv: string | undefined): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (!(await runningAs(user))) return true;
    if (setpriv === undefined) return false;
    await signalAll(user, setpriv);
  }
  return !(await runningAs(user));
}

/** Root is no user of one process: the signal would reach everything. */
function signalAll(user: number, setpriv: string): Promise<void> {
  if (!Number.isSafeInteger(user) || user <= 0) return Promise.resolve();
  const identity = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--bounding-set=-all"];
  const args = [...identity, "--no-new-privs", "--", "/bin/sh", "-c", "kill -KILL -1"];
  return new Promise((resolve) => {
    // It ends itself with the others: how it ended says nothing.
    execFile(setpriv, args, { env: {}, cwd: "/", timeout: TIMEOUT_MS, killSignal: "SIGKILL" }, () =>
      resolve(),
    );
  });
}
