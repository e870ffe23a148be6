import { defineErrors } from "../error-definition.ts";

/** Actors: mailboxes, behaviours, deliveries. */
export const actorErrors = defineErrors({
  ACTOR_NOT_FOUND: {
    title: "no such actor",
    cause: "No running graph has an actor at this path.",
    remedy: "List what runs with `cell0 get actors`, and check the target's spelling.",
    retry: "never",
  },
  ACTOR_MAILBOX_FULL: {
    title: "the actor's mailbox is full",
    cause: "Intents arrive faster than the actor handles them, and its mailbox has reached its bound.",
    remedy: "Send again after the time stated, send slower, or raise `mailbox.bound` in the manifest.",
    retry: "backoff",
  },
  ACTOR_INTENT_UNKNOWN: {
    title: "the actor does not accept this intent",
    cause: "The behaviour declares no such intent, or the manifest does not list it.",
    remedy: "See what it accepts with `cell0 get actor PATH`.",
    retry: "never",
  },
  ACTOR_PAYLOAD_INVALID: {
    title: "the payload does not match the intent's schema",
    cause: "A field is missing, unknown or of the wrong type.",
    remedy: "See the schema with `cell0 get actor PATH`.",
    retry: "never",
  },
  ACTOR_CRASHED: {
    title: "the actor failed while it handled the intent",
    cause: "Its behaviour threw, or one of its promises was rejected.",
    remedy: "Read the crash with `cell0 logs --actor PATH`; its supervisor restarts it.",
    retry: "anew",
  },
  ACTOR_PARKED: {
    title: "the actor is parked",
    cause:
      "What ends it can be caused at will by who sends to it, and its bound for that is used up: by poison, by failures under its supervisor's intensity, or by ends of the node's whole process. It stays down, also through restarts of the node.",
    remedy:
      "Read why with `cell0 get actor PATH`, mend the behaviour or take the sender's grant away, then `cell0 start PATH`.",
    retry: "never",
  },
  ACTOR_INTENT_POISONOUS: {
    title: "the intent kills the actor each time it is tried",
    cause:
      "The actor failed while it handled this very intent as often as its manifest's `poison.deaths` allows. The intent is kept as a dead letter.",
    remedy:
      "See what it does with `cell0 deadletter list` and `cell0 deadletter show ID`; mend the behaviour or the payload, then `cell0 deadletter retry ID`.",
    retry: "never",
  },
  ACTOR_NO_PROGRESS: {
    title: "the actor made no progress",
    cause: "It had work in hand and took no step for longer than its manifest's `progress` allows.",
    remedy:
      "Give what it waits for a deadline of its own, or raise `progress`; `cell0 logs --actor PATH` shows when it stood still. Its supervisor restarts it.",
    retry: "anew",
  },
  ACTOR_SNAPSHOT_CORRUPT: {
    title: "a snapshot's hash does not match",
    cause: "The bytes of a kept state were changed after they were written.",
    remedy:
      "The actor goes on as its manifest's `onCorruption` says; inspect the file in the data directory's `quarantine`, and check memory and disk when it happens again.",
    retry: "never",
  },
  ACTOR_DEADLETTER_UNKNOWN: {
    title: "no such dead letter",
    cause: "No open dead letter has this id: it was retried, dropped, or is too old to be kept.",
    remedy: "List them with `cell0 deadletter list --all`.",
    retry: "never",
  },
  ACTOR_DEADLETTER_INVALID: {
    title: "the dead letter is not valid",
    cause: "It is not signed by a node of this cell, or its bytes are damaged.",
    remedy: "It is not used. Find out who can write to the broker's streams.",
    retry: "never",
  },
  ACTOR_DEADLETTER_LOST: {
    title: "a dead letter could not be kept",
    cause: "Neither the broker nor this node's own directory takes it, or its waiting room is full.",
    remedy: "Free disk space and bring the broker back; the event log holds what the intent did.",
    retry: "anew",
  },
  ACTOR_NOT_RUNNING: {
    title: "the actor is not running",
    cause: "It was stopped, is restarting, or its supervisor gave up.",
    remedy: "See its state with `cell0 get actor PATH`; start it with `cell0 start PATH`.",
    retry: "anew",
  },
  ACTOR_FENCED: {
    title: "another incarnation owns the actor",
    cause: "Its shard was taken over while this process was held up; what it wrote since was refused.",
    remedy: "None is needed: this incarnation ends, the other one answers.",
    retry: "anew",
  },
  ACTOR_DEADLINE_EXCEEDED: {
    title: "the deadline passed before the actor answered",
    cause: "The actor is slow, or it never replies to this intent.",
    remedy: "Give a longer `--timeout`, or see what it does with `cell0 watch --actor PATH`.",
    retry: "anew",
  },
  ACTOR_REFUSED: {
    title: "the actor refuses the intent",
    cause: "Its behaviour found that this cannot be done; the message says why.",
    remedy: "Change what you ask for as the message says.",
    retry: "never",
  },
  ACTOR_INTENT_NOT_HANDLED: {
    title: "the actor does not take this intent in its present state",
    cause:
      "The behaviour's machine has no transition for it in the state that it is in, or a guard forbids it.",
    remedy: "See its state with `cell0 get actor PATH`, and send again when it has changed.",
    retry: "anew",
  },
  ACTOR_INTENT_DROPPED: {
    title: "the intent was dropped to make room for a newer one",
    cause: "The mailbox reached its bound, and its `whenFull` is drop_oldest.",
    remedy: "Send slower, or raise `mailbox.bound` in the manifest.",
    retry: "anew",
  },
  ACTOR_REPLY_INVALID: {
    title: "the actor's reply does not match its own schema",
    cause: "The behaviour has a bug: it replies with something else than it declares.",
    remedy: "Mend the behaviour; `cell0 logs --actor PATH` says what does not match.",
    retry: "never",
  },
  ACTOR_OPEN_REQUESTS_FULL: {
    title: "the actor owes too many answers",
    cause: "It has taken as many requests without answering as its bound allows.",
    remedy: "Send again later; see what it waits for with `cell0 watch --actor PATH`.",
    retry: "backoff",
  },
  ACTOR_ID_TAKEN: {
    title: "an intent of this id still waits for its answer",
    cause: "Another principal used the same id, or a client makes its ids badly.",
    remedy: "Use a fresh UUIDv7 for every intent.",
    retry: "never",
  },
  ACTOR_REQUESTS_FULL: {
    title: "the actor waits for too many answers",
    cause: "It has sent as many requests without an answer as its bound allows.",
    remedy: "Send fewer at once, or give them a shorter time-out.",
    retry: "anew",
  },
  ACTOR_REQUEST_LOST: {
    title: "the answer to a request was lost in a restart",
    cause: "The actor failed while it waited, and the answer goes to an incarnation that is gone.",
    remedy: "Send the request again if it may run twice.",
    retry: "anew",
  },
  ACTOR_CONTENT_TYPE: {
    title: "the payload's content type is not accepted",
    cause: "Actors read application/json, text/plain and application/octet-stream.",
    remedy: "Send JSON as application/json.",
    retry: "never",
  },
  ACTOR_START_FAILED: {
    title: "the actor did not start",
    cause: "Its context factory, an initial guard or an entry action threw.",
    remedy: "Check its `input` in the manifest, and the stack in `cell0 logs --actor PATH`.",
    retry: "anew",
  },
  ACTOR_SPAWN_IN_ASSIGN: {
    title: "spawn() inside assign() or a context factory",
    cause: "The host decides by XState's pure transition, which returns no action for such a child.",
    remedy: "Use the action `spawnChild(...)` or `invoke` in place of `spawn`.",
    retry: "never",
  },
  ACTOR_CHILD_UNKNOWN: {
    title: "the machine invokes an actor that it does not define",
    cause: "The `src` of an invoke or spawnChild names nothing in `setup({ actors })`.",
    remedy: "Add it to `setup({ actors })`, or mend its name.",
    retry: "never",
  },
  ACTOR_SNAPSHOT_INVALID: {
    title: "the snapshot does not fit the behaviour",
    cause: "It names a state or a child that the machine no longer has, or it is damaged.",
    remedy: "Start the actor afresh, or give back the states that the snapshot needs.",
    retry: "never",
  },
  ACTOR_SNAPSHOT_UNSUPPORTED: {
    title: "the actor's state cannot be kept across a restart",
    cause:
      "Its context holds something that JSON does not: a class instance, function, Map, Set, Date or cycle; or an unnamed child.",
    remedy: "Keep plain JSON in the context, and name every child in `setup({ actors })`.",
    retry: "never",
  },
  ACTOR_INTENT_SCHEMA_INVALID: {
    title: "an intent of the manifest cannot be used",
    cause: "The behaviour declares no such intent, or its payload is not a JSON Schema that can be applied.",
    remedy:
      "Compare the manifest's `intents` with the behaviour's; use JSON Schema draft 2020-12, without remote references.",
    retry: "never",
  },
  ACTOR_ISOLATION_UNSUPPORTED: {
    title: "this start takes actors of the shared loop only",
    cause:
      "The behaviour was started by itself, as tests do, with a spec of `isolation: worker` or `process`.",
    remedy: "Start it with `isolation: shared`; in a cell, `isolation` is the node's to provide.",
    retry: "never",
  },
  ACTOR_DURABLE_UNSUPPORTED: {
    title: "this start takes volatile actors only",
    cause:
      "The behaviour was started by itself, without a stream to keep its state in, with a spec of `durable: true`.",
    remedy:
      "Start it with `durable: false`; the test kit takes `{ durable: true }`, and a cell provides the stream.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_NOT_FOUND: {
    title: "the behaviour's module is not there",
    cause: "The file, or one that it imports, does not exist or cannot be read.",
    remedy: "Check `behaviour.module` in the manifest; it is relative to the manifest's folder.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_EXPORT_UNKNOWN: {
    title: "the behaviour's module has no such export",
    cause: "The name in the manifest is misspelt, or the module does not export it.",
    remedy: "Use one of the module's exports.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_INVALID: {
    title: "the export is not a behaviour",
    cause: "It was not made with `defineActor`, or its parts do not fit.",
    remedy: "Export `defineActor({ machine, intents })`.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_THREW: {
    title: "the behaviour's module fails to load",
    cause: "It has a syntax error, imports something that is not there, or throws when it is imported.",
    remedy: "Run the module by itself with `node FILE` and mend what it says.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_CHANGED: {
    title: "the behaviour's files are not those of the revision",
    cause: "They changed on disk after the revision was made.",
    remedy: "Run `cell0 apply` again, or restore the files.",
    retry: "never",
  },
  ACTOR_BEHAVIOUR_TOO_LARGE: {
    title: "the behaviour has too many or too large files",
    cause: "The module and what it imports by relative paths go beyond 1000 files or 16 MiB.",
    remedy: "Import less, or move data out of the modules.",
    retry: "never",
  },
  ACTOR_PROBE_DENIED: {
    title: "the behaviour's module does something that loading must not do",
    cause: "While it was imported it used the network, another file, a child process or a worker.",
    remedy: "Do such work in an invoked actor, not at the top level of the module.",
    retry: "never",
  },
  ACTOR_PROBE_TIMEOUT: {
    title: "the behaviour's module does not finish loading",
    cause: "A loop or an await at its top level does not end in time.",
    remedy: "Keep the top level of the module to definitions.",
    retry: "never",
  },
  ACTOR_PROBE_MEMORY: {
    title: "the behaviour's module needs too much memory to load",
    cause: "It went beyond the sandbox's limit while it was imported.",
    remedy: "Keep data out of the top level of the module.",
    retry: "never",
  },
  ACTOR_PROBE_FAILED: {
    title: "the sandbox for behaviours broke down",
    cause: "The module ended its process, or the process could not be started.",
    remedy: "Remove process.exit and native crashes from the module; run `cell0 doctor` otherwise.",
    retry: "anew",
  },
  ACTOR_COMMIT_FAILED: {
    title: "a durable actor's commit was not kept",
    cause: "The stream did not take it, or did not say so in time; nothing of it was performed.",
    remedy: "Check the broker; accepted intents are in the journal and are handled again after the restart.",
    retry: "anew",
  },
  ACTOR_NOT_JOURNALED: {
    title: "an intent for a durable actor is not in the journal",
    cause: "It reached the actor on a way that does not journal; a durable actor takes nothing from memory.",
    remedy: "Send it again; report this if it happens again.",
    retry: "anew",
  },
  ACTOR_STATE_TOO_LARGE: {
    title: "a durable actor's state is too large to be kept",
    cause:
      "Its context, children, open requests and outgoing intents together go beyond the bound of one commit.",
    remedy: "Keep less in the context: move lists and documents to actors of their own, or to a store.",
    retry: "never",
  },
  ACTOR_STATE_INVALID: {
    title: "the kept state of a durable actor cannot be read",
    cause: "It is damaged, or was written by a later version of Cell 0.",
    remedy:
      "Go back to the version that wrote it; `onCorruption` in the manifest says what happens otherwise.",
    retry: "never",
  },
  ACTOR_OUTBOX_FULL: {
    title: "a durable actor has too many outgoing intents that nobody has taken",
    cause: "It sends faster than their targets take, and the bound of its outbox is reached.",
    remedy: "Send less in one transition, or look why the targets do not take: `cell0 get actor PATH`.",
    retry: "anew",
  },
  ACTOR_PROMISE_INTERRUPTED: {
    title: "a promise was in flight when the actor's process ended",
    cause:
      'The behaviour says `onResume: "fail"`, so it is not run again; whether it had its effect is not known.',
    remedy: 'Handle it in the invoke\'s `onError`, or let promises run again with `onResume: "rerun"`.',
    retry: "anew",
  },
  ACTOR_MIGRATION_MISSING: {
    title: "the behaviour's new code says nothing of the state that older code left",
    cause:
      "Durable actors hold state that other code made, and the new code neither has the same `version` nor migrates.",
    remedy:
      "Keep `version` in defineActor to say that the new code goes on with the old state, or raise it and state `migrate`.",
    retry: "never",
  },
  ACTOR_MIGRATION_FAILED: {
    title: "a durable actor's state could not be migrated",
    cause: "`migrate` threw, refused the old state, or returned a state that the machine does not have.",
    remedy: "Mend `migrate`; the old state is untouched.",
    retry: "never",
  },
});
