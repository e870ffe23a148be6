// `cell0 cap list`: what manifests grant, and what the capability authority has minted and revoked.
import type { CapabilitiesReport, GrantedRow, MintedRow } from "../actors/kernel/reports.ts";
import { limitTexts } from "../runtime/limit-text.ts";
import { NEVER_UNIX_MS } from "../security/capability/manifest-capability.ts";
import type { Colors, Context } from "./context.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";

const MAX_SHOWN = 100;

export async function list(context: Context): Promise<ExitCode> {
  const report = await (await context.kernel()).capabilities();
  const tables = [grantedTable, mintedTable, scopeTable, revokedTable].flatMap(
    (table) => table(report, context.colors) ?? [],
  );
  if (report.unread !== undefined) context.note(`What was minted could not be read: ${report.unread}`);
  if (tables.length > 0) context.print(tables.join("\n\n"));
  else context.note("Nothing is granted or was minted, and nothing is revoked, that has not ended.");
  context.printJson(report);
  return exitCodes.ok;
}

function grantedTable({ granted, grantedInAll }: CapabilitiesReport, colors: Colors): string | undefined {
  if (granted.length === 0) return undefined;
  const shown = granted.slice(0, MAX_SHOWN);
  const table = renderTable(
    shown,
    [
      { title: "GRANTED", value: ({ hash, revoked }) => (revoked ? colors.red(hash) : hash) },
      { title: "HOLDER", value: ({ kind, holder }) => plain(kind === "actor" ? holder : `client ${holder}`) },
      { title: "MAY SEND", value: (row) => plain(granting(row)) },
      { title: "SCOPE", value: ({ scope }) => plain(scope) },
      {
        title: "",
        value: ({ revoked }) => (revoked ? colors.red("revoked") : colors.green("counts")),
      },
    ],
    colors,
  );
  const more = grantedInAll - shown.length;
  return more === 0 ? table : `${table}\n${colors.dim(`and ${more} more: --json has the first 1,000`)}`;
}

const granting = ({ grants, tools }: GrantedRow): string =>
  grants.length + tools.length === 0
    ? "nothing by its manifest"
    : [
        ...grants.map(({ intents, targets }) => `${intents.join(", ")} to ${targets.join(", ")}`),
        ...tools,
      ].join("; or ");

function mintedTable({ minted }: CapabilitiesReport, colors: Colors): string | undefined {
  if (minted.length === 0) return undefined;
  const shown = minted.slice(-MAX_SHOWN);
  const table = renderTable(
    shown,
    [
      { title: "MINTED", value: ({ hash, revoked }) => (revoked ? colors.red(hash) : hash) },
      { title: "HOLDER", value: (row) => plain(holderOf(row)) },
      { title: "KIND", value: ({ kind }) => plain(kind) },
      { title: "MAY SEND", value: (row) => plain(describe(row)) },
      { title: "SCOPE", value: ({ scope }) => plain(scope) },
      { title: "UNTIL (UTC)", value: ({ notAfterUnixMs }) => formatTime(notAfterUnixMs) },
      { title: "BY", value: ({ author }) => plain(author) },
      {
        title: "",
        value: (row) => stateOf(row, colors),
      },
    ],
    colors,
  );
  const more = minted.length - shown.length;
  return more === 0 ? table : `${table}\n${colors.dim(`and ${more} older ones: --json`)}`;
}

const holderOf = ({ holder, client, actor }: MintedRow): string =>
  client ?? actor ?? `key ${holder.slice(0, 16)}`;

/** Whether it is approved only the token itself says. */
function stateOf({ revoked, once, approval, ...row }: MintedRow, colors: Colors): string {
  if (revoked) return colors.red("revoked");
  if (approval !== undefined) return `needs ${approval.needed} of ${approval.approvers.length} approvals`;
  const limits = limitTexts(row);
  if (limits.length > 0) return limits.join(", ");
  return once ? "once" : colors.green("counts");
}

const describe = ({ permissions }: MintedRow): string =>
  permissions
    .map(({ intents, targets, where }) =>
      [`${intents.join(", ")} to ${targets.join(", ")}`, ...where.map((each) => `where ${each}`)].join(" "),
    )
    .join("; or ");

const endOf = (unixMs: number): string => (unixMs >= NEVER_UNIX_MS ? "with its epoch" : formatTime(unixMs));

function scopeTable({ scopes }: CapabilitiesReport, colors: Colors): string | undefined {
  if (scopes.length === 0) return undefined;
  return renderTable(
    scopes,
    [
      { title: "SCOPE", value: ({ scope }) => plain(scope) },
      { title: "EPOCH", align: "right", value: ({ epoch }) => String(epoch) },
    ],
    colors,
  );
}

function revokedTable({ tokens }: CapabilitiesReport, colors: Colors): string | undefined {
  if (tokens.length === 0) return undefined;
  return renderTable(
    tokens,
    [
      { title: "REVOKED TOKEN", value: ({ hash }) => plain(hash) },
      { title: "SCOPE", value: ({ terms }) => plain(terms?.scope ?? "-") },
      {
        title: "ENDS BY ITSELF (UTC)",
        value: ({ terms }) => (terms === undefined ? colors.dim("not known") : endOf(terms.notAfterUnixMs)),
      },
    ],
    colors,
  );
}
