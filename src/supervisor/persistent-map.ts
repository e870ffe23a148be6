// A map by string that is never changed: setting a key copies a few dozen references, not
// the whole. A hash trie of 32 branches a level, after P. Bagwell, "Ideal Hash Trees"
// (2001), without the compression of its branches. It lets `decide` stay pure while a
// supervisor takes children on and lets them go by the thousand.

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

type Leaf<T> = { readonly key: string; readonly value: T };
/** Entries whose hashes agree as far as this level goes. */
type Node<T> =
  | { readonly leaves: readonly Leaf<T>[] }
  | { readonly branches: readonly (Node<T> | undefined)[] };

export type PersistentMap<T> = { readonly size: number; readonly root: Node<T> };

const MAX_LEAVES = 8;
/** Beyond it every bit of the hash is used. */
const MAX_SHIFT = 30;

const EMPTY: PersistentMap<never> = { size: 0, root: { leaves: [] } };

export const emptyMap = <T>(): PersistentMap<T> => EMPTY;

export function getIn<T>(map: PersistentMap<T>, key: string): T | undefined {
  const hash = hashOf(key);
  let node: Node<T> | undefined = map.root;
  for (let shift = 0; node !== undefined; shift += BITS) {
    if ("leaves" in node) return node.leaves.find((leaf) => leaf.key === key)?.value;
    node = node.branches[(hash >>> shift) & MASK];
  }
  return undefined;
}

export function setIn<T>(map: PersistentMap<T>, key: string, value: T): PersistentMap<T> {
  const isNew = getIn(map, key) === undefined;
  return { size: map.size + (isNew ? 1 : 0), root: put(map.root, { key, value }, hashOf(key), 0) };
}

export function removeIn<T>(map: PersistentMap<T>, key: string): PersistentMap<T> {
  if (getIn(map, key) === undefined) return map;
  return { size: map.size - 1, root: without(map.root, key, hashOf(key), 0) };
}

function put<T>(node: Node<T> | undefined, leaf: Leaf<T>, hash: number, shift: number): Node<T> {
  if (node === undefined) return { leaves: [leaf] };
  if ("branches" in node) {
    const at = (hash >>> shift) & MASK;
    return { branches: node.branches.with(at, put(node.branches[at], leaf, hash, shift + BITS)) };
  }
  const leaves = [...node.leaves.filter(({ key }) => key !== leaf.key), leaf];
  return leaves.length <= MAX_LEAVES || shift > MAX_SHIFT ? { leaves } : split(leaves, shift);
}

function split<T>(leaves: readonly Leaf<T>[], shift: number): Node<T> {
  const branches = new Array<Node<T> | undefined>(WIDTH).fill(undefined);
  for (const leaf of leaves) {
    const hash = hashOf(leaf.key);
    const at = (hash >>> shift) & MASK;
    branches[at] = put(branches[at], leaf, hash, shift + BITS);
  }
  return { branches };
}

function without<T>(node: Node<T>, key: string, hash: number, shift: number): Node<T> {
  if ("leaves" in node) return { leaves: node.leaves.filter((leaf) => leaf.key !== key) };
  const at = (hash >>> shift) & MASK;
  const branch = node.branches[at];
  if (branch === undefined) return node;
  return { branches: node.branches.with(at, without(branch, key, hash, shift + BITS)) };
}

/** FNV-1a, 32 bits, its bits mixed once more so that the low ones differ too. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
