import { defineErrors } from "../error-definition.ts";

/** The command line: its arguments, the files it is given, the replies it reads. */
export const cliErrors = defineErrors({
  CLI_USAGE: {
    title: "the command line does not make sense",
    cause: "An unknown command or option, a missing argument, or a value of the wrong form.",
    remedy: "See `cell0 COMMAND --help`.",
    retry: "never",
  },
  CLI_PAYLOAD_INVALID: {
    title: "the payload is not JSON",
    cause: "A payload, or one of its lines, does not parse.",
    remedy: "Quote it for your shell, or put it into a file and give `--file FILE`.",
    retry: "never",
  },
  CLI_FILE_UNREADABLE: {
    title: "a file cannot be read or written",
    cause: "It does not exist, is a directory, or its permissions forbid it.",
    remedy: "Check the path and its permissions.",
    retry: "never",
  },
  CLI_FILE_EXISTS: {
    title: "there is something at that path already",
    cause: "The command makes a new file or directory and never overwrites one.",
    remedy: "Choose another path, or move away what is there.",
    retry: "never",
  },
  CLI_INPUT_TOO_LARGE: {
    title: "the input is too large",
    cause: "A file or a stream holds more than this command reads.",
    remedy: "Split it.",
    retry: "never",
  },
  CLI_NOT_CONFIRMED: {
    title: "nothing was changed",
    cause: "The question was not answered with yes.",
    remedy: "Run it again with `--yes` to go ahead without a question.",
    retry: "never",
  },
  CLI_ROTATION_STOPPED: {
    title: "the rotation of a key stopped half way",
    cause:
      "The step that is named did not succeed: a node did not hear of the next key in time, or did not answer.",
    remedy:
      "Nothing was switched; run the command again. `cell0 keys list` and `cell0 client show` say which key counts.",
    retry: "never",
  },
  CLI_ROTATION_PENDING: {
    title: "a rotation has not ended yet",
    cause:
      "The key before counts still, beside the one that follows it; or a rotation was cut off half way, or another one runs.",
    remedy:
      "Wait until its time is over, or end it at once with `--remove`. Go on with one that was cut off by running it again.",
    retry: "never",
  },
  CLI_INTERRUPTED: {
    title: "interrupted",
    cause: "The command was ended by Ctrl-C or a signal.",
    remedy: "Run it again.",
    retry: "anew",
  },
  CLI_REPLY_UNEXPECTED: {
    title: "the cell's reply cannot be read",
    cause: "The cell runs another version, or something else answers in its place.",
    remedy: "Compare `cell0 version` with `cell0 get nodes`.",
    retry: "never",
  },
  CLI_TARGET_UNKNOWN: {
    title: "nothing of that name is in the cell",
    cause: "No actor, supervisor, graph, node or client is called so.",
    remedy: "List what there is with `cell0 get tree`, `cell0 get nodes` or `cell0 client list`.",
    retry: "never",
  },
  CLI_BACKUP_INVALID: {
    title: "the backup cannot be trusted",
    cause: "The archive is cut short, was changed, or its signatures do not chain to its genesis.",
    remedy: "Take another backup; nothing was restored.",
    retry: "never",
  },
  CLI_CAPSULE_UNREADABLE: {
    title: "this is not a capsule",
    cause: "The input is neither an envelope's bytes nor their hex or base64.",
    remedy: "Give the bytes as they were published, or the output of `cell0 capsule encode`.",
    retry: "never",
  },
  CLI_EVENTS_UNREADABLE: {
    title: "this is no message of the event stream",
    cause: "The input is not the bytes of an EventGroup, or holds no event.",
    remedy: "Give one message of `cell0.v1.<cell>.events.>` as it came, as `nats sub --translate` does.",
    retry: "never",
  },
  CLI_NEEDS_LOCAL_CELL: {
    title: "this command needs the cell's own data directory",
    cause: "It uses keys that never leave the directory in which the cell was made.",
    remedy: "Run it on the machine of the cell's first node, with `--data-dir`.",
    retry: "never",
  },
  CLI_INTERNAL: {
    title: "a fault in cell0 itself",
    cause: "The program met a state that its authors did not foresee.",
    remedy: "Run it again with `CELL0_DEBUG=1` and report what it prints.",
    retry: "never",
  },
});
