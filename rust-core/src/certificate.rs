//! Judges certificates: votes of a quorum of validators over one decision. Each
//! vote is checked, also beyond the quorum, and a single bad one voids the whole:
//! an honest collector never includes it. The judgement is pure but for the
//! verification of signatures, which the caller performs in between.

use std::collections::HashSet;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::quorum::{VALIDATORS_MAX, ValidatorSet, Weight};
use crate::signature::{Check, Verdict};

/// Begins what a vote signs, so that no other signature passes for a vote.
pub const VOTE_DOMAIN: &[u8] = b"cell0/v1/vote\0";

/// Most bytes of a certificate's subject.
pub const SUBJECT_BYTES_MAX: usize = 256;

/// Votes over one decision, as they came; nothing in it is believed yet.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    /// SHA-256 of the genesis of the cell that it belongs to.
    pub genesis_hash: Bytes,
    /// Height at which it was decided.
    pub height: u64,
    /// Round of that height.
    pub round: u32,
    /// What is decided about, such as `shard-owner/17`.
    pub subject: String,
    /// SHA-256 of the decision.
    pub decision_hash: Bytes,
    /// The votes, at most one a validator.
    pub votes: Vec<Vote>,
}

/// One validator's signature under a certificate.
#[derive(Clone, Debug, Default)]
pub struct Vote {
    /// Public key of the voter.
    pub validator: Bytes,
    /// Its signature over `signing_bytes`.
    pub signature: Bytes,
}

/// What is wrong with a certificate, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A quorum signed it, and nobody else.
    Valid,
    /// Every vote is right, but they do not make a quorum.
    BelowQuorum,
    /// A vote's signature does not verify.
    InvalidSignature,
    /// A validator votes twice.
    DuplicateVote,
    /// A voter is not in the validator set.
    UnknownValidator,
    /// A field or a vote has not its form.
    Malformed,
    /// It belongs to another cell.
    WrongGenesis,
}

/// A finding with the figures behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What is found.
    pub finding: Finding,
    /// Weight of the distinct, known validators whose votes are valid; 0 when
    /// the certificate is refused before its votes are looked at.
    pub signed: Weight,
    /// Index of the first vote that voids the certificate, when one does.
    pub offending_vote: Option<usize>,
    /// The finding in words.
    pub reason: String,
}

impl Judgement {
    fn refused(finding: Finding, reason: impl Into<String>) -> Self {
        Self {
            finding,
            signed: Weight(0),
            offending_vote: None,
            reason: reason.into(),
        }
    }
}

/// A vote after the first look: either to be verified, or void already.
enum Ballot {
    Open(Weight),
    Void(Finding, &'static str),
}

/// A certificate of the right form whose signatures are to be verified.
#[must_use]
pub struct Hearing {
    ballots: Vec<Ballot>,
    quorum: Weight,
    checks: Vec<Check>,
}

/// What a vote signs: domain, genesis hash, height and round (big endian),
/// SHA-256 of the subject, decision hash.
#[must_use]
pub fn signing_bytes(
    genesis_hash: &[u8; 32],
    height: u64,
    round: u32,
    subject: &str,
    decision_hash: &[u8; 32],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(VOTE_DOMAIN.len() + 108);
    bytes.extend_from_slice(VOTE_DOMAIN);
    bytes.extend_from_slice(genesis_hash);
    bytes.extend_from_slice(&height.to_be_bytes());
    bytes.extend_from_slice(&round.to_be_bytes());
    bytes.extend_from_slice(&Sha256::digest(subject.as_bytes()));
    bytes.extend_from_slice(decision_hash);
    bytes
}

/// Looks at everything but the signatures.
///
/// # Errors
/// A judgement, when the certificate is refused before its votes are looked at:
/// it is malformed, or of a cell other than `expected_genesis`.
pub fn open(
    certificate: &Certificate,
    validators: &ValidatorSet,
    expected_genesis: Option<&[u8; 32]>,
) -> Result<Hearing, Judgement> {
    let malformed = |reason: &str| Judgement::refused(Finding::Malformed, reason);
    let genesis_hash = <[u8; 32]>::try_from(certificate.genesis_hash.as_ref())
        .map_err(|_| malformed("the genesis hash is not 32 bytes"))?;
    let decision_hash = <[u8; 32]>::try_from(certificate.decision_hash.as_ref())
        .map_err(|_| malformed("the decision hash is not 32 bytes"))?;
    if certificate.subject.is_empty() || certificate.subject.len() > SUBJECT_BYTES_MAX {
        return Err(malformed("the subject is empty or longer than 256 bytes"));
    }
    if certificate.votes.len() > VALIDATORS_MAX {
        return Err(malformed("there are more than 1024 votes"));
    }
    if expected_genesis.is_some_and(|expected| *expected != genesis_hash) {
        return Err(Judgement::refused(
            Finding::WrongGenesis,
            "the certificate belongs to another cell",
        ));
    }
    let message = Bytes::from(signing_bytes(
        &genesis_hash,
        certificate.height,
        certificate.round,
        &certificate.subject,
        &decision_hash,
    ));
    let ballots = examine(&certificate.votes, validators);
    let checks = certificate
        .votes
        .iter()
        .zip(&ballots)
        .filter(|(_, ballot)| matches!(ballot, Ballot::Open(_)))
        .map(|(vote, _)| Check {
            public_key: vote.validator.clone(),
            message: message.clone(),
            signature: vote.signature.clone(),
        })
        .collect();
    Ok(Hearing {
        ballots,
        quorum: validators.thresholds().quorum,
        checks,
    })
}

fn examine(votes: &[Vote], validators: &ValidatorSet) -> Vec<Ballot> {
    let mut seen = HashSet::with_capacity(votes.len());
    votes
        .iter()
        .map(|vote| {
            let Ok(key) = <[u8; 32]>::try_from(vote.validator.as_ref()) else {
                return Ballot::Void(Finding::Malformed, "the voter's key is not 32 bytes");
            };
            if vote.signature.len() != 64 {
                return Ballot::Void(Finding::Malformed, "the vote's signature is not 64 bytes");
            }
            let Some(weight) = validators.weight_of(&key) else {
                return Ballot::Void(Finding::UnknownValidator, "the voter is not a validator");
            };
            if !seen.insert(key) {
                return Ballot::Void(Finding::DuplicateVote, "the voter has voted already");
            }
            Ballot::Open(weight)
        })
        .collect()
}

impl Hearing {
    /// Takes the signatures to verify, in the order in which `judge` wants their verdicts.
    #[must_use]
    pub fn take_checks(&mut self) -> Vec<Check> {
        std::mem::take(&mut self.checks)
    }

    /// Judges, given the verdicts on the checks. A check without a verdict
    /// counts as invalid.
    #[must_use]
    pub fn judge(self, verdicts: &[Verdict]) -> Judgement {
        let mut verdicts = verdicts.iter();
        let mut signed = 0_u64;
        let mut fault = None;
        for (index, ballot) in self.ballots.iter().enumerate() {
            let found = match ballot {
                Ballot::Open(weight) if verdicts.next() == Some(&Verdict::Valid) => {
                    // Distinct validators of a set: their sum is below its total.
                    signed = signed.saturating_add(weight.0);
                    continue;
                }
                Ballot::Open(_) => (
                    Finding::InvalidSignature,
                    "the vote's signature does not verify",
                ),
                Ballot::Void(finding, reason) => (*finding, *reason),
            };
            fault.get_or_insert((index, found));
        }
        let signed = Weight(signed);
        match fault {
            Some((index, (finding, reason))) => Judgement {
                finding,
                signed,
                offending_vote: Some(index),
                reason: format!("vote {index}: {reason}"),
            },
            None if signed < self.quorum => Judgement {
                finding: Finding::BelowQuorum,
                signed,
                offending_vote: None,
                reason: format!("signed weight {} of {}", signed.0, self.quorum.0),
            },
            None => Judgement {
                finding: Finding::Valid,
                signed,
                offending_vote: None,
                reason: String::new(),
            },
        }
    }
}
