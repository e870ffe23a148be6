// Brings back what the last commit kept, in the order in which it came about: the
// machine with its children and timers, the requests that wait, what was sent and not
// taken, the answers owed, and what was decided but perhaps not performed.
import type { AnyEventObject } from "xstate";
import { CellError } from "../../errors/cell-error.ts";
import type { Behaviour } from "../behaviour.ts";
import type { ReceivedIntent } from "../intent.ts";
import type { OwnAction } from "../machine-driver.ts";
import type { Queued } from "../staged-host.ts";
import type { SuccessionPort } from "../succession.ts";
import type { DurableStage } from "./durable-stage.ts";
import { heldKey, heldKiller } from "./held-event.ts";
import { type HostState, intentMetaSchema, intentsOf } from "./host-state.ts";
import { migrateMachine } from "./migrate.ts";
import type { Outbox } from "./outbox.ts";
import type { DurableState } from "./ports.ts";
import type { Routes } from "./routes.ts";
import { type Upgrade, upgradeOf } from "./upgrade.ts";

export type ResumeParts = {
  readonly behaviour: Behaviour;
  readonly input: unknown;
  readonly state: DurableState;
  readonly kept: HostState;
  readonly stage: DurableStage;
  readonly routes: Routes;
  readonly outbox: Outbox;
  readonly succession: SuccessionPort | undefined;
  /** Of the code that runs now. */
  readonly codeHash: string;
};

function upgradeIn({ behaviour, state, kept, codeHash }: ResumeParts): Upgrade {
  const old = { codeHash: state.codeHash, version: kept.version ?? undefined };
  return upgradeOf(old, { codeHash, version: behaviour.version, migrates: behaviour.migrate !== undefined });
}

/** @throws CellError ACTOR_SNAPSHOT_INVALID, ACTOR_MIGRATION_MISSING, ACTOR_MIGRATION_FAILED */
export function resumeMachine(parts: ResumeParts, nowUnixMs: number): void {
  const { behaviour, kept, stage } = parts;
  stage.restores();
  const { host } = stage;
  const upgrade = upgradeIn(parts);
  if (upgrade === "missing") throw new CellError("ACTOR_MIGRATION_MISSING");
  if (upgrade !== "same") stage.touch();
  if (upgrade === "migrate") {
    host.driver.restore(migrateMachine(behaviour, kept, nowUnixMs), {
      fail: (error, cause) => host.fail(error, "async", cause),
    });
    return;
  }
  const intent = intentsOf(kept);
  const interruption = behaviour.onResume === "fail" ? new CellError("ACTOR_PROMISE_INTERRUPTED") : undefined;
  host.driver.restore(kept.machine, {
    timerCauses: kept.causes.timers.map(intent),
    causeOf: (child) => intent(kept.causes.children[child]),
    interruption,
    fail: (error, cause) => host.fail(error, "async", cause),
  });
}

/** After the machine. */
export function resumeRest(parts: ResumeParts, nowUnixMs: number): void {
  const { kept, state, stage, routes } = parts;
  const { host } = stage;
  const intent = intentsOf(kept);
  resumeOutbox(parts);
  for (const owed of kept.owed) resumeOwed(parts, owed);
  resumeHeld(parts);
  for (const { to, event, cause } of kept.sends) host.driver.resend(to, event, intent(cause));
  routes.replay(state.replies, nowUnixMs);
  redo(parts);
  host.wake();
}

function resumeOutbox({ kept, state, stage, outbox }: ResumeParts): void {
  const intent = intentsOf(kept);
  const waiting = new Map(kept.requests.map((request) => [request.sequence, request]));
  for (const entry of state.outbox) {
    const request = waiting.get(entry.sequence);
    waiting.delete(entry.sequence);
    const onReply = request && stage.host.outgoing.resume(request, intent(request.cause));
    outbox.restore(entry, onReply);
  }
  // Without an entry nobody is asked again: their time runs out.
  for (const request of waiting.values()) stage.host.outgoing.resume(request, intent(request.cause));
  for (const entry of state.outbox) outbox.relay(entry);
}

function resumeOwed({ kept, stage, routes }: ResumeParts, owed: HostState["owed"][number]): void {
  const intent = intentsOf(kept)(owed.id);
  if (intent === undefined) return;
  const delivery = routes.restore(owed, intent);
  const { intake } = stage.host;
  if (owed.payload === undefined) {
    intake.resume(delivery, owed.replies);
    return;
  }
  const taken = intake.accept(delivery);
  if (!taken.ok) delivery.respond({ kind: "error", error: taken.error });
}

/** What waited inside, but for what has killed too often: that goes, and who waits for it hears so. */
function resumeHeld({ kept, stage, succession }: ResumeParts): void {
  const { host } = stage;
  const path = host.path;
  const intentOf = intentsOf(kept);
  const held = kept.events.map((each) => ({
    event: each.event,
    intent: intentOf(each.cause),
    held: heldKey(each),
  }));
  const isPoison = ({ held: key }: Queued) =>
    key !== undefined && succession?.isPoison(heldKiller(path, key));
  host.inherit(held.filter((each) => !isPoison(each)));
  for (const { event, intent } of held.filter(isPoison)) {
    const what = `its event ${event.type} that waited inside has killed it too often and is let go`;
    host.log("warn", what, intent);
    const owed = intent && host.intake.find(intent.id);
    const error = new CellError("ACTOR_INTENT_POISONOUS", what, { where: path });
    if (owed !== undefined) host.intake.finish(owed, { error });
    stage.touch();
  }
}

/** The intent that an event was, with its payload. */
export function intentOf(event: AnyEventObject | undefined): ReceivedIntent | undefined {
  const meta = intentMetaSchema.safeParse(event?.intent);
  if (event === undefined || !meta.success) return undefined;
  const payload = new TextEncoder().encode(JSON.stringify(event.payload ?? null));
  return { ...meta.data, payload };
}

/** It has killed too often: its actions are not tried again, and whoever waits for it hears so. */
function isPoison({ stage, succession }: ResumeParts, intent: ReceivedIntent): boolean {
  const answer = succession?.refuses({ intent, respond: () => {} });
  const owed = stage.host.intake.find(intent.id);
  if (answer !== undefined && owed !== undefined) stage.host.intake.finish(owed, { error: answer });
  return answer !== undefined;
}

/** The behaviour's own actions of the last commit: whether they ran is not known. */
function redo(parts: ResumeParts): void {
  const { kept, stage, input } = parts;
  // After a migration the state that they began with means something else.
  if (kept.redo === undefined || upgradeIn(parts) === "migrate") return;
  const { host } = stage;
  const { from, events } = kept.redo;
  let actions: readonly OwnAction[] = [];
  host.guarded(undefined, () => {
    actions = host.driver.ownActions(from, events, input);
  });
  const poison = new Set<string>();
  for (const { act, event } of actions) {
    const intent = intentOf(events[event]);
    if (intent === undefined) host.guarded(undefined, act);
    else if (!poison.has(intent.id) && isPoison(parts, intent)) poison.add(intent.id);
    else if (!poison.has(intent.id)) host.guarded(intent, act);
  }
  stage.touch();
}
