//! Certificates: valid with a quorum's votes, void with a single wrong one.

use bytes::Bytes;
use cell0_core::certificate::{
    Certificate, Finding, Judgement, SUBJECT_BYTES_MAX, Vote, open, signing_bytes,
};
use cell0_core::quorum::{ValidatorSet, Weight};
use cell0_core::signature::verify_many;
use ed25519_zebra::{SigningKey, VerificationKey};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

pub(crate) const GENESIS: [u8; 32] = [9; 32];
pub(crate) const DECISION: [u8; 32] = [4; 32];
pub(crate) const SUBJECT: &str = "shard-owner/17";

pub(crate) fn signer(seed: u8) -> SigningKey {
    SigningKey::from([seed + 1; 32])
}

pub(crate) fn public(key: &SigningKey) -> Vec<u8> {
    Vec::from(<[u8; 32]>::from(VerificationKey::from(key)))
}

/// A certificate at height 3, round 1, signed by these.
pub(crate) fn certificate(signers: &[u8]) -> Certificate {
    let message = signing_bytes(&GENESIS, 3, 1, SUBJECT, &DECISION);
    Certificate {
        genesis_hash: Bytes::copy_from_slice(&GENESIS),
        height: 3,
        round: 1,
        subject: SUBJECT.to_owned(),
        decision_hash: Bytes::copy_from_slice(&DECISION),
        votes: signers
            .iter()
            .map(|seed| Vote {
                validator: public(&signer(*seed)).into(),
                signature: Bytes::copy_from_slice(&signer(*seed).sign(&message).to_bytes()),
            })
            .collect(),
    }
}

fn set(weights: &[u64]) -> ValidatorSet {
    let list: Vec<_> = (0..)
        .zip(weights)
        .map(|(seed, weight)| (public(&signer(seed)), Weight(*weight)))
        .collect();
    ValidatorSet::new(&list).unwrap()
}

fn judge(certificate: &Certificate, set: &ValidatorSet) -> Judgement {
    match open(certificate, set, Some(&GENESIS)) {
        Err(refused) => refused,
        Ok(mut hearing) => {
            let verdicts = verify_many(&hearing.take_checks());
            hearing.judge(&verdicts)
        }
    }
}

#[test]
fn what_a_vote_signs_is_what_the_wire_says() {
    let bytes = signing_bytes(&GENESIS, 0x0102, 0x03, "s", &DECISION);
    let mut expected = b"cell0/v1/vote\0".to_vec();
    expected.extend(GENESIS);
    expected.extend([0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
    expected.extend(Sha256::digest(b"s"));
    expected.extend(DECISION);
    assert_eq!(bytes, expected);
}

#[test]
fn a_quorum_counts_by_weight_and_not_by_heads() {
    let seven = set(&[1; 7]);
    let lopsided = set(&[10, 1, 1, 1]);
    for (set, signers, finding, signed) in [
        (&seven, &[0, 1, 2, 3, 4][..], Finding::Valid, 5),
        (&seven, &[6, 5, 4, 3, 2, 1, 0], Finding::Valid, 7),
        (&seven, &[0, 1, 2, 3], Finding::BelowQuorum, 4),
        (&seven, &[], Finding::BelowQuorum, 0),
        (&lopsided, &[0], Finding::Valid, 10),
        (&lopsided, &[1, 2, 3], Finding::BelowQuorum, 3),
    ] {
        let judgement = judge(&certificate(signers), set);
        assert_eq!(
            (judgement.finding, judgement.signed),
            (finding, Weight(signed)),
            "{signers:?}"
        );
        assert_eq!(judgement.offending_vote, None);
        assert_eq!(judgement.reason.is_empty(), finding == Finding::Valid);
    }
}

#[test]
fn one_wrong_vote_voids_a_certificate_that_has_its_quorum() {
    let four = set(&[1; 4]);
    let full = || certificate(&[0, 1, 2, 3]);
    let with_vote = |change: &dyn Fn(&mut Certificate)| {
        let mut certificate = full();
        change(&mut certificate);
        certificate
    };
    let message = signing_bytes(&GENESIS, 3, 1, SUBJECT, &DECISION);
    let cases = [
        (
            "a duplicate",
            certificate(&[0, 1, 2, 3, 1]),
            Finding::DuplicateVote,
            4,
            4,
        ),
        (
            "a stranger",
            certificate(&[0, 9, 1, 2]),
            Finding::UnknownValidator,
            1,
            3,
        ),
        (
            "a short key",
            with_vote(&|c| c.votes[2].validator.truncate(31)),
            Finding::Malformed,
            2,
            3,
        ),
        (
            "a short signature",
            with_vote(&|c| c.votes[0].signature.truncate(63)),
            Finding::Malformed,
            0,
            3,
        ),
        (
            "another's signature",
            with_vote(&|c| {
                c.votes[3].signature = Bytes::copy_from_slice(&signer(0).sign(&message).to_bytes())
            }),
            Finding::InvalidSignature,
            3,
            3,
        ),
        (
            "the first of two faults",
            certificate(&[0, 9, 0, 1, 2]),
            Finding::UnknownValidator,
            1,
            3,
        ),
    ];
    for (name, certificate, finding, at, signed) in cases {
        let judgement = judge(&certificate, &four);
        assert_eq!(judgement.finding, finding, "{name}");
        assert_eq!(judgement.offending_vote, Some(at), "{name}");
        assert_eq!(judgement.signed, Weight(signed), "{name}");
    }
}

#[test]
fn a_certificate_of_the_wrong_form_or_cell_is_refused_before_its_votes() {
    let four = set(&[1; 4]);
    let changed = |change: &dyn Fn(&mut Certificate)| {
        let mut certificate = certificate(&[0, 1, 2]);
        change(&mut certificate);
        certificate
    };
    for (name, certificate, finding) in [
        (
            "no genesis",
            changed(&|c| c.genesis_hash.clear()),
            Finding::Malformed,
        ),
        (
            "another genesis",
            changed(&|c| c.genesis_hash = vec![1; 32].into()),
            Finding::WrongGenesis,
        ),
        (
            "no decision",
            changed(&|c| c.decision_hash.truncate(16)),
            Finding::Malformed,
        ),
        (
            "no subject",
            changed(&|c| c.subject.clear()),
            Finding::Malformed,
        ),
        (
            "a long subject",
            changed(&|c| c.subject = "s".repeat(SUBJECT_BYTES_MAX + 1)),
            Finding::Malformed,
        ),
        (
            "too many votes",
            changed(&|c| c.votes = vec![Vote::default(); 1025]),
            Finding::Malformed,
        ),
    ] {
        let judgement = judge(&certificate, &four);
        assert_eq!(judgement.finding, finding, "{name}");
        assert_eq!(
            (judgement.signed, judgement.offending_vote),
            (Weight(0), None),
            "{name}"
        );
    }
}

#[test]
fn a_missing_verdict_counts_as_an_invalid_signature() {
    let mut hearing =
        open(&certificate(&[0, 1, 2]), &set(&[1; 4]), None).unwrap_or_else(|_| panic!("opens"));
    let mut verdicts = verify_many(&hearing.take_checks());
    verdicts.pop();
    assert_eq!(hearing.judge(&verdicts).finding, Finding::InvalidSignature);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_certificate_with_one_bit_of_a_vote_tampered_with_is_never_valid(
        votes in 3..=4_u8,
        vote in 0..4_usize,
        byte in 0..96_usize,
        bit in 0..8_u8,
    ) {
        let mut certificate = certificate(&(0..votes).collect::<Vec<_>>());
        let tampered = vote % certificate.votes.len();
        let vote = &mut certificate.votes[tampered];
        let (field, at) = if byte < 32 { (&mut vote.validator, byte) } else { (&mut vote.signature, byte - 32) };
        let mut bytes = field.to_vec();
        bytes[at] ^= 1 << bit;
        *field = bytes.into();
        let judgement = judge(&certificate, &set(&[1; 4]));
        prop_assert_ne!(judgement.finding, Finding::Valid);
        prop_assert_eq!(judgement.offending_vote, Some(tampered));
    }

    #[test]
    fn votes_never_pass_for_another_decision(field in 0..4_u8, amount in 1..=u8::MAX) {
        let mut certificate = certificate(&[0, 1, 2, 3]);
        match field {
            0 => certificate.height += u64::from(amount),
            1 => certificate.round += u32::from(amount),
            2 => certificate.subject.push_str(&amount.to_string()),
            _ => certificate.decision_hash = vec![DECISION[0] ^ amount; 32].into(),
        }
        let judgement = judge(&certificate, &set(&[1; 4]));
        prop_assert_eq!(judgement.finding, Finding::InvalidSignature);
        prop_assert_eq!(judgement.signed, Weight(0));
    }

    #[test]
    fn a_certificate_is_valid_just_when_its_distinct_signers_weigh_a_quorum(
        weights in prop::collection::vec(1..20_u64, 1..7),
        chosen in prop::collection::vec(any::<bool>(), 7),
    ) {
        let signers: Vec<u8> = (0..).zip(&weights).zip(chosen).filter(|(_, in_it)| *in_it).map(|((seed, _), _)| seed).collect();
        let signed: u64 = signers.iter().map(|seed| weights[usize::from(*seed)]).sum();
        let set = set(&weights);
        let judgement = judge(&certificate(&signers), &set);
        prop_assert_eq!(judgement.signed, Weight(signed));
        prop_assert_eq!(judgement.finding == Finding::Valid, Weight(signed) >= set.thresholds().quorum);
    }
}
