import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a failure that no transition shows finds its actor and intent; the process and other actors live on", async () => {
  const script = join(import.meta.dirname, "fixtures/async-failures.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const failed = (intent: string) => ({ origin: "async", message: "boom", intent });
  expect(JSON.parse(stdout)).toEqual({
    results: {
      "stray.rejection": failed("stray.rejection"),
      "async.action": failed("async.action"),
      "timer.in.callback": failed("timer.in.callback"),
      emitter: failed("emitter"),
      subscriber: failed("subscriber"),
      "emit.listener": failed("emit.listener"),
    },
    orphans: ["Error: nobody's"],
    otherBusy: 0,
  });
});
