import { defineErrors } from "../error-definition.ts";

/** What durable actors keep: journals and commits. */
export const stateErrors = defineErrors({
  STATE_FORGED: {
    title: "a kept record was not written by a node of this cell",
    cause: "Bits of it changed, or somebody with access to the broker wrote it.",
    remedy: "See what became of the actor with `cell0 get actor PATH`, and look after the broker's disk.",
    retry: "never",
  },
  STATE_CORRUPT: {
    title: "no kept state of the actor can be read",
    cause:
      "Every commit that is kept of it is damaged, or what was accepted since the last good one is gone.",
    remedy:
      "Restore the broker's data from a backup, or start the actor from the beginning: `cell0 restart PATH --fresh`.",
    retry: "never",
  },
  STATE_DRIFTED: {
    title: "what is kept of the actor is not what it last committed",
    cause:
      "Somebody with access to the broker wrote in its place, or its newest commit is gone; no other process has taken it over.",
    remedy:
      "None is needed: it starts again from its last good commit. See who else may write to the broker's streams.",
    retry: "anew",
  },
  STATE_ROLLED_BACK: {
    title: "the broker holds an older state than the node has seen",
    cause: "Its data were restored from an old copy, or somebody removed what came later.",
    remedy: "Bring back the newer data; or accept the loss with a fresh start: `cell0 restart PATH --fresh`.",
    retry: "never",
  },
  STATE_JOURNAL_BROKEN: {
    title: "the journal of a shard has a gap or a foreign record",
    cause: "Bits of it changed, or somebody with access to the broker wrote or removed a part of it.",
    remedy: "Restore the broker's data from a backup; the shard's durable actors do not start until then.",
    retry: "never",
  },
  STATE_TOO_LARGE: {
    title: "the actor's state is too large",
    cause: "A durable actor's state with its outbox has 512 KiB at most.",
    remedy: "Keep large things outside the actor and their names within it, or use more actors.",
    retry: "never",
  },
  STATE_RECOVERING: {
    title: "the actor is being brought back",
    cause: "Its node has just started, and still reads what was accepted before.",
    remedy: "Send again after the time stated.",
    retry: "backoff",
  },
});
