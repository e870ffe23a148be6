// Ends connections at the broker: those of a client who floods on, for a while, and what one client
// opens beyond its bound, so that there is room for the others. What the broker is sent it must read, whoever
// listens: only there a flood can be stopped. Of the broker's own account; it sees nothing that is sent.
import { z } from "zod";
import type { CellError } from "../../errors/cell-error.ts";
import { type BrokerConnection, type BrokerMessage, connectBroker } from "../connection.ts";
import { stockInboxPrefix } from "../subjects.ts";
import { Exclusions } from "./exclusions.ts";
import { DOORKEEPER } from "./permissions.ts";

/** Connections that one client may have open at a time. */
export const MAX_CONNECTIONS_OF_ONE = 256;
/** Connections in one answer of the broker. */
const PAGE = 1_024;
const CONNECTIONS = "$SYS.REQ.SERVER.PING.CONNZ";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type DoorkeeperOptions = {
  readonly url: string;
  readonly creds: string;
  /** Hears of each connection of a client that is ended for being one too many. */
  readonly onTooMany: (principal: string) => void;
  readonly onProblem: (error: CellError) => void;
  readonly nowMs?: () => number;
  readonly maxConnections?: number;
  readonly signal?: AbortSignal;
};

export interface Doorkeeper {
  /**
   * Ends what he has open, and each connection that he makes, for a while.
   * @returns for how many milliseconds; undefined: no client of that name is connected
   */
  keepOut(principal: string): number | undefined;
  close(): Promise<void>;
}

/** Throws what connecting throws, and BROKER_TIMEOUT when the broker does not say who is connected. */
export async function openDoorkeeper(options: DoorkeeperOptions): Promise<Doorkeeper> {
  const { url, creds, onProblem, signal } = options;
  const connection = await connectBroker({
    ...{ url, creds, onProblem, name: "cell0 doorkeeper" },
    inboxPrefix: stockInboxPrefix(DOORKEEPER),
    firstConnect: "wait",
    ...(signal === undefined ? {} : { signal }),
  });
  const door = new Door(connection, options);
  await door.begin();
  return door;
}

class Door implements Doorkeeper {
  readonly #connection: BrokerConnection;
  readonly #options: DoorkeeperOptions;
  readonly #nowMs: () => number;
  readonly #exclusions = new Exclusions();
  /** Ids of each client's connections; the broker bounds them all together. */
  readonly #open = new Map<string, Set<number>>();
  /** Where nobody listens: the broker does nothing for who wants no answer. */
  readonly #unread: string;
  #server: string | undefined;

  constructor(connection: BrokerConnection, options: DoorkeeperOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#unread = connection.newInbox();
  }

  async begin(): Promise<void> {
    this.#connection.subscribe("$SYS.ACCOUNT.*.CONNECT", (message) => this.#came(message));
    this.#connection.subscribe("$SYS.ACCOUNT.*.DISCONNECT", (message) => this.#went(message));
    await this.#list();
    this.#connection.onStatus(({ state }) => {
      if (state === "connected")
        this.#list().catch((error: unknown) => this.#connection.tellProblem(error, CONNECTIONS));
    });
  }

  keepOut(principal: string): number | undefined {
    const ids = this.#open.get(principal);
    if (ids === undefined) return undefined;
    const ms = this.#exclusions.exclude(principal, this.#nowMs());
    for (const id of ids) this.#end(id);
    return ms;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Ids are the server's, and another one after each start of it. */
  async #list(): Promise<void> {
    this.#open.clear();
    for (let offset = 0; ; ) {
      const asked = encoder.encode(JSON.stringify({ auth: true, limit: PAGE, offset }));
      const answer = await this.#connection.request(CONNECTIONS, asked);
      const { server, data } = pageSchema.parse(JSON.parse(decoder.decode(answer.data)));
      this.#server = server.id;
      for (const { cid, jwt, tags } of data.connections) this.#add(cid, clientOf({ jwt, tags }));
      offset += data.connections.length;
      if (data.connections.length === 0 || offset >= data.total) return;
    }
  }

  #came(message: BrokerMessage): void {
    const { server, client } = changeSchema.parse(JSON.parse(decoder.decode(message.data)));
    this.#server = server.id;
    this.#add(client.id, clientOf(client));
  }

  #went(message: BrokerMessage): void {
    const { client } = changeSchema.parse(JSON.parse(decoder.decode(message.data)));
    const principal = clientOf(client);
    const ids = principal === undefined ? undefined : this.#open.get(principal);
    if (principal === undefined || ids === undefined) return;
    ids.delete(client.id);
    if (ids.size === 0) this.#open.delete(principal);
  }

  #add(id: number, principal: string | undefined): void {
    if (principal === undefined) return;
    const ids = this.#open.get(principal) ?? new Set();
    ids.add(id);
    this.#open.set(principal, ids);
    if (this.#exclusions.isExcluded(principal, this.#nowMs())) this.#end(id);
    else if (ids.size > (this.#options.maxConnections ?? MAX_CONNECTIONS_OF_ONE)) {
      this.#end(id);
      this.#options.onTooMany(principal);
    }
  }

  #end(id: number): void {
    const order = encoder.encode(JSON.stringify({ cid: id }));
    this.#connection.publish(`$SYS.REQ.SERVER.${this.#server}.KICK`, order, this.#unread);
  }
}

const serverSchema = z.object({ id: z.string().regex(/^[A-Z0-9]+$/) });
const userFields = { jwt: z.string().optional(), tags: z.array(z.string()).optional() };
const changeSchema = z.object({
  server: serverSchema,
  client: z.object({ id: z.number().int(), ...userFields }),
});
const pageSchema = z.object({
  server: serverSchema,
  data: z.object({
    total: z.number().int(),
    connections: z.array(z.object({ cid: z.number().int(), ...userFields })),
  }),
});
const claimsSchema = z.object({ name: z.string() });

type User = { readonly jwt?: string | undefined; readonly tags?: readonly string[] | undefined };

/** The principal of a client or an operator, as the cell named it; undefined of a node, which nobody may keep out. */
function clientOf({ jwt, tags = [] }: User): string | undefined {
  const [, claims] = jwt?.split(".") ?? [];
  if (claims === undefined || !tags.some((tag) => tag === "client" || tag === "operator")) return undefined;
  return claimsSchema.parse(JSON.parse(Buffer.from(claims, "base64url").toString())).name;
}
