// What a node listens to, and how it stops to listen to one sender: while somebody is shut out,
// each wildcard for all senders is replaced by the names of all the others, so that the broker drops
// what he sends. Once a second he is heard again for a few messages; who does not use them up is let in.
import type { BrokerMessage, BrokerSubscription } from "./connection.ts";
import { ofPrincipal, senderOf } from "./subjects.ts";

export type SubscriptionPorts = {
  /** @param options `max`: the broker itself ends it after so many messages */
  readonly subscribe: (
    subject: string,
    handler: (message: BrokerMessage) => void,
    options?: { readonly max?: number },
  ) => Pick<BrokerSubscription, "unsubscribe" | "drain">;
  readonly handler: (message: BrokerMessage) => void;
  /** Takes what is still on its way from who is shut out. */
  readonly refuse: (message: BrokerMessage) => void;
  /** Who may send at all; absent: nobody can be shut out. */
  readonly principals?: () => readonly string[];
  /** Calls it once a second until it is ended. */
  readonly everySecond?: (run: () => void) => () => void;
};

/**
 * What who is shut out is heard for in a second: messages, as many as a client sends that only ever overran the
 * node once, and bytes, since one message may hold many intents. They cost a few hundredths of a processor.
 */
export const HEARD_WHILE_SHUT = 512;
export const HEARD_BYTES = 128 * 1024;
/** No principal's name. */
const STRANGERS = "*";
/** Beyond so many, names times subjects, nobody is shut out. */
export const MAX_NAMED = 16_384;

type Live = Pick<BrokerSubscription, "unsubscribe" | "drain">;
type Trial = { left: number; bytes: number; readonly subscriptions: readonly Live[] };

export class IntentSubscriptions {
  readonly #ports: SubscriptionPorts;
  readonly #wanted = new Set<string>();
  readonly #live = new Map<string, Live>();
  /** Who is shut out, and what he is heard by nevertheless. */
  readonly #shut = new Map<string, Trial>();
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
    if (this.#shut.has(name) || !this.#canName()) return false;
    this.#shut.set(name, { left: isKnown ? 0 : HEARD_WHILE_SHUT, bytes: HEARD_BYTES, subscriptions: [] });
    this.#apply();
    this.#stop ??= (this.#ports.everySecond ?? everySecond)(() => this.#again());
    return true;
  }

  async drain(): Promise<void> {
    this.#stop?.();
    const trials = [...this.#shut.values()].flatMap(({ subscriptions }) => subscriptions);
    const all = [...this.#live.values(), ...trials];
    this.#live.clear();
    this.#shut.clear();
    this.#wanted.clear();
    await Promise.all(all.map((each) => each.drain()));
  }

  /** Whoever did not use up what he was heard for is let in; the others have as much again. */
  #again(): void {
    const canName = this.#canName();
    const over: Live[] = [];
    for (const [sender, { left, subscriptions }] of [...this.#shut]) {
      over.push(...subscriptions);
      if (left > 0 || !canName) this.#shut.delete(sender);
      else this.#shut.set(sender, this.#trialOf(sender));
    }
    this.#apply();
    for (const each of over) end(each);
    if (this.#shut.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #trialOf(sender: string): Trial {
    const { subscribe, handler, refuse } = this.#ports;
    const subscriptions: Live[] = [];
    const trial: Trial = { left: HEARD_WHILE_SHUT, bytes: HEARD_BYTES, subscriptions };
    const hear = (message: BrokerMessage) => {
      const isOver = trial.left <= 0;
      trial.left -= 1;
      trial.bytes -= message.data.length;
      if (isOver || trial.bytes < 0) refuse(message);
      else handler(message);
      if (trial.bytes >= 0) return;
      trial.left = 0;
      for (const each of subscriptions.splice(0)) end(each);
    };
    for (const subject of this.#wanted)
      subscriptions.push(subscribe(ofPrincipal(subject, sender), hear, { max: HEARD_WHILE_SHUT }));
    return trial;
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

/** A connection that is lost has ended it. */
function end(subscription: Live): void {
  subscription.drain().catch(() => {});
}

function everySecond(run: () => void): () => void {
  const timer = setInterval(run, 1_000).unref();
  return () => clearInterval(timer);
}
