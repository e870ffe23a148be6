// Syntax of the names under a signature. Every pattern is linear in the text's
// length, because separators and token characters are disjoint.

export const MAX_PATH_TOKENS = 8;
export const MAX_PATH_LENGTH = 512;
export const MAX_INTENT_LENGTH = 255;

const TOKEN = /^[a-z0-9-]{1,63}$/;
const PATH = /^[a-z0-9-]{1,63}(?:\/[a-z0-9-]{1,63}){0,7}$/;
const INTENT_TYPE = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,7}$/;

/** A cell's or principal's name. */
export const isToken = (text: string): boolean => TOKEN.test(text);

/** The last ones found to be so: capsule after capsule names the same. */
const known = { path: "", intentType: "" };

/** Path of an actor, e.g. `support/triage`. */
export function isActorPath(text: string): boolean {
  if (text === known.path && text !== "") return true;
  if (text.length > MAX_PATH_LENGTH || !PATH.test(text)) return false;
  known.path = text;
  return true;
}

/** E.g. `ticket.open`. */
export function isIntentType(text: string): boolean {
  if (text === known.intentType && text !== "") return true;
  if (text.length > MAX_INTENT_LENGTH || !INTENT_TYPE.test(text)) return false;
  known.intentType = text;
  return true;
}
