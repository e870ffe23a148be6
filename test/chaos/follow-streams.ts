// Reads the streams of what durable actors keep, and of dead letters, with nats.js alone: nothing of this
// package stands between the judge and the broker. Neither clients nor nodes may read the
// journals whole: the judge is a user of its own, made with the keys of the broker's account.
// The broker is killed again and again: reading begins anew behind what was read.
import { type ConsumerMessages, DeliverPolicy, type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { encodeUser } from "@nats-io/jwt";
import { createUser } from "@nats-io/nkeys";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { parseCreds } from "../../src/security/identity/creds-file.ts";
import { keyPair, parseBrokerAuthority } from "../../src/transport/broker/authority.ts";
import { natsCreds } from "../../src/transport/broker/nats-creds.ts";
import { deadLettersStreamName, journalStreamName, stateStreamName } from "../../src/transport/subjects.ts";
import type { CommitJudge, Message } from "./commits.ts";
import type { LetterJudge } from "./letters.ts";

export type Followed = {
  /** Resolves when the judge has seen what is in the streams now. Throws when that cannot be read in time. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
};

const API_TIMEOUT_MS = 2_000;
const IDLE_HEARTBEAT_MS = 1_000;
const RETRY_MS = 100;
const CAUGHT_UP_WITHIN_MS = 30_000;

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

/**
 * @param creds text of any identity file: it says where the broker is
 * @param authority text of the file that holds the keys of the broker's account
 */
export async function followStreams(
  creds: string,
  authority: string,
  { commits, letters }: { readonly commits: CommitJudge; readonly letters: LetterJudge },
): Promise<Followed> {
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
  const client = jetstream(nats, { timeout: API_TIMEOUT_MS });
  const readers = [
    new Reader(client, stateStreamName(cell), (message) => commits.state(message)),
    new Reader(client, journalStreamName(cell), (message) => commits.journal(message)),
    new Reader(client, deadLettersStreamName(cell), (message) => letters.letter(message)),
  ];
  void tellLosses(nats, readers);
  return {
    async caughtUp() {
      const untilMs = performance.now() + CAUGHT_UP_WITHIN_MS;
      for (const reader of readers) {
        while (!(await reader.isAtEnd())) {
          if (performance.now() > untilMs) throw new Error(`${reader.name} was not read to its end`);
          await pause(RETRY_MS);
        }
      }
    },
    async close() {
      for (const reader of readers) reader.stop();
      await nats.close();
    },
  };
}

/** A consumer does not outlive its broker, and its reader would wait for it. */
async function tellLosses(nats: NatsConnection, readers: readonly Reader[]): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === "disconnect" || type === "reconnect") for (const reader of readers) reader.again();
  }
}

/** Each message once and in order, whatever becomes of consumers. */
class Reader {
  readonly name: string;
  readonly #client: JetStreamClient;
  readonly #take: (message: Message) => void;
  #sequence = 0;
  #messages: ConsumerMessages | undefined;
  #stopped = false;

  constructor(client: JetStreamClient, name: string, take: (message: Message) => void) {
    this.#client = client;
    this.name = name;
    this.#take = take;
    void this.#run();
  }

  async isAtEnd(): Promise<boolean> {
    try {
      const { state } = await (await this.#client.jetstreamManager(false)).streams.info(this.name);
      return state.messages === 0 || this.#sequence >= state.last_seq;
    } catch {
      return false;
    }
  }

  again(): void {
    this.#messages?.stop();
  }

  stop(): void {
    this.#stopped = true;
    this.again();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // The broker is away, or is just coming back.
      await this.#read().catch(() => undefined);
      if (!this.#stopped) await pause(RETRY_MS);
    }
  }

  async #read(): Promise<void> {
    const consumer = await this.#client.consumers.get(this.name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#sequence + 1,
    });
    const messages = await consumer.consume({
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    for await (const { subject, seq, data } of messages) {
      if (seq <= this.#sequence) continue;
      this.#sequence = seq;
      this.#take({ subject, sequence: seq, data });
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
