// What stands between two incarnations of this node's actors: the intents that wait for
// the next one, the count of what each has killed, and the letters of those that killed
// too often; and what is parked, because nothing that it does between two of them helps.
import type { Failure } from "../actors/child.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { Suspect } from "../supervisor/cradle/process-spec.ts";
import { systemClock } from "../supervisor/ports.ts";
import { parkedRecord } from "../supervisor/records.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { deadLettersStream } from "../transport/streams/deadletters-stream.ts";
import { actorsToPark, type Blame } from "./blame.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { type DeadLetterOptions, type DeadLetters, openDeadLetters } from "./dead-letters.ts";
import { matrix } from "./drilled.ts";
import { ParkedActors } from "./parked-actors.ts";
import type { RunningActors } from "./running-actors.ts";
import { poisonLimitOf, SuccessionDesk } from "./succession-desk.ts";

export type Revival = {
  readonly succession: SuccessionDesk;
  readonly deadLetters: DeadLetters;
  readonly parked: ParkedActors;
};

export type RevivalOptions = Pick<DeadLetterOptions, "onProblem"> & {
  readonly dir: DataDir;
  readonly config: CellConfig;
  /** Of this node; it may become another one. */
  readonly key: Signer;
  readonly links: { readonly connection: BrokerConnection };
  readonly records: { readonly trust: { readonly store: TrustStore } };
  readonly telemetry: { record(event: EventInput): void };
  readonly actors: RunningActors;
  /** What was in hand when processes before this one died. */
  readonly suspects: readonly Suspect[];
};

/** For the process that is the node's: none but one sends what waits in the directory. */
export function openRevival(options: RevivalOptions): Revival {
  const { dir, config, key, links, records, telemetry, suspects, actors } = options;
  const { connection } = links;
  const { record } = telemetry;
  const deadLetters = openDeadLetters({
    node: config.node,
    onProblem: options.onProblem,
    record,
    trust: records.trust.store,
    stream: deadLettersStream(connection, config.cell),
    directory: dir.deadLetters,
    sealing: { key, genesisHash: records.trust.store.genesis.hash },
    now: Date.now,
    setTimer: systemClock.setTimer,
  });
  connection.onStatus(({ state }) => {
    if (state === "connected") deadLetters.connected();
  });
  const succession = new SuccessionDesk({
    clock: systemClock,
    bury: (poisoned) => deadLetters.bury(poisoned),
    record,
  });
  for (const { actor, intent, atUnixMs } of suspects)
    if (intent !== "") succession.suspect(actor, intent, atUnixMs);
  const parked = openParked(options);
  actors.refuseBy(
    (delivery, spec) =>
      parked.refusal(delivery.intent.target) ?? succession.refuses(delivery, spec && poisonLimitOf(spec)),
  );
  return { succession, deadLetters, parked };
}

/** What was parked, and what is now for what it did to the processes before this one. */
function openParked({ dir, suspects, telemetry, onProblem }: RevivalOptions): ParkedActors {
  const parked = new ParkedActors({ directory: dir.parked, now: Date.now, onProblem });
  const freedAtUnixMs = (actor: string) => parked.freedAtUnixMs(actor);
  for (const blame of actorsToPark({ suspects, matrix, nowUnixMs: Date.now(), freedAtUnixMs })) {
    const { actor, atUnixMs, deaths: restarts, rule } = blame;
    if (parked.get(actor) !== undefined) continue;
    const failure = failureOf(blame);
    parked.set(actor, { failure, atUnixMs });
    telemetry.record(parkedRecord(actor, failure, { restarts, periodMs: rule.periodMs }));
  }
  return parked;
}

function failureOf({ actor: rootActor, deaths, failure }: Blame): Failure {
  const times = deaths === 1 ? "1 time" : `${deaths} times`;
  const message = `the node's process ended ${times} by its code, the last time of ${failure}`;
  return { class: failure, name: "ProcessDied", message, origin: "kernel", rootActor };
}
