// A cell as far as a client can tell: a real broker, a genesis, an issuer, and a
// node that runs the real intake and answers by a table of handlers.

import { randomBytes } from "node:crypto";
import type { CellError } from "../../../src/errors/cell-error.ts";
import type { Result } from "../../../src/errors/result.ts";
import { HybridClock } from "../../../src/security/clock/hybrid-clock.ts";
import type { Grant } from "../../../src/security/grants/grants.ts";
import { formatCreds, type ParsedIdentity, parseCreds } from "../../../src/security/identity/creds-file.ts";
import { NOTHING_GRANTED } from "../../../src/security/intake/authority.ts";
import { createIntake } from "../../../src/security/intake/intake.ts";
import type { RequestRef, Verdict } from "../../../src/security/intake/verdict.ts";
import { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { ReplayWindow } from "../../../src/security/replay/replay-window.ts";
import { buildReply, type ReplyContent } from "../../../src/security/replies/build-reply.ts";
import {
  type Certificate,
  type CertificateClaims,
  issueCertificate,
} from "../../../src/security/trust/certificate.ts";
import { createGenesis } from "../../../src/security/trust/genesis.ts";
import { TrustStore } from "../../../src/security/trust/trust-store.ts";
import { createIds } from "../../../src/security/wire/capsule-id.ts";
import { sealOne } from "../../../src/security/wire/seal.ts";
import type { BrokerConfigOptions } from "../../../src/transport/broker/config.ts";
import { issueUser } from "../../../src/transport/broker/user.ts";
import type { BrokerConnection } from "../../../src/transport/connection.ts";
import { subscribeIntents } from "../../../src/transport/intake.ts";
import { publishEnvelope } from "../../../src/transport/publish-envelope.ts";
import { allIntents } from "../../../src/transport/subjects.ts";
import { serveTrustBundle } from "../../../src/transport/trust-bundle.ts";
import { freeResources, noCapabilities } from "../../security/cell-fixture.ts";
import { type BrokerFixture, startBroker } from "../broker-fixture.ts";

export const CELL = "test";
/** Of an envelope, whose first field it is: after its tag and length. */
const ISSUER_AT = 2;
const DAY_MS = 86_400_000;
const JSON_TYPE = "application/json";

const unwrap = <T>(result: Result<T, CellError>): T => {
  if (result.ok) return result.value;
  throw result.error;
};

/** Replies to one intent, in order; the last is final unless it is an error or `endless`. */
export type Handler = (payload: unknown) => readonly (unknown | CellError)[] | "silent" | "endless";

export type Member = {
  readonly key: SigningKey;
  readonly certificate: Certificate;
  readonly seed: Uint8Array;
};

export type TestCell = {
  readonly broker: BrokerFixture;
  readonly issuer: Member;
  readonly genesisHash: Uint8Array;
  certify(claims: Partial<CertificateClaims> & Pick<CertificateClaims, "principal" | "kind">): Member;
  identity(
    principal: string,
    grants?: readonly Grant[],
    options?: { events?: boolean },
  ): Promise<{ text: string; parsed: ParsedIdentity }>;
  node(name: string, handlers: Readonly<Record<string, Handler>>, options?: NodeOptions): Promise<TestNode>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type NodeOptions = {
  /** Signs with a key that the cell does not know. */
  readonly impostor?: boolean;
  /** Signs with another key than its own, and names its own as the issuer. */
  readonly forges?: boolean;
  readonly serveTrust?: boolean;
};
export type TestNode = {
  readonly connection: BrokerConnection;
  readonly verdicts: Verdict[];
  /** Messages that brought something new, and how often its certificates were asked for. */
  readonly counts: { messages: number; trustAsked: number };
};

const EVERYTHING: readonly Grant[] = [{ intents: ["**"], targets: ["**"] }];

export async function startCell(options: Partial<BrokerConfigOptions> = {}): Promise<TestCell> {
  const broker = await startBroker(CELL, options);
  const genesisKey = SigningKey.fromSeed(randomBytes(32));
  const genesis = unwrap(
    createGenesis({
      cell: CELL,
      genesisKey: genesisKey.publicKey,
      createdUnixMs: Date.now(),
      nonce: randomBytes(16),
    }),
  );
  const member = (
    claims: Partial<CertificateClaims> & Pick<CertificateClaims, "principal" | "kind">,
    signer: SigningKey,
  ): Member => {
    const seed = randomBytes(32);
    const key = SigningKey.fromSeed(seed);
    const defaults = {
      key: key.publicKey,
      generation: 1,
      notBeforeUnixMs: Date.now() - DAY_MS,
      notAfterUnixMs: Date.now() + DAY_MS,
      shards: [],
      grants: [],
      revoked: false,
    };
    return {
      key,
      seed,
      certificate: unwrap(issueCertificate({ ...defaults, ...claims }, signer, genesis.hash)),
    };
  };
  const issuer = member({ principal: "issuer", kind: "issuer" }, genesisKey);
  const trust = new TrustStore(genesis);
  trust.add(issuer.certificate.bytes, Date.now());
  const certify: TestCell["certify"] = (claims) => {
    const certified = member(claims, issuer.key);
    trust.add(certified.certificate.bytes, Date.now());
    return certified;
  };

  return {
    broker,
    issuer,
    genesisHash: genesis.hash,
    certify,
    async identity(principal, grants = EVERYTHING, options = {}) {
      const { seed, certificate } = certify({ principal, kind: "client", grants });
      const user = await issueUser({
        authority: broker.authority,
        cell: CELL,
        kind: "client",
        principal,
        ...options,
      });
      const text = formatCreds({
        jwt: user.jwt,
        nkeySeed: user.seed,
        cell: CELL,
        principal,
        broker: broker.url,
        genesis: genesis.bytes,
        key: seed,
        certificates: [issuer.certificate.bytes, certificate.bytes],
      });
      return { text, parsed: unwrap(parseCreds(text)) };
    },
    node: (name, handlers, options = {}) => startNode({ broker, trust, certify }, name, handlers, options),
    stop: () => broker.stop(),
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

type House = {
  readonly broker: BrokerFixture;
  readonly trust: TrustStore;
  readonly certify: TestCell["certify"];
};

async function startNode(
  { broker, trust, certify }: House,
  name: string,
  handlers: Readonly<Record<string, Handler>>,
  options: NodeOptions,
): Promise<TestNode> {
  const { key, certificate } = certify({ principal: name, kind: "node", shards: [{ first: 0, last: 255 }] });
  const isOther = options.impostor === true || options.forges === true;
  const signer = isOther ? SigningKey.fromSeed(randomBytes(32)) : key;
  const connection = await broker.connect({ kind: "node", principal: name });
  const clock = new HybridClock(Date.now);
  const maker = { nextId: createIds({ nowUnixMs: Date.now, randomBytes }), tick: () => clock.tick() };
  const { hash: genesisHash } = trust.genesis;
  const targets = new Set(Object.keys(handlers).map((handler) => handler.split(" ")[0]));
  const intake = createIntake({
    cell: CELL,
    node: name,
    genesisHash,
    trust,
    replay: new ReplayWindow(),
    placementOf: (path) => (targets.has(path) ? name : undefined),
    actorGrants: () => NOTHING_GRANTED,
    clientGrants: () => [],
    currentEpoch: () => 0,
    capabilities: noCapabilities,
    resources: freeResources,
  });
  const node: TestNode = { connection, verdicts: [], counts: { messages: 0, trustAsked: 0 } };
  const answer = (request: RequestRef, inbox: string, contents: readonly ReplyContent[]): void => {
    for (const [index, content] of contents.entries()) {
      const capsule = unwrap(buildReply(request, content, { inbox, index }, maker));
      const envelope = sealOne(capsule, { key: signer, genesisHash });
      if (options.forges === true) envelope.set(key.publicKey, ISSUER_AT);
      publishEnvelope(connection, inbox, envelope);
    }
  };
  subscribeIntents({
    connection,
    subjects: [allIntents(CELL)],
    deliver: ({ subject, data, natsReply }) => {
      const verdicts = intake.admit({ subject, data, natsReply, nowUnixMs: Date.now() });
      if (verdicts.some(({ kind }) => kind === "accepted")) node.counts.messages += 1;
      for (const verdict of verdicts) {
        node.verdicts.push(verdict);
        if (verdict.kind === "elsewhere" || verdict.replyTo === undefined) continue;
        answer(verdict.request, verdict.replyTo, contentsOf(verdict, handlers));
      }
    },
    refuse: () => undefined,
  });
  if (options.serveTrust !== false) {
    serveTrustBundle({
      connection,
      cell: CELL,
      certificates: () => {
        node.counts.trustAsked += 1;
        return [certificate.bytes];
      },
    });
  }
  await connection.flush();
  return node;
}

function contentsOf(verdict: Verdict, handlers: Readonly<Record<string, Handler>>): readonly ReplyContent[] {
  if (verdict.kind === "refused") return [{ kind: "error", error: verdict.error }];
  if (verdict.kind !== "accepted") return [];
  const { target, type, payload } = verdict.intent;
  const replies = handlers[`${target} ${type}`]?.(JSON.parse(new TextDecoder().decode(payload)));
  if (replies === undefined || replies === "silent") return [];
  if (replies === "endless") return [content(0, false)];
  return replies.map((reply, index) => content(reply, index === replies.length - 1));
}

const content = (reply: unknown, final: boolean): ReplyContent =>
  isCellError(reply)
    ? { kind: "error", error: reply }
    : {
        kind: "value",
        payload: reply === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(reply)),
        contentType: reply === undefined ? "" : JSON_TYPE,
        final,
      };

const isCellError = (value: unknown): value is CellError =>
  value instanceof Error && value.name === "CellError";
