// The ordered children of a supervisor: a persistent table, so that `decide` stays pure
// while one change among 10,000 children copies some 200 references, not 10,000.

const CHUNK = 64;

export type ChildTable<T> = {
  readonly size: number;
  readonly index: ReadonlyMap<string, number>;
  readonly chunks: readonly (readonly T[])[];
};

export function tableOf<T>(entries: Iterable<readonly [path: string, value: T]>): ChildTable<T> {
  const index = new Map<string, number>();
  const chunks: T[][] = [];
  for (const [path, value] of entries) {
    const at = index.size;
    if (index.has(path)) throw new RangeError(`two children at ${path}`);
    index.set(path, at);
    if (at % CHUNK === 0) chunks.push([]);
    chunks.at(-1)?.push(value);
  }
  return { size: index.size, index, chunks };
}

export function childAt<T>(table: ChildTable<T>, position: number): T | undefined {
  return table.chunks[Math.floor(position / CHUNK)]?.[position % CHUNK];
}

export function findChild<T>(table: ChildTable<T>, path: string): T | undefined {
  const at = table.index.get(path);
  return at === undefined ? undefined : childAt(table, at);
}

/** Replaces the value of a path that the table holds. */
export function withChild<T>(table: ChildTable<T>, path: string, value: T): ChildTable<T> {
  const at = table.index.get(path);
  if (at === undefined) throw new RangeError(`no child at ${path}`);
  const block = Math.floor(at / CHUNK);
  const chunk = table.chunks[block] ?? [];
  return { ...table, chunks: table.chunks.with(block, chunk.with(at % CHUNK, value)) };
}

/** In start order. */
export function* entriesOf<T>(table: ChildTable<T>): Generator<readonly [string, T]> {
  let at = 0;
  for (const path of table.index.keys()) {
    const value = childAt(table, at++);
    if (value !== undefined) yield [path, value];
  }
}
