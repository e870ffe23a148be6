// `import { connect } from "cell0/client"`: a program's way into a cell, with
// the one file that `cell0 client add` gave it.
import { CellError } from "./errors/cell-error.ts";
import type { Result } from "./errors/result.ts";
import { toBase64Url } from "./security/bytes.ts";
import { capabilityText } from "./security/capability/capability-text.ts";
import { chainBytes, readChain } from "./security/capability/chain.ts";
import { type ForActor, narrowToActor } from "./security/capability/narrow-to-actor.ts";
import { parseTokenFile } from "./security/capability/token-file.ts";
import { HybridClock } from "./security/clock/hybrid-clock.ts";
import { allows } from "./security/grants/patterns.ts";
import { type ParsedIdentity, parseCreds, signingKeyOf } from "./security/identity/creds-file.ts";
import { readIdentityFile, readTokenFile } from "./security/identity/key-files.ts";
import { createIds } from "./security/wire/capsule-id.ts";
import { natsCreds } from "./transport/broker/nats-creds.ts";
import { CellClient, type CellClientParts } from "./transport/client/cell-client.ts";
import { createClientTrust } from "./transport/client/client-trust.ts";
import { Requester } from "./transport/client/requester.ts";
import { type BrokerStatus, connectBroker } from "./transport/connection.ts";
import { inboxPrefix } from "./transport/subjects.ts";

export { CellError } from "./errors/cell-error.ts";
export type { ForActor } from "./security/capability/narrow-to-actor.ts";
export type {
  ActorClient,
  Described,
  IntentOf,
  PayloadOf,
  ReplyOf,
} from "./transport/client/actor-client.ts";
export type { CellClient, IntentItem, SendOptions, Sent } from "./transport/client/cell-client.ts";
export type { EventFilter } from "./transport/client/event-stream.ts";
export type { ManyOptions, ManyResult, ManySummary } from "./transport/client/many.ts";
export type { Reply } from "./transport/client/payload.ts";
export type { BrokerStatus } from "./transport/connection.ts";

export type ConnectOptions = {
  /** Path of an identity file (`<name>.creds`), or one that was parsed. */
  readonly identity: string | ParsedIdentity;
  /**
   * Address of the broker: `nats://`, `tls://`, or `ws://` and `wss://`, which a browser must be given;
   * default: the one in the file.
   */
  readonly url?: string;
  /** Shown in the broker's list of connections. */
  readonly name?: string;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal;
  /** The connection was lost, is back, or is closed. Must not throw. */
  readonly onStatus?: (status: BrokerStatus) => void;
  /** What went wrong without being any request's fault: a reply that cannot be verified, events dropped. */
  readonly onProblem?: (error: CellError) => void;
};

/**
 * Connects to a cell. Throws AUTHORITY_IDENTITY_INVALID, BROKER_UNREACHABLE,
 * BROKER_REFUSED_CREDENTIALS, BROKER_TOO_OLD, or the signal's reason. A lost
 * connection is made again, for ever, until `close`.
 */
export async function connect(options: ConnectOptions): Promise<CellClient> {
  const identity =
    typeof options.identity === "string" ? await readIdentity(options.identity) : options.identity;
  const { cell, principal } = identity;
  const { signal, onStatus } = options;
  const onProblem = options.onProblem ?? (() => undefined);
  const connection = await connectBroker({
    url: options.url ?? identity.broker,
    creds: natsCreds(identity.jwt, identity.nkeySeed),
    name: options.name ?? `cell0 client ${principal}`,
    inboxPrefix: inboxPrefix(cell, principal),
    onProblem,
    ...(signal === undefined ? {} : { signal }),
    ...(onStatus === undefined ? {} : { onStatus }),
  });
  const clock = new HybridClock(Date.now);
  const requester = new Requester({
    connection,
    cell,
    principal,
    key: signingKeyOf(identity),
    trust: createClientTrust({ identity, connection, nowUnixMs: Date.now, onProblem }),
    maker: { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() },
    instance: toBase64Url(randomBytes(9)),
    onProblem,
  });
  return new CellClient({
    ...{ cell, principal, connection, requester, onProblem },
    ownCapability: ownCapability(identity),
  });
}

/** The file's own token goes with what it names; what it does not name rests on grants. */
function ownCapability({ capability }: ParsedIdentity): CellClientParts["ownCapability"] {
  if (capability === undefined) return () => undefined;
  const bytes = chainBytes(capability);
  const { permissions } = capability.last;
  return (intent, target) => (permissions.some((each) => allows(each, intent, target)) ? bytes : undefined);
}

/** An identity from the text of its file (`<name>.creds`). Throws AUTHORITY_IDENTITY_INVALID. */
export const parseIdentity = (text: string): ParsedIdentity => parseIdentityOf(text, "");

/** A capability from the text of its file, as `SendOptions.capability` takes it. Throws CAPABILITY_MALFORMED. */
export const parseCapability = (text: string): Uint8Array => parseCapabilityOf(text, "");

/** The same from the file itself; also throws what the file system throws. */
export async function readCapability(path: string): Promise<Uint8Array> {
  return parseCapabilityOf(await readTokenFile(path), path);
}

/** What hands a token on to an actor, and what of it. */
export type ActorCapability = ForActor & {
  /** Of who holds the token: an identity that was parsed. */
  readonly identity: ParsedIdentity;
  /** Default: the one in the identity's file. */
  readonly capability?: Uint8Array;
  /** Path of the actor. */
  readonly actor: string;
};

/**
 * Narrows a token to an actor, which may then send in the holder's stead what it allows, and hand it on to nobody.
 * Offline.
 * @returns a text for a payload, from which the actor's behaviour gives it to `send` or `request` as `capability`
 * @throws CellError CAPABILITY_HOLDER_MISMATCH, CAPABILITY_WIDENED, CAPABILITY_EXPIRED, CAPABILITY_MALFORMED
 */
export function capabilityForActor({ identity, capability, actor, ...narrower }: ActorCapability): string {
  const given = capability === undefined ? identity.capability : must(readChain(capability));
  if (given === undefined) throw new CellError("CAPABILITY_MALFORMED", "there is no capability to narrow");
  const nextId = createIds({ nowUnixMs: Date.now, randomBytes });
  const by = { key: signingKeyOf(identity), genesisHash: identity.genesis.hash };
  const longer = narrowToActor(given, actor, narrower, { ...by, id: nextId(), nowUnixMs: Date.now() });
  return capabilityText(chainBytes(must(longer)));
}

function must<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function parseCapabilityOf(text: string, where: string): Uint8Array {
  const chain = parseTokenFile(text);
  if (chain.ok) return chainBytes(chain.value);
  throw new CellError(chain.error.code, chain.error.message, at(where));
}

function parseIdentityOf(text: string, where: string): ParsedIdentity {
  const identity = parseCreds(text);
  if (identity.ok) return identity.value;
  throw new CellError(identity.error.code, identity.error.message, { ...at(where), cause: identity.error });
}

const at = (where: string) => (where === "" ? {} : { where });

const readIdentity = async (path: string): Promise<ParsedIdentity> =>
  parseIdentityOf(await readIdentityFile(path), path);

const randomBytes = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
