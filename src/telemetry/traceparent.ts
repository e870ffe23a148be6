// W3C Trace Context, version 00: which trace a capsule belongs to and which span sent it.
// Arbitrary text is either a valid context or none; nothing in between gets through.
import { randomView } from "./random-pool.ts";

export type TraceParent = {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero. */
  readonly spanId: string;
  readonly sampled: boolean;
};

const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_LENGTH = 256;

/** A later version is read as far as this one goes, as the specification asks. */
export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  if (text === undefined || text.length > MAX_LENGTH) return undefined;
  const [, version, traceId, spanId, flags, rest] = FORM.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** A new span of the same trace; the root of a new, sampled trace where there is none. */
export function childTraceparent(parent: string | undefined): string {
  const known = parseTraceparent(parent);
  if (known === undefined) return newTraceparent();
  return formatTraceparent({ ...known, spanId: randomHex(8) });
}

/**
 * A trace for an intent that came without one: named after its root intent, so that all that
 * follows from one is one trace, whoever begins it. Nothing is drawn.
 * @param ids in hex, 32 digits each; others get a trace of their own
 */
export function traceparentOf({ rootId, id }: { readonly rootId: string; readonly id: string }): string {
  const spanId = id.slice(16);
  const isFit = rootId.length === 32 && spanId.length === 16 && rootId !== NO_TRACE && spanId !== NO_SPAN;
  return isFit ? `00-${rootId}-${spanId}-01` : newTraceparent();
}

/** Drawn at once: most intents of a node that exports nothing begin a trace. */
function newTraceparent(): string {
  const hex = randomView(24).toString("hex");
  const traceId = hex.slice(0, 32);
  const spanId = hex.slice(32);
  return traceId === NO_TRACE || spanId === NO_SPAN ? newTraceparent() : `00-${traceId}-${spanId}-01`;
}

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

function randomHex(bytes: number): string {
  const hex = randomView(bytes).toString("hex");
  return /[^0]/.test(hex) ? hex : randomHex(bytes);
}
