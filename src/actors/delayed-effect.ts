// An effect that is to come later is a timer of the actor, whose event the machine never
// sees: when it is due, the effect is decided as if the machine had just emitted it. So it is
// kept, restored, cancelled and fires like every other timer, of volatile and durable actors.
import type { AnyEventObject } from "xstate";
import { copyAsJson } from "./plain-json.ts";

const TYPE = "cell0.delayed";

/** @throws NotJsonError: it has to outlive the process */
export function delayedEvent(effect: object): AnyEventObject {
  return { type: TYPE, effect: copyAsJson(effect) };
}

/** The effect that is due with this event; undefined: it is the machine's own. */
export const delayedEffect = (event: AnyEventObject): unknown =>
  event.type === TYPE ? event.effect : undefined;
