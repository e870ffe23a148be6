// `cell0 get actor PATH`: all about one actor, with the schemas of its intents.
import type { Command } from "commander";
import type { ActorReport, RestartRow } from "../actors/kernel/reports.ts";
import { formatMicro } from "../manifest/price.ts";
import type { Colors, Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatBytes, formatLatency, formatTime, formatUptime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { nodeOf } from "./locate-node.ts";
import { alignRows } from "./render/table.ts";
import { padEnd, plain } from "./render/text.ts";
import { renderStatus } from "./render/tree.ts";
import { action } from "./session.ts";
import { watching, watchOption } from "./watching.ts";

export function registerGetActor(get: Command): void {
  const command = get
    .command("actor")
    .description(
      "Show one actor or supervisor: state, behaviour, intents with their schemas, grants, restarts.",
    )
    .argument("<path>", "its path")
    .addOption(watchOption())
    .action(
      action(async (context, path: string, options: { readonly watch?: number | true }) =>
        watching(context, options.watch, () => printActor(context, path)),
      ),
    );
  documented(command, {
    examples: [["cell0 get actor hello/greeter", "what it accepts and how it fares"]],
    exits: ["refused", "unreachable"],
  });
}

async function printActor(context: Context, path: string): Promise<ExitCode> {
  const kernel = await context.kernel();
  const report = await kernel.actor(await nodeOf(kernel, path), path);
  context.print(renderActor(report, context.terminal.now(), context.colors));
  context.printJson(report);
  return exitCodes.ok;
}

export function renderActor(report: ActorReport, nowUnixMs: number, colors: Colors): string {
  const rows: [string, string][] = [
    [
      "status",
      `${renderStatus(report.status, colors)}${report.reason === undefined ? "" : `  ${plain(report.reason)}`}`,
    ],
    ["state", plain(report.state || "-")],
    ["node", `${plain(report.node)}${report.shard === undefined ? "" : `, shard ${report.shard}`}`],
    ["restarts", String(report.restarts)],
  ];
  if (report.startedAtUnixMs !== undefined) {
    const up = formatUptime(nowUnixMs - report.startedAtUnixMs);
    rows.push(["started", `${formatTime(report.startedAtUnixMs)} UTC, ${up} ago`]);
  }
  if (report.incarnation !== undefined) {
    rows.push(["incarnation", `${report.incarnation.term}.${report.incarnation.activation}`]);
  }
  rows.push(...keptRows(report, nowUnixMs));
  if (report.mailboxDepth !== undefined) {
    rows.push(["mailbox", `${report.mailboxDepth} of ${report.mailboxBound ?? "?"}`]);
    rows.push(["intents", `${report.handled ?? 0} handled, ${report.refused ?? 0} refused`]);
  }
  if (report.behaviour !== undefined) rows.push(["behaviour", plain(report.behaviour)]);
  if (report.codeHash !== undefined) rows.push(["code", plain(report.codeHash.slice(0, 16))]);
  if (report.bound !== undefined) rows.push(["isolation", plain(report.bound)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const head = rows.map(([name, value]) => `  ${colors.dim(padEnd(name, width))}  ${value}`);
  return [
    colors.bold(plain(report.path)),
    ...head,
    ...intentLines(report, colors),
    ...grantLines(report, colors),
    ...toolGrantLines(report),
    ...historyLines(report.history, colors),
  ].join("\n");
}

function keptRows({ durable, kept }: ActorReport, nowUnixMs: number): readonly [string, string][] {
  if (kept === undefined) return durable === undefined ? [] : [["durable", plain(durable)]];
  const { commit, incarnation, applied, stateBytes, waiting, wakeAtUnixMs } = kept;
  const places = Object.entries(applied ?? {}).filter(([, place]) => place > 0);
  const by = incarnation === undefined ? "" : ` by ${incarnation.term}.${incarnation.activation}`;
  return [
    ["durable", `yes${durable === "awake" || durable === "asleep" ? `, ${durable}` : ""}`],
    ["commit", commit === 0 ? "none" : `${commit}${by}, ${formatBytes(stateBytes)}`],
    ["applied", places.map(([priority, place]) => `${plain(priority)} ${place}`).join(", ") || "nothing"],
    ["waiting", String(waiting)],
    ...(wakeAtUnixMs === undefined ? [] : [["wakes", wakesAt(wakeAtUnixMs, nowUnixMs)] as [string, string]]),
  ];
}

function wakesAt(atUnixMs: number, nowUnixMs: number): string {
  const inMs = atUnixMs - nowUnixMs;
  return `${formatTime(atUnixMs)} UTC${inMs > 0 ? `, in ${formatUptime(inMs)}` : ""}`;
}

function intentLines({ intents, prices = {} }: ActorReport, colors: Colors): readonly string[] {
  const entries = Object.entries(intents ?? {});
  if (entries.length === 0) return [];
  const lines = entries.flatMap(([type, { payload, reply }]) => [
    `  ${colors.cyan(plain(type))}`,
    `    payload  ${describeSchema(payload)}`,
    ...(reply === undefined ? [] : [`    reply    ${describeSchema(reply)}`]),
    ...(Object.hasOwn(prices, type) ? [`    cost     ${formatMicro(prices[type] ?? 0)}`] : []),
  ]);
  return ["", "intents", ...lines];
}

function grantLines({ grants }: ActorReport, colors: Colors): readonly string[] {
  if (grants === undefined || grants.length === 0) return [];
  const lines = grants.map(
    ({ intents, targets }) =>
      `  ${plain(intents.join(", "))} ${colors.dim("to")} ${plain(targets.join(", "))}`,
  );
  return ["", "may send", ...lines];
}

function toolGrantLines({ tools }: ActorReport): readonly string[] {
  return tools === undefined || tools.length === 0
    ? []
    : ["", "tools", ...tools.map((line) => `  ${plain(line)}`)];
}

function historyLines(history: readonly RestartRow[], colors: Colors): readonly string[] {
  if (history.length === 0) return [];
  const rows = history.map(({ atUnixMs, class: failureClass, cause, elapsedUs, backoffMs }) => {
    const prefix = `${failureClass}: `;
    const why = cause.startsWith(prefix) ? cause.slice(prefix.length) : cause;
    const waited = backoffMs === undefined ? "" : `, ${formatLatency(backoffMs)} of it backoff`;
    const took = elapsedUs === undefined ? "" : `in ${formatLatency(elapsedUs / 1_000)}${waited}`;
    return [colors.dim(formatTime(atUnixMs)), plain(failureClass ?? "-"), took, plain(why)];
  });
  const lines = alignRows(rows, []).map((line) => `  ${line}`);
  return ["", "restarts", ...lines];
}

/** A JSON Schema on one line, as TypeScript would write it; what it cannot say stays JSON. */
export function describeSchema(schema: unknown, depth = 0): string {
  if (typeof schema !== "object" || schema === null || depth > 6)
    return plain(JSON.stringify(schema) ?? "anything");
  const { type, properties, required, items, enum: choices, anyOf, const: only } = new SchemaView(schema);
  if (only !== undefined) return plain(JSON.stringify(only));
  if (Array.isArray(choices)) return choices.map((each) => plain(JSON.stringify(each))).join(" | ");
  if (Array.isArray(anyOf)) return anyOf.map((each) => describeSchema(each, depth + 1)).join(" | ");
  if (type === "object") {
    const names = new Set(Array.isArray(required) ? required : []);
    const fields = Object.entries(properties ?? {}).map(
      ([name, value]) => `${plain(name)}${names.has(name) ? "" : "?"}: ${describeSchema(value, depth + 1)}`,
    );
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  if (type === "array") return `${grouped(describeSchema(items ?? {}, depth + 1))}[]`;
  return typeof type === "string" ? plain(type) : "anything";
}

const grouped = (type: string): string =>
  type.includes(" | ") && !type.startsWith("{") ? `(${type})` : type;

class SchemaView {
  readonly type: unknown;
  readonly properties: object | undefined;
  readonly required: unknown;
  readonly items: unknown;
  readonly enum: unknown;
  readonly anyOf: unknown;
  readonly const: unknown;
  constructor(schema: object) {
    const read = (name: string): unknown => Reflect.get(schema, name);
    const properties = read("properties");
    this.type = read("type");
    this.properties = typeof properties === "object" && properties !== null ? properties : undefined;
    this.required = read("required");
    this.items = read("items");
    this.enum = read("enum");
    this.anyOf = read("anyOf");
    this.const = read("const");
  }
}
