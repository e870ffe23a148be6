// Who is measured beside a cell: callers and responders, each in a process of its own, and a
// broker of theirs as nats-server starts by default. All of them end with the bench.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { locateBroker } from "../src/transport/broker/locate.ts";
import type { ContenderWord, RunOrder, RunResult } from "./contender.ts";

const CONTENDER = join(import.meta.dirname, "contender.ts");

export type Owned = { readonly pid: number | undefined; stop(): Promise<void> };
export type Caller = Owned & { run(order: RunOrder): Promise<RunResult> };

export async function startPlainBroker(): Promise<Owned & { readonly url: string }> {
  const { path } = await locateBroker();
  const child = spawn(path, ["--addr", "127.0.0.1", "--port", "-1"], { stdio: ["ignore", "ignore", "pipe"] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      const address = /client connections on (\S+)/.exec(said)?.[1];
      if (address !== undefined) resolve(`nats://${address}`);
    });
    child.once("exit", (code) => reject(new Error(`the broker ended with ${code}: ${said}`)));
  });
  return { ...owned(child), url };
}

/** Answers until it is stopped. */
export async function startResponder(name: "nats" | "moleculer", url: string): Promise<Owned> {
  const child = fork(CONTENDER, ["respond", name, url]);
  await nextWord(child, "ready");
  return owned(child);
}

/** @param where the broker's URL; of a cell, an identity file */
export async function startCaller(
  name: "nats" | "moleculer" | "cell0",
  where: string,
  capability?: Uint8Array,
): Promise<Caller> {
  const token = capability === undefined ? [] : [Buffer.from(capability).toString("base64url")];
  const child = fork(CONTENDER, ["call", name, where, ...token]);
  await nextWord(child, "ready");
  return {
    ...owned(child),
    async run(order) {
      const done = nextWord(child, "done");
      child.send(order);
      return (await done).result;
    },
  };
}

export function owned(child: ChildProcess): Owned {
  return {
    pid: child.pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

/** The next word of a child, which must be of this kind. */
async function nextWord<K extends ContenderWord["kind"]>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<ContenderWord, { kind: K }>> {
  const ended = new AbortController();
  const end = once(child, "exit", { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`a process of the bench ended with ${code ?? signal}`);
  });
  const told = once(child, "message", { signal: ended.signal });
  try {
    const [word]: ContenderWord[] = await Promise.race([told, end]);
    if (word?.kind === "failed") throw new Error(word.why);
    if (word?.kind !== kind) throw new Error(`not ${kind}, but ${word?.kind}`);
    return word as Extract<ContenderWord, { kind: K }>;
  } finally {
    ended.abort();
    await Promise.allSettled([told, end]);
  }
}
