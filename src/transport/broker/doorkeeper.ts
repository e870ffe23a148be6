// Ends connections at the broker: those of a client who floods on, for a while, and what one client
// opens beyond its bound. What the broker is sent it must read, whoever listens: only there a flood can be
// stopped. It acts through the broker's own account, and sees nothing of what is sent.
import type { CellError } from "../../errors/cell-error.ts";
import { type BrokerConnection, connectBroker } from "../connection.ts";
import { stockInboxPrefix } from "../subjects.ts";
import { type Came, readCame, readList, readSent, readWent } from "./broker-connections.ts";
import { Exclusions } from "./exclusions.ts";
import { DOORKEEPER } from "./permissions.ts";
import { SenderRates } from "./sender-rates.ts";

/** Connections that one client may have open at a time. */
export const MAX_CONNECTIONS_OF_ONE = 256;
/** In one answer, since pages would shift while somebody goes: more than the broker takes. */
const MAX_LISTED = 65_536;
/** Of those that have sent most. */
const MAX_LOOKED_AT = 256;
const LOOK_EVERY_MS = 1_000;
/** After the broker did not say who is connected. */
const AGAIN_AFTER_MS = 1_000;
const LIST_TIMEOUT_MS = 10_000;
const CONNECTIONS = "$SYS.REQ.SERVER.PING.CONNZ";
const encoder = new TextEncoder();

export type DoorkeeperOptions = {
  readonly url: string;
  readonly creds: string;
  /** Hears of each connection of a client that is ended for being one too many. */
  readonly onTooMany: (principal: string) => void;
  /** Hears whom it keeps out of its own accord, and for how many milliseconds. */
  readonly onKeptOut: (principal: string, ms: number) => void;
  readonly onProblem: (error: CellError) => void;
  readonly nowMs?: () => number;
  readonly maxConnections?: number;
  readonly signal?: AbortSignal;
};

export interface Doorkeeper {
  /**
   * Ends what a client or an operator of that name has open, and each connection that he makes, for a
   * while. A node's are never ended.
   * @returns for how many milliseconds
   */
  keepOut(principal: string): number;
  close(): Promise<void>;
}

/** Throws what connecting throws. Who was connected before it learns after that. */
export async function openDoorkeeper(options: DoorkeeperOptions): Promise<Doorkeeper> {
  const { url, creds, onProblem, signal } = options;
  const connection = await connectBroker({
    ...{ url, creds, onProblem, name: "cell0 doorkeeper" },
    inboxPrefix: stockInboxPrefix(DOORKEEPER),
    firstConnect: "wait",
    ...(signal === undefined ? {} : { signal }),
  });
  return new Door(connection, options);
}

class Door implements Doorkeeper {
  readonly #connection: BrokerConnection;
  readonly #options: DoorkeeperOptions;
  readonly #nowMs: () => number;
  readonly #exclusions = new Exclusions();
  #rates = new SenderRates();
  /** Clients' connections by the broker's id, which bounds them all together, and the other way round. */
  readonly #principals = new Map<number, string>();
  readonly #open = new Map<string, Set<number>>();
  /** Of those that go while the broker is asked who is there: its answer may name them still. */
  #gone: Set<number> | undefined;
  /** Of those that it named before their coming was told. */
  readonly #untold = new Set<number>();
  /** Where nobody listens: the broker does nothing for who wants no answer. */
  readonly #unread: string;
  #server: string | undefined;
  #again: NodeJS.Timeout | undefined;
  readonly #looking: NodeJS.Timeout;

  constructor(connection: BrokerConnection, options: DoorkeeperOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#unread = connection.newInbox();
    connection.subscribe("$SYS.ACCOUNT.*.CONNECT", (message) => this.#came(readCame(message)));
    connection.subscribe("$SYS.ACCOUNT.*.DISCONNECT", (message) => this.#went(readWent(message)));
    connection.onStatus(({ state }) => {
      if (state === "connected") this.#begin();
    });
    this.#begin();
    this.#looking = setInterval(() => this.#try(() => this.#look()), LOOK_EVERY_MS).unref();
  }

  keepOut(principal: string): number {
    const ms = this.#exclusions.exclude(principal, this.#nowMs());
    for (const id of this.#open.get(principal) ?? []) this.#end(id);
    return ms;
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    clearTimeout(this.#again);
    await this.#connection.close();
  }

  /** Ids are the server's, and another one after each start of it. */
  #begin(): void {
    clearTimeout(this.#again);
    this.#open.clear();
    this.#principals.clear();
    this.#untold.clear();
    this.#rates = new SenderRates();
    this.#try(() => this.#list());
  }

  async #list(): Promise<void> {
    const gone = new Set<number>();
    this.#gone = gone;
    try {
      const answer = await this.#ask({ auth: true, limit: MAX_LISTED });
      const { server, connections } = readList(answer);
      for (const each of connections) {
        if (gone.has(each.id) || this.#principals.has(each.id)) continue;
        this.#untold.add(each.id);
        this.#add({ server, ...each });
      }
    } catch (error) {
      if (this.#connection.isConnected())
        this.#again = setTimeout(() => this.#try(() => this.#list()), AGAIN_AFTER_MS).unref();
      throw error;
    } finally {
      if (this.#gone === gone) this.#gone = undefined;
    }
  }

  /** Floods of which no node says anything. */
  async #look(): Promise<void> {
    if (this.#open.size === 0 || !this.#connection.isConnected()) return;
    const answer = await this.#ask({ sort: "msgs_from", limit: MAX_LOOKED_AT });
    for (const id of this.#rates.look(readSent(answer), this.#nowMs())) this.#flooded(id);
  }

  #flooded(id: number): void {
    const principal = this.#principals.get(id);
    if (principal === undefined || this.#exclusions.isExcluded(principal, this.#nowMs())) return;
    this.#options.onKeptOut(principal, this.keepOut(principal));
  }

  #ask(options: object) {
    return this.#connection.request(CONNECTIONS, encoder.encode(JSON.stringify(options)), LIST_TIMEOUT_MS);
  }

  #came(came: Came): void {
    if (this.#untold.delete(came.id)) return;
    // Who says twice on one connection who he is has the broker do it for nothing.
    if (this.#principals.has(came.id)) this.#flooded(came.id);
    else this.#add(came);
  }

  #add({ server, id, principal }: Came): void {
    this.#server = server;
    if (principal === undefined) return;
    if (this.#exclusions.isExcluded(principal, this.#nowMs())) {
      this.#end(id);
      return;
    }
    const ids = this.#open.get(principal) ?? new Set();
    if (ids.size >= (this.#options.maxConnections ?? MAX_CONNECTIONS_OF_ONE)) {
      this.#end(id);
      this.#options.onTooMany(principal);
      return;
    }
    this.#principals.set(id, principal);
    this.#open.set(principal, ids.add(id));
  }

  #went(id: number): void {
    this.#gone?.add(id);
    this.#untold.delete(id);
    const principal = this.#principals.get(id);
    const ids = principal === undefined ? undefined : this.#open.get(principal);
    this.#principals.delete(id);
    ids?.delete(id);
    if (principal !== undefined && ids?.size === 0) this.#open.delete(principal);
  }

  #end(id: number): void {
    const order = encoder.encode(JSON.stringify({ cid: id }));
    this.#connection.publish(`$SYS.REQ.SERVER.${this.#server}.KICK`, order, this.#unread);
  }

  #try(run: () => Promise<void>): void {
    run().catch((error: unknown) => {
      if (this.#connection.isConnected()) this.#connection.tellProblem(error, CONNECTIONS);
    });
  }
}
