// A user of its own for each process, so that none can signal, trace or read
// another. Ids are from the range that systems keep for passing users; one that any
// process runs as is passed over, and a claim holds machine-wide, for as long as
// this process lives, by an abstract socket of the id's name.
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";

const FIRST = 61_184;
const LAST = 65_519;
const MAX_TRIES = 256;

export class Users {
  readonly #free: number[] = [];
  readonly #claims = new Map<number, Server>();
  #next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

  /** Undefined: none is to be had. */
  async claim(): Promise<number | undefined> {
    const known = this.#free.pop();
    if (known !== undefined) return known;
    const taken = await usersOfProcesses();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const id = this.#next;
      this.#next = id >= LAST ? FIRST : id + 1;
      if (this.#claims.has(id) || taken.has(id)) continue;
      const server = await listen(`\0cell0-user-${id}`);
      if (server === undefined) continue;
      this.#claims.set(id, server);
      return id;
    }
    return undefined;
  }

  /** Nothing runs as this user any more. */
  release(id: number): void {
    if (this.#claims.has(id)) this.#free.push(id);
  }

  close(): void {
    for (const server of this.#claims.values()) server.close();
    this.#claims.clear();
    this.#free.length = 0;
  }
}

/** Whether a process that is more than its unread exit status runs as that user. */
export async function runningAs(user: number): Promise<boolean> {
  const entries = await readdir("/proc").catch(() => []);
  const found = entries
    .filter((name) => /^\d+$/.test(name))
    .map(async (pid) => {
      // Of what cannot be traced /proc itself belongs to root; its status tells the user.
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const isOver = /^State:\s+[ZX]/m.test(status);
      return !isOver && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1) === user;
    });
  return (await Promise.all(found)).includes(true);
}

async function usersOfProcesses(): Promise<ReadonlySet<number>> {
  const entries = await readdir("/proc").catch(() => []);
  const owners = entries
    .filter((name) => /^\d+$/.test(name))
    .map(async (pid) => (await stat(`/proc/${pid}`).catch(() => undefined))?.uid);
  return new Set((await Promise.all(owners)).filter((uid) => uid !== undefined));
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(undefined));
    server.listen({ path }, () => {
      server.unref();
      resolve(server);
    });
  });
}
