// `kernel/<node>/authority`: the certificates that count in the cell, and the rotation of the node's key.
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
  readonly rotation: KeyRotationPorts;
};

/** Keys as hex. Each throws CELL_ROTATION_INVALID for what does not fit. */
export type KeyRotationPorts = {
  readonly prepare: () => Promise<{
    readonly next: string;
    readonly current: string;
    readonly certificate: Uint8Array;
  }>;
  readonly agree: (body: Uint8Array) => Promise<Uint8Array>;
  readonly test: (nodes: readonly string[]) => Promise<{ readonly next: string }>;
  readonly switch: () => Promise<{ readonly current: string }>;
  readonly remove: () => Promise<{ readonly removed: boolean }>;
};

export const authority = serveActor<AuthorityActorPorts, typeof authorityIntents>({
  intents: authorityIntents,
  handlers: {
    "trust.add": async ({ certificate }, _meta, { input }) => {
      const { principal, generation } = await input.add(new Uint8Array(Buffer.from(certificate, "base64")));
      return { principal, generation };
    },
    "key.prepare": async (_payload, _meta, { input }) => {
      const { certificate, ...keys } = await input.rotation.prepare();
      return { ...keys, certificate: Buffer.from(certificate).toString("base64") };
    },
    "key.agree": async ({ body }, _meta, { input }) => {
      const signature = await input.rotation.agree(new Uint8Array(Buffer.from(body, "base64")));
      return { signature: Buffer.from(signature).toString("base64") };
    },
    "key.test": ({ nodes }, _meta, { input }) => input.rotation.test(nodes),
    "key.switch": (_payload, _meta, { input }) => input.rotation.switch(),
    "key.remove": (_payload, _meta, { input }) => input.rotation.remove(),
    "trust.list": (_payload, _meta, context) => inChunks(context, context.input.list()),
  },
});
