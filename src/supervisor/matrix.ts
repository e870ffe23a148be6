// The resurrection matrix: for each layer and failure class how it is noticed, what is
// done, within which time, how often, and what follows when that does not help. The
// supervisors decide by this data; docs/matrix.md and `cell0 matrix` are made from it.
import type { NotApplicable, ParkedAfter, ResurrectionMatrix } from "./matrix-rules.ts";

const never = (reason: string): NotApplicable => ({ kind: "notApplicable", reason });
const planned = (reason: string): NotApplicable => ({ kind: "notApplicable", reason, planned: true });

const ACTOR = { kind: "rule", budgetMs: 10, isolatedBudgetMs: 250, counting: "intensity" } as const;
const SUBTREE = { kind: "rule", budgetMs: 50, isolatedBudgetMs: 250, counting: "intensity" } as const;
const KERNEL = { kind: "rule", budgetMs: 250, counting: { restarts: 3, periodMs: 60_000 } } as const;
const PROCESS = { kind: "rule", budgetMs: 1_000, counting: { restarts: 10, periodMs: 60_000 } } as const;
/** Of the process, by one actor's code. */
export const PARKED_AFTER: ParkedAfter = { deaths: 5, periodMs: 3_600_000, atOnceBeyond: 10 };
const BY_AN_ACTOR = { ...PROCESS, parkedAfter: PARKED_AFTER } as const;

const BELOW = "a supervisor below gave up over it";
const KERNEL_BELOW = "the supervisor of the node's own actors gave up over it";
const OTHER_NODES = "another node takes the actors over only once placement moves by itself";

export const matrix: ResurrectionMatrix = {
  actor: {
    crash: {
      ...ACTOR,
      detector: "a throw or a rejection in the behaviour, attributed to its actor",
      action: "restart-from-snapshot",
      escalation: "subtree",
    },
    hang: {
      ...ACTOR,
      detector: "an intent in hand for longer than the actor's `progress`",
      action: "restart-from-snapshot",
      escalation: "subtree",
    },
    poison: {
      ...ACTOR,
      detector: "the same intent kills its actor as often as `poison.deaths` says",
      action: "dead-letter-and-restart",
      counting: { restarts: 5, periodMs: 60_000 },
      escalation: "park",
    },
    exhaustion: {
      ...ACTOR,
      detector:
        "the memory or CPU limit of its worker or process; elsewhere a buffer that the system refuses",
      action: "restart-from-snapshot",
      escalation: "subtree",
    },
    drift: {
      ...ACTOR,
      detector:
        "its commit finds what is neither its last commit nor a successor's; volatile actors commit nothing",
      action: "restart-from-snapshot",
      escalation: "subtree",
    },
    corruption: {
      ...ACTOR,
      detector: "a snapshot's hash does not match, or it cannot be restored",
      action: "restore-previous-snapshot",
      counting: { restarts: 3, periodMs: 60_000 },
      escalation: "park",
    },
    loss: {
      ...ACTOR,
      detector: "its worker or process is gone, or it was killed",
      action: "restart-from-snapshot",
      escalation: "subtree",
    },
    treachery: {
      ...ACTOR,
      detector: "its worker or process breaks the rules of its channel",
      action: "park",
      escalation: "park",
    },
  },
  subtree: {
    crash: {
      ...SUBTREE,
      detector: BELOW,
      action: "restart-subtree",
      escalation: "kernel",
      causedBySender: "park",
    },
    hang: {
      ...SUBTREE,
      detector: `${BELOW}, or a child did not start in 30 s`,
      action: "restart-subtree",
      escalation: "kernel",
      causedBySender: "park",
    },
    poison: never("an actor that poison kills too often is parked at layer 1"),
    exhaustion: {
      ...SUBTREE,
      detector: BELOW,
      action: "restart-subtree",
      escalation: "kernel",
      causedBySender: "park",
    },
    drift: {
      ...SUBTREE,
      detector: BELOW,
      action: "restart-subtree",
      escalation: "kernel",
      causedBySender: "park",
    },
    corruption: never("an actor whose snapshots are all bad starts fresh or is parked at layer 1"),
    loss: {
      ...SUBTREE,
      detector: BELOW,
      action: "restart-subtree",
      escalation: "kernel",
      causedBySender: "park",
    },
    treachery: never("an actor that breaks the rules is parked at layer 1"),
  },
  kernel: {
    crash: {
      ...KERNEL,
      detector: `${KERNEL_BELOW}, or a failure that no actor can be named for`,
      action: "rebuild-kernel",
      escalation: "process",
    },
    hang: { ...KERNEL, detector: KERNEL_BELOW, action: "rebuild-kernel", escalation: "process" },
    poison: never("what a sender can cause at will never climbs above layer 2"),
    exhaustion: { ...KERNEL, detector: KERNEL_BELOW, action: "rebuild-kernel", escalation: "process" },
    drift: never("the node's own actors commit nothing that they could differ from"),
    corruption: never("the node's own actors keep no snapshots"),
    loss: never("the node's own actors share its process: their loss is the process's, layer 4"),
    treachery: never("what intake finds forged or replayed is refused before it reaches any actor"),
  },
  process: {
    crash: {
      ...BY_AN_ACTOR,
      detector: "the cradle sees the process exit with a code",
      action: "replace-process",
      escalation: "halt",
    },
    hang: {
      ...BY_AN_ACTOR,
      detector:
        "no beat of the node's event loop, found by a thread beside it; no word of the broker or core to a probe",
      action: "replace-process",
      escalation: "halt",
    },
    poison: {
      ...PROCESS,
      detector: "the intent in hand at the process's death, from memory that outlives it",
      action: "replace-process",
      escalation: "halt",
    },
    exhaustion: {
      ...BY_AN_ACTOR,
      detector: "the process is ended for want of memory",
      action: "replace-process",
      escalation: "halt",
    },
    drift: never("a process that does not hold its shards any more stops by the fence of its writes"),
    corruption: never("a bad snapshot or record concerns its actor: layer 1"),
    loss: {
      ...PROCESS,
      detector: "the cradle sees the process killed, or its broker or core gone",
      action: "replace-process",
      escalation: "halt",
    },
    treachery: planned("a node that signs what contradicts itself is judged by the others, not by itself"),
  },
  swarm: {
    crash: never("a crash is healed within its process"),
    hang: planned(OTHER_NODES),
    poison: never("poison is set aside by the node that it killed"),
    exhaustion: planned(OTHER_NODES),
    drift: planned(OTHER_NODES),
    corruption: planned(OTHER_NODES),
    loss: planned(OTHER_NODES),
    treachery: planned("expelling a node needs a quorum's certificate, which is not built yet"),
  },
} satisfies ResurrectionMatrix;
