// Tries a key that this node does not sign with yet: an intent signed with it goes through the broker to a
// node's registry, this one's too, and its answer has to be verified.
import { randomBytes } from "node:crypto";
import { CellError } from "../errors/cell-error.ts";
import { equalBytes } from "../security/bytes.ts";
import { buildIntent } from "../security/intents/build-intent.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import type { CapsuleMaker } from "../security/replies/build-reply.ts";
import { openReplies } from "../security/replies/open-replies.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import { sealOne } from "../security/wire/seal.ts";
import type { BrokerConnection } from "../transport/connection.ts";
import { inboxPrefix, intentSubject } from "../transport/subjects.ts";
import { kernelPath } from "./node-graph.ts";

export type ProverPorts = {
  readonly connection: BrokerConnection;
  readonly cell: string;
  readonly node: string;
  readonly maker: CapsuleMaker;
  readonly trust: TrustStore;
  readonly genesisHash: Uint8Array;
};

/** Throws what the node answers, or ACTOR_DEADLINE_EXCEEDED. */
export type ProveKey = (key: Signer, node: string) => Promise<void>;

const ANSWER_WITHIN_MS = 5_000;
const AGAIN_EVERY_MS = 500;

export function keyProver(ports: ProverPorts): ProveKey {
  const { connection, cell, node: own, maker, trust, genesisHash } = ports;
  return async (key, node) => {
    const target = kernelPath(node, "registry");
    const inbox = `${inboxPrefix(cell, own)}.rotation.${randomBytes(12).toString("hex")}`;
    const built = buildIntent(
      {
        target,
        intent: "node.status",
        payload: new TextEncoder().encode("{}"),
        contentType: "application/json",
        deadlineUnixMs: Date.now() + ANSWER_WITHIN_MS,
        replyInbox: inbox,
        source: {
          actor: kernelPath(own, "authority"),
          incarnation: { term: 1, activation: 1 },
          sequence: 1,
        },
      },
      maker,
    );
    if (!built.ok) throw built.error;
    const { bytes, id, hash } = built.value;
    const envelope = sealOne(bytes, { key, genesisHash });
    const answered = Promise.withResolvers<void>();
    const subscription = connection.subscribe(inbox, ({ subject, data }) => {
      const opened = openReplies(data, subject, { genesisHash, trust }, Date.now());
      for (const reply of opened.ok ? opened.value : []) {
        const isOurs = equalBytes(reply.requestId, id) && equalBytes(reply.requestHash, hash);
        // Another node's word is no proof that this one takes the key.
        if (!isOurs || reply.node !== node) continue;
        if (reply.error === undefined) answered.resolve();
        else answered.reject(reply.error);
      }
    });
    const send = () => connection.publish(intentSubject(cell, own, target), envelope);
    const again = setInterval(send, AGAIN_EVERY_MS);
    const late = setTimeout(
      () => answered.reject(new CellError("ACTOR_DEADLINE_EXCEEDED", undefined, { where: target })),
      ANSWER_WITHIN_MS,
    );
    try {
      send();
      await answered.promise;
    } finally {
      clearInterval(again);
      clearTimeout(late);
      subscription.unsubscribe();
    }
  };
}
