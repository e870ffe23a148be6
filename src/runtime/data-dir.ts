// Where a node keeps its state: one directory, readable by its owner only. This
// file knows the names of what lies in it; it reads and writes nothing.
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Longest path that every platform takes for a Unix socket. */
const MAX_SOCKET_PATH = 100;

export type DataDir = ReturnType<typeof dataDir>;

/** @param path the directory; relative to the working directory, default of the command line: `.cell0` */
export function dataDir(path: string) {
  const root = resolve(path);
  const run = runDirectory(root);
  return {
    root,
    /** CellConfig as JSON. */
    cell: join(root, "cell.json"),
    genesis: join(root, "genesis.bin"),
    keys: join(root, "keys"),
    genesisKey: join(root, "keys", "genesis.key"),
    issuerKey: join(root, "keys", "issuer.key"),
    secretsKey: join(root, "keys", "secrets.key"),
    /** Seeds of the broker's operator and account, JSON. */
    brokerAuthority: join(root, "keys", "broker.json"),
    operatorCreds: join(root, "operator.creds"),
    nodeCreds: join(root, "node.creds"),
    /** Seed of the node's next key, while it is rotated. */
    nodeNextKey: join(root, "keys", "node.key.next"),
    /** Certificates known to this node, `<principal>.cert`, and revisions, `<number>.rev`: what the broker must not roll back. */
    trust: join(root, "trust"),
    revisions: join(root, "revisions"),
    /** What is revoked: records of the capability authority, `<hash>.revoked`. */
    revocations: join(root, "revocations"),
    secrets: join(root, "secrets"),
    brokerDirectory: join(root, "broker"),
    brokerConfig: join(root, "broker", "nats.conf"),
    /** Credentials of who keeps the broker's door, new at each start. */
    doorkeeperCreds: join(root, "broker", "doorkeeper.creds"),
    coreDirectory: join(root, "core"),
    logDirectory: join(root, "log"),
    nodeLog: join(root, "log", "node.log"),
    brokerLog: join(root, "log", "broker.log"),
    coreLog: join(root, "log", "core.log"),
    events: join(root, "log", "events"),
    run,
    lock: join(root, "lock"),
    /** Times up to which intents may have been accepted before a restart. */
    replayFloor: join(root, "replay-floor.json"),
    /** Damaged snapshots, for inspection. */
    quarantine: join(root, "quarantine"),
    /** What is parked until somebody starts it. */
    parked: join(root, "parked"),
    /** Dead letters that the broker has not taken yet. */
    deadLetters: join(root, "dead-letters"),
    /** Which intents were accepted lately, and what they were answered. */
    replayLog: join(root, "replay"),
    /** The node's last term, and what it has seen of its durable actors' commits: what the broker must not roll back. */
    term: join(root, "term"),
    marks: join(root, "marks"),
    coreSocket: join(run, "core.sock"),
  };
}

/** Sockets lie in the data directory, or, when its path is too long for one, in the system's temporary directory. */
function runDirectory(root: string): string {
  const inside = join(root, "run");
  if (join(inside, "core.sock").length <= MAX_SOCKET_PATH) return inside;
  return join(tmpdir(), `cell0-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
}
