import { defineErrors } from "../error-definition.ts";

/** The supervisor tree: starting, stopping and changing what runs. */
export const supervisorErrors = defineErrors({
  SUPERVISOR_NOT_FOUND: {
    title: "nothing in the tree has this path",
    cause: "The path is misspelt, or its graph was removed.",
    remedy: "List what the tree holds with `cell0 get tree`.",
    retry: "never",
  },
  SUPERVISOR_ALREADY_RUNNING: {
    title: "it is running already",
    cause: "A start was asked for something that runs.",
    remedy: "Nothing needs doing; restart it if you want a new incarnation.",
    retry: "never",
  },
  SUPERVISOR_CHILD_BUSY: {
    title: "it is just being started or stopped",
    cause: "Another operation on it, or its own restart, has not finished.",
    remedy: "Try again in a moment; `cell0 get tree` shows its state.",
    retry: "backoff",
  },
  SUPERVISOR_START_FAILED: {
    title: "a child failed to start",
    cause:
      "Its behaviour threw, or did not finish starting in time; what its supervisor had started before it was stopped again.",
    remedy: "Read the failure of the actor named, with `cell0 logs --actor PATH`; mend it and apply again.",
    retry: "never",
  },
  SUPERVISOR_NOT_RUNNING: {
    title: "its supervisor is not running",
    cause: "The supervisor above was stopped, gave up, or is stopping.",
    remedy: "Start the supervisor first: `cell0 get tree` shows which one is down and why.",
    retry: "anew",
  },
  SUPERVISOR_GAVE_UP: {
    title: "the supervisor gave up",
    cause: "Its children needed more restarts than `intensity` within `period`.",
    remedy:
      "Read the failure of the actor named as the root cause, mend it, then apply again or restart the graph.",
    retry: "never",
  },
  SUPERVISOR_CHILD_PARKED: {
    title: "the child is parked",
    cause:
      "What kills it can be caused at will by who sends to it, and its bound for that is used up; further restarts would only serve them.",
    remedy:
      "Read the failure with `cell0 get actor PATH`, mend the behaviour or take the sender's grant away, then `cell0 start PATH`.",
    retry: "never",
  },
  SUPERVISOR_ALREADY_PRESENT: {
    title: "a child with this path is there already, and is down",
    cause: "A child was to be added whose specification the supervisor keeps.",
    remedy: "Start the one that is there, or delete it first.",
    retry: "never",
  },
  SUPERVISOR_NOT_DYNAMIC: {
    title: "the supervisor starts no children at run time",
    cause: "Only a supervisor with the strategy `simple_one_for_one` has a template to make children from.",
    remedy: "Name a supervisor with a `template`, or state the child in the manifest.",
    retry: "never",
  },
  SUPERVISOR_SPEC_INVALID: {
    title: "the supervisor's specification cannot be used",
    cause: "Two children have the same path, a number is out of range, or fields contradict each other.",
    remedy: "Mend the field named; nothing was changed.",
    retry: "never",
  },
  SUPERVISOR_RECONCILE_FAILED: {
    title: "the change could not be made and was taken back",
    cause: "A child that it adds or changes failed to start.",
    remedy: "Mend the child named and apply again; what ran before runs on.",
    retry: "never",
  },
});
