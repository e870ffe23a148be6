// Reads the streams of what durable actors keep, with nats.js alone: nothing of this
// package stands between the judge and the broker.
import { jetstream } from "@nats-io/jetstream";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { parseCreds } from "../../src/security/identity/creds-file.ts";
import { natsCreds } from "../../src/transport/broker/nats-creds.ts";
import { journalStreamName, stateStreamName } from "../../src/transport/subjects.ts";
import type { CommitJudge, Message } from "./commits.ts";

export type Followed = {
  /** Resolves when the judge has seen what is in the streams now. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
};

const CAUGHT_UP_WITHIN_MS = 20_000;

/** @param creds text of a node's identity file */
export async function followStreams(creds: string, judge: CommitJudge): Promise<Followed> {
  const identity = parseCreds(creds);
  if (!identity.ok) throw identity.error;
  const { cell, principal, broker, jwt, nkeySeed } = identity.value;
  const nats = await connect({
    servers: broker,
    authenticator: credsAuthenticator(new TextEncoder().encode(natsCreds(jwt, nkeySeed))),
    inboxPrefix: `cell0.v1.${cell}.inbox.${principal}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    name: "chaos judge",
  });
  const client = jetstream(nats);
  const seen = new Map<string, number>();
  const follow = async (name: string, take: (message: Message) => void) => {
    const consumer = await client.consumers.get(name);
    const messages = await consumer.consume();
    void (async () => {
      for await (const { subject, seq, data } of messages) {
        seen.set(name, seq);
        take({ subject, sequence: seq, data });
      }
    })();
    return messages;
  };
  const names = [stateStreamName(cell), journalStreamName(cell)] as const;
  const followed = await Promise.all([
    follow(names[0], (message) => judge.state(message)),
    follow(names[1], (message) => judge.journal(message)),
  ]);
  return {
    async caughtUp() {
      const untilMs = performance.now() + CAUGHT_UP_WITHIN_MS;
      for (const name of names) {
        const { state } = await (await client.jetstreamManager()).streams.info(name);
        while ((seen.get(name) ?? 0) < state.last_seq && state.messages > 0) {
          if (performance.now() > untilMs) throw new Error(`${name} was not read to its end`);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    },
    async close() {
      for (const messages of followed) messages.stop();
      await nats.close();
    },
  };
}
