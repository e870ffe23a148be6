// What a durable actor may not be, and what only a durable one has.
import type { ManifestActor } from "./schema.ts";
import type { ProblemText } from "./yaml-document.ts";

type DurabilityProblem = { readonly field: string; readonly at: "key" | "value"; readonly text: ProblemText };

export function durabilityProblems({
  durable,
  passivate,
  sync,
  mailbox,
}: Partial<Pick<ManifestActor, "durable" | "passivate" | "sync" | "mailbox">>): DurabilityProblem[] {
  const unfit = (field: string, message: string, expected: string): DurabilityProblem => {
    return { field, at: "key", text: { code: "MANIFEST_INVALID_VALUE", message, expected } };
  };
  if (durable !== true) {
    const idle = "only a durable actor leaves memory when it is idle";
    const disk = "only what a durable actor acknowledges is on a disk";
    return [
      ...(passivate === undefined ? [] : [unfit("passivate", idle, "`durable: true`")]),
      ...(sync === undefined ? [] : [unfit("sync", disk, "`durable: true`")]),
    ];
  }
  const drops = "a durable actor drops no intent that it has accepted";
  const blocks = "what a durable actor accepts waits in its journal, and nothing waits outside of that";
  switch (mailbox?.whenFull) {
    case "drop_oldest":
      return [unfit("mailbox", drops, "`whenFull: refuse`")];
    case "block":
      return [unfit("mailbox", blocks, "`whenFull: refuse`")];
    default:
      return [];
  }
}
