// What a node listens to, and how it stops to listen to one sender: while somebody is shut out,
// each wildcard for all senders is replaced by the names of all the others, so that the broker drops
// what he sends. He is heard for a few messages nevertheless; who does not use them up in a second is let in,
// and who floods on for seconds is kept away from the broker for a while, where somebody can do that.
import { CellError } from "../errors/cell-error.ts";
import type { BrokerMessage, BrokerSubscription } from "./connection.ts";
import { end, Hearing, SLOTS } from "./hearing.ts";
import { ofPrincipal, senderOf } from "./subjects.ts";

export type SubscriptionPorts = {
  /** @param options `max`: the broker itself ends it after so many messages */
  readonly subscribe: (
    subject: string,
    handler: (message: BrokerMessage) => void,
    options?: { readonly max?: number },
  ) => Live;
  readonly handler: (message: BrokerMessage) => void;
  /** Takes what is still on its way from who is shut out. */
  readonly refuse: (message: BrokerMessage) => void;
  /** Who may send at all; absent: nobody can be shut out. */
  readonly principals?: () => readonly string[];
  /** Ends what he has open at the broker. @returns for how many milliseconds; undefined: nobody can, and he is heard on */
  readonly keepOut?: (sender: string) => number | undefined;
  /** Calls it `SLOTS` times a second until it is ended. */
  readonly everySlot?: (run: () => void) => () => void;
};

/** So long he floods on before he is kept out. */
export const FLOODED_SECONDS = 2;
/** No principal's name. */
const STRANGERS = "*";
/** Beyond so many, names times subjects, nobody is shut out. */
export const MAX_NAMED = 16_384;

export type Live = Pick<BrokerSubscription, "unsubscribe" | "drain">;
/** How one is shut out: heard by a Hearing, or not at all, for so many seconds more. */
type Silenced = Pick<Hearing, "hasOverrun" | "floodedSeconds" | "subscriptions" | "next"> & {
  secondsLeft?: number;
};

export class IntentSubscriptions {
  readonly #ports: SubscriptionPorts;
  readonly #wanted = new Set<string>();
  readonly #live = new Map<string, Live>();
  /** Who is shut out, and what he is heard by nevertheless. */
  readonly #shut = new Map<string, Silenced>();
  /** Of this second. */
  #slot = 0;
  #stop: (() => void) | undefined;

  constructor(ports: SubscriptionPorts) {
    this.#ports = ports;
  }

  /** As they were added, whoever is shut out. */
  subjects(): readonly string[] {
    return [...this.#wanted];
  }

  add(subject: string): void {
    if (this.#wanted.has(subject)) return;
    this.#wanted.add(subject);
    if (this.#shut.size === 0) this.#open(subject);
    else this.#apply();
  }

  remove(subject: string): void {
    if (!this.#wanted.delete(subject)) return;
    if (this.#shut.size === 0) {
      this.#live.get(subject)?.unsubscribe();
      this.#live.delete(subject);
    } else this.#apply();
  }

  /**
   * False: he is shut out already, or cannot be. With one who may not send at all, all such are: they are
   * let in again after a second.
   */
  shutOut(sender: string): boolean {
    const isKnown = this.#ports.principals?.().includes(sender) === true;
    const name = isKnown ? sender : STRANGERS;
    if (!isKnown) this.#ports.keepOut?.(sender);
    if (this.#shut.has(name) || !this.#canName()) return false;
    this.#shut.set(name, silenced(isKnown));
    this.#apply();
    this.#stop ??= (this.#ports.everySlot ?? everySlot)(() => this.#tick());
    return true;
  }

  async drain(): Promise<void> {
    this.#stop?.();
    const heard = [...this.#shut.values()].flatMap(({ subscriptions }) => subscriptions);
    const all = [...this.#live.values(), ...heard];
    this.#live.clear();
    this.#shut.clear();
    this.#wanted.clear();
    await Promise.all(all.map((each) => each.drain()));
  }

  #tick(): void {
    try {
      this.#next();
    } catch (error) {
      // A connection that is closed for good has ended all of them.
      if (!(error instanceof CellError) || error.code !== "BROKER_CLOSED") throw error;
      this.#stop?.();
    }
  }

  #next(): void {
    this.#slot = (this.#slot + 1) % SLOTS;
    if (this.#slot === 0) this.#again();
    else for (const hearing of this.#shut.values()) hearing.next();
  }

  /** A second is over. Whoever did not use up what he was heard for is let in; the others have as much again. */
  #again(): void {
    const canName = this.#canName();
    const over: Live[] = [];
    for (const [sender, was] of [...this.#shut]) {
      over.push(...was.subscriptions);
      if (!was.hasOverrun || !canName) this.#shut.delete(sender);
      else this.#shut.set(sender, this.#silencedAgain(sender, was));
    }
    this.#apply();
    for (const each of over) end(each);
    if (this.#shut.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
    this.#slot = 0;
  }

  #silencedAgain(sender: string, { floodedSeconds, secondsLeft = 0 }: Silenced): Silenced {
    if (secondsLeft > 1) return silenced(true, secondsLeft - 1);
    const keptOutMs = floodedSeconds < FLOODED_SECONDS ? undefined : this.#ports.keepOut?.(sender);
    if (keptOutMs !== undefined) return silenced(true, Math.ceil(keptOutMs / 1000));
    const subjects = [...this.#wanted].map((subject) => ofPrincipal(subject, sender));
    return new Hearing(subjects, this.#ports, floodedSeconds);
  }

  #canName(): boolean {
    const { principals } = this.#ports;
    return principals !== undefined && principals().length * this.#wanted.size <= MAX_NAMED;
  }

  /**
   * What is new is heard before what is old ends, and that only once all that is on its way has come: what
   * comes in between comes twice, as the replay window knows, and none is lost.
   */
  #apply(): void {
    const target = new Set(this.#shut.size === 0 ? this.#wanted : this.#named());
    for (const subject of target) this.#open(subject);
    for (const [subject, live] of [...this.#live]) {
      if (target.has(subject)) continue;
      this.#live.delete(subject);
      end(live);
    }
  }

  #named(): readonly string[] {
    const others = (this.#ports.principals?.() ?? []).filter((principal) => !this.#shut.has(principal));
    return [...this.#wanted].flatMap((subject) => others.map((principal) => ofPrincipal(subject, principal)));
  }

  #open(subject: string): void {
    if (this.#live.has(subject)) return;
    this.#live.set(
      subject,
      this.#ports.subscribe(subject, (message) => this.#hear(message)),
    );
  }

  #hear(message: BrokerMessage): void {
    const { handler, refuse } = this.#ports;
    if (this.#shut.size > 0 && this.#shut.has(senderOf(message.subject))) refuse(message);
    else handler(message);
  }
}

const silenced = (hasOverrun: boolean, secondsLeft = 1): Silenced => ({
  hasOverrun,
  floodedSeconds: 0,
  subscriptions: [],
  next: () => {},
  secondsLeft,
});

function everySlot(run: () => void): () => void {
  const timer = setInterval(run, 1_000 / SLOTS).unref();
  return () => clearInterval(timer);
}
