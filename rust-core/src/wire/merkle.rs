//! Merkle proofs for a range of neighbouring leaves. Leaves and nodes are hashed
//! under different first bytes (RFC 9162, section 2.1); an odd last node moves up
//! unchanged, so the count of leaves is signed too.

use super::signing_input::{Hash, LEAF_DOMAIN, sha256};

/// Leaves of one batch.
pub const LEAVES_MAX: u32 = 4096;
/// Siblings of a range: two on each of twelve levels.
pub const PATH_NODES_MAX: usize = 24;

/// Hash of a capsule as a leaf.
#[must_use]
pub fn leaf(capsule: &[u8]) -> Hash {
    sha256(&[&[0], LEAF_DOMAIN, capsule])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root that leaves from `first` on and their path lead to; `None` when the path
/// is too short or too long, or the range lies outside.
#[must_use]
pub fn root_of_range(leaves: Vec<Hash>, first: u32, count: u32, path: &[Hash]) -> Option<Hash> {
    let size = u32::try_from(leaves.len()).ok()?;
    if size < 1 || count > LEAVES_MAX || first.checked_add(size)? > count {
        return None;
    }
    let mut level = leaves;
    let mut siblings = path.iter();
    let (mut from, mut width) = (first, count);
    while width > 1 {
        if from % 2 == 1 {
            level.insert(0, *siblings.next()?);
            from -= 1;
        }
        let to = from + u32::try_from(level.len()).ok()?;
        if to % 2 == 1 && to < width {
            level.push(*siblings.next()?);
        }
        level = parents(&level);
        from /= 2;
        width = width.div_ceil(2);
    }
    match siblings.next() {
        None => level.first().copied(),
        Some(_) => None,
    }
}

fn parents(level: &[Hash]) -> Vec<Hash> {
    level
        .chunks(2)
        .filter_map(|pair| match pair {
            [left, right] => Some(node(left, right)),
            [odd] => Some(*odd),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The path of a range, found from the whole tree.
    fn path_of(leaves: &[Hash], first: usize, size: usize) -> (Vec<Hash>, Hash) {
        let (mut level, mut path) = (leaves.to_vec(), Vec::new());
        let (mut from, mut to) = (first, first + size);
        while level.len() > 1 {
            if from % 2 == 1 {
                path.push(level[from - 1]);
            }
            if to % 2 == 1 && to < level.len() {
                path.push(level[to]);
            }
            level = parents(&level);
            (from, to) = (from / 2, to.div_ceil(2));
        }
        (path, level[0])
    }

    proptest! {
        #[test]
        fn a_range_leads_to_the_root_by_its_own_path_alone(
            count in 1..40_usize,
            first in 0..40_usize,
            size in 1..40_usize,
        ) {
            let first = first % count;
            let size = 1 + (size - 1) % (count - first);
            let leaves: Vec<Hash> = (0..count).map(|n| leaf(&n.to_be_bytes())).collect();
            let (path, root) = path_of(&leaves, first, size);
            let range = leaves[first..first + size].to_vec();
            let (first, count) = (u32::try_from(first).unwrap(), u32::try_from(count).unwrap());
            prop_assert_eq!(root_of_range(range.clone(), first, count, &path), Some(root));
            let longer = [&path[..], &[root]].concat();
            prop_assert_eq!(root_of_range(range.clone(), first, count, &longer), None);
            if let Some((_, shorter)) = path.split_last() {
                prop_assert_eq!(root_of_range(range, first, count, shorter), None);
            }
        }
    }
}
