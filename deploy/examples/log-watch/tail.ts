// Follows a file as it grows, also when it is cut off or replaced: hands over
// whole lines, in order, in batches.
import { open, stat } from "node:fs/promises";

const POLL_MS = 100;
const READ_BYTES = 64 * 1024;
/** A longer line is cut: it is no log line. */
const MAX_LINE = 16 * 1024;
const BATCH_LINES = 100;

/** @returns what ends it */
export function tail(
  file: URL,
  onLines: (lines: readonly string[]) => void,
  onError: (error: unknown) => void,
): () => void {
  const stopping = new AbortController();
  void follow(file, onLines, stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted) onError(error);
  });
  return () => stopping.abort();
}

async function follow(
  file: URL,
  onLines: (lines: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let offset = 0;
  let inode = 0;
  let rest = "";
  while (!signal.aborted) {
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && (found.ino !== inode || found.size < offset)) {
      inode = found.ino;
      offset = 0;
      rest = "";
    }
    if (found === undefined || found.size === offset) {
      await pause(signal);
      continue;
    }
    const text = await readFrom(file, offset);
    offset += Buffer.byteLength(text, "latin1");
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (let at = 0; at < lines.length; at += BATCH_LINES) onLines(lines.slice(at, at + BATCH_LINES));
  }
}

/** Up to the last whole line that one read reaches; without one, what there is. */
async function readFrom(file: URL, offset: number): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, offset);
    const bytes = buffer.subarray(0, bytesRead);
    const end = bytes.lastIndexOf(0x0a) + 1;
    return bytes.subarray(0, end === 0 ? bytesRead : end).toString("latin1");
  } finally {
    await handle.close();
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
