// Who leaves memory: whoever has been idle for its time, and beyond the bound the least
// recently used; never who is needed there. Who does not leave in time is killed, and nothing
// that was accepted goes with it.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Residency, type Resident } from "../../../src/runtime/durable/residency.ts";
import { type BrokerFixture, startBroker } from "../../transport/broker-fixture.ts";
import { openProcess, PATH, type Process, tillSpec, withDirectory } from "./durable-fixture.ts";

const NOW_MS = 1_000_000;

type Fake = Resident & { readonly name: number; readonly left: boolean };
type Given = { lastUsedMs: number; depth?: number; pending?: boolean; wakeAtMs?: number; afterMs?: number };

function fake(
  name: number,
  { lastUsedMs, depth = 0, pending = false, wakeAtMs, afterMs = 60_000 }: Given,
): Fake {
  let left = false;
  return {
    name,
    get left() {
      return left;
    },
    isEnding: false,
    passivateAfterMs: afterMs,
    actor: {
      meta: { pending, ...(wakeAtMs === undefined ? {} : { wakeAtUnixMs: wakeAtMs }) },
      isWanted: false,
      lastUsedMs,
    },
    stats: () => ({
      state: "",
      mailboxDepth: depth,
      openRequests: 0,
      handled: 0,
      refused: 0,
      crashed: 0,
      startedAtUnixMs: 0,
      busySinceUnixMs: undefined,
    }),
    passivate: () => {
      left = true;
    },
    wake: () => undefined,
  };
}

/** Who leaves of these, by their place. */
function leaving(maxAwake: number, given: readonly Given[]): number[] {
  const residency = new Residency(maxAwake);
  const all = given.map((each, name) => fake(name, each));
  for (const each of all) residency.awake(each);
  residency.sweep(NOW_MS, NOW_MS);
  residency.stop();
  return all.flatMap(({ name, left }) => (left ? [name] : []));
}

const ago = (idleMs: number, more: Partial<Given> = {}): Given => ({ lastUsedMs: NOW_MS - idleMs, ...more });

describe("of the durable actors in memory", () => {
  it.each<[string, number, readonly Given[], readonly number[]]>([
    ["none while all are in use", 10, [ago(0), ago(59_999)], []],
    [
      "those that were idle for their time",
      10,
      [ago(60_000), ago(1_000, { afterMs: 1_000 }), ago(500)],
      [0, 1],
    ],
    [
      "the least recently used beyond the bound, and no more",
      2,
      [ago(3_000), ago(9_000), ago(2_000), ago(5_000)],
      [1, 3],
    ],
    ["none beyond the bound that was used this moment", 1, [ago(0), ago(900), ago(999)], []],
    ["none that holds something, however idle", 0, [ago(9e5, { depth: 1 }), ago(9e5, { pending: true })], []],
    [
      "none that is to wake at once",
      0,
      [ago(9e5, { wakeAtMs: NOW_MS + 500 }), ago(9e5, { wakeAtMs: NOW_MS + 9e5 })],
      [1],
    ],
    ["no more than are too many once the idle have left", 1, [ago(60_000), ago(5_000), ago(4_000)], [0, 1]],
  ])("leave: %s", (_, maxAwake, given, expected) => {
    expect(leaving(maxAwake, given)).toEqual(expected);
  });

  it("nobody stays who was used before one that leaves for the bound's sake", () => {
    const idle = fc.integer({ min: 1_000, max: 59_999 });
    fc.assert(
      fc.property(fc.array(idle, { maxLength: 40 }), fc.integer({ min: 0, max: 40 }), (idleMs, maxAwake) => {
        const left = new Set(
          leaving(
            maxAwake,
            idleMs.map((each) => ago(each)),
          ),
        );
        expect(left.size).toBe(Math.max(0, idleMs.length - maxAwake));
        const of = (gone: boolean) => idleMs.filter((_, at) => left.has(at) === gone);
        expect(Math.min(...of(true))).toBeGreaterThanOrEqual(
          Math.max(0, ...(left.size > 0 ? of(false) : [])),
        );
      }),
    );
  });
});

describe("of many that fall idle at once", () => {
  it("a few leave in each turn of the loop, and none that was asked for meanwhile", async () => {
    const residency = new Residency();
    const left: number[] = [];
    const spin = (name: number) => {
      for (const untilMs = performance.now() + 1; performance.now() < untilMs; );
      left.push(name);
    };
    const wanted = new Set<number>();
    for (let name = 0; name < 50; name += 1) {
      const { actor, ...rest } = fake(name, { lastUsedMs: 0, afterMs: 1 });
      residency.awake({
        ...rest,
        actor: {
          meta: actor.meta,
          lastUsedMs: 0,
          get isWanted() {
            return wanted.has(name);
          },
        },
        passivate: () => spin(name),
      });
    }
    residency.sweep(NOW_MS, NOW_MS);
    expect(left.length).toBeLessThan(50);
    wanted.add(49);
    await vi.waitFor(() => expect(left).toHaveLength(49));
    expect(left).not.toContain(49);
    residency.stop();
  });
});

describe("a durable actor", () => {
  let broker: BrokerFixture;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
  const applied = (process: Process, entries: readonly number[]) =>
    eventually(() => {
      expect(process.host()?.entries).toEqual(entries);
      expect(process.runtime.child(PATH)?.actor.backlog).toBe(0);
    });

  it("that hangs while it leaves memory is killed at its deadline; what it was sent meanwhile wakes it again", async () => {
    await withDirectory(async (directory) => {
      const spec = tillSpec({ passivateAfterMs: 1_000 });
      const process = await openProcess(broker, directory, 1, spec, { passivateMs: 200 });
      const child = await process.start();
      await process.send(1);
      await applied(process, [1]);
      const hung = process.host();
      if (hung !== undefined) Object.assign(hung, { hangs: true, isDeaf: true });
      const stop = vi.spyOn(hung ?? expect.fail("nobody is awake"), "stop");
      await eventually(() => expect(stop).toHaveBeenCalledWith(200));
      const sent = [2, 3].map((entry) => process.send(entry));
      expect(await hung?.exited).toEqual({ kind: "killed" });
      expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true);
      await applied(process, [1, 2, 3]);
      expect(process.host()?.incarnation.activation).toBeGreaterThan(hung?.incarnation.activation ?? 0);
      expect(process.runtime.child(PATH)).toBe(child);
      process.end();
    });
  });

  it("that hangs while it leaves memory, and is needed by nobody, sleeps once it is killed", async () => {
    await withDirectory(async (directory) => {
      const spec = tillSpec({ passivateAfterMs: 1_000 });
      const process = await openProcess(broker, directory, 1, spec, { passivateMs: 200 });
      await process.start();
      await process.send(1);
      await applied(process, [1]);
      const hung = process.host();
      if (hung !== undefined) hung.hangs = true;
      await eventually(() => expect(process.runtime.awake).toBe(0));
      expect(await hung?.exited).toEqual({ kind: "killed" });
      await process.send(2);
      await applied(process, [1, 2]);
      process.end();
    });
  });
});
