// Where a Rust core listens, and what proves who is at the other end: the file
// system's permissions on a socket, certificates of both sides on TCP.
import { Buffer } from "node:buffer";
import { isAbsolute } from "node:path";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { CellError } from "../../errors/cell-error.ts";

export type CoreEndpoint =
  | { readonly kind: "unix" /** Absolute. */; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** PEM: the authority that certified the core, and this side's certificate and key. */
      readonly ca: Uint8Array;
      readonly cert: Uint8Array;
      readonly key: Uint8Array;
      /** Name in the core's certificate, when it is not the host. */
      readonly serverName?: string;
    };

export type CoreTarget = {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly options: Readonly<Record<string, string>>;
};

/** sun_path without its final zero: 108 bytes on Linux, 104 elsewhere. */
const MAX_SOCKET_BYTES = process.platform === "linux" ? 107 : 103;

/** Throws CORE_SOCKET_PATH_TOO_LONG. */
export function coreTarget(endpoint: CoreEndpoint): CoreTarget {
  if (endpoint.kind === "unix") {
    const { path } = endpoint;
    if (!isAbsolute(path)) throw new RangeError("the path of the core's socket must be absolute");
    const length = Buffer.byteLength(path);
    if (length > MAX_SOCKET_BYTES) {
      throw new CellError(
        "CORE_SOCKET_PATH_TOO_LONG",
        `the socket's path has ${length} bytes, this system takes ${MAX_SOCKET_BYTES}`,
        { where: path },
      );
    }
    return {
      address: `unix:${path}`,
      credentials: credentials.createInsecure(),
      // Servers refuse the percent-encoded path that would be the authority.
      options: { "grpc.default_authority": "localhost" },
    };
  }
  const { host, port, ca, cert, key, serverName } = endpoint;
  return {
    address: `dns:${host.includes(":") ? `[${host}]` : host}:${port}`,
    credentials: credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert)),
    options:
      serverName === undefined
        ? {}
        : { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName },
  };
}

export const describeEndpoint = (endpoint: CoreEndpoint): string =>
  endpoint.kind === "unix" ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
