// Makes the command line's connection from the client library.
import { type CellClient, connect } from "../client.ts";
import { CellError } from "../errors/cell-error.ts";
import { parseCreds } from "../security/identity/creds-file.ts";
import type { CellPort, OpenOptions } from "./cell-port.ts";

/** @param identity text of an identity file. Throws what `connect` throws; BROKER_UNREACHABLE after the timeout. */
export async function openCell(identity: string, options: OpenOptions): Promise<CellPort> {
  const { natsUrl, where, timeoutMs, onProblem } = options;
  const parsed = parseCreds(identity);
  if (!parsed.ok)
    throw new CellError(parsed.error.code, parsed.error.message, { where, cause: parsed.error });
  const url = natsUrl ?? parsed.value.broker;
  const signal = AbortSignal.timeout(timeoutMs);
  const client = await connect({
    identity: parsed.value,
    url,
    name: "cell0 command line",
    signal,
    onProblem,
  }).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
    throw new CellError("BROKER_UNREACHABLE", `the broker did not answer within ${timeoutMs} ms`, {
      where: url,
      cause,
    });
  });
  return portOf(client);
}

/** A client as the command line's own parts take it. */
export const portOf = (client: CellClient): CellPort => ({
  cell: client.cell,
  principal: client.principal,
  stream: (target, intent, payload, send) => client.stream(target, intent, payload, send),
  send: async (target, intent, payload, send) => (await client.send(target, intent, payload, send)).id,
  events: (signal) => client.events({ signal }),
  close: () => client.close(),
});
