// Every subject and stream name of a cell. Names are checked when a subject is
// made, so that no name can reach into another subject space, and a subject
// that arrives is parsed under the same rules.
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { type IntentAddress, isInbox, parseIntentAddress } from "../security/address.ts";
import { isActorPath, isToken, MAX_PATH_TOKENS } from "../security/names.ts";
import { SHARDS } from "../security/trust/genesis.ts";

const ROOT = "cell0.v1";
const EVENT_KIND = /^[A-Za-z0-9_-]{1,63}$/;

function invalid(what: string, where: string): CellError {
  return new CellError("BROKER_SUBJECT_INVALID", what, { where: where.slice(0, 128) });
}

function name(value: string, what: string): string {
  if (!isToken(value)) throw invalid(`the ${what} is not a token of [a-z0-9-] of at most 63`, value);
  return value;
}

/** `support/triage` -> `support.triage`. */
export function pathToTokens(path: string): string {
  if (!isActorPath(path)) {
    throw invalid(`the path is not 1 to ${MAX_PATH_TOKENS} tokens of [a-z0-9-] joined by '/'`, path);
  }
  return path.replaceAll("/", ".");
}

export const cellPrefix = (cell: string): string => `${ROOT}.${name(cell, "cell's name")}`;

/** Where `principal` publishes intents for the actor at `path`. */
export function intentSubject(cell: string, principal: string, path: string): string {
  return `${cellPrefix(cell)}.in.${name(principal, "principal")}.${pathToTokens(path)}`;
}

/** Who published it, and for whom; the broker lets nobody publish under another's name. */
export function parseIntentSubject(subject: string): Result<IntentAddress, CellError> {
  const address = parseIntentAddress(subject);
  return address === undefined ? err(invalid("not the subject of an intent", subject)) : ok(address);
}

/** Who published an intent, of a subject that need not be valid: the broker lets nobody publish under another's name. */
export const senderOf = (subject: string): string => subject.split(".", 5)[4] ?? "";

/** Intents of everybody to every actor. */
export const allIntents = (cell: string): string => `${cellPrefix(cell)}.in.>`;
/** Intents of everybody to one actor. */
export const actorIntents = (cell: string, path: string): string =>
  `${cellPrefix(cell)}.in.*.${pathToTokens(path)}`;
/** What one principal sends, of a subject for those of everybody; one that is a principal's already stays as it is. */
export const ofPrincipal = (subject: string, principal: string): string =>
  subject.replace(/(\.in\.)(?:\*\.|(>$))/, `$1${name(principal, "principal")}.$2`);
/** All that a principal may publish as intents. */
export const principalIntents = (cell: string, principal: string): string =>
  `${cellPrefix(cell)}.in.${name(principal, "principal")}.>`;

/** Every reply inbox of a principal begins with this and a dot. */
export const inboxPrefix = (cell: string, principal: string): string =>
  `${cellPrefix(cell)}.inbox.${name(principal, "principal")}`;
export const allInboxes = (cell: string): string => `${cellPrefix(cell)}.inbox.>`;
/** Prefix for stock NATS tools that make their own inboxes; a prefix of theirs may hold no dots in some. */
export const stockInboxPrefix = (principal: string): string => `_INBOX_${name(principal, "principal")}`;

function eventKind(kind: string): string {
  if (!EVENT_KIND.test(kind)) throw invalid("the event's kind is not a token", kind);
  return kind;
}
export const eventSubject = (cell: string, node: string, kind: string): string =>
  `${cellPrefix(cell)}.events.${name(node, "node's name")}.${eventKind(kind)}`;
/** @param filter events of one node, of one kind; all by default */
export function eventFilter(
  cell: string,
  filter: { readonly node?: string; readonly kind?: string } = {},
): string {
  if (filter.node === undefined && filter.kind === undefined) return `${cellPrefix(cell)}.events.>`;
  const node = filter.node === undefined ? "*" : name(filter.node, "node's name");
  const kind = filter.kind === undefined ? ">" : eventKind(filter.kind);
  return `${cellPrefix(cell)}.events.${node}.${kind}`;
}

export const trustStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_TRUST`;
export const allTrust = (cell: string): string => `${cellPrefix(cell)}.trust.>`;
export const trustSubject = (cell: string, principal: string): string =>
  `${cellPrefix(cell)}.trust.${name(principal, "principal")}`;

export const revisionsStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_REVISIONS`;
export const revisionsSubject = (cell: string): string => `${cellPrefix(cell)}.revisions`;

export const revocationsStreamName = (cell: string): string =>
  `CELL0_${name(cell, "cell's name")}_REVOCATIONS`;
export const allRevocations = (cell: string): string => `${cellPrefix(cell)}.revocations.*`;
/** Records that a node writes: its own, or another's that somebody lacks. */
export const revocationsSubject = (cell: string, node: string): string =>
  `${cellPrefix(cell)}.revocations.${name(node, "node's name")}`;
export const allRevocationsHeads = (cell: string): string => `${cellPrefix(cell)}.revocations-head.*`;
/** A node's word, as the capability authority, on which record it has. */
export const revocationsHeadSubject = (cell: string, node: string): string =>
  `${cellPrefix(cell)}.revocations-head.${name(node, "node's name")}`;
/** A node asks it to say so now. */
export const revocationsAskSubject = (cell: string): string => `${cellPrefix(cell)}.revocations-ask`;

export const mintedStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_MINTED`;
export const allMinted = (cell: string): string => `${cellPrefix(cell)}.minted.*`;
/** @param token hex of its hash */
export const mintedSubject = (cell: string, token: string): string =>
  `${cellPrefix(cell)}.minted.${tokenHash(token)}`;

export const spentStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_SPENT`;
export const allSpent = (cell: string): string => `${cellPrefix(cell)}.spent.*`;
/** @param token hex of the hash of a token that served once */
export const spentSubject = (cell: string, token: string): string =>
  `${cellPrefix(cell)}.spent.${tokenHash(token)}`;

export const countedStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_COUNTED`;
export const allCounted = (cell: string): string => `${cellPrefix(cell)}.counted.*`;
/** @param token hex of the hash of a token whose uses are counted */
export const countedSubject = (cell: string, token: string): string =>
  `${cellPrefix(cell)}.counted.${tokenHash(token)}`;

function tokenHash(token: string): string {
  if (!/^[0-9a-f]{64}$/.test(token)) throw invalid("not the hash of a token", token);
  return token;
}

export const deadLettersStreamName = (cell: string): string =>
  `CELL0_${name(cell, "cell's name")}_DEADLETTERS`;
export const allDeadLetters = (cell: string): string => `${cellPrefix(cell)}.deadletter.>`;
/** Of the actor that the intent killed. */
export const deadLetterSubject = (cell: string, path: string): string =>
  `${cellPrefix(cell)}.deadletter.${pathToTokens(path)}`;

/** Answered by every node with the certificates that the cell's replies are verified by. */
export const trustBundleSubject = (cell: string): string => `${cellPrefix(cell)}.trust-bundle`;

const STOCK_INBOX = /^_INBOX(?:_[a-z0-9-]{1,63})?\.[A-Za-z0-9_.-]{1,200}$/;
/**
 * Whether a node may answer there. The reply subject of a NATS message is its
 * sender's choice, and a node may publish to much that the sender may not.
 */
export const isAnswerable = (cell: string, subject: string): boolean =>
  STOCK_INBOX.test(subject) || (isInbox(subject) && subject.startsWith(`${cellPrefix(cell)}.inbox.`));

/** Whose inbox it is: `_INBOX_ann.x` is ann's, as is `cell0.v1.<cell>.inbox.ann.x`; `_INBOX.x` is nobody's. */
export const inboxOwner = (inbox: string): string =>
  inbox.startsWith("_INBOX")
    ? (inbox.split(".", 1)[0] ?? "").slice("_INBOX_".length)
    : (inbox.split(".", 5)[4] ?? "");

function shardToken(shard: number): string {
  if (Number.isInteger(shard) && shard >= 0 && shard < SHARDS) return String(shard);
  throw invalid("no such shard", String(shard));
}

export const journalStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_JOURNAL`;
export const allJournals = (cell: string): string => `${cellPrefix(cell)}.journal.*`;
export const journalSubject = (cell: string, shard: number): string =>
  `${cellPrefix(cell)}.journal.${shardToken(shard)}`;

export const stateStreamName = (cell: string): string => `CELL0_${name(cell, "cell's name")}_STATE`;
export const allStates = (cell: string): string => `${cellPrefix(cell)}.state.>`;
export const shardStates = (cell: string, shard: number): string =>
  `${cellPrefix(cell)}.state.${shardToken(shard)}.>`;
/** Commits of the actor at `path`. */
export const stateSubject = (cell: string, shard: number, path: string): string =>
  `${cellPrefix(cell)}.state.${shardToken(shard)}.${pathToTokens(path)}`;

export function parseStateSubject(
  cell: string,
  subject: string,
): { readonly shard: number; readonly path: string } | undefined {
  const prefix = `${cellPrefix(cell)}.state.`;
  if (!subject.startsWith(prefix)) return undefined;
  const [shard = "", ...tokens] = subject.slice(prefix.length).split(".");
  const path = tokens.join("/");
  if (!/^[0-9]{1,3}$/.test(shard) || Number(shard) >= SHARDS || !isActorPath(path)) return undefined;
  return { shard: Number(shard), path };
}
