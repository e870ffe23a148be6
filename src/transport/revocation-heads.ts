// The capability authority's word on which record of revocations it has, as it is said and heard.
// Nothing of it is kept: while the broker is away nothing is said.
import type { BrokerConnection } from "./connection.ts";
import { allRevocationsHeads, revocationsAskSubject, revocationsHeadSubject } from "./subjects.ts";

export type RevocationHeads = {
  readonly say: (head: Uint8Array) => void;
  /** Asks whoever is the authority to say it now. */
  readonly ask: () => void;
  /**
   * @param onHead with the name of who published it: the broker lets nobody do that under another's
   * @returns what ends both
   */
  readonly hear: (onHead: (node: string, head: Uint8Array) => void, onQuestion: () => void) => () => void;
};

export function revocationHeads(connection: BrokerConnection, cell: string, node: string): RevocationHeads {
  const own = revocationsHeadSubject(cell, node);
  const send = (subject: string, data: Uint8Array): void => {
    if (connection.isConnected()) connection.publish(subject, data);
  };
  return {
    say: (head) => send(own, head),
    ask: () => send(revocationsAskSubject(cell), new Uint8Array()),
    hear(onHead, onQuestion) {
      const subscriptions = [
        connection.subscribe(allRevocationsHeads(cell), ({ subject, data }) =>
          onHead(subject.slice(subject.lastIndexOf(".") + 1), data),
        ),
        connection.subscribe(revocationsAskSubject(cell), () => onQuestion()),
      ];
      return () => {
        for (const subscription of subscriptions) subscription.unsubscribe();
      };
    },
  };
}
