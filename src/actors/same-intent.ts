// Whether two deliveries are of one intent. An id is its sender's own choice: under the
// same id another sender's is another intent, and never gets what the first is answered.
import type { IntentRef } from "./intent.ts";

type Named = Pick<IntentRef, "id" | "hash" | "principal" | "source">;

/** Who sent it: an actor by its path, a client by its name. */
export const senderOf = ({ principal, source }: Pick<IntentRef, "principal" | "source">): string =>
  source === "" ? `client ${principal}` : `actor ${source}`;

/** Unique for each sender and id. */
export const intentKey = (intent: Pick<IntentRef, "id" | "principal" | "source">): string =>
  `${senderOf(intent)} ${intent.id}`;

/** What an actor relays again is signed anew, and so has another hash. */
export const isSameIntent = (a: Named, b: Named): boolean =>
  intentKey(a) === intentKey(b) && (a.source !== "" || a.hash === b.hash);
