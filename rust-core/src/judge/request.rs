//! The request `Judge`: its bounds, then one verdict for each certificate and
//! subject. It is refused as a whole before anything is judged, but for a budget of
//! signatures that turns out to be too small.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::{Court, Refused, Verdict};
use crate::capability::holder::Holder;
use crate::capability::standing::Revoked;
use crate::coded::Coded;
use crate::proto::judge_subject::Subject;
use crate::proto::{JudgeRequest, JudgeResponse, JudgeSubject, Judgement, SubjectJudgement};
use crate::refusal::Refusal;
use crate::signature_budget::Signatures;
use crate::trust::store::TrustStore;
use crate::trust::{certificate, genesis};
use crate::verifier::VerifierError;
use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::signing_input::Hash;

/// Most certificates in one request.
pub const CERTIFICATES_MAX: usize = 1024;
/// Most subjects in one.
pub const SUBJECTS_MAX: usize = 1024;
const EPOCHS_MAX: usize = 256;
const REVOKED_TOKENS_MAX: usize = 65_536;
/// As the code of what is in order.
const OK: &str = "ok";

/// What comes of a request, and what was found of the signatures that it needed.
#[derive(Debug)]
pub struct Judged {
    /// The answer.
    pub response: JudgeResponse,
    /// For the tally.
    pub signatures: Signatures,
}

/// Judges all of a request; keeps a processor for as long as so many signatures take.
///
/// # Errors
/// When it is of another cell, malformed, or asks for more than it may.
pub fn judge(
    request: &JudgeRequest,
    cell: Option<&Hash>,
    budget: usize,
) -> Result<Judged, Refusal> {
    let genesis =
        genesis::read(&request.genesis).ok_or(Refusal::Malformed("the genesis is not valid"))?;
    if cell.is_some_and(|own| *own != genesis.hash) {
        return Err(Refusal::GenesisMismatch);
    }
    check_bounds(request)?;
    let revoked = revoked(request)?;
    let mut signatures = Signatures::new(budget);
    let mut trust = TrustStore::new(genesis, request.now_unix_ms);
    let certificates = request
        .certificates
        .iter()
        .map(|bytes| judgement(add(bytes, &mut trust, &mut signatures)))
        .collect();
    demand_within(&signatures, budget)?;
    let court = Court {
        genesis_hash: genesis.hash,
        now_unix_ms: request.now_unix_ms,
        trust,
        revoked,
    };
    let mut subjects = Vec::with_capacity(request.subjects.len());
    for subject in &request.subjects {
        let verdicts = court.judge_subject(subject, &mut signatures)?;
        demand_within(&signatures, budget)?;
        let judgements = verdicts.into_iter().map(judgement).collect();
        subjects.push(SubjectJudgement { judgements });
    }
    let response = JudgeResponse {
        certificates,
        subjects,
    };
    Ok(Judged {
        response,
        signatures,
    })
}

/// Once the budget is spent, what was not verified passes for invalid: no verdict leaves.
fn demand_within(signatures: &Signatures, budget: usize) -> Result<(), Refusal> {
    match signatures.are_spent() {
        true => Err(VerifierError::TooManyChecks {
            count: budget.saturating_add(1),
        }
        .into()),
        false => Ok(()),
    }
}

fn check_bounds(request: &JudgeRequest) -> Result<(), Refusal> {
    let bounds = [
        (
            request.certificates.len() <= CERTIFICATES_MAX,
            "there are too many certificates",
        ),
        (
            request.subjects.len() <= SUBJECTS_MAX,
            "there are too many subjects",
        ),
        (
            request.epochs.len() <= EPOCHS_MAX,
            "there are too many epochs",
        ),
        (
            request.revoked_tokens.len() <= REVOKED_TOKENS_MAX,
            "there are too many revoked tokens",
        ),
        (
            request.now_unix_ms <= SAFE_INTEGER_MAX,
            "the time is out of range",
        ),
    ];
    let broken = bounds.into_iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, what)| Err(Refusal::Malformed(what)))
}

fn revoked(request: &JudgeRequest) -> Result<Revoked<'_>, Refusal> {
    let mut epochs = HashMap::new();
    for each in &request.epochs {
        if epochs.insert(each.scope.as_str(), each.epoch).is_some() {
            return Err(Refusal::Malformed("a scope has two epochs"));
        }
    }
    let tokens: Option<HashSet<Hash>> = request
        .revoked_tokens
        .iter()
        .map(|hash| hash.as_ref().try_into().ok())
        .collect();
    let tokens = tokens.ok_or(Refusal::Malformed("a revoked token's hash is not 32 bytes"))?;
    Ok(Revoked { epochs, tokens })
}

fn add<'a>(bytes: &'a Bytes, trust: &mut TrustStore<'a>, signatures: &mut Signatures) -> Verdict {
    let certificate = certificate::read(bytes)?;
    trust.add(certificate, signatures)?;
    Ok(super::Accepted::default())
}

impl Court<'_> {
    fn judge_subject(
        &self,
        subject: &JudgeSubject,
        signatures: &mut Signatures,
    ) -> Result<Vec<Verdict>, Refusal> {
        match &subject.subject {
            None => Err(Refusal::Malformed("a subject is empty")),
            Some(Subject::Envelope(bytes)) => Ok(self.judge_envelope(bytes, signatures)),
            Some(Subject::Capsule(signed)) => {
                let issuer = key(&signed.issuer)?;
                Ok(vec![self.judge_capsule(
                    &signed.capsule,
                    &issuer,
                    signatures,
                )])
            }
            Some(Subject::Chain(presented)) => {
                let by_key;
                let holder = match presented.actor.as_str() {
                    "" => {
                        by_key = key(&presented.holder)?;
                        Holder::Key(&by_key)
                    }
                    actor if presented.holder.is_empty() => Holder::Actor(actor),
                    _ => return Err(Refusal::Malformed("a chain has two holders")),
                };
                Ok(vec![self.judge_chain(&presented.chain, holder, signatures)])
            }
        }
    }
}

fn key(bytes: &Bytes) -> Result<[u8; 32], Refusal> {
    bytes
        .as_ref()
        .try_into()
        .map_err(|_| Refusal::Malformed("a subject's key is not 32 bytes"))
}

fn judgement(verdict: Verdict) -> Judgement {
    let bytes =
        |hash: Option<Hash>| hash.map_or_else(Bytes::new, |hash| Bytes::copy_from_slice(&hash));
    match verdict {
        Ok(accepted) => Judgement {
            code: OK.to_owned(),
            reason: String::new(),
            token: bytes(accepted.token),
            once: bytes(accepted.once),
        },
        Err(refused) => refusal(&refused),
    }
}

fn refusal(refused: &Refused) -> Judgement {
    Judgement {
        code: refused.code().to_owned(),
        reason: refused.to_string(),
        ..Judgement::default()
    }
}
