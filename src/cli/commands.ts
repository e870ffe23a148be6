// The table of commands. Only the one that is called is loaded, so that
// `cell0 version` does not pay for what `cell0 apply` needs.
import type { Command } from "commander";

export type Register = (program: Command) => void;

export type CommandEntry = {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<Register>;
};

const RUN = "Run a cell:";
const GRAPHS = "Graphs:";
const LOOK = "Look and steer:";
const TALK = "Talk to actors:";
const TRUST = "Keys and trust:";
const CARE = "Care:";

export const commandTable: readonly CommandEntry[] = [
  {
    name: "init",
    summary: "make a folder with a manifest, a behaviour and its test",
    group: RUN,
    load: async () => (await import("./init.ts")).registerInit,
  },
  {
    name: "up",
    summary: "start a cell, or a node that joins one",
    group: RUN,
    load: async () => (await import("./up.ts")).registerUp,
  },
  {
    name: "dev",
    summary: "run a cell and reload what you save",
    group: RUN,
    load: async () => (await import("./dev.ts")).registerDev,
  },
  {
    name: "down",
    summary: "stop the cell of this directory, in order",
    group: RUN,
    load: async () => (await import("./down.ts")).registerDown,
  },
  {
    name: "plan",
    summary: "show what applying manifests would change",
    group: GRAPHS,
    load: async () => (await import("./plan.ts")).registerPlan,
  },
  {
    name: "apply",
    summary: "make the cell run what manifests state",
    group: GRAPHS,
    load: async () => (await import("./apply.ts")).registerApply,
  },
  {
    name: "diff",
    summary: "exit with 1 when the cell differs from manifests",
    group: GRAPHS,
    load: async () => (await import("./diff.ts")).registerDiff,
  },
  {
    name: "delete",
    summary: "remove whole graphs",
    group: GRAPHS,
    load: async () => (await import("./delete.ts")).registerDelete,
  },
  {
    name: "rollback",
    summary: "return to an earlier revision",
    group: GRAPHS,
    load: async () => (await import("./rollback.ts")).registerRollback,
  },
  {
    name: "get",
    summary: "show the tree, actors, nodes, revisions, principals",
    group: LOOK,
    load: async () => (await import("./get.ts")).registerGet,
  },
  {
    name: "stop",
    summary: "stop an actor or a supervisor",
    group: LOOK,
    load: async () => (await import("./steer.ts")).registerStop,
  },
  {
    name: "start",
    summary: "start an actor that was stopped",
    group: LOOK,
    load: async () => (await import("./steer.ts")).registerStart,
  },
  {
    name: "restart",
    summary: "restart an actor or a supervisor",
    group: LOOK,
    load: async () => (await import("./steer.ts")).registerRestart,
  },
  {
    name: "matrix",
    summary: "show what is done about which failure",
    group: LOOK,
    load: async () => (await import("./matrix.ts")).registerMatrix,
  },
  {
    name: "watch",
    summary: "show events as they happen",
    group: LOOK,
    load: async () => (await import("./watch.ts")).registerWatch,
  },
  {
    name: "logs",
    summary: "show recorded events, also of a cell that is down",
    group: LOOK,
    load: async () => (await import("./logs.ts")).registerLogs,
  },
  {
    name: "send",
    summary: "send an intent and print its replies",
    group: TALK,
    load: async () => (await import("./send.ts")).registerSend,
  },
  {
    name: "deadletter",
    summary: "see, retry and drop intents that killed their actors",
    group: TALK,
    load: async () => (await import("./deadletter.ts")).registerDeadletter,
  },
  {
    name: "capsule",
    summary: "encode, decode and verify capsules offline",
    group: TALK,
    load: async () => (await import("./capsule.ts")).registerCapsule,
  },
  {
    name: "keys",
    summary: "list keys; take the genesis key offline",
    group: TRUST,
    load: async () => (await import("./keys.ts")).registerKeys,
  },
  {
    name: "client",
    summary: "let a client send intents, or no longer",
    group: TRUST,
    load: async () => (await import("./client.ts")).registerClient,
  },
  {
    name: "cap",
    summary: "make, narrow and show capability tokens",
    group: TRUST,
    load: async () => (await import("./cap.ts")).registerCap,
  },
  {
    name: "node",
    summary: "make the file with which a node joins the cell",
    group: TRUST,
    load: async () => (await import("./node.ts")).registerNode,
  },
  {
    name: "secret",
    summary: "keep secrets that manifests refer to",
    group: TRUST,
    load: async () => (await import("./secret.ts")).registerSecret,
  },
  {
    name: "doctor",
    summary: "check this machine and this cell, and say how to mend",
    group: CARE,
    load: async () => (await import("./doctor.ts")).registerDoctor,
  },
  {
    name: "drill",
    summary: "fail a cell of its own in every way, and measure its recovery",
    group: CARE,
    load: async () => (await import("./drill.ts")).registerDrill,
  },
  {
    name: "backup",
    summary: "write keys, trust, revisions and secrets to one file",
    group: CARE,
    load: async () => (await import("./backup.ts")).registerBackup,
  },
  {
    name: "restore",
    summary: "make a data directory from a backup",
    group: CARE,
    load: async () => (await import("./restore.ts")).registerRestore,
  },
  {
    name: "completion",
    summary: "print the completion script of a shell",
    group: CARE,
    load: async () => (await import("./completion.ts")).registerCompletion,
  },
  {
    name: "version",
    summary: "show versions of cell0, node, core and broker",
    group: CARE,
    load: async () => (await import("./version.ts")).registerVersion,
  },
];
