import { describe, expect, it } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import type { BrokerMessage } from "../../src/transport/connection.ts";
import { HEARD_BYTES, HEARD_WHILE_SHUT, SLOTS } from "../../src/transport/hearing.ts";
import { FLOODED_SECONDS, IntentSubscriptions, MAX_NAMED } from "../../src/transport/intent-subscriptions.ts";

const ALL = "cell0.v1.test.in.>";
const ONE = "cell0.v1.test.in.*.hello.greeter";
const from = (principal: string) => `cell0.v1.test.in.${principal}.hello.greeter`;

const IN_SLOT = HEARD_WHILE_SHUT / SLOTS;

/** A broker that hands over what somebody listens to, and second hands that are moved by hand. */
function world(
  principals: readonly string[] | "unknown" = ["a", "ann", "mallory"],
  keepOut?: (sender: string) => number | undefined,
) {
  const live = new Set<{ subject: string; left: number; handler: (message: BrokerMessage) => void }>();
  const heard: string[] = [];
  const refused: string[] = [];
  let isBehind = false;
  let tick: (() => void) | undefined;
  const subscriptions = new IntentSubscriptions({
    subscribe(subject, handler, { max = Number.POSITIVE_INFINITY } = {}) {
      const entry = { subject, handler, left: max };
      live.add(entry);
      const unsubscribe = () => void live.delete(entry);
      // What ends so still hears what is on its way.
      return {
        unsubscribe,
        async drain() {
          if (!isBehind) unsubscribe();
        },
      };
    },
    handler: ({ subject }) => void heard.push(subject),
    refuse: ({ subject }) => void refused.push(subject),
    ...(principals === "unknown" ? {} : { principals: () => principals }),
    ...(keepOut === undefined ? {} : { keepOut }),
    everySlot(run) {
      tick = run;
      return () => {
        tick = undefined;
      };
    },
  });
  const matches = (pattern: string, subject: string) =>
    new RegExp(`^${pattern.replaceAll(".", "\\.").replace("*", "[^.]+").replace(">", ".+")}$`).test(subject);
  return {
    subscriptions,
    refused,
    /** From now on all that was sent is still on its way. */
    fallBehind() {
      isBehind = true;
    },
    subjects: () => [...live].map(({ subject }) => subject).toSorted(),
    /** How many of so many messages are heard. */
    send(subject: string, count = 1, bytes = 0): number {
      const before = heard.length;
      for (let n = 0; n < count; n += 1)
        for (const entry of [...live]) {
          if (entry.left <= 0 || !matches(entry.subject, subject)) continue;
          entry.left -= 1;
          entry.handler({ subject, data: new Uint8Array(bytes) });
        }
      return heard.length - before;
    },
    slot: () => tick?.(),
    second() {
      for (let slot = 0; slot < SLOTS; slot += 1) tick?.();
    },
    isTicking: () => tick !== undefined,
  };
}

describe("who floods on for seconds after he was shut out", () => {
  /** A broker that can keep somebody out, for three seconds, or nobody. */
  function guarded(keptOutMs: number | null = 2_500) {
    const keptOut: string[] = [];
    const scene = world(undefined, (sender) => {
      keptOut.push(sender);
      return keptOutMs ?? undefined;
    });
    scene.subscriptions.add(ALL);
    scene.subscriptions.shutOut("mallory");
    scene.second();
    /** Sends so much in so many parts of each of so many seconds. */
    const flood = (parts: number, bytes = 0, seconds = FLOODED_SECONDS) => {
      for (let part = 0; part < seconds * SLOTS; part += 1) {
        if (part % SLOTS < parts) scene.send(from("mallory"), 10_000, bytes);
        scene.slot();
      }
    };
    return { ...scene, keptOut, flood };
  }

  it("is kept out, and not heard for as long; then as one who is shut out", () => {
    const { keptOut, flood, send, second, subjects } = guarded();
    flood(SLOTS);
    expect(keptOut).toEqual(["mallory"]);
    for (let seconds = 0; seconds < 3; seconds += 1) {
      expect([send(from("mallory"), 100), send(from("ann"))]).toEqual([0, 1]);
      second();
    }
    expect(send(from("mallory"), 10_000)).toBe(IN_SLOT);
    second();
    second();
    expect(subjects()).toEqual([ALL]);
    expect(keptOut).toEqual(["mallory"]);
  });

  it("is kept out for bytes too", () => {
    const { keptOut, flood } = guarded();
    flood(SLOTS, HEARD_BYTES / SLOTS);
    expect(keptOut).toEqual(["mallory"]);
  });

  it("is kept out for what it sends in three of four parts", () => {
    const { keptOut, flood } = guarded();
    flood((SLOTS * 3) / 4);
    expect(keptOut).toEqual(["mallory"]);
  });

  it("is not kept out for less, nor for one second of it, nor for seconds that are not in a row", () => {
    const { keptOut, flood, subjects, second } = guarded();
    for (let seconds = 0; seconds < 10; seconds += 1) flood((SLOTS * 3) / 4 - 1);
    for (let times = 0; times < 5; times += 1) {
      flood(SLOTS, 0, FLOODED_SECONDS - 1);
      flood(2, 0, 1);
    }
    expect(keptOut).toEqual([]);
    second();
    second();
    expect(subjects()).toEqual([ALL]);
  });

  it("is not kept out for one message, however large, nor for all that it may send", () => {
    const { keptOut, send, slot, second } = guarded();
    expect(send(from("mallory"), 1, 8 * HEARD_BYTES)).toBe(1);
    for (let seconds = 0; seconds < 10; seconds += 1) second();
    for (let part = 0; part < 3 * SLOTS; part += 1) {
      send(from("mallory"), IN_SLOT);
      slot();
    }
    expect(keptOut).toEqual([]);
  });

  it("is kept out at once when no certificate names it", () => {
    const { keptOut, subscriptions } = guarded();
    subscriptions.shutOut("withdrawn");
    expect(keptOut).toEqual(["withdrawn"]);
  });

  it("is heard on in parts where it cannot be kept out, and is tried again each second", () => {
    const { keptOut, flood, send } = guarded(null);
    flood(SLOTS);
    expect(send(from("mallory"), 10_000)).toBe(IN_SLOT);
    flood(SLOTS, 0, 1);
    expect(keptOut).toEqual(["mallory", "mallory"]);
  });
});

describe("who is shut out", () => {
  it.each([ALL, ONE])("is not heard on %s, all the others are, each once", (subject) => {
    const { subscriptions, send } = world();
    subscriptions.add(subject);
    expect(send(from("mallory"), 100)).toBe(100);
    expect(subscriptions.shutOut("mallory")).toBe(true);
    expect(subscriptions.shutOut("mallory")).toBe(false);
    expect(send(from("mallory"), 100)).toBe(0);
    for (const other of ["a", "ann"]) expect(send(from(other))).toBe(1);
    expect(subscriptions.subjects()).toEqual([subject]);
  });

  it("is heard for a few messages in each part of a second while it uses them up, and let in once it does not", () => {
    const { subscriptions, send, slot, second, subjects, isTicking } = world();
    subscriptions.add(ALL);
    subscriptions.shutOut("mallory");
    for (let n = 1; n < SLOTS; n += 1) {
      slot();
      expect(send(from("mallory"), 10_000)).toBe(0);
    }
    for (let n = 0; n < 3 * SLOTS; n += 1) {
      slot();
      expect(send(from("mallory"), 10_000)).toBe(IN_SLOT);
    }
    slot();
    expect(send(from("mallory"))).toBe(1);
    second();
    expect(subjects()).toEqual([ALL]);
    expect(send(from("mallory"), 100)).toBe(100);
    expect(isTicking()).toBe(false);
  });

  it("is heard no more often for being silent before", () => {
    const { subscriptions, send, slot, second } = world();
    subscriptions.add(ALL);
    subscriptions.shutOut("mallory");
    second();
    for (let n = 0; n < 5; n += 1) slot();
    expect(send(from("mallory"), 10_000)).toBe(IN_SLOT);
    // It is not let in for what it did in one part alone.
    for (let n = 5; n < SLOTS; n += 1) slot();
    expect(send(from("mallory"), 10_000)).toBe(IN_SLOT);
  });

  it("is heard for so many bytes too: a message may hold many intents, and is paid for by those after it", () => {
    const { subscriptions, send, slot, second } = world();
    const bytes = HEARD_BYTES / SLOTS;
    subscriptions.add(ALL);
    subscriptions.shutOut("mallory");
    second();
    expect(send(from("mallory"), 100, bytes)).toBe(4);
    const heard = Array.from({ length: 8 }, () => {
      slot();
      return send(from("mallory"), 100, 3 * bytes);
    });
    expect(heard).toEqual([1, 0, 0, 1, 0, 0, 1, 0]);
    second();
    second();
    expect(send(from("mallory"), 3, bytes)).toBe(3);
  });

  it("is heard for no more on many subjects than on one", () => {
    const { subscriptions, send, slot, second } = world();
    for (const actor of ["one", "two", "three"]) subscriptions.add(`cell0.v1.test.in.*.hello.${actor}`);
    subscriptions.shutOut("mallory");
    second();
    const sendAll = () =>
      ["one", "two", "three"].map((actor) => send(`cell0.v1.test.in.mallory.hello.${actor}`, IN_SLOT - 10));
    expect(sendAll()).toEqual([IN_SLOT - 10, 10, 0]);
    slot();
    expect(sendAll()).toEqual([IN_SLOT - 10, 10, 0]);
  });

  it("takes nobody along: another one floods, and each is let in by itself", () => {
    const { subscriptions, send, second, subjects } = world();
    subscriptions.add(ONE);
    subscriptions.shutOut("mallory");
    second();
    subscriptions.shutOut("ann");
    second();
    expect(send(from("mallory"))).toBe(1);
    expect(send(from("ann"), 10_000)).toBe(IN_SLOT);
    second();
    expect([send(from("mallory"), 100), send(from("ann"), 10_000)]).toEqual([100, IN_SLOT]);
    second();
    second();
    expect(subjects()).toEqual([ONE]);
  });

  it("may be nobody at all: then no stranger is heard for a second", () => {
    const { subscriptions, send, second } = world();
    subscriptions.add(ALL);
    expect(subscriptions.shutOut("NO SUCH NAME")).toBe(true);
    expect([send(from("stranger")), send(from("ann"))]).toEqual([0, 1]);
    second();
    expect(send(from("stranger"))).toBe(1);
  });

  it("hears subjects that come and go meanwhile no more than the others", () => {
    const { subscriptions, send, second, subjects } = world();
    subscriptions.add(ONE);
    subscriptions.shutOut("mallory");
    subscriptions.add(`cell0.v1.test.in.*.other`);
    expect([send("cell0.v1.test.in.mallory.other"), send("cell0.v1.test.in.ann.other")]).toEqual([0, 1]);
    subscriptions.remove(ONE);
    expect(send(from("ann"))).toBe(0);
    second();
    second();
    expect(subjects()).toEqual(["cell0.v1.test.in.*.other"]);
  });

  it("is nobody where no principals are known, or too many to be named", () => {
    for (const principals of ["unknown" as const, Array.from({ length: MAX_NAMED + 1 }, (_, n) => `p${n}`)]) {
      const { subscriptions, subjects } = world(principals);
      subscriptions.add(ALL);
      expect(subscriptions.shutOut("p1")).toBe(false);
      expect(subjects()).toEqual([ALL]);
    }
  });

  it("is refused what is still on its way from it; what is from others arrives", () => {
    const { subscriptions, send, refused, fallBehind } = world();
    subscriptions.add(ALL);
    fallBehind();
    subscriptions.shutOut("mallory");
    expect(send(from("mallory"), 3)).toBe(0);
    expect(refused).toEqual([from("mallory"), from("mallory"), from("mallory")]);
    // By the old subscription and by the new one.
    expect(send(from("ann"))).toBe(2);
  });

  it("is looked at no more once the connection is closed for good", () => {
    let tick: (() => void) | undefined;
    const subscriptions = new IntentSubscriptions({
      subscribe: (subject) => {
        if (subject !== ALL && !subject.includes(".ann.")) throw new CellError("BROKER_CLOSED");
        return { unsubscribe: () => {}, drain: async () => {} };
      },
      handler: () => {},
      refuse: () => {},
      principals: () => ["ann", "mallory"],
      everySlot(run) {
        tick = run;
        return () => {
          tick = undefined;
        };
      },
    });
    subscriptions.add(ALL);
    subscriptions.shutOut("mallory");
    for (let slot = 0; slot < SLOTS; slot += 1) tick?.();
    expect(tick).toBeUndefined();
  });

  it("leaves nothing behind when all is drained", async () => {
    const { subscriptions, subjects, second, isTicking } = world();
    subscriptions.add(ALL);
    subscriptions.shutOut("mallory");
    second();
    await subscriptions.drain();
    expect(subjects()).toEqual([]);
    expect(isTicking()).toBe(false);
  });
});
