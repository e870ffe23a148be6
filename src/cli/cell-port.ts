// What the command line needs of a connection to a cell, and no more: tests
// stand in for it, connect-cell.ts makes it from the client library.
import type { PriorityName } from "../actors/intent.ts";
import type { CellError } from "../errors/cell-error.ts";
import type { Event } from "../gen/cell0/v1/events_pb.ts";

export type SendOptions = {
  readonly timeoutMs: number;
  readonly priority?: PriorityName;
  readonly signal?: AbortSignal;
  /** The intent that this one follows from. */
  readonly cause?: { readonly id: string; readonly rootId: string; readonly hopLimit: number };
  /** Chain of capability tokens that it rests on. */
  readonly capability?: Uint8Array;
  /** Sends again what is refused for now; default true. */
  readonly retry?: boolean;
  /** Hears the new intent's id, hex, as soon as it is made. */
  readonly onSent?: (id: string) => void;
};

export type PortReply = { readonly value: unknown; readonly final: boolean };

export type OpenOptions = {
  readonly natsUrl: string | undefined;
  /** Where the identity came from, for errors. */
  readonly where: string;
  /** Milliseconds until the broker must have answered. */
  readonly timeoutMs: number;
  /** What is nobody's fault in particular, e.g. a reply that cannot be verified. */
  readonly onProblem: (error: CellError) => void;
};

/** Connects with an identity file's text. */
export type OpenCell = (identity: string, options: OpenOptions) => Promise<CellPort>;

export type CellPort = {
  readonly cell: string;
  readonly principal: string;
  /** Replies as they come, at least one; throws the cell's refusal, `details.remote` set. */
  stream(target: string, intent: string, payload: unknown, options: SendOptions): AsyncIterable<PortReply>;
  /** Publishes without waiting for a reply; the intent's id in hex. */
  send(target: string, intent: string, payload: unknown, options: SendOptions): Promise<string>;
  /** Live events of all nodes, until the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<Event>;
  close(): Promise<void>;
};
