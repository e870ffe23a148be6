// What a durable actor may not be, and what only a durable one has.
import type { ManifestActor } from "./schema.ts";
import type { ProblemText } from "./yaml-document.ts";

type DurabilityProblem = { readonly field: string; readonly at: "key" | "value"; readonly text: ProblemText };

export function durabilityProblems({
  durable,
  passivate,
  mailbox,
}: Partial<Pick<ManifestActor, "durable" | "passivate" | "mailbox">>): DurabilityProblem[] {
  const unfit = (field: string, message: string, expected: string): DurabilityProblem => {
    return { field, at: "key", text: { code: "MANIFEST_INVALID_VALUE", message, expected } };
  };
  if (durable !== true) {
    if (passivate === undefined) return [];
    return [unfit("passivate", "only a durable actor leaves memory when it is idle", "`durable: true`")];
  }
  if (mailbox?.whenFull !== "drop_oldest") return [];
  return [unfit("mailbox", "a durable actor drops no intent that it has accepted", "`whenFull: refuse`")];
}
