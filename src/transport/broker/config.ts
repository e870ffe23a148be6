// Text of nats.conf for a cell's own broker: operator mode, JetStream on files,
// loopback unless told otherwise, and a bound on everything that grows.
import { CellError } from "../../errors/cell-error.ts";
import type { BrokerAuthority } from "./authority.ts";
import { keyPair } from "./authority.ts";

export type BrokerConfigOptions = {
  /** -1: any free port; the log names it. */
  readonly port: number;
  readonly host?: string;
  readonly storeDir: string;
  readonly serverName: string;
  readonly authority: BrokerAuthority;
  /** Largest message; default 8 MiB. */
  readonly maxPayloadBytes?: number;
  readonly maxConnections?: number;
  /** Largest size of all streams on disk; default 16 GiB. */
  readonly maxStoreBytes?: number;
  /** How long an acknowledged write may be lost to a power cut; default "1s", "always" for none. */
  readonly syncInterval?: "1s" | "always" | "2m";
  /**
   * WebSocket listener for browsers, on the loopback address, without TLS: credentials prove
   * themselves by signatures, but what is sent can be read on the way. Origins: whose pages may
   * connect, at least one; what is no browser sends none, and is not kept out by them.
   */
  readonly websocket?: { readonly port: number; readonly allowedOrigins: readonly string[] };
};

const MAX_ORIGINS = 64;
const MIB = 1024 * 1024;
export const DEFAULT_MAX_PAYLOAD_BYTES = 8 * MIB;
/** nats-server itself advises against more. */
const MAX_PAYLOAD_BYTES = 64 * MIB;

export function brokerConfig(options: BrokerConfigOptions): string {
  const { authority, host = "127.0.0.1" } = options;
  const maxPayload = bounded(
    options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES,
    1024,
    MAX_PAYLOAD_BYTES,
    "maxPayloadBytes",
  );
  const lines = [
    `server_name: ${quoted(options.serverName)}`,
    `host: ${quoted(host)}`,
    `port: ${port(options.port)}`,
    `max_payload: ${maxPayload}`,
    `max_pending: ${Math.max(64 * MIB, 2 * maxPayload)}`,
    `max_connections: ${bounded(options.maxConnections ?? 4096, 1, 1_000_000, "maxConnections")}`,
    "max_subscriptions: 200000",
    // A node's credentials travel in one line, with every subject that it may use.
    "max_control_line: 16384",
    'write_deadline: "5s"',
    'ping_interval: "10s"',
    "ping_max: 3",
    "jetstream {",
    `  store_dir: ${quoted(options.storeDir)}`,
    `  max_memory_store: ${256 * MIB}`,
    `  max_file_store: ${bounded(options.maxStoreBytes ?? 16 * 1024 * MIB, 64 * MIB, 2 ** 50, "maxStoreBytes")}`,
    `  sync_interval: ${options.syncInterval ?? "1s"}`,
    "}",
    `operator: ${authority.operatorJwt}`,
    `system_account: ${keyPair(authority.systemSeed).getPublicKey()}`,
    "resolver: MEMORY",
    "resolver_preload {",
    `  ${keyPair(authority.systemSeed).getPublicKey()}: ${authority.systemJwt}`,
    `  ${keyPair(authority.accountSeed).getPublicKey()}: ${authority.accountJwt}`,
    "}",
    ...websocket(options),
  ];
  return `${lines.join("\n")}\n`;
}

function websocket({ websocket: listener }: BrokerConfigOptions): string[] {
  if (listener === undefined) return [];
  const { allowedOrigins } = listener;
  bounded(allowedOrigins.length, 1, MAX_ORIGINS, "the number of allowed origins");
  return [
    "websocket {",
    `  host: "127.0.0.1"`,
    `  port: ${port(listener.port)}`,
    "  no_tls: true",
    `  allowed_origins: [${allowedOrigins.map(quoted).join(", ")}]`,
    '  handshake_timeout: "5s"',
    "}",
  ];
}

const port = (value: number): number => (value === -1 ? -1 : bounded(value, 1, 65_535, "port"));

function bounded(value: number, least: number, most: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new CellError("BROKER_CONFIG_INVALID", `${what} is ${value}, not within ${least} and ${most}`);
}

/** A quoted string of nats.conf; control characters have no place in a path or name. */
function quoted(text: string): string {
  const control = [...text].some((character) => character < " " || character === "\u007f");
  if (text === "" || text.length > 4096 || control) {
    throw new CellError(
      "BROKER_CONFIG_INVALID",
      "a name or path is empty, too long or holds control characters",
      {
        where: JSON.stringify(text.slice(0, 128)),
      },
    );
  }
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
