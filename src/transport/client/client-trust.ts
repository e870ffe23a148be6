// The certificates that a client believes: those of its own file, and those that
// nodes hand it, each chained to the file's genesis. Asking is bounded, so that
// nobody can make a client ask by sending it rubbish.
import { CellError } from "../../errors/cell-error.ts";
import type { ParsedIdentity } from "../../security/identity/creds-file.ts";
import { TrustStore } from "../../security/trust/trust-store.ts";
import type { BrokerConnection } from "../connection.ts";
import { fetchTrustBundle } from "../trust-bundle.ts";
import type { ReplyTrustSource } from "./reply-reader.ts";

export type ClientTrustOptions = {
  readonly identity: ParsedIdentity;
  readonly connection: BrokerConnection;
  readonly nowUnixMs: () => number;
  readonly onProblem: (error: CellError) => void;
};

const NEVER = Number.NEGATIVE_INFINITY;
const FETCH_TIMEOUT_MS = 2_000;
/** Least time between two questions for an unknown key. */
const LEAST_INTERVAL_MS = 500;
/** After this, a reply makes the client ask again, so that it hears of withdrawn nodes. */
const MAX_AGE_MS = 60_000;

export function createClientTrust(options: ClientTrustOptions): ReplyTrustSource {
  const { identity, connection, nowUnixMs, onProblem } = options;
  const store = new TrustStore(identity.genesis);
  for (const { bytes } of identity.certificates) store.add(bytes, nowUnixMs());
  let askedAtMs = NEVER;
  let asking: Promise<void> | undefined;

  const ask = async (waitMs: number): Promise<void> => {
    try {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      askedAtMs = performance.now();
      const certificates = await fetchTrustBundle(connection, identity.cell, FETCH_TIMEOUT_MS);
      for (const certificate of certificates) store.add(certificate, nowUnixMs());
    } catch (error) {
      if (error instanceof CellError) onProblem(error);
    } finally {
      asking = undefined;
    }
  };
  const isStale = (): boolean => performance.now() - askedAtMs > MAX_AGE_MS;

  return {
    genesisHash: identity.genesis.hash,
    byKey(key, now) {
      if (askedAtMs !== NEVER && isStale()) asking ??= ask(0);
      return store.byKey(key, now);
    },
    refresh() {
      asking ??= ask(LEAST_INTERVAL_MS - (performance.now() - askedAtMs));
      return asking;
    },
  };
}
