// Bytes off an inbox -> verified replies, in the order of their coming. A reply
// from a node that is not known yet waits, with all behind it, while the cell's
// certificates are asked for once; what is still unknown then is dropped.
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
  let waiting: InboxMessage[] | undefined;

  const open = ({ subject, data }: InboxMessage) =>
    openReplies(data, subject, { genesisHash: trust.genesisHash, trust, roots }, nowUnixMs());

  /** Whether the message is done with. */
  const handle = (message: InboxMessage, last: boolean): boolean => {
    const opened = open(message);
    if (opened.ok) onReplies(message.subject, opened.value);
    else if (!last && isTrustFault(opened.error)) return false;
    else onDropped(message.subject, opened.error);
    return true;
  };

  const refreshFor = async (first: InboxMessage, refresh: () => Promise<void>): Promise<void> => {
    waiting = [first];
    await refresh();
    const held = waiting;
    waiting = undefined;
    for (const message of held) handle(message, true);
  };

  return {
    read(message) {
      if (waiting !== undefined && waiting.length < MAX_WAITING) {
        waiting.push(message);
        return;
      }
      const { refresh } = trust;
      if (refresh === undefined || waiting !== undefined) handle(message, true);
      else if (!handle(message, false)) void refreshFor(message, () => refresh.call(trust));
    },
  };
}

/** What newer certificates may mend. */
const isTrustFault = ({ code }: CellError): boolean => code.startsWith("AUTHORITY_");
