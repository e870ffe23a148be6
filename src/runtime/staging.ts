// Graphs on their way in: uploaded in parts, complete when their hash is right.
// Bounded in number, size and time, since whoever uploads may never finish.
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { CellError } from "../errors/cell-error.ts";
import type { Graph } from "../manifest/graph.ts";
import { decodeGraph } from "../manifest/graph-schema.ts";

const MAX_STAGED = 16;
const KEPT_MS = 600_000;
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

export type StagedPart = {
  /** SHA-256 of the gzipped whole, hex. */
  readonly hash: string;
  readonly index: number;
  readonly count: number;
  readonly data: Uint8Array;
};

type Upload = { readonly count: number; readonly parts: Map<number, Uint8Array>; touchedMs: number };

export class Staging {
  readonly #uploads = new Map<string, Upload>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** True when all parts are there. Throws CELL_GRAPH_NOT_STAGED when parts contradict each other. */
  add({ hash, index, count, data }: StagedPart): boolean {
    this.#sweep();
    const upload = this.#uploads.get(hash) ?? { count, parts: new Map<number, Uint8Array>(), touchedMs: 0 };
    if (upload.count !== count || index >= count) {
      throw new CellError(
        "CELL_GRAPH_NOT_STAGED",
        `part ${index} of ${count} does not fit the parts before it`,
      );
    }
    upload.parts.set(index, data);
    upload.touchedMs = this.#nowMs();
    this.#uploads.set(hash, upload);
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
    upload.touchedMs = this.#nowMs();
    const json: unknown = JSON.parse(
      gunzipSync(packed, { maxOutputLength: MAX_GRAPH_BYTES }).toString("utf8"),
    );
    const graph = decodeGraph(json);
    if (!graph.ok) throw graph.error;
    return graph.value;
  }

  #sweep(): void {
    const now = this.#nowMs();
    for (const [hash, { touchedMs }] of this.#uploads) {
      if (now - touchedMs > KEPT_MS || this.#uploads.size >= MAX_STAGED) this.#uploads.delete(hash);
      else break;
    }
  }
}
