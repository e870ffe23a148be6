// Graphs on their way in: uploaded in parts, complete when their hash is right.
// Bounded in number, size and time, since whoever uploads may never finish.
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { longWork } from "../actors/in-hand.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Graph } from "../manifest/graph.ts";
import { decodeGraph } from "../manifest/graph-schema.ts";

const MAX_STAGED = 16;
/** Of all uploads together. */
const MAX_STAGED_BYTES = 64 * 1024 * 1024;
const KEPT_MS = 600_000;
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

export type StagedPart = {
  /** SHA-256 of the gzipped whole, hex. */
  readonly hash: string;
  readonly index: number;
  readonly count: number;
  readonly data: Uint8Array;
};

type Upload = {
  readonly count: number;
  readonly parts: Map<number, Uint8Array>;
  bytes: number;
  touchedMs: number;
};

export class Staging {
  /** The one touched last stands last. */
  readonly #uploads = new Map<string, Upload>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** True when all parts are there. Throws CELL_GRAPH_NOT_STAGED when parts contradict each other. */
  add({ hash, index, count, data }: StagedPart): boolean {
    const upload = this.#uploads.get(hash) ?? { count, parts: new Map(), bytes: 0, touchedMs: 0 };
    if (upload.count !== count || index >= count) {
      throw new CellError(
        "CELL_GRAPH_NOT_STAGED",
        `part ${index} of ${count} does not fit the parts before it`,
      );
    }
    upload.bytes += data.length - (upload.parts.get(index)?.length ?? 0);
    upload.parts.set(index, data);
    this.#touch(hash, upload);
    this.#sweep();
    return upload.parts.size === count;
  }

  /** Throws CELL_GRAPH_NOT_STAGED, MANIFEST_GRAPH_INVALID. */
  graph(hash: string): Graph {
    const upload = this.#uploads.get(hash);
    if (upload === undefined || upload.parts.size < upload.count)
      throw new CellError("CELL_GRAPH_NOT_STAGED");
    const packed = Buffer.concat(
      Array.from({ length: upload.count }, (_, index) => upload.parts.get(index) ?? new Uint8Array()),
    );
    if (createHash("sha256").update(packed).digest("hex") !== hash) {
      this.#uploads.delete(hash);
      throw new CellError("CELL_GRAPH_NOT_STAGED", "what arrived does not match its hash");
    }
    this.#touch(hash, upload);
    const graph = longWork(() => decodeGraph(unpack(packed)));
    if (!graph.ok) throw graph.error;
    return graph.value;
  }

  #touch(hash: string, upload: Upload): void {
    upload.touchedMs = this.#nowMs();
    this.#uploads.delete(hash);
    this.#uploads.set(hash, upload);
  }

  /** Forgets what is old, and for lack of room what was touched longest ago; never the upload in hand. */
  #sweep(): void {
    const now = this.#nowMs();
    let bytes = [...this.#uploads.values()].reduce((sum, upload) => sum + upload.bytes, 0);
    for (const [hash, upload] of this.#uploads) {
      const crowded = this.#uploads.size > MAX_STAGED || (bytes > MAX_STAGED_BYTES && this.#uploads.size > 1);
      if (!crowded && now - upload.touchedMs <= KEPT_MS) return;
      this.#uploads.delete(hash);
      bytes -= upload.bytes;
    }
  }
}

/** Its sender says what it is; whatever it is instead is that sender's mistake, not a failure of who unpacks it. */
function unpack(packed: Uint8Array): unknown {
  try {
    return JSON.parse(gunzipSync(packed, { maxOutputLength: MAX_GRAPH_BYTES }).toString("utf8"));
  } catch (cause) {
    throw new CellError("MANIFEST_GRAPH_INVALID", "what was uploaded is no gzipped JSON of at most 64 MiB", {
      cause,
    });
  }
}
