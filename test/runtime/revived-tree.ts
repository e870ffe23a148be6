// A tree of real actors under real supervisors, with what stands between two incarnations:
// all of a node but the broker. Intents are given by hand, answers are collected.
import type { Behaviour } from "../../src/actors/behaviour.ts";
import { startActor } from "../../src/actors/host.ts";
import type { OutgoingReply } from "../../src/actors/intent.ts";
import { testDelivery } from "../../src/actors/testkit/test-delivery.ts";
import type { ActorSpec, ChildSpec } from "../../src/manifest/graph.ts";
import { RunningActors } from "../../src/runtime/running-actors.ts";
import { type Poisoned, poisonLimitOf, SuccessionDesk } from "../../src/runtime/succession-desk.ts";
import { systemClock } from "../../src/supervisor/ports.ts";
import { startTree, type Tree } from "../../src/supervisor/tree.ts";
import type { EventInput } from "../../src/telemetry/event.ts";

export type Answer = { readonly value?: unknown; readonly code?: string };
export type Asked = Promise<Answer> & { readonly id: string };

export class RevivedTree {
  readonly events: EventInput[] = [];
  readonly buried: Poisoned[] = [];
  readonly desk: SuccessionDesk;
  readonly actors: RunningActors;
  tree: Tree | undefined;
  #order = 0;

  private constructor() {
    const record = (event: EventInput) => void this.events.push(event);
    const bury = (poisoned: Poisoned) => void this.buried.push(poisoned);
    this.desk = new SuccessionDesk({ clock: systemClock, bury, record });
    this.actors = new RunningActors({ record });
    this.actors.refuseBy((delivery, spec) => this.desk.refuses(delivery, spec && poisonLimitOf(spec)));
  }

  /** @param behaviours by path */
  static async start(
    roots: readonly ChildSpec[],
    behaviours: Readonly<Record<string, Behaviour>>,
  ): Promise<RevivedTree> {
    const world = new RevivedTree();
    world.tree = await startTree({
      roots,
      ports: {
        clock: systemClock,
        random: () => 0,
        record: (event) => void world.events.push(event),
        down: (path) => {
          world.desk.down(path);
          world.actors.down(path);
        },
        startChild: (spec, incarnation, snapshot) =>
          world.#startActor(spec, incarnation, snapshot, behaviours),
      },
    });
    return world;
  }

  async #startActor(
    spec: ActorSpec,
    incarnation: { readonly term: number; readonly activation: number },
    snapshot: unknown,
    behaviours: Readonly<Record<string, Behaviour>>,
  ) {
    const behaviour = behaviours[spec.path];
    if (behaviour === undefined) throw new Error(`no behaviour for ${spec.path}`);
    const leftovers = this.desk.take(spec.path);
    try {
      const host = await startActor({
        ...{ spec, behaviour, incarnation, leftovers },
        ...(snapshot === undefined ? {} : { snapshot }),
        ports: {
          send: () => {},
          record: (event) => void this.events.push(event),
          clock: systemClock,
          random: () => 0,
          succession: this.desk.portFor(spec.path, incarnation, () => poisonLimitOf(spec)),
        },
      });
      this.actors.add(spec, host);
      return host;
    } catch (error) {
      this.desk.giveBack(spec.path, leftovers);
      throw error;
    }
  }

  ask(
    target: string,
    type: string,
    payload: unknown = {},
    options: { readonly timeoutMs?: number; readonly principal?: string } = {},
  ): Asked {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const respond = (reply: OutgoingReply): void =>
      resolve(reply.kind === "error" ? { code: reply.error.code } : { value: reply.value });
    const order = ++this.#order;
    const nowUnixMs = Date.now();
    const delivery = testDelivery({ type, payload, target, nowUnixMs, order, respond, ...options });
    const taken = this.actors.deliver(delivery);
    if (!taken.ok) resolve({ code: taken.error.code });
    return Object.assign(promise, { id: delivery.intent.id });
  }

  kinds(path: string): readonly string[] {
    return this.events.filter(({ actor }) => actor === path).map(({ kind }) => kind.case);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tree?.stop(0);
  }
}
