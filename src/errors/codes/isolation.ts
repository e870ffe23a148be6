import { defineErrors } from "../error-definition.ts";

/** Actors that run in a worker thread or a process of their own. */
export const isolationErrors = defineErrors({
  ACTOR_CHANNEL_VIOLATED: {
    title: "the actor broke the rules of its channel",
    cause:
      "Its worker or process sent a frame that is malformed, too large, out of order, or about something that it was never given. Only code that writes to the channel itself does that.",
    remedy: "Treat the behaviour's code as hostile: see `cell0 logs --actor PATH`, and who can change it.",
    retry: "never",
  },
  ACTOR_STUCK: {
    title: "the actor's event loop stands still",
    cause: "Code of its behaviour does not return: an endless loop, or a call that blocks.",
    remedy:
      "Mend the loop, or allow more time with `progress` in the manifest; its supervisor restarts it meanwhile.",
    retry: "anew",
  },
  ACTOR_MEMORY_EXHAUSTED: {
    title: "the actor used up its memory",
    cause: "Its worker or process went beyond `limits.memory`.",
    remedy: "Raise `limits.memory` in the manifest, or keep less.",
    retry: "anew",
  },
  ACTOR_HOST_LOST: {
    title: "the actor's worker or process ended",
    cause: "It was killed from outside, or its own code ended it.",
    remedy: "See `cell0 logs --actor PATH`; its supervisor restarts it.",
    retry: "anew",
  },
  ACTOR_SANDBOX_UNAVAILABLE: {
    title: "this machine cannot isolate the actor as its manifest requires",
    cause: "`sandbox: required` is set, and a layer of the isolation is not available here.",
    remedy: "See which one with `cell0 doctor`; provide it, or set `sandbox: best_effort`.",
    retry: "never",
  },
  ACTOR_CODE_OUTSIDE: {
    title: "the behaviour's module lies outside of its project",
    cause:
      "It is a symbolic link that leads out, or lies below a folder whose name begins with a dot: an actor in a process of its own gets copies of its project's files only.",
    remedy: "Put the module itself into the project, or run the actor with `isolation: worker`.",
    retry: "never",
  },
  ACTOR_PACKAGES_UNSAFE: {
    title: "a folder of installed packages leads out of itself",
    cause:
      "A symbolic link below node_modules points outside of it, which code in a process of its own could follow.",
    remedy: "Install the package in place of linking it, or run the actor with `isolation: worker`.",
    retry: "never",
  },
});
