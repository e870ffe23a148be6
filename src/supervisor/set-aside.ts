// A snapshot that must not be used: its bytes go into quarantine, and what follows is on
// record. Which snapshot comes next is the memory's to say, by the actor's `onCorruption`.
import type { Failure } from "../actors/child.ts";
import type { SealedSnapshot } from "../actors/snapshot-seal.ts";
import { CellError } from "../errors/cell-error.ts";
import { type ActorSpec, DEFAULT_ON_CORRUPTION, type OnCorruption } from "../manifest/graph.ts";
import { sha256, toHex } from "../security/bytes.ts";
import { ChildStartError } from "./failure.ts";
import type { TreePorts } from "./ports.ts";
import type { TreeMemory } from "./tree-memory.ts";

export type SetAside = {
  readonly path: string;
  readonly snapshot: SealedSnapshot;
  /** ACTOR_SNAPSHOT_CORRUPT: other bytes than were hashed. ACTOR_SNAPSHOT_INVALID: the behaviour cannot read them. */
  readonly error: CellError;
};

/** Codes that say a snapshot is bad; any other failure of a start is the behaviour's. */
export const saysBadSnapshot = (thrown: unknown): thrown is CellError =>
  thrown instanceof CellError &&
  (thrown.code === "ACTOR_SNAPSHOT_CORRUPT" || thrown.code === "ACTOR_SNAPSHOT_INVALID");

/** @throws ChildStartError of class `corruption` when the manifest says `park` */
export function setAside(
  { path, onCorruption = DEFAULT_ON_CORRUPTION }: Pick<ActorSpec, "path" | "onCorruption">,
  snapshot: SealedSnapshot,
  error: CellError,
  memory: TreeMemory,
  ports: Pick<TreePorts, "quarantine" | "record">,
): void {
  memory.reject(path, { usePrevious: onCorruption === "previous" });
  const quarantine = ports.quarantine?.({ path, snapshot, error }) ?? "";
  ports.record({
    actor: path,
    kind: {
      case: "snapshotSetAside",
      value: {
        reason: `${error.code}: ${error.message}`,
        expectedHash: snapshot.hash,
        foundHash: sha256(snapshot.bytes),
        next: nextOf(path, onCorruption, memory),
        quarantine,
      },
    },
  });
  if (onCorruption === "park") throw new ChildStartError(corruptionFailure(path, snapshot, error));
}

function nextOf(path: string, onCorruption: OnCorruption, memory: TreeMemory): string {
  if (onCorruption === "park") return "park";
  return memory.candidate(path) === undefined ? "fresh" : "previous";
}

function corruptionFailure(path: string, { hash }: SealedSnapshot, error: CellError): Failure {
  const message = `${error.message}; it was kept under ${toHex(hash)}`;
  return { class: "corruption", name: error.code, message, origin: "start", rootActor: path };
}
