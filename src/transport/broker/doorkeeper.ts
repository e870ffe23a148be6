// Ends connections at the broker: those of a client who floods on, for a while, and what one client
// opens beyond its bound. What the broker is sent it must read, whoever listens: only there a flood can be
// stopped. It acts through the broker's own account, and sees nothing of what is sent.
import type { CellError } from "../../errors/cell-error.ts";
import { type BrokerConnection, connectBroker } from "../connection.ts";
import { stockInboxPrefix } from "../subjects.ts";
import { type Came, readCame, readList, readSent, readWent, type Sent } from "./broker-connections.ts";
import { Exclusions } from "./exclusions.ts";
import { DOORKEEPER } from "./permissions.ts";
import { SenderRates } from "./sender-rates.ts";
import { SentByClients } from "./sent-by-clients.ts";

/** Connections that one client may have open at a time. */
export const MAX_CONNECTIONS_OF_ONE = 256;
/** In one answer, since pages would shift while somebody goes: more than the broker takes. */
const MAX_LISTED = 65_536;
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
  #sent = new SentByClients();
  #rates = new SenderRates();
  #isLooking = false;
  /** Of the broker: its connections are others after each start of it. */
  #epoch = 0;
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
    this.#sent = new SentByClients();
    this.#rates = new SenderRates();
    this.#epoch += 1;
    this.#try(() => this.#list());
  }

  async #list(): Promise<void> {
    const [gone, epoch] = [new Set<number>(), this.#epoch];
    this.#gone = gone;
    try {
      const answer = await this.#ask({ auth: true, limit: MAX_LISTED });
      if (epoch !== this.#epoch) return;
      const { server, connections } = readList(answer);
      for (const each of connections) {
        // Who has not said yet who he is, is told of when he does.
        if (each.principal === undefined || gone.has(each.id) || this.#principals.has(each.id)) continue;
        this.#untold.add(each.id);
        this.#add({ server, ...each });
      }
    } catch (error) {
      if (this.#connection.isConnected() && epoch === this.#epoch)
        this.#again = setTimeout(() => this.#try(() => this.#list()), AGAIN_AFTER_MS).unref();
      throw error;
    } finally {
      if (this.#gone === gone) this.#gone = undefined;
    }
  }

  /** Floods of which no node says anything. */
  async #look(): Promise<void> {
    const isNobody = this.#open.size === 0 && this.#sent.isEmpty;
    if (this.#isLooking || isNobody || !this.#connection.isConnected()) return;
    this.#isLooking = true;
    const epoch = this.#epoch;
    try {
      const answer = await this.#ask({ limit: MAX_LISTED });
      if (epoch !== this.#epoch) return;
      const sums = this.#sent.sum(readSent(answer), (id) => this.#principals.get(id));
      for (const principal of this.#rates.look(sums, this.#nowMs())) this.#flooded(principal);
    } finally {
      this.#isLooking = false;
    }
  }

  #flooded(principal: string): void {
    if (this.#exclusions.isExcluded(principal, this.#nowMs())) return;
    this.#options.onKeptOut(principal, this.keepOut(principal));
  }

  #ask(options: object) {
    return this.#connection.request(CONNECTIONS, encoder.encode(JSON.stringify(options)), LIST_TIMEOUT_MS);
  }

  #came(came: Came): void {
    if (this.#untold.delete(came.id)) return;
    // Who says twice on one connection who he is has the broker do it for nothing.
    const known = this.#principals.get(came.id);
    if (known === undefined) this.#add(came);
    else this.#flooded(known);
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

  #went(sent: Sent): void {
    const { id } = sent;
    this.#gone?.add(id);
    this.#untold.delete(id);
    const principal = this.#principals.get(id);
    if (principal === undefined) return;
    this.#sent.ended(principal, sent);
    this.#principals.delete(id);
    const ids = this.#open.get(principal);
    ids?.delete(id);
    if (ids?.size === 0) this.#open.delete(principal);
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
