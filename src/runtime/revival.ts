// What stands between two incarnations of this node's actors: the intents that wait for
// the next one, the count of what each has killed, and the letters of those that killed
// too often.
import { type ParsedIdentity, signingKeyOf } from "../security/identity/creds-file.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { systemClock } from "../supervisor/ports.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { deadLettersStream } from "../transport/streams/deadletters-stream.ts";
import type { CellConfig } from "./cell-config.ts";
import type { DataDir } from "./data-dir.ts";
import { type DeadLetterOptions, type DeadLetters, openDeadLetters } from "./dead-letters.ts";
import type { RunningActors } from "./running-actors.ts";
import { poisonLimitOf, SuccessionDesk } from "./succession-desk.ts";

export type Revival = {
  readonly succession: SuccessionDesk;
  readonly deadLetters: DeadLetters;
};

export type RevivalOptions = Pick<DeadLetterOptions, "nextId" | "onProblem"> & {
  readonly dir: DataDir;
  readonly config: CellConfig;
  readonly identity: ParsedIdentity;
  readonly links: { readonly connection: BrokerConnection };
  readonly records: { readonly trust: { readonly store: TrustStore } };
  readonly telemetry: { record(event: EventInput): void };
  readonly actors: RunningActors;
  /** Intents that were in hand when processes before this one died. */
  readonly suspects: readonly { readonly actor: string; readonly intent: string }[];
};

/** For the process that is the node's: none but one sends what waits in the directory. */
export function openRevival(options: RevivalOptions): Revival {
  const { dir, config, identity, links, records, telemetry, suspects, actors } = options;
  const { connection } = links;
  const { record } = telemetry;
  const deadLetters = openDeadLetters({
    node: config.node,
    nextId: options.nextId,
    onProblem: options.onProblem,
    record,
    trust: records.trust.store,
    stream: deadLettersStream(connection, config.cell),
    directory: dir.deadLetters,
    sealing: { key: signingKeyOf(identity), genesisHash: identity.genesis.hash },
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
  for (const { actor, intent } of suspects) succession.suspect(actor, intent);
  actors.refuseBy((delivery, spec) => succession.refuses(delivery, spec && poisonLimitOf(spec)));
  return { succession, deadLetters };
}
