// What lies in a data directory: who can read it, which keys are there, whether
// they fit and how long they are valid.
import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import type { DataDir } from "../runtime/data-dir.ts";
import { readGenesisFile, readTrust } from "./cell-keys.ts";
import { checkDirectory } from "./check-directory.ts";
import type { Context } from "./context.ts";
import { bad, type CheckResult, checked, good, note } from "./doctor-check.ts";
import { formatTime } from "./duration.ts";
import { counted } from "./render/text.ts";

const SOON_MS = 14 * 86_400_000;
/** A broker's storage may hold many files; its directory's own permissions keep others out. */
const NOT_ENTERED: ReadonlySet<string> = new Set(["broker", "cache"]);
const GROUP_OR_OTHERS = 0o077;

export async function directoryChecks(context: Context): Promise<readonly CheckResult[]> {
  const { dir, terminal } = context;
  return [
    await checked("permissions", `Run \`chmod -R go-rwx ${dir.root}\`.`, () => checkPermissions(dir)),
    await checked("keys", "Restore them from a backup.", () => checkKeys(dir)),
    await checked("records", "Restore the directory from a backup.", async () => {
      const { certificates, revisions, secrets } = await checkDirectory(dir.root);
      const parts = [
        counted(certificates, "certificate"),
        counted(revisions, "revision"),
        counted(secrets, "secret"),
      ];
      return good("records", `${parts.join(", ")}; every signature and hash holds`);
    }),
    ...(await certificateChecks(dir, terminal.now())),
  ];
}

async function checkPermissions(dir: DataDir): Promise<CheckResult> {
  const open: string[] = [];
  const foreign: string[] = [];
  await visit(dir.root, dir.root, open, foreign);
  if (foreign.length > 0) {
    return bad(
      "permissions",
      `not owned by you: ${some(foreign)}`,
      `Run as the owner, or \`chown -R\` ${dir.root}.`,
    );
  }
  if (open.length === 0) return good("permissions", "only you can read it");
  const what = `others can read ${some(open)}`;
  return bad("permissions", what, `Run \`chmod -R go-rwx ${dir.root}\`.`);
}

async function visit(root: string, path: string, open: string[], foreign: string[]): Promise<void> {
  const entry = await lstat(path);
  if (entry.isSymbolicLink()) return;
  const name = relative(root, path) || ".";
  if (!entry.isSocket() && (entry.mode & GROUP_OR_OTHERS) !== 0) open.push(name);
  if (process.getuid !== undefined && entry.uid !== process.getuid()) foreign.push(name);
  if (!entry.isDirectory() || NOT_ENTERED.has(name)) return;
  // A directory that nobody else can enter still may hold what a copy would expose.
  for (const child of await readdir(path)) await visit(root, join(path, child), open, foreign);
}

const some = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;

async function checkKeys(dir: DataDir): Promise<CheckResult> {
  const { broker } = await readCellConfig(dir);
  // A node that joined has its own identity and nothing to certify others with.
  const needed = broker.embedded
    ? [dir.issuerKey, dir.brokerAuthority, dir.nodeCreds, dir.operatorCreds]
    : [dir.nodeCreds];
  const missing: string[] = [];
  for (const path of needed) if (!(await isThere(path))) missing.push(relative(dir.root, path));
  if (missing.length > 0)
    return bad("keys", `missing: ${missing.join(", ")}`, new CellError("CELL_KEY_DAMAGED").remedy);
  if (await isThere(dir.genesisKey)) {
    return note("keys", "all here, the genesis key too; take it offline: cell0 keys genesis --export FILE");
  }
  return good(
    "keys",
    broker.embedded ? "all here; the genesis key is offline" : "this node's identity is here",
  );
}

const isThere = async (path: string): Promise<boolean> =>
  await lstat(path).then(
    () => true,
    () => false,
  );

async function certificateChecks(dir: DataDir, nowUnixMs: number): Promise<readonly CheckResult[]> {
  const remedy = "Make a new one: `cell0 node add NAME --replace`, `cell0 client add NAME --replace`.";
  try {
    const { node } = await readCellConfig(dir);
    const trust = await readTrust(dir, await readGenesisFile(dir));
    const standings = trust.snapshot(nowUnixMs).filter(({ certificate }) => !certificate.revoked);
    const void_ = standings.filter(({ fault }) => fault !== undefined);
    const soon = standings.filter(
      ({ certificate, fault }) => fault === undefined && certificate.notAfterUnixMs - nowUnixMs < SOON_MS,
    );
    const own = trust.byPrincipal(node, nowUnixMs);
    if (!own.ok)
      return [bad("certificates", `this node's certificate: ${own.error.message}`, own.error.remedy)];
    if (void_.length > 0) {
      const names = void_.map(({ certificate, fault }) => `${certificate.principal} (${fault?.code ?? ""})`);
      return [bad("certificates", `not valid: ${some(names)}`, remedy)];
    }
    if (soon.length > 0) {
      const names = soon.map(
        ({ certificate }) => `${certificate.principal} at ${formatTime(certificate.notAfterUnixMs)}`,
      );
      return [note("certificates", `they end soon: ${some(names)}`)];
    }
    return [good("certificates", `${counted(standings.length, "principal")}, all valid`)];
  } catch (thrown) {
    return [bad("certificates", thrown instanceof Error ? thrown.message : String(thrown), remedy)];
  }
}
