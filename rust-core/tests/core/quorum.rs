//! The laws of quorums by weight.

use cell0_core::quorum::{
    QuorumError, TOTAL_WEIGHT_LIMIT, Thresholds, VALIDATORS_MAX, ValidatorSet, Weight,
};
use ed25519_zebra::{SigningKey, VerificationKey};
use proptest::prelude::*;

fn key(seed: u32) -> Vec<u8> {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&seed.to_be_bytes());
    Vec::from(<[u8; 32]>::from(VerificationKey::from(&SigningKey::from(
        bytes,
    ))))
}

fn validators(weights: &[u64]) -> Vec<(Vec<u8>, Weight)> {
    (0..)
        .zip(weights)
        .map(|(seed, weight)| (key(seed), Weight(*weight)))
        .collect()
}

fn thresholds(total: u64) -> Thresholds {
    Thresholds::of(Weight(total)).unwrap()
}

#[test]
fn the_thresholds_of_small_sets_are_those_of_the_literature() {
    for (n, f, quorum) in [
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 3),
        (4, 1, 3),
        (5, 1, 4),
        (6, 1, 5),
        (7, 2, 5),
        (10, 3, 7),
        (100, 33, 67),
    ] {
        let t = thresholds(n);
        assert_eq!(
            (t.faulty.0, t.quorum.0, t.honest.0),
            (f, quorum, f + 1),
            "n = {n}"
        );
    }
}

#[test]
fn a_total_weight_of_nothing_or_of_two_to_the_62_has_no_thresholds() {
    assert_eq!(Thresholds::of(Weight(0)), None);
    assert!(Thresholds::of(Weight(TOTAL_WEIGHT_LIMIT - 1)).is_some());
    for total in [TOTAL_WEIGHT_LIMIT, u64::MAX] {
        assert_eq!(Thresholds::of(Weight(total)), None);
    }
}

#[test]
fn a_list_that_breaks_a_rule_is_refused_by_its_name() {
    let mut small = vec![0; 32];
    small[0] = 1;
    let mut reencoded = vec![0xff; 32];
    (reencoded[0], reencoded[31]) = (0xf0, 0x7f);
    let one = (key(0), Weight(1));
    let many: Vec<_> = (0..=VALIDATORS_MAX).map(|_| one.clone()).collect();
    for (validators, error) in [
        (vec![], QuorumError::Empty),
        (
            many,
            QuorumError::TooMany {
                count: VALIDATORS_MAX + 1,
            },
        ),
        (
            vec![one.clone(), (vec![1; 31], Weight(1))],
            QuorumError::UnusableKey { index: 1 },
        ),
        (
            vec![(small, Weight(1))],
            QuorumError::UnusableKey { index: 0 },
        ),
        (
            vec![(reencoded, Weight(1))],
            QuorumError::UnusableKey { index: 0 },
        ),
        (
            vec![one.clone(), (key(1), Weight(1)), one.clone()],
            QuorumError::DuplicateKey { first: 0, index: 2 },
        ),
        (
            vec![(key(1), Weight(0))],
            QuorumError::ZeroWeight { index: 0 },
        ),
        (
            validators(&[TOTAL_WEIGHT_LIMIT / 2; 2]),
            QuorumError::TooHeavy,
        ),
        (validators(&[u64::MAX, u64::MAX]), QuorumError::TooHeavy),
    ] {
        assert_eq!(ValidatorSet::new(&validators).unwrap_err(), error);
    }
}

#[test]
fn the_largest_set_is_a_set() {
    let weights = vec![1; VALIDATORS_MAX];
    let set = ValidatorSet::new(&validators(&weights)).unwrap();
    assert_eq!(set.thresholds().total, Weight(1024));
    assert_eq!(set.thresholds().quorum, Weight(683));
    assert_eq!(set.weight_of(&key(5).try_into().unwrap()), Some(Weight(1)));
    assert_eq!(set.weight_of(&key(5000).try_into().unwrap()), None);
}

fn total() -> impl Strategy<Value = u64> {
    prop_oneof![
        1..2000_u64,
        1..TOTAL_WEIGHT_LIMIT,
        TOTAL_WEIGHT_LIMIT - 50..TOTAL_WEIGHT_LIMIT
    ]
}

proptest! {
    #[test]
    fn the_faulty_weight_is_the_largest_below_a_third(n in total()) {
        let (n, f) = (u128::from(n), u128::from(thresholds(n).faulty.0));
        prop_assert!(3 * f < n);
        prop_assert!(3 * (f + 1) >= n);
    }

    #[test]
    fn a_quorum_is_the_least_weight_above_two_thirds(n in total()) {
        let (n, q) = (u128::from(n), u128::from(thresholds(n).quorum.0));
        prop_assert!(3 * q > 2 * n);
        prop_assert!(3 * (q - 1) <= 2 * n);
        prop_assert!(q <= n);
    }

    #[test]
    fn two_quorums_share_an_honest_validator(n in total()) {
        let t = thresholds(n);
        let shared = 2 * u128::from(t.quorum.0) - u128::from(n);
        prop_assert!(shared > u128::from(t.faulty.0));
        prop_assert!(shared >= u128::from(t.honest.0));
    }

    #[test]
    fn the_honest_can_decide_without_the_faulty(n in total()) {
        let t = thresholds(n);
        prop_assert!(n - t.faulty.0 >= t.quorum.0);
    }

    #[test]
    fn more_weight_never_lowers_a_threshold(n in 1..TOTAL_WEIGHT_LIMIT - 1000, more in 0..1000_u64) {
        let (low, high) = (thresholds(n), thresholds(n + more));
        prop_assert!(low.faulty <= high.faulty);
        prop_assert!(low.quorum <= high.quorum);
        prop_assert!(low.honest <= high.honest);
    }

    #[test]
    fn a_set_has_the_thresholds_of_the_sum_of_its_weights(
        weights in prop::collection::vec(1..1_000_000_u64, 1..12),
    ) {
        let set = ValidatorSet::new(&validators(&weights)).unwrap();
        prop_assert_eq!(set.thresholds(), thresholds(weights.iter().sum()));
    }

    #[test]
    fn arbitrary_keys_and_weights_make_a_set_or_a_coded_error(
        list in prop::collection::vec((prop::collection::vec(any::<u8>(), 30..34), any::<u64>()), 0..6),
    ) {
        let list: Vec<_> = list.into_iter().map(|(key, weight)| (key, Weight(weight))).collect();
        if let Ok(set) = ValidatorSet::new(&list) {
            prop_assert!(set.thresholds().quorum <= set.thresholds().total);
        }
    }
}
