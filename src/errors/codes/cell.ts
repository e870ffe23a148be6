import { defineErrors } from "../error-definition.ts";

/** A cell as a whole: its data directory, its processes, its revisions. */
export const cellErrors = defineErrors({
  CELL_NOT_FOUND: {
    title: "there is no cell here",
    cause: "The data directory holds no cell.json.",
    remedy: "Start one with `cell0 up`, or name its directory with `--data-dir`.",
    retry: "never",
  },
  CELL_CONFIG_INVALID: {
    title: "the cell's configuration is damaged",
    cause: "cell.json is not what `cell0 up` wrote.",
    remedy: "Mend the file, or restore the directory with `cell0 restore`.",
    retry: "never",
  },
  CELL_DIRECTORY_HELD: {
    title: "another process holds the data directory",
    cause: "A cell is already running from this directory.",
    remedy: "Stop it with `cell0 down`, or start yours with another `--data-dir`.",
    retry: "never",
  },
  CELL_DIRECTORY_UNSAFE: {
    title: "the data directory can be read by others",
    cause: "Its permissions, or those of its keys, are wider than the owner's.",
    remedy: "Run `chmod -R go-rwx` on the directory.",
    retry: "never",
  },
  CELL_ROTATION_INVALID: {
    title: "the node's next key does not fit",
    cause:
      "The node has made none, the certificate is of another one or says more than that one key follows the other, or it was not tested yet.",
    remedy: "Run `cell0 keys rotate node NAME` again; it goes on where that is possible.",
    retry: "never",
  },
  CELL_KEY_DAMAGED: {
    title: "a key file is damaged or missing",
    cause: "A file below keys/ is not what the cell wrote, or was taken away.",
    remedy: "Restore it from a backup, or with `cell0 keys genesis --import` for the genesis key.",
    retry: "never",
  },
  CELL_JOIN_INVALID: {
    title: "the join file does not fit",
    cause: "It is not a node's identity, or belongs to another cell or node than the data directory.",
    remedy: "Make one with `cell0 node add NAME --shards 128-255` and use an empty data directory.",
    retry: "never",
  },
  CELL_OPTION_CONFLICT: {
    title: "the options contradict what was fixed at the first start",
    cause: "A cell's name, its node's name and its broker are written down when it is made.",
    remedy: "Leave the option out, or use another `--data-dir`.",
    retry: "never",
  },
  CELL_KERNEL_PROTECTED: {
    title: "the kernel's own actors are not steered by hand",
    cause: "An actor that the cell itself needs was to be stopped or restarted.",
    remedy: "Restart the node with `cell0 down` and `cell0 up`.",
    retry: "never",
  },
  CELL_PORT_TAKEN: {
    title: "the broker's port is taken",
    cause: "Another program listens on the port that this cell chose at its first start.",
    remedy: "Stop that program, or start with `--port N`.",
    retry: "never",
  },
  CELL_PROCESS_FAILED: {
    title: "a process of the cell does not stay up",
    cause:
      "The broker, the core or the node ended again and again; or the cradle did, the process that runs them.",
    remedy: "Read the log that is named, and run `cell0 doctor`.",
    retry: "never",
  },
  CELL_NOT_ACCEPTING: {
    title: "the node does not accept work now",
    cause:
      "Its Rust core, its broker or its record of the cell is missing; it refuses rather than falls open.",
    remedy: "See what is missing with `cell0 doctor`; it takes up again by itself.",
    retry: "backoff",
  },
  CELL_STOPPING: {
    title: "the node is stopping",
    cause: "It drains what it has accepted and takes nothing new.",
    remedy: "Send again when it is back.",
    retry: "backoff",
  },
  CELL_KERNEL_REBUILT_TOO_OFTEN: {
    title: "the kernel was built anew too often",
    cause: "It was asked for more than 30 times within a minute.",
    remedy: "Wait a minute; `cell0 logs --kind kernelRebuilt` shows when it was.",
    retry: "anew",
  },
  CELL_REPLAY_LOG_LOST: {
    title: "what was accepted lately could not be written down",
    cause: "The disk is full, or the folder cannot be written to.",
    remedy:
      "Make room; it is begun again by itself. A node that dies before that refuses what was sent before its next start.",
    retry: "never",
  },
  CELL_REVISION_CONFLICT: {
    title: "the cell is at another revision by now",
    cause: "Somebody else applied a graph in between.",
    remedy: "Run `cell0 plan` again and apply what it shows.",
    retry: "never",
  },
  CELL_REVISION_UNKNOWN: {
    title: "no such revision",
    cause: "It never was, or is older than the revisions that are kept.",
    remedy: "List them with `cell0 rollback --list`.",
    retry: "never",
  },
  CELL_ROLLED_BACK: {
    title: "the broker has lost what this node has seen",
    cause: "The broker was restored from an older copy, or someone rewrote its streams.",
    remedy: "Find out who did; the node publishes its own signed records again.",
    retry: "never",
  },
  CELL_GRAPH_UNKNOWN: {
    title: "no such graph",
    cause: "No graph of this name was applied, or it was deleted.",
    remedy: "List what runs with `cell0 get tree`.",
    retry: "never",
  },
  CELL_GRAPH_NOT_STAGED: {
    title: "the graph has not arrived",
    cause: "Parts of it are missing or do not match its hash.",
    remedy: "Run the command again.",
    retry: "anew",
  },
  CELL_APPLY_FAILED: {
    title: "the graph could not be applied",
    cause: "An actor did not start, or a behaviour does not load; the graph from before still runs.",
    remedy: "Mend what is listed and apply again.",
    retry: "never",
  },
  CELL_SECRET_UNKNOWN: {
    title: "no such secret",
    cause: "An actor's input refers to a secret that this node does not have.",
    remedy: "Set it with `cell0 secret set NAME`.",
    retry: "never",
  },
  CELL_SECRET_DAMAGED: {
    title: "a secret cannot be opened",
    cause: "Its file was changed or cut short, was moved from another name, or its key is another one.",
    remedy: "Set it again with `cell0 secret set NAME`, or restore keys/secrets.key from a backup.",
    retry: "never",
  },
  CELL_SECRET_NAME_INVALID: {
    title: "not the name of a secret",
    cause: "A name is 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit.",
    remedy: "Choose another name.",
    retry: "never",
  },
  CELL_PARKED_UNREADABLE: {
    title: "what is parked cannot be read or written",
    cause:
      "A file in the data directory's `parked` was changed or cut short, or the disk is full or refuses writes.",
    remedy:
      "Make room, and look at the file named. A path whose file is damaged stays down until `cell0 start PATH`; what could not be written is parked as long as this process lasts.",
    retry: "anew",
  },
  CELL_MARKS_DAMAGED: {
    title: "the marks of durable actors were changed or are gone",
    cause:
      "The file `marks` in the node's data directory was removed, cut or changed by something other than the node.",
    remedy:
      "Check the disk, and bring the file back from where it was if you can while the node is stopped. What its lines said is not known any more: a broker that was restored from an older copy before now is not noticed by them.",
    retry: "never",
  },
  CELL_MARKS_BEHIND: {
    title: "the marks of durable actors cannot be written",
    cause: "The disk of the node's data directory is full, or refuses writes.",
    remedy:
      "Make room. Until then durable actors go on, but a broker that is restored from an old copy is not noticed.",
    retry: "anew",
  },
});
