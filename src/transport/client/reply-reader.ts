// Bytes off an inbox -> verified replies, in order on each inbox. A reply from a
// node that is not known yet waits, with those behind it on its inbox, while the
// cell's certificates are asked for once; what is still unknown then is dropped.
// A verified reply that begins its stream follows nothing, and waits for nobody's.
import type { CellError } from "../../errors/cell-error.ts";
import type { Result } from "../../errors/result.ts";
import { type OpenedReply, openReplies } from "../../security/replies/open-replies.ts";
import type { Certificate } from "../../security/trust/certificate.ts";
import { VerifiedRoots } from "../../security/wire/verify-envelope.ts";

export type ReplyTrustSource = {
  readonly genesisHash: Uint8Array;
  byKey(key: Uint8Array, nowUnixMs: number): Result<Certificate, CellError>;
  /** Learns of new certificates; never rejects. Absent: the source is always up to date. */
  refresh?(): Promise<void>;
};

export type InboxMessage = { readonly subject: string; readonly data: Uint8Array };

export type ReplyReaderOptions = {
  readonly trust: ReplyTrustSource;
  readonly nowUnixMs: () => number;
  readonly onReplies: (subject: string, replies: readonly OpenedReply[]) => void;
  /** A message that is dropped. */
  readonly onDropped: (subject: string, error: CellError) => void;
};

export type ReplyReader = { read(message: InboxMessage): void };

/** Messages that wait for certificates. */
const MAX_WAITING = 4096;

export function createReplyReader(options: ReplyReaderOptions): ReplyReader {
  const { trust, nowUnixMs, onReplies, onDropped } = options;
  const roots = new VerifiedRoots();
  const waiting: InboxMessage[] = [];
  const inboxesHeld = new Set<string>();

  /** Whether the message is done with; always, when it is its last chance. */
  const handle = ({ subject, data }: InboxMessage, lastChance: boolean): boolean => {
    const opened = openReplies(data, subject, { genesisHash: trust.genesisHash, trust, roots }, nowUnixMs());
    const isBehind = !lastChance && inboxesHeld.has(subject);
    if (opened.ok && isBehind && opened.value.some(({ index }) => index > 0)) return false;
    if (opened.ok) onReplies(subject, opened.value);
    else if (!lastChance && isTrustFault(opened.error)) return false;
    else onDropped(subject, opened.error);
    return true;
  };

  const refresh = async (): Promise<void> => {
    await trust.refresh?.();
    inboxesHeld.clear();
    for (const message of waiting.splice(0)) handle(message, true);
  };

  return {
    read(message) {
      const full = trust.refresh === undefined || waiting.length >= MAX_WAITING;
      if (handle(message, full)) return;
      inboxesHeld.add(message.subject);
      waiting.push(message);
      if (waiting.length === 1) void refresh();
    },
  };
}

/** What newer certificates may mend. */
const isTrustFault = ({ code }: CellError): boolean => code.startsWith("AUTHORITY_");
