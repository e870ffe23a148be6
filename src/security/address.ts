// Where capsules travel, as far as a signature or a verdict depends on it: the
// subject of an intent and the inboxes that belong to a principal.
import { isActorPath, isToken } from "./names.ts";

const MAX_SUBJECT_LENGTH = 700;
const MAX_INBOX_LENGTH = 255;
const INTENT_SUBJECT = /^cell0\.v1\.([a-z0-9-]{1,63})\.in\.([a-z0-9-]{1,63})\.([a-z0-9.-]{1,512})$/;
/** What follows a principal's prefix; NATS clients make mixed-case tokens. No wildcard, no empty token. */
const INBOX_REST = /^[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,3}$/;
const INBOX = /^cell0\.v1\.([a-z0-9-]{1,63})\.inbox\.([a-z0-9-]{1,63})\.([A-Za-z0-9_.-]{1,200})$/;

export type IntentAddress = { readonly cell: string; readonly principal: string; readonly target: string };

export function parseIntentAddress(subject: string): IntentAddress | undefined {
  if (subject.length > MAX_SUBJECT_LENGTH) return undefined;
  const [, cell, principal, tokens] = INTENT_SUBJECT.exec(subject) ?? [];
  if (cell === undefined || principal === undefined || tokens === undefined) return undefined;
  const target = tokens.replaceAll(".", "/");
  return isActorPath(target) ? { cell, principal, target } : undefined;
}

/** With its last dot, so that `inbox.ann` is no prefix of `inbox.anna.x`. */
export const inboxPrefixOf = (cell: string, principal: string): string =>
  `cell0.v1.${cell}.inbox.${principal}.`;

/** The last one found to be an inbox: a sender names the same one again and again. */
let knownInbox = "";

/** Whether a subject is an inbox of any principal of any cell; says nothing of whose. */
export function isInbox(subject: string): boolean {
  if (subject === knownInbox) return subject !== "";
  if (subject.length > MAX_INBOX_LENGTH) return false;
  const rest = INBOX.exec(subject)?.[3];
  if (rest === undefined || !INBOX_REST.test(rest)) return false;
  knownInbox = subject;
  return true;
}

export function isInboxOf(cell: string, principal: string, subject: string): boolean {
  return below(inboxPrefixOf(cell, principal), subject);
}

/** NATS tools may put `_INBOX_<principal>` before their inboxes; the broker lets only that principal listen there. */
export function isStockInboxOf(principal: string, subject: string): boolean {
  return isToken(principal) && below(`_INBOX_${principal}.`, subject);
}

const STOCK_INBOX = /^_INBOX_([a-z0-9-]{1,63})\./;

/** The same of any principal: where what could not be read is refused, for there no inbox could be read either. */
export const isStockInbox = (subject: string): boolean =>
  isStockInboxOf(STOCK_INBOX.exec(subject)?.[1] ?? "", subject);

function below(prefix: string, subject: string): boolean {
  return (
    subject.length <= MAX_INBOX_LENGTH &&
    subject.startsWith(prefix) &&
    INBOX_REST.test(subject.slice(prefix.length))
  );
}
