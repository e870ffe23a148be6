//! Validator sets and the weights that decisions over them need. Pure arithmetic,
//! exact: nothing here rounds, saturates or overflows.

use std::collections::HashMap;

use thiserror::Error;

use crate::coded::Coded;
use crate::signature::is_canonical_key;

/// Most validators in a set.
pub const VALIDATORS_MAX: usize = 1024;

/// The total weight stays below this, so that three times it is exact in a `u128`
/// and twice it in a `u64`.
pub const TOTAL_WEIGHT_LIMIT: u64 = 1 << 62;

/// Say in a decision; one validator's or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(pub u64);

/// Why a list of validators is not a set that can decide.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuorumError {
    /// There is no validator.
    #[error("a validator set needs at least one validator")]
    Empty,
    /// There are more than `VALIDATORS_MAX` validators.
    #[error("{count} validators; at most {VALIDATORS_MAX}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A key is not the canonical encoding of an Ed25519 public key, or is of small order.
    #[error("the key of validator {index} is no canonical Ed25519 public key")]
    UnusableKey {
        /// Place in the list, from 0.
        index: usize,
    },
    /// Two validators have one key.
    #[error("validators {first} and {index} have the same key")]
    DuplicateKey {
        /// Place of the first, from 0.
        first: usize,
        /// Place of the second.
        index: usize,
    },
    /// A validator without weight could vote but never count.
    #[error("validator {index} has no weight")]
    ZeroWeight {
        /// Place in the list, from 0.
        index: usize,
    },
    /// The sum of the weights reaches `TOTAL_WEIGHT_LIMIT`.
    #[error("the total weight is not below 2^62")]
    TooHeavy,
}

impl Coded for QuorumError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "CORE_VALIDATORS_EMPTY",
            Self::TooMany { .. } => "CORE_VALIDATORS_TOO_MANY",
            Self::UnusableKey { .. } => "CORE_VALIDATOR_KEY_UNUSABLE",
            Self::DuplicateKey { .. } => "CORE_VALIDATOR_KEY_DUPLICATE",
            Self::ZeroWeight { .. } => "CORE_VALIDATOR_WEIGHT_ZERO",
            Self::TooHeavy => "CORE_VALIDATORS_TOO_HEAVY",
        }
    }
}

/// The weights that matter in a set, under the assumption that less than a third
/// of the total is faulty (Pease, Shostak, Lamport 1980).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Weight of all validators.
    pub total: Weight,
    /// Largest faulty weight that is tolerated: the largest f with 3f < total.
    pub faulty: Weight,
    /// Least weight of a quorum: the least q with 3q > 2 total. Two quorums
    /// share more than `faulty`, hence an honest validator.
    pub quorum: Weight,
    /// Least weight that holds an honest validator: f + 1.
    pub honest: Weight,
}

impl Thresholds {
    /// Thresholds of a total weight in 1..2^62; none outside.
    #[must_use]
    pub fn of(total: Weight) -> Option<Self> {
        let Weight(n) = total;
        if n == 0 || n >= TOTAL_WEIGHT_LIMIT {
            return None;
        }
        let faulty = (n - 1) / 3;
        Some(Self {
            total,
            faulty: Weight(faulty),
            quorum: Weight(2 * n / 3 + 1),
            honest: Weight(faulty + 1),
        })
    }
}

/// Validators with distinct, usable keys, each of some weight.
#[derive(Clone, Debug)]
pub struct ValidatorSet {
    weights: HashMap<[u8; 32], Weight>,
    thresholds: Thresholds,
}

impl ValidatorSet {
    /// Checks a list of keys with their weights.
    ///
    /// # Errors
    /// The first of the rules of `QuorumError` that the list breaks.
    pub fn new<K: AsRef<[u8]>>(validators: &[(K, Weight)]) -> Result<Self, QuorumError> {
        let count = validators.len();
        if count > VALIDATORS_MAX {
            return Err(QuorumError::TooMany { count });
        }
        let mut places = HashMap::with_capacity(count);
        let mut weights = HashMap::with_capacity(count);
        let mut total = 0_u64;
        for (index, (key, weight)) in validators.iter().enumerate() {
            let key = <[u8; 32]>::try_from(key.as_ref())
                .ok()
                .filter(is_canonical_key)
                .ok_or(QuorumError::UnusableKey { index })?;
            if let Some(first) = places.insert(key, index) {
                return Err(QuorumError::DuplicateKey { first, index });
            }
            if weight.0 == 0 {
                return Err(QuorumError::ZeroWeight { index });
            }
            total = total
                .checked_add(weight.0)
                .filter(|total| *total < TOTAL_WEIGHT_LIMIT)
                .ok_or(QuorumError::TooHeavy)?;
            weights.insert(key, *weight);
        }
        let thresholds = Thresholds::of(Weight(total)).ok_or(QuorumError::Empty)?;
        Ok(Self {
            weights,
            thresholds,
        })
    }

    /// The weights that matter in this set.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The weight of a key; none when it is a stranger's.
    #[must_use]
    pub fn weight_of(&self, key: &[u8; 32]) -> Option<Weight> {
        self.weights.get(key).copied()
    }
}
