// One request and its response over a connection that stands, bounded in every
// direction: headers, body as it comes, body as it is decompressed, and time.
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { CellError } from "../../../../errors/cell-error.ts";
import type { HttpMethod } from "../../../../manifest/tools.ts";
import { unreachable } from "./connect.ts";

export type Outgoing = {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer | undefined;
};

export type Incoming = {
  readonly status: number;
  /** Names in lower case; several values of one name joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

const MAX_RESPONSE_HEADER_BYTES = 16 * 1024;

/** Closes the connection. Throws TOOL_TOO_LARGE, TOOL_RESPONSE_INVALID, TOOL_UNREACHABLE, or what the signal aborts with. */
export async function exchange(
  socket: Socket,
  outgoing: Outgoing,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Incoming> {
  const close = () => void socket.destroy();
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    const response = await responseTo(socket, outgoing);
    const body = await bodyOf(response, maxBytes);
    return { status: response.statusCode ?? 0, headers: headersOf(response), body };
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CellError ? error : unreachable(error);
  } finally {
    signal.removeEventListener("abort", close);
    socket.on("error", () => {});
    socket.destroy();
  }
}

async function responseTo(
  socket: Socket,
  { method, url, headers, body }: Outgoing,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const length = body === undefined ? {} : { "content-length": String(body.length) };
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path: `${url.pathname}${url.search}`,
    headers: {
      "user-agent": "cell0",
      accept: "*/*",
      ...Object.fromEntries(headers),
      ...length,
      host: url.host,
      "accept-encoding": "identity",
      connection: "close",
    },
    setHost: false,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    insecureHTTPParser: false,
  });
  request.once("response", resolve);
  request.once("upgrade", (_response, upgraded: Socket) => {
    upgraded.destroy();
    reject(new CellError("TOOL_RESPONSE_INVALID", "the server wants to change the protocol"));
  });
  request.on("error", (error) => {
    const isParse = "code" in error && String(error.code).startsWith("HPE_");
    reject(
      isParse
        ? new CellError("TOOL_RESPONSE_INVALID", "the server does not speak HTTP/1.1", { cause: error })
        : error,
    );
  });
  request.once("close", () => reject(new Error("closed")));
  request.end(body);
  return await promise;
}

/** Asked not to compress, servers may do so all the same: what comes out is bounded, and so is what goes in. */
async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  let received = 0;
  response.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxBytes) response.destroy(tooLarge(maxBytes));
  });
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded(response)) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof CellError) throw error;
    throw new CellError(
      "TOOL_RESPONSE_INVALID",
      "the body ended before its time, or cannot be decompressed",
      {
        cause: error,
      },
    );
  }
  return Buffer.concat(chunks);
}

function decoded(response: IncomingMessage): Readable {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return response;
  const decoder = decoderOf(encoding);
  if (decoder === undefined) {
    throw new CellError("TOOL_RESPONSE_INVALID", "the body's encoding is none of gzip, deflate, br");
  }
  // The reader hears of errors by the decoder's own.
  return pipeline(response, decoder, () => {});
}

function decoderOf(encoding: string): Transform | undefined {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}

const tooLarge = (maxBytes: number): CellError =>
  new CellError("TOOL_TOO_LARGE", `the response has more than the ${maxBytes} bytes that the grant allows`);
