// A client made of a NATS connection, an identity file and the wire's building
// blocks alone, so that it can also send what no honest client would.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import type { CellError } from "../../src/errors/cell-error.ts";
import type { Result } from "../../src/errors/result.ts";
import { type IntentCapsule, IntentCapsuleSchema } from "../../src/gen/cell0/v1/capsule_pb.ts";
import { TrustBundleSchema } from "../../src/gen/cell0/v1/trust_pb.ts";
import { type ParsedIdentity, parseCreds, signingKeyOf } from "../../src/security/identity/creds-file.ts";
import { type OpenedReply, openReplies } from "../../src/security/replies/open-replies.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";
import { uuidV7 } from "../../src/security/wire/capsule-id.ts";
import { type Sealing, sealOne } from "../../src/security/wire/seal.ts";

const REPLY_TIMEOUT_MS = 5_000;

/** A message whose parts are plain objects. */
export type CapsuleFields = Exclude<MessageInitShape<typeof IntentCapsuleSchema>, IntentCapsule>;

export type RawClient = {
  readonly identity: ParsedIdentity;
  readonly nats: NatsConnection;
  readonly sealing: Sealing;
  /** A fresh subject below its own inbox prefix. */
  inbox(): string;
  /** Capsule bytes of `say` to `live/parrot`, with other fields where given; nothing is checked. */
  capsule(fields?: CapsuleFields): Uint8Array;
  seal(capsule: Uint8Array): Uint8Array;
  subject(target: string, principal?: string): string;
  /** Publishes a message and gives the verified replies of the first answer to it. */
  exchange(subject: string, envelope: Uint8Array, inbox: string): Promise<readonly OpenedReply[]>;
  close(): Promise<void>;
};

/** @param brokerCreds text of other credentials for the broker than the file's own */
export async function openRawClient(credsFile: string, brokerCreds?: string): Promise<RawClient> {
  const text = await readFile(credsFile, "utf8");
  const identity = must(parseCreds(text));
  const { cell, principal, genesis, broker } = identity;
  const prefix = `cell0.v1.${cell}`;
  const nats = await connect({
    servers: broker,
    authenticator: credsAuthenticator(new TextEncoder().encode(brokerCreds ?? text)),
    inboxPrefix: `${prefix}.inbox.${principal}`,
  });
  const trust = new TrustStore(genesis);
  const bundle = await nats.request(`${prefix}.trust-bundle`, "", { timeout: REPLY_TIMEOUT_MS });
  for (const certificate of fromBinary(TrustBundleSchema, bundle.data).certificates)
    must(trust.add(certificate, Date.now()));
  const sealing = { key: signingKeyOf(identity), genesisHash: genesis.hash };
  const inbox = () => `${prefix}.inbox.${principal}.${randomBytes(9).toString("hex")}`;
  return {
    identity,
    nats,
    sealing,
    inbox,
    capsule: (fields = {}) => capsule({ replyInbox: inbox(), ...fields }),
    seal: (bytes) => sealOne(bytes, sealing),
    subject: (target, sender = principal) => `${prefix}.in.${sender}.${target.replaceAll("/", ".")}`,
    async exchange(subject, envelope, replyInbox) {
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
      const timer = setTimeout(() => reject(new Error(`no reply to ${subject}`)), REPLY_TIMEOUT_MS);
      const subscription = nats.subscribe(replyInbox, {
        max: 1,
        callback: (error, message) => (error === null ? resolve(message.data) : reject(error)),
      });
      try {
        nats.publish(subject, envelope, { reply: replyInbox });
        const data = await promise;
        return must(openReplies(data, replyInbox, { genesisHash: genesis.hash, trust }, Date.now()));
      } finally {
        clearTimeout(timer);
        subscription.unsubscribe();
      }
    },
    close: () => nats.close(),
  };
}

function capsule(fields: CapsuleFields): Uint8Array {
  const id = fields.id ?? uuidV7(Date.now(), randomBytes(10));
  const message = create(IntentCapsuleSchema, {
    id,
    rootId: id,
    hopLimit: 16,
    target: "live/parrot",
    intent: "say",
    contentType: "application/json",
    payload: new TextEncoder().encode('{"text":"hello"}'),
    issuedAt: { unixMs: BigInt(Date.now()) },
    deadlineUnixMs: BigInt(Date.now() + 10_000),
    ...fields,
  });
  return toBinary(IntentCapsuleSchema, message);
}

function must<T>(result: Result<T, CellError>): T {
  if (result.ok) return result.value;
  throw result.error;
}
