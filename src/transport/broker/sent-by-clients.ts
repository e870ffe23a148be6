// What each client has sent to the broker through all its connections, those that it has ended too.
import type { Sent } from "./broker-connections.ts";
import type { Volume } from "./sender-rates.ts";

const NOTHING: Volume = { messages: 0, bytes: 0 };

export class SentByClients {
  readonly #ended = new Map<string, Volume>();
  /** As of the last look. */
  #before: ReadonlyMap<string, Volume> = new Map();

  ended(principal: string, sent: Volume): void {
    this.#ended.set(principal, plus(this.#ended.get(principal), sent));
  }

  /** Nobody has sent anything lately through a connection that is no more. */
  get isEmpty(): boolean {
    return this.#ended.size === 0;
  }

  /** @param principalOf undefined of a connection that nobody is known by */
  sum(open: readonly Sent[], principalOf: (id: number) => string | undefined): ReadonlyMap<string, Volume> {
    const sums = new Map(this.#ended);
    for (const sent of open) {
      const principal = principalOf(sent.id);
      if (principal !== undefined) sums.set(principal, plus(sums.get(principal), sent));
    }
    // Who has sent nothing since is forgotten.
    for (const [principal, { messages }] of sums)
      if (this.#before.get(principal)?.messages === messages) this.#ended.delete(principal);
    this.#before = sums;
    return sums;
  }
}

const plus = (one: Volume = NOTHING, other: Volume): Volume => ({
  messages: one.messages + other.messages,
  bytes: one.bytes + other.bytes,
});
