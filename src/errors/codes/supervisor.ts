import { defineErrors } from "../error-definition.ts";

/** The supervisor tree: starting, stopping and changing what runs. */
export const supervisorErrors = defineErrors({
  SUPERVISOR_NOT_FOUND: {
    title: "nothing in the tree has this path",
    cause: "The path is misspelt, or its graph was removed.",
    remedy: "List what the tree holds with `cell0 get tree`.",
    retryable: false,
  },
  SUPERVISOR_ALREADY_RUNNING: {
    title: "it is running already",
    cause: "A start was asked for something that runs.",
    remedy: "Nothing needs doing; restart it if you want a new incarnation.",
    retryable: false,
  },
  SUPERVISOR_CHILD_BUSY: {
    title: "it is just being started or stopped",
    cause: "Another operation on it, or its own restart, has not finished.",
    remedy: "Try again in a moment; `cell0 get tree` shows its state.",
    retryable: true,
  },
  SUPERVISOR_START_FAILED: {
    title: "a child failed to start",
    cause:
      "Its behaviour threw, or did not finish starting in time; what its supervisor had started before it was stopped again.",
    remedy: "Read the failure of the actor named, with `cell0 logs --actor PATH`; mend it and apply again.",
    retryable: false,
  },
  SUPERVISOR_NOT_RUNNING: {
    title: "its supervisor is not running",
    cause: "The supervisor above was stopped, gave up, or is stopping.",
    remedy: "Start the supervisor first: `cell0 get tree` shows which one is down and why.",
    retryable: true,
  },
  SUPERVISOR_GAVE_UP: {
    title: "the supervisor gave up",
    cause: "Its children needed more restarts than `intensity` within `period`.",
    remedy:
      "Read the failure of the actor named as the root cause, mend it, then apply again or restart the graph.",
    retryable: false,
  },
  SUPERVISOR_STRATEGY_UNSUPPORTED: {
    title: "this restart strategy is not built yet",
    cause: "Only one_for_one works in this version.",
    remedy: "Use `strategy: one_for_one`.",
    retryable: false,
  },
  SUPERVISOR_SPEC_INVALID: {
    title: "the supervisor's specification cannot be used",
    cause: "Two children have the same path, or a number is out of range.",
    remedy: "Mend the field named; nothing was changed.",
    retryable: false,
  },
  SUPERVISOR_RECONCILE_FAILED: {
    title: "the change could not be made and was taken back",
    cause: "A child that it adds or changes failed to start.",
    remedy: "Mend the child named and apply again; what ran before runs on.",
    retryable: false,
  },
});
