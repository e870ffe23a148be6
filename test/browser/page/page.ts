// What the test's page does: the client library as its users have it, called by name from outside.
import { type CellClient, CellError, connect, parseIdentity, type SendOptions } from "cell0/client";
import { verifyByRule } from "../../../src/security/keys/verify.browser.ts";

type Outcome = { readonly value: unknown } | { readonly code: string; readonly remedy: string };

let client: CellClient | undefined;
const problems: string[] = [];

const connected = (): CellClient => {
  if (client === undefined) throw new Error("not connected");
  return client;
};

async function outcomeOf(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    if (error instanceof CellError) return { code: error.code, remedy: error.remedy };
    throw error;
  }
}

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

const page = {
  /** @param url undefined: the one in the identity */
  connect: (identity: string, url?: string) =>
    outcomeOf(async () => {
      const address = url === undefined ? {} : { url };
      const onProblem = ({ code }: CellError) => void problems.push(code);
      client = await connect({ identity: parseIdentity(identity), ...address, onProblem });
      return client.principal;
    }),
  connectByPath: (path: string) => outcomeOf(() => connect({ identity: path })),
  request: (target: string, intent: string, payload: unknown, options: SendOptions) =>
    outcomeOf(async () => (await connected().request(target, intent, payload, options)).value),
  stream: (target: string, intent: string, payload: unknown) =>
    outcomeOf(async () => {
      const values: unknown[] = [];
      for await (const { value } of connected().stream(target, intent, payload)) values.push(value);
      return values;
    }),
  /** Node and kind of the first event that is about the actor. */
  firstEvent: (actor: string) =>
    outcomeOf(async () => {
      for await (const event of connected().events())
        if (event.actor === actor) return [event.node, event.kind.case];
      return undefined;
    }),
  /** What the client said without being asked. */
  problems: () => problems,
  close: () => outcomeOf(async () => await connected().close()),
  /** Whether each signature counts. @param rows key, message and signature in hex */
  verdicts: (rows: readonly (readonly [string, string, string])[]) =>
    rows.map(([key, message, signature]) => verifyByRule(bytesOf(key), bytesOf(message), bytesOf(signature))),
  /** What only Node has. */
  foreign: () => ["process", "Buffer", "setImmediate", "require"].filter((name) => name in globalThis),
};

export type TestPage = typeof page;
Object.assign(globalThis, { page });
