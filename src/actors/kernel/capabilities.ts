// `kernel/capabilities`: the capability authority, which revokes. Lives on the node that owns shard 0.
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { capabilityIntents } from "./contract.ts";
import type { Requester } from "./graph.ts";
import type { RevocationsReport } from "./reports.ts";

/** A token to revoke: whole, or by the hex of its hash alone. */
export type NamedToken = { readonly token: Uint8Array } | { readonly hash: string };

export type CapabilityPorts = {
  readonly revoke: (
    named: NamedToken,
    requester: Requester,
  ) => Promise<{ readonly hash: string; readonly already: boolean }>;
  readonly raiseEpoch: (
    scope: string,
    requester: Requester,
  ) => Promise<{ readonly scope: string; readonly epoch: number }>;
  readonly list: () => RevocationsReport;
};

export const capabilities = serveActor<CapabilityPorts, typeof capabilityIntents>({
  intents: capabilityIntents,
  handlers: {
    "capability.revoke": async (named, meta, { input }) =>
      await input.revoke(
        "token" in named ? { token: new Uint8Array(Buffer.from(named.token, "base64")) } : named,
        meta,
      ),
    "epoch.raise": async ({ scope }, meta, { input }) => await input.raiseEpoch(scope, meta),
    "capability.list": (_payload, _meta, context) => inChunks(context, context.input.list()),
  },
});
