// The node's end of a worker or process: bytes in, bytes out, and how it ended.
// What runs behind it, and who it claims to be, a link does not know.

/** How a worker or process ended, by itself or because the link was told to end it. */
export type LinkEnd = {
  readonly kind: "memory" | "exit" | "signal" | "error";
  /** One sentence without a full stop. */
  readonly what: string;
};

export type LinkEvents = {
  /** Bytes of the channel, cut anywhere. */
  readonly data: (chunk: Uint8Array) => void;
  /** A line of its standard output or error. */
  readonly output: (stream: "stdout" | "stderr", line: string) => void;
  /** Once; nothing follows. */
  readonly ended: (end: LinkEnd) => void;
};

export interface RemoteLink {
  /** Set once, before anything is sent; what came earlier is delivered then. */
  listen(events: LinkEvents): void;
  send(frame: Uint8Array): void;
  /** No data is taken any more until `resume`; the other side is slowed down. */
  pause(): void;
  resume(): void;
  /** Ends it whatever it does, also while it spins. Idempotent. */
  kill(): void;
  /** What holds it, one line, e.g. "process: own user 61184, no network; memory by heap limit only". */
  readonly bound: string;
}

/** The worker or process that an actor is to run in, with its code in place. */
export type Housing = {
  readonly link: RemoteLink;
  /** The behaviour's module, as that side sees it. */
  readonly module: string;
  /** File that its packages are found from, when that is another one. */
  readonly packagesFrom: string;
  /** Turns what that side says of files into what they are here. */
  readonly original: (text: string) => string;
};
