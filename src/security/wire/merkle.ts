// Merkle trees over a batch of capsules, and proofs for a range of neighbouring
// leaves. Leaves and nodes are hashed under different first bytes (RFC 9162,
// section 2.1); an odd last node moves up unchanged, so the count is signed too.
import { sha256 } from "../bytes.ts";
import { LEAF_DOMAIN } from "./signing-input.ts";

export const MAX_LEAVES = 4096;
/** Two siblings on each of twelve levels. */
export const MAX_PATH_NODES = 24;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (capsule: Uint8Array): Uint8Array => sha256(LEAF, LEAF_DOMAIN, capsule);
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

/** All levels, leaves first, the root alone in the last. */
export type Tree = readonly (readonly Uint8Array[])[];

/** @param leaves 1 to 4,096 leaf hashes */
export function buildTree(leaves: readonly Uint8Array[]): Tree {
  if (leaves.length < 1 || leaves.length > MAX_LEAVES) throw new RangeError("a batch has 1 to 4,096 leaves");
  const levels = [leaves];
  for (let level = leaves; level.length > 1; ) {
    level = parents(level);
    levels.push(level);
  }
  return levels;
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = nodeAt(level, at);
    const right = level[at + 1];
    above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

export function rootOf(tree: Tree): Uint8Array {
  return nodeAt(tree[tree.length - 1] ?? [], 0);
}

/** Siblings that lead from leaves [first, first + size) to the root: bottom up, left before right. */
export function rangePath(tree: Tree, first: number, size: number): Uint8Array[] {
  const leaves = tree[0]?.length ?? 0;
  if (size < 1 || first < 0 || first + size > leaves) throw new RangeError("no such range of leaves");
  const path: Uint8Array[] = [];
  let from = first;
  let to = first + size;
  for (const level of tree.slice(0, -1)) {
    if (from % 2 === 1) path.push(nodeAt(level, from - 1));
    if (to % 2 === 1 && to < level.length) path.push(nodeAt(level, to));
    from >>= 1;
    to = (to + 1) >> 1;
  }
  return path;
}

/** The root that a range and its path lead to; undefined when the path is too short, too long, or the range lies outside. */
export function rootFromRange(
  leaves: readonly Uint8Array[],
  first: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isInteger(first) || !Number.isInteger(count) || count > MAX_LEAVES) return undefined;
  if (leaves.length < 1 || first < 0 || first + leaves.length > count) return undefined;
  let level = [...leaves];
  let from = first;
  let used = 0;
  for (let width = count; width > 1; width = (width + 1) >> 1) {
    if (from % 2 === 1) {
      const left = path[used++];
      if (left === undefined) return undefined;
      level.unshift(left);
      from -= 1;
    }
    const to = from + level.length;
    if (to % 2 === 1 && to < width) {
      const right = path[used++];
      if (right === undefined) return undefined;
      level.push(right);
    }
    level = parents(level);
    from >>= 1;
  }
  return used === path.length ? level[0] : undefined;
}

function nodeAt(level: readonly Uint8Array[], at: number): Uint8Array {
  const node = level[at];
  if (node === undefined) throw new RangeError("no such node");
  return node;
}
