//! The exact bytes under each signature, as the .proto files state them. A domain
//! tag with its trailing NUL begins each, so that no signature serves twice.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// `ALGORITHM_ED25519`, as the one byte that is signed.
const ED25519: [u8; 1] = [1];

/// Hashes what stands before the leaves of a batch.
pub(super) const LEAF_DOMAIN: &[u8] = b"cell0/v1/leaf\0";

/// Hashes parts as if they were one.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Of one capsule.
#[must_use]
pub fn single(genesis: &Hash, issuer: &[u8], capsule: &Hash) -> Vec<u8> {
    [
        b"cell0/v1/capsule\0",
        &genesis[..],
        &ED25519,
        issuer,
        capsule,
    ]
    .concat()
}

/// Of a batch of so many capsules, by the root of their tree.
#[must_use]
pub fn batch(genesis: &Hash, issuer: &[u8], number: u64, count: u32, root: &[u8]) -> Vec<u8> {
    let (number, count) = (number.to_be_bytes(), count.to_be_bytes());
    let head = [b"cell0/v1/batch\0", &genesis[..], &ED25519, issuer];
    [&head.concat()[..], &number, &count, root].concat()
}

/// Of a certificate.
#[must_use]
pub fn certificate(genesis: &Hash, body: &[u8]) -> Vec<u8> {
    [b"cell0/v1/certificate\0", &genesis[..], &sha256(&[body])].concat()
}

/// Of a certificate, by the key that its key follows.
#[must_use]
pub fn continuity(genesis: &Hash, body: &[u8]) -> Vec<u8> {
    [b"cell0/v1/continuity\0", &genesis[..], &sha256(&[body])].concat()
}

/// Of a link of a capability chain.
#[must_use]
pub fn capability(genesis: &Hash, issuer: &[u8], token: &Hash) -> Vec<u8> {
    [
        b"cell0/v1/capability\0",
        &genesis[..],
        &ED25519,
        issuer,
        token,
    ]
    .concat()
}

/// Not signed: its SHA-256 names an actor as the holder of a token.
#[must_use]
pub fn actor_holder(genesis: &Hash, path: &str) -> Vec<u8> {
    [b"cell0/v1/actor-holder\0", &genesis[..], path.as_bytes()].concat()
}

/// Of an approval of such a link.
#[must_use]
pub fn approval(genesis: &Hash, approver: &[u8], token: &Hash) -> Vec<u8> {
    [
        b"cell0/v1/approval\0",
        &genesis[..],
        &ED25519,
        approver,
        token,
    ]
    .concat()
}
