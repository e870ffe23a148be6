// Writes docs/errors.md (one table an area) and docs/errors/<CODE>.md (one page a code) from
// the error registry. A test fails when they are not what this makes.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ErrorDefinition, RetryAdvice } from "../src/errors/error-definition.ts";
import { errorRegistry } from "../src/errors/registry.ts";
import { checkout } from "./setup/paths.mjs";
import { setupErrors } from "./setup/setup-error.mjs";

type Coded = readonly [code: string, definition: ErrorDefinition];

/** What each area speaks of; the area is a code's first word. */
const areas: Readonly<Record<string, string>> = {
  SETUP: "Setting up a checkout, before there is a cell",
  CLI: "The command line",
  CELL: "A cell's data directory, start and stop",
  MANIFEST: "Manifests and plans",
  CAPSULE: "Intent capsules and their way through the intake",
  AUTHORITY: "Who may send what to whom",
  CAPABILITY: "Capability tokens",
  ACTOR: "Actors, mailboxes and behaviours",
  TOOL: "The kernel's tools: http.fetch, fs.read, fs.list, fs.write, exec",
  SUPERVISOR: "The supervisor tree",
  STATE: "What durable actors keep",
  BROKER: "NATS",
  CORE: "The Rust core",
  DRILL: "Drills",
};

const ADVICE: Readonly<Record<RetryAdvice, { readonly short: string; readonly long: string }>> = {
  never: { short: "no", long: "The same request will fail again until something is changed." },
  anew: {
    short: "anew",
    long: "The same may succeed later, as a new request; the client library leaves that to the program.",
  },
  backoff: {
    short: "later and later",
    long: "The same may succeed later. Of an intent that was refused with it the client library sends the same capsule again by itself, later and later, until its deadline.",
  },
};

/** Content by path below docs/. Throws when a code belongs to no area above. */
export function errorPages(): Map<string, string> {
  const coded = Object.entries({ ...setupErrors, ...errorRegistry } satisfies Record<
    string,
    ErrorDefinition
  >);
  const unknown = coded.find(([code]) => !(areaOf(code) in areas));
  if (unknown) throw new Error(`${unknown[0]} belongs to no area; name it in scripts/generate-errors.ts`);
  const pages = new Map([["errors.md", index(coded)]]);
  for (const [code, definition] of coded) pages.set(join("errors", `${code}.md`), page(code, definition));
  return pages;
}

function index(coded: readonly Coded[]): string {
  const lines = [
    "# Error codes",
    "",
    "<!-- Made by `npm run generate` from the error registry; do not edit. -->",
    "",
    "A code is stable: scripts and clients in other languages may match on it. Every error is shown as",
    "`CODE: what; where; what to do`, and travels as the same code in a signed reply.",
    "",
    "Try again: `no`, not before something is changed; `anew`, as a new request, if that is wanted; `later and",
    "later`, after the time that the error states, then twice as long each time. On the wire the three are",
    "`retryable` false, true, and true with a `retry_after_ms`. What was refused so the client library sends again",
    "by itself (`retry: false` in its options, `--no-retry`: it does not).",
  ];
  for (const [area, title] of Object.entries(areas)) {
    const own = coded.filter(([code]) => areaOf(code) === area).sort(([a], [b]) => (a < b ? -1 : 1));
    if (own.length === 0) continue;
    lines.push("", `## ${title}`, "", "| code | what went wrong | try again |", "| --- | --- | --- |");
    for (const [code, { title: what, retry }] of own) {
      lines.push(`| [${code}](errors/${code}.md) | ${cell(what)} | ${ADVICE[retry].short} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function page(code: string, { title, cause, remedy, retry }: ErrorDefinition): string {
  return [
    `# ${code}`,
    "",
    "<!-- Made by `npm run generate` from the error registry; do not edit. -->",
    "",
    `**What went wrong:** ${sentence(title)}`,
    "",
    `**Why:** ${sentence(cause)}`,
    "",
    `**What to do:** ${sentence(remedy)}`,
    "",
    `**Try again?** ${ADVICE[retry].long}`,
    "",
    "[All codes](../errors.md)",
    "",
  ].join("\n");
}

function areaOf(code: string): string {
  return code.slice(0, code.indexOf("_"));
}

function sentence(text: string): string {
  const capital = /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\.$/, "");
}

function writePages(folder: string): void {
  const pages = errorPages();
  mkdirSync(join(folder, "errors"), { recursive: true });
  for (const name of readdirSync(join(folder, "errors"))) {
    if (!pages.has(join("errors", name))) rmSync(join(folder, "errors", name));
  }
  for (const [path, content] of pages) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

if (import.meta.main) writePages(join(checkout.root, "docs"));
