// `kernel/<node>/authority`: the certificates that count in the cell.
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { authorityIntents } from "./contract.ts";
import type { PrincipalRow } from "./reports.ts";

export type AuthorityActorPorts = {
  /** Verifies and publishes a certificate; throws what the trust store refuses. */
  readonly add: (
    certificate: Uint8Array,
  ) => Promise<{ readonly principal: string; readonly generation: number }>;
  readonly list: () => readonly PrincipalRow[];
};

export const authority = serveActor<AuthorityActorPorts, typeof authorityIntents>({
  intents: authorityIntents,
  handlers: {
    "trust.add": async ({ certificate }, _meta, { input }) => {
      const { principal, generation } = await input.add(new Uint8Array(Buffer.from(certificate, "base64")));
      return { principal, generation };
    },
    "trust.list": (_payload, _meta, context) => inChunks(context, context.input.list()),
  },
});
