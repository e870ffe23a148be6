// The ordered children of a supervisor: a persistent table, so that `decide` stays pure
// while one change among 10,000 children copies some 200 references, not 10,000. A child
// that leaves leaves a gap; gaps are closed once they are as many as the children.
import { emptyMap, getIn, type PersistentMap, removeIn, setIn } from "./persistent-map.ts";

const CHUNK = 64;
const MIN_GAPS = 64;

export type ChildTable<T> = {
  /** Children that there are. */
  readonly size: number;
  /** Positions in use, gaps included. */
  readonly length: number;
  readonly index: PersistentMap<number>;
  readonly chunks: readonly (readonly (readonly [path: string, value: T] | undefined)[])[];
};

export function tableOf<T>(entries: Iterable<readonly [path: string, value: T]>): ChildTable<T> {
  let index = emptyMap<number>();
  const chunks: (readonly [string, T])[][] = [];
  let length = 0;
  for (const entry of entries) {
    if (getIn(index, entry[0]) !== undefined) throw new RangeError(`two children at ${entry[0]}`);
    index = setIn(index, entry[0], length);
    if (length % CHUNK === 0) chunks.push([]);
    chunks.at(-1)?.push(entry);
    length += 1;
  }
  return { size: length, length, index, chunks };
}

/** Undefined for a gap. */
export function childAt<T>(table: ChildTable<T>, position: number): T | undefined {
  return table.chunks[Math.floor(position / CHUNK)]?.[position % CHUNK]?.[1];
}

export function positionOf<T>(table: ChildTable<T>, path: string): number | undefined {
  return getIn(table.index, path);
}

export function findChild<T>(table: ChildTable<T>, path: string): T | undefined {
  const at = positionOf(table, path);
  return at === undefined ? undefined : childAt(table, at);
}

/** Replaces the value of a path that the table holds. */
export function withChild<T>(table: ChildTable<T>, path: string, value: T): ChildTable<T> {
  const at = positionOf(table, path);
  if (at === undefined) throw new RangeError(`no child at ${path}`);
  return { ...table, chunks: replaced(table.chunks, at, [path, value]) };
}

/** Adds a path that the table does not hold, last. */
export function withNewChild<T>(table: ChildTable<T>, path: string, value: T): ChildTable<T> {
  if (positionOf(table, path) !== undefined) throw new RangeError(`two children at ${path}`);
  const { length, chunks } = table;
  const entry = [path, value] as const;
  const last = chunks.at(-1);
  const grown =
    length % CHUNK === 0 || last === undefined
      ? [...chunks, [entry]]
      : chunks.with(chunks.length - 1, [...last, entry]);
  return { size: table.size + 1, length: length + 1, index: setIn(table.index, path, length), chunks: grown };
}

/** Its position stays empty: all others keep theirs. */
export function withoutChild<T>(table: ChildTable<T>, path: string): ChildTable<T> {
  const at = positionOf(table, path);
  if (at === undefined) return table;
  const chunks = replaced(table.chunks, at, undefined);
  return { size: table.size - 1, length: table.length, index: removeIn(table.index, path), chunks };
}

/** Closes the gaps once they are many; all positions change then. */
export function compacted<T>(table: ChildTable<T>): ChildTable<T> {
  return table.length - table.size > Math.max(MIN_GAPS, table.size) ? tableOf(entriesOf(table)) : table;
}

/** In start order. */
export function* entriesOf<T>(table: ChildTable<T>): Generator<readonly [string, T]> {
  for (const chunk of table.chunks) for (const entry of chunk) if (entry !== undefined) yield entry;
}

function replaced<T>(
  chunks: readonly (readonly T[])[],
  position: number,
  value: T,
): readonly (readonly T[])[] {
  const block = Math.floor(position / CHUNK);
  return chunks.with(block, (chunks[block] ?? []).with(position % CHUNK, value));
}
