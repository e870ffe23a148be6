// Reads the streams of what durable actors keep, with nats.js alone: nothing of this
// package stands between the judge and the broker. Neither clients nor nodes may read the
// journals whole: the judge is a user of its own, made with the keys of the broker's account.
import { jetstream } from "@nats-io/jetstream";
import { encodeUser } from "@nats-io/jwt";
import { createUser } from "@nats-io/nkeys";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { parseCreds } from "../../src/security/identity/creds-file.ts";
import { keyPair, parseBrokerAuthority } from "../../src/transport/broker/authority.ts";
import { natsCreds } from "../../src/transport/broker/nats-creds.ts";
import { journalStreamName, stateStreamName } from "../../src/transport/subjects.ts";
import type { CommitJudge, Message } from "./commits.ts";

export type Followed = {
  /** Resolves when the judge has seen what is in the streams now. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
};

/** Credentials of a user that may do everything. */
async function auditor(text: string): Promise<string> {
  const { accountSeed, signingSeed } = parseBrokerAuthority(text);
  const user = createUser();
  const all = { allow: [">"], deny: [] };
  const jwt = await encodeUser(
    "judge",
    user,
    keyPair(accountSeed),
    { pub: all, sub: all, subs: -1, data: -1, payload: -1 },
    { signer: keyPair(signingSeed) },
  );
  return natsCreds(jwt, new TextDecoder().decode(user.getSeed()));
}

const CAUGHT_UP_WITHIN_MS = 20_000;

/**
 * @param creds text of any identity file: it says where the broker is
 * @param authority text of the file that holds the keys of the broker's account
 */
export async function followStreams(creds: string, authority: string, judge: CommitJudge): Promise<Followed> {
  const identity = parseCreds(creds);
  if (!identity.ok) throw identity.error;
  const { cell, broker } = identity.value;
  const nats = await connect({
    servers: broker,
    authenticator: credsAuthenticator(new TextEncoder().encode(await auditor(authority))),
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
