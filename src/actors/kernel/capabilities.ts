// `kernel/capabilities`: the capability authority, which mints and revokes. Lives on the node that owns shard 0.
import type { LimitName } from "../../security/capability/token.ts";
import { serveActor } from "../serve.ts";
import { inChunks } from "./chunks.ts";
import { capabilityIntents } from "./contract.ts";
import type { Requester } from "./graph.ts";
import type { CapabilitiesReport } from "./reports.ts";

/** What to revoke: a token, whole or by the hex of its hash alone, or what manifests grant to somebody. */
export type NamedToken = { readonly token: Uint8Array } | { readonly hash: string } | Grantee;

/** To whom a manifest grants something. */
export type Grantee = { readonly actor: string } | { readonly client: string };

export type MintRequest = {
  /** Hex of a key, or path of an actor. */
  readonly holder: string;
  readonly permissions: readonly {
    readonly intents: readonly string[];
    readonly targets: readonly string[];
    readonly where: readonly string[];
  }[];
  readonly ttlMs: number;
  readonly depth: number;
  readonly scope?: string | undefined;
  readonly once: boolean;
  /** Hex of keys. */
  readonly approval?: { readonly needed: number; readonly approvers: readonly string[] } | undefined;
} & { readonly [Name in LimitName]?: number | undefined };

/** Who asks: a principal, or an actor by its path. */
export type Minter = Requester & { readonly source: string };

export type CapabilityPorts = {
  readonly mint: (
    request: MintRequest,
    minter: Minter,
  ) => Promise<{ readonly token: Uint8Array; readonly hash: string }>;
  readonly revoke: (
    named: NamedToken,
    requester: Requester,
  ) => Promise<{ readonly hash: string; readonly already: boolean }>;
  readonly raiseEpoch: (
    scope: string,
    requester: Requester,
  ) => Promise<{ readonly scope: string; readonly epoch: number; readonly holders: number }>;
  readonly regrant: (
    whose: Grantee | { readonly graph: string },
    requester: Requester,
  ) => Promise<{ readonly holders: number; readonly left: number; readonly revision: number }>;
  readonly list: () => Promise<CapabilitiesReport>;
};

/** Each list is read from the broker, and verified. */
const CONCURRENCY = 4;

export const capabilities = serveActor<CapabilityPorts, typeof capabilityIntents>({
  intents: capabilityIntents,
  concurrency: CONCURRENCY,
  handlers: {
    "capability.mint": async (request, meta, { input }) => {
      const { token, hash } = await input.mint(request, meta);
      return { token: Buffer.from(token).toString("base64"), hash };
    },
    "capability.revoke": async (named, meta, { input }) =>
      await input.revoke(
        "token" in named ? { token: new Uint8Array(Buffer.from(named.token, "base64")) } : named,
        meta,
      ),
    "epoch.raise": async ({ scope }, meta, { input }) => await input.raiseEpoch(scope, meta),
    "capability.regrant": async (whose, meta, { input }) => await input.regrant(whose, meta),
    "capability.list": async (_payload, _meta, context) => inChunks(context, await context.input.list()),
  },
});
