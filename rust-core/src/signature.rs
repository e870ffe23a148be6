//! The one rule by which every verifier of Cell 0 judges an Ed25519 signature:
//! ZIP215 (<https://zips.z.cash/zip-0215>) minus small-order public keys. Under
//! ZIP215 a batch and a single verification always agree; a small-order key is
//! refused because a signature under it says nothing about its message.

use bytes::Bytes;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::batch::{Item, Verifier as Equation};
use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes};
use getrandom::SysRng;
use rand_core::UnwrapErr;

/// Signatures that share one batch equation. One bad signature costs the single
/// verification of its group; the gain of larger groups is small.
pub const GROUP_MAX: usize = 128;

/// The y coordinates of the points of small order in every encoding that ZIP215
/// accepts, without the sign bit: 0, 1, p - 1, the two of order 8, then 0 and 1
/// once more as p and p + 1.
const SMALL_ORDER_Y: [[u8; 32]; 7] = [
    low(0x00),
    low(0x01),
    high(0xec),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    high(0xed),
    high(0xee),
];

const fn low(first: u8) -> [u8; 32] {
    let mut y = [0; 32];
    y[0] = first;
    y
}

const fn high(first: u8) -> [u8; 32] {
    let mut y = [0xff; 32];
    y[0] = first;
    y[31] = 0x7f;
    y
}

/// One signature to verify.
#[derive(Clone, Debug)]
pub struct Check {
    /// Public key; 32 bytes, or it is malformed.
    pub public_key: Bytes,
    /// What is signed.
    pub message: Bytes,
    /// Signature; 64 bytes, or it is malformed.
    pub signature: Bytes,
}

/// What is found of one signature. The key is judged before the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The holder of the key signed the message.
    Valid,
    /// Right in form, but it does not verify.
    Invalid,
    /// The key is not 32 bytes, or not a point of the curve.
    MalformedKey,
    /// The key is a point of small order, under which anything verifies.
    SmallOrderKey,
    /// The signature is not 64 bytes.
    MalformedSignature,
}

/// Whether these bytes encode a point of small order, canonically or not.
#[must_use]
pub fn is_small_order(key: &[u8; 32]) -> bool {
    let mut y = *key;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

/// Whether these bytes are the one canonical encoding of a point that is not of
/// small order: the only keys that a validator may have, since a point with two
/// encodings could vote twice.
#[must_use]
pub fn is_canonical_key(key: &[u8; 32]) -> bool {
    let encoded = CompressedEdwardsY(*key);
    !is_small_order(key)
        && encoded
            .decompress()
            .is_some_and(|point| point.compress() == encoded)
}

/// Verifies one signature.
#[must_use]
pub fn verify(check: &Check) -> Verdict {
    match admit(check) {
        Err(verdict) => verdict,
        Ok((key, signature)) => verify_admitted(key, &signature, &check.message),
    }
}

/// Verifies many signatures; one verdict each, in order. A group whose batch
/// equation fails is verified one by one, so that each verdict stands alone.
#[must_use]
pub fn verify_many(checks: &[Check]) -> Vec<Verdict> {
    checks.chunks(GROUP_MAX).flat_map(verify_group).collect()
}

fn verify_group(checks: &[Check]) -> Vec<Verdict> {
    let admitted: Vec<_> = checks.iter().map(admit).collect();
    let mut equation = Equation::new();
    for (check, outcome) in checks.iter().zip(&admitted) {
        if let Ok((key, signature)) = outcome {
            equation.queue(Item::from((*key, *signature, &check.message)));
        }
    }
    // Without entropy the batch proves nothing: the process ends instead.
    let all_valid = equation.verify(UnwrapErr(SysRng)).is_ok();
    checks
        .iter()
        .zip(admitted)
        .map(|(check, outcome)| match outcome {
            Err(verdict) => verdict,
            Ok(_) if all_valid => Verdict::Valid,
            Ok((key, signature)) => verify_admitted(key, &signature, &check.message),
        })
        .collect()
}

/// Judges the form of a key and a signature, without the curve where it can.
fn admit(check: &Check) -> Result<(VerificationKeyBytes, Signature), Verdict> {
    let key: [u8; 32] = check
        .public_key
        .as_ref()
        .try_into()
        .map_err(|_| Verdict::MalformedKey)?;
    if is_small_order(&key) {
        return Err(Verdict::SmallOrderKey);
    }
    match <[u8; 64]>::try_from(check.signature.as_ref()) {
        Ok(signature) => Ok((key.into(), signature.into())),
        Err(_) if VerificationKey::try_from(key).is_err() => Err(Verdict::MalformedKey),
        Err(_) => Err(Verdict::MalformedSignature),
    }
}

fn verify_admitted(key: VerificationKeyBytes, signature: &Signature, message: &[u8]) -> Verdict {
    match VerificationKey::try_from(key) {
        Err(_) => Verdict::MalformedKey,
        Ok(key) if key.verify(signature, message).is_ok() => Verdict::Valid,
        Ok(_) => Verdict::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;

    use super::*;

    #[test]
    fn every_encoding_of_every_small_order_point_is_known() {
        for point in EIGHT_TORSION {
            assert!(is_small_order(&point.compress().to_bytes()));
        }
        for y in SMALL_ORDER_Y {
            for sign in [0x00, 0x80] {
                let mut encoding = y;
                encoding[31] |= sign;
                let point = CompressedEdwardsY(encoding).decompress();
                assert!(point.is_some_and(|point| point.is_small_order()));
            }
        }
    }

    #[test]
    fn no_other_encoding_of_a_small_y_is_of_small_order() {
        for first in 0..=u8::MAX {
            for y in [low(first), high(first)] {
                let small = CompressedEdwardsY(y)
                    .decompress()
                    .is_some_and(|point| point.is_small_order());
                assert_eq!(is_small_order(&y), small, "{y:02x?}");
            }
        }
    }

    #[test]
    fn a_point_encoded_above_the_prime_is_no_canonical_key() {
        // y = 3 + p is the highest encoding of the point with y = 3.
        let reencoded = (0xed..=0xff)
            .map(high)
            .filter(|y| CompressedEdwardsY(*y).decompress().is_some());
        for y in reencoded {
            assert!(!is_canonical_key(&y), "{y:02x?}");
        }
    }
}
