//! Spreads signature checks over the processor's cores, off the threads that
//! answer requests, and counts what comes of them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::coded::Coded;
use crate::signature::{Check, GROUP_MAX, Verdict, verify_many};

/// Most signatures in one request.
pub const CHECKS_MAX: usize = 4096;

/// Why a batch is not verified at all.
#[derive(Debug, Error)]
pub enum VerifierError {
    /// The request holds more than `CHECKS_MAX` signatures.
    #[error("{count} signatures in one request; at most {CHECKS_MAX}")]
    TooManyChecks {
        /// How many there are.
        count: usize,
    },
    /// The threads that verify are going away with the process.
    #[error("the core is shutting down")]
    ShuttingDown,
}

impl Coded for VerifierError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooManyChecks { .. } => "CORE_TOO_MANY_CHECKS",
            Self::ShuttingDown => "CORE_SHUTTING_DOWN",
        }
    }
}

/// How many signatures were found valid, and how many not, since the start.
#[derive(Debug, Default)]
pub struct Tally {
    verified: AtomicU64,
    rejected: AtomicU64,
}

impl Tally {
    /// Adds the verdicts of one batch.
    pub fn count(&self, verdicts: &[Verdict]) {
        let valid = verdicts.iter().filter(|v| **v == Verdict::Valid).count();
        let add = |counter: &AtomicU64, n: usize| {
            counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed)
        };
        add(&self.verified, valid);
        add(&self.rejected, verdicts.len().saturating_sub(valid));
    }

    /// Signatures found valid.
    #[must_use]
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// Signatures found anything else.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }
}

/// Verifies on all cores.
#[derive(Debug)]
pub struct Verifier {
    lanes: usize,
    /// What this verifier has found so far.
    pub tally: Tally,
}

impl Verifier {
    /// A verifier that splits large batches over this many threads, at least one.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self {
            lanes: lanes.max(1),
            tally: Tally::default(),
        }
    }

    /// Verifies all; one verdict a check, in order. Dropping the future gives up
    /// the answer; what is being computed runs to its end, at most one batch.
    ///
    /// # Errors
    /// When there are more than `CHECKS_MAX` checks, or the process is ending.
    pub async fn verify(&self, checks: Vec<Check>) -> Result<Vec<Verdict>, VerifierError> {
        if checks.len() > CHECKS_MAX {
            return Err(VerifierError::TooManyChecks {
                count: checks.len(),
            });
        }
        let checks: Arc<[Check]> = checks.into();
        let lanes: Vec<JoinHandle<Vec<Verdict>>> = split(checks.len(), self.lanes)
            .map(|range| {
                let checks = Arc::clone(&checks);
                spawn_blocking(move || verify_many(checks.get(range).unwrap_or_default()))
            })
            .collect();
        let mut verdicts = Vec::with_capacity(checks.len());
        for lane in lanes {
            verdicts.extend(lane.await.map_err(|_| VerifierError::ShuttingDown)?);
        }
        self.tally.count(&verdicts);
        Ok(verdicts)
    }
}

/// Cuts `count` checks into neighbouring ranges, at most one a lane. A lane is
/// only opened for half a group at least: below, waking a thread costs more.
fn split(count: usize, lanes: usize) -> impl Iterator<Item = Range<usize>> {
    let share = count.div_ceil(lanes.max(1)).max(GROUP_MAX / 2);
    (0..count)
        .step_by(share)
        .map(move |from| from..(from + share).min(count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_split_covers_every_check_once_and_opens_no_more_lanes_than_there_are(
            count in 0..=CHECKS_MAX,
            lanes in 1..64_usize,
        ) {
            let ranges: Vec<_> = split(count, lanes).collect();
            prop_assert!(ranges.len() <= lanes);
            let covered: Vec<usize> = ranges.into_iter().flatten().collect();
            prop_assert_eq!(covered, (0..count).collect::<Vec<_>>());
        }
    }
}
