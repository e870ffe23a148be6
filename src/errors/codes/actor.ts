import { defineErrors } from "../error-definition.ts";

/** Actors: mailboxes, behaviours, deliveries. */
export const actorErrors = defineErrors({
  ACTOR_NOT_FOUND: {
    title: "no such actor",
    cause: "No running graph has an actor at this path.",
    remedy: "List what runs with `cell0 get actors`, and check the target's spelling.",
    retryable: false,
  },
  ACTOR_MAILBOX_FULL: {
    title: "the actor's mailbox is full",
    cause: "Intents arrive faster than the actor handles them, and its mailbox has reached its bound.",
    remedy: "Send again after the time stated, send slower, or raise `mailbox.bound` in the manifest.",
    retryable: true,
  },
  ACTOR_INTENT_UNKNOWN: {
    title: "the actor does not accept this intent",
    cause: "The behaviour declares no such intent, or the manifest does not list it.",
    remedy: "See what it accepts with `cell0 get actor PATH`.",
    retryable: false,
  },
  ACTOR_PAYLOAD_INVALID: {
    title: "the payload does not match the intent's schema",
    cause: "A field is missing, unknown or of the wrong type.",
    remedy: "See the schema with `cell0 get actor PATH`.",
    retryable: false,
  },
  ACTOR_CRASHED: {
    title: "the actor failed while it handled the intent",
    cause: "Its behaviour threw, or one of its promises was rejected.",
    remedy: "Read the crash with `cell0 logs --actor PATH`; its supervisor restarts it.",
    retryable: true,
  },
  ACTOR_NOT_RUNNING: {
    title: "the actor is not running",
    cause: "It was stopped, is restarting, or its supervisor gave up.",
    remedy: "See its state with `cell0 get actor PATH`; start it with `cell0 start PATH`.",
    retryable: true,
  },
  ACTOR_DEADLINE_EXCEEDED: {
    title: "the deadline passed before the actor answered",
    cause: "The actor is slow, or it never replies to this intent.",
    remedy: "Give a longer `--timeout`, or see what it does with `cell0 watch --actor PATH`.",
    retryable: true,
  },
});
