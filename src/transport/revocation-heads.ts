// The capability authority's word on which record of revocations is the newest, as it is said and
// heard. Nothing of it is kept: while the broker is away nothing is said.
import type { BrokerConnection } from "./connection.ts";
import { revocationsAskSubject, revocationsHeadSubject } from "./subjects.ts";

export type RevocationHeads = {
  readonly say: (head: Uint8Array) => void;
  /** Asks whoever is the authority to say it now. */
  readonly ask: () => void;
  /** @returns what ends both */
  readonly hear: (onHead: (head: Uint8Array) => void, onQuestion: () => void) => () => void;
};

export function revocationHeads(connection: BrokerConnection, cell: string): RevocationHeads {
  const send = (subject: string, data: Uint8Array): void => {
    if (connection.isConnected()) connection.publish(subject, data);
  };
  return {
    say: (head) => send(revocationsHeadSubject(cell), head),
    ask: () => send(revocationsAskSubject(cell), new Uint8Array()),
    hear(onHead, onQuestion) {
      const subscriptions = [
        connection.subscribe(revocationsHeadSubject(cell), ({ data }) => onHead(data)),
        connection.subscribe(revocationsAskSubject(cell), () => onQuestion()),
      ];
      return () => {
        for (const subscription of subscriptions) subscription.unsubscribe();
      };
    },
  };
}
