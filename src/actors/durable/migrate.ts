// Turns the machine's state that older code left into one of the new code: the
// behaviour says the state and the context; children and timers that the new state still
// has go on, and those that it has in addition begin.
import { type AnyActorLogic, type AnyStateMachine, createActor } from "xstate";
import { CellError } from "../../errors/cell-error.ts";
import type { Behaviour } from "../behaviour.ts";
import { copyAsJson } from "../plain-json.ts";

type Old = { readonly version: string | number | null; readonly machine: unknown };
type Timer = { readonly id: string; readonly event: { readonly type: string }; readonly dueUnixMs: number };
type Children = Readonly<Record<string, unknown>>;

/** @throws CellError ACTOR_MIGRATION_FAILED */
export function migrateMachine({ machine, migrate }: Behaviour, old: Old, nowUnixMs: number): unknown {
  try {
    const kept: { machine?: unknown; timers?: readonly Timer[] } = Object(old.machine);
    const {
      value,
      context,
      children = {},
    }: { value?: unknown; context?: unknown; children?: Children } = Object(kept.machine);
    const migrated = migrate?.({ version: old.version ?? undefined, state: value, context });
    if (migrated === undefined) throw new Error(`migrate() gives nothing for ${JSON.stringify(value)}`);
    const entered = machine.resolveState({ value: migrated.state, context: { ...migrated.context } });
    const nodes: Node[] = entered._nodes;
    const state = {
      machine: {
        status: "active",
        value: entered.value,
        context: migrated.context,
        historyValue: {},
        children: childrenOf(machine, nodes, children, migrated.context),
      },
      timers: timersOf(machine, nodes, kept.timers ?? [], migrated.context, nowUnixMs),
    };
    return copyAsJson(state);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CellError("ACTOR_MIGRATION_FAILED", why, { cause });
  }
}

type Node = AnyStateMachine["root"];

function childrenOf(
  machine: AnyStateMachine,
  nodes: readonly Node[],
  old: Children,
  context: unknown,
): Children {
  const children: Record<string, unknown> = {};
  const invoked = new Set(nodes.flatMap((node) => node.invoke.map(({ id }) => id)));
  const once = new Set(everyNode(machine.root).flatMap((node) => node.invoke.map(({ id }) => id)));
  for (const [id, child] of Object.entries(old)) {
    const src: unknown = Reflect.get(Object(child), "src");
    // Spawned by an action, not invoked by a state: it goes on while its logic is there.
    const isSpawned = !once.has(id) && typeof src === "string" && src in machine.implementations.actors;
    if (invoked.has(id) || isSpawned) children[id] = child;
  }
  for (const node of nodes) {
    for (const [index, { id, src, input, onSnapshot }] of node.invoke.entries()) {
      if (children[id] !== undefined) continue;
      const logic = logicOf(machine, node, src, index);
      const given: unknown = saidBy(input, context);
      const snapshot: unknown = createActor(logic, { input: given }).getPersistedSnapshot();
      children[id] = { snapshot, src, syncSnapshot: onSnapshot !== undefined };
    }
  }
  return children;
}

const MIGRATED = { type: "cell0.migrated" };

/** What a function of the behaviour says where no event led: `self` is not there. */
function saidBy(say: unknown, context: unknown): unknown {
  return typeof say === "function" ? Reflect.apply(say, undefined, [{ context, event: MIGRATED }]) : say;
}

function logicOf(machine: AnyStateMachine, node: Node, src: unknown, index: number): AnyActorLogic {
  const named: unknown = typeof src === "string" ? machine.implementations.actors[src] : src;
  const stated: unknown = node.config.invoke;
  const inline: unknown = Reflect.get(Object(Array.isArray(stated) ? stated[index] : stated), "src");
  for (const logic of [named, inline]) if (isLogic(logic)) return logic;
  throw new Error(`${String(src)} is not among the machine's actors`);
}

const isLogic = (value: unknown): value is AnyActorLogic =>
  typeof value === "object" && value !== null && "transition" in value;

function everyNode(node: Node): Node[] {
  return [node, ...Object.values<Node>(node.states).flatMap(everyNode)];
}

function timersOf(
  machine: AnyStateMachine,
  nodes: readonly Node[],
  old: readonly Timer[],
  context: unknown,
  nowUnixMs: number,
): Timer[] {
  const due = new Map(
    nodes.flatMap((node) => node.after.map(({ eventType, delay }) => [String(eventType), delay])),
  );
  const kept = old.filter(({ event }) => !event.type.startsWith("xstate.after.") || due.has(event.type));
  const armed = new Set(kept.map(({ event }) => event.type));
  const begun = [...due].filter(([type]) => !armed.has(type));
  return [
    ...kept,
    ...begun.map(([type, delay]) => {
      return { id: type, event: { type }, dueUnixMs: nowUnixMs + delayOf(machine, delay, context) };
    }),
  ];
}

function delayOf(machine: AnyStateMachine, delay: unknown, context: unknown): number {
  const stated: unknown = typeof delay === "string" ? machine.implementations.delays[delay] : delay;
  const value: unknown = saidBy(stated, context);
  if (typeof value === "number") return value;
  throw new Error(`the delay ${String(delay)} is no number`);
}
