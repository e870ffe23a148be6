//! The narrower rule by which nodes judge the links of capabilities and their
//! approvals: OpenSSL's, without keys and R of small order. It recomputes R without
//! the cofactor and compares bytes (RFC 8032, section 5.1.7), and so refuses some
//! signatures that the rule of `signature` admits: those that only a deliberate
//! signer makes. What it accepts, that rule accepts.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

use crate::signature::is_small_order;

/// Whether the signature is the key's, by this rule.
#[must_use]
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    recomputed(key, message, signature)
        .is_some_and(|r| signature.first_chunk::<32>() == Some(r.as_bytes()))
}

/// R as the key, the message and S make it: S * B - SHA-512(R, key, message) * key.
fn recomputed(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<CompressedEdwardsY> {
    let r = signature.first_chunk::<32>()?;
    if is_small_order(key) || is_small_order(r) {
        return None;
    }
    let point = CompressedEdwardsY(*key).decompress()?;
    let s = signature.last_chunk::<32>()?;
    // None where S is not below the order of the group.
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(key);
    hash.update(message);
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    Some(EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &-point, &s).compress())
}
