//! The gRPC service: translates between the wire and the core's own types. Every
//! decision is made elsewhere.

use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status};

use crate::certificate::{self, Finding, Judgement};
use crate::host::HostConnection;
use crate::judge::request::judge;
use crate::proto::core_service_server::CoreService;
use crate::proto::{
    Algorithm, Certificate, CertificateVerdict, HandshakeRequest, HandshakeResponse, JudgeRequest,
    JudgeResponse, QuorumThresholdsRequest, QuorumThresholdsResponse, SignatureVerdict,
    StatusRequest, StatusResponse, Validator, VerifyBatchRequest, VerifyBatchResponse,
    VerifyCertificateRequest, VerifyCertificateResponse,
};
use crate::quorum::{QuorumError, ValidatorSet, Weight};
use crate::refusal::Refusal;
use crate::signature::{Check, Verdict};
use crate::status::{Uptime, resident_bytes};
use crate::verifier::{CHECKS_MAX, Verifier, VerifierError};
use crate::{PROTOCOL, VERSION};

use std::sync::atomic::{AtomicU64, Ordering};

/// The service's state.
#[derive(Debug)]
pub struct Service {
    vote_key: [u8; 32],
    genesis_hash: Option<[u8; 32]>,
    verifier: Verifier,
    certificates_verified: AtomicU64,
    uptime: Uptime,
}

impl Service {
    /// A service that shows this vote key, verifies with this verifier, and holds
    /// its callers to this genesis where one is given.
    #[must_use]
    pub fn new(vote_key: [u8; 32], genesis_hash: Option<[u8; 32]>, verifier: Verifier) -> Self {
        Self {
            vote_key,
            genesis_hash,
            verifier,
            certificates_verified: AtomicU64::new(0),
            uptime: Uptime::start(),
        }
    }

    fn agree(&self, request: &HandshakeRequest) -> Result<(), Refusal> {
        if request.protocol != PROTOCOL {
            return Err(Refusal::ProtocolMismatch {
                host: request.protocol,
            });
        }
        let genesis_hash = <[u8; 32]>::try_from(request.genesis_hash.as_ref())
            .map_err(|_| Refusal::Malformed("the genesis hash is not 32 bytes"))?;
        match self.genesis_hash {
            Some(own) if own != genesis_hash => Err(Refusal::GenesisMismatch),
            _ => Ok(()),
        }
    }

    async fn judge_certificate(
        &self,
        certificate: Certificate,
        validators: &ValidatorSet,
    ) -> Result<Judgement, VerifierError> {
        let opened = certificate::open(&certificate.into(), validators, self.genesis_hash.as_ref());
        let mut hearing = match opened {
            Ok(hearing) => hearing,
            Err(refused) => return Ok(refused),
        };
        let verdicts = self.verifier.verify(hearing.take_checks()).await?;
        Ok(hearing.judge(&verdicts))
    }
}

#[tonic::async_trait]
impl CoreService for Service {
    async fn handshake(
        &self,
        request: Request<HandshakeRequest>,
    ) -> Result<Response<HandshakeResponse>, Status> {
        let connection = request.extensions().get::<HostConnection>().cloned();
        let outcome = self.agree(request.get_ref());
        if let Some(connection) = connection {
            connection.set_refused(outcome.is_err());
        }
        if let Err(refusal) = outcome {
            tracing::warn!(%refusal, "refused a handshake");
            return Err(refusal.into());
        }
        Ok(Response::new(HandshakeResponse {
            protocol: PROTOCOL,
            core_version: VERSION.to_owned(),
            vote_key: self.vote_key.to_vec().into(),
        }))
    }

    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        demand_no_refused_handshake(&request)?;
        Ok(Response::new(StatusResponse {
            core_version: VERSION.to_owned(),
            protocol: PROTOCOL,
            uptime_ms: self.uptime.millis(),
            vote_key: self.vote_key.to_vec().into(),
            signatures_verified: self.verifier.tally.verified(),
            signatures_rejected: self.verifier.tally.rejected(),
            certificates_verified: self.certificates_verified.load(Ordering::Relaxed),
            resident_bytes: resident_bytes(),
            pid: std::process::id(),
        }))
    }

    async fn verify_batch(
        &self,
        request: Request<VerifyBatchRequest>,
    ) -> Result<Response<VerifyBatchResponse>, Status> {
        demand_no_refused_handshake(&request)?;
        let checks = request.into_inner().checks;
        let count = checks.len();
        if count > CHECKS_MAX {
            return Err(Refusal::from(VerifierError::TooManyChecks { count }).into());
        }
        let known: Vec<bool> = checks
            .iter()
            .map(|check| check.algorithm == i32::from(Algorithm::Ed25519))
            .collect();
        let verifiable = checks
            .into_iter()
            .zip(&known)
            .filter(|(_, known)| **known)
            .map(|(check, _)| Check {
                public_key: check.public_key,
                message: check.message,
                signature: check.signature,
            })
            .collect();
        let found = self.verifier.verify(verifiable).await;
        let mut found = found.map_err(Refusal::from)?.into_iter();
        let verdicts = known
            .into_iter()
            .map(|known| match known.then(|| found.next()) {
                Some(Some(verdict)) => SignatureVerdict::from(verdict).into(),
                Some(None) => SignatureVerdict::Unspecified.into(),
                None => SignatureVerdict::UnknownAlgorithm.into(),
            })
            .collect();
        Ok(Response::new(VerifyBatchResponse { verdicts }))
    }

    async fn quorum_thresholds(
        &self,
        request: Request<QuorumThresholdsRequest>,
    ) -> Result<Response<QuorumThresholdsResponse>, Status> {
        demand_no_refused_handshake(&request)?;
        let set = validator_set(&request.get_ref().validators).map_err(Refusal::from)?;
        let thresholds = set.thresholds();
        Ok(Response::new(QuorumThresholdsResponse {
            total_weight: thresholds.total.0,
            faulty_weight: thresholds.faulty.0,
            quorum_weight: thresholds.quorum.0,
            honest_weight: thresholds.honest.0,
        }))
    }

    async fn verify_certificate(
        &self,
        request: Request<VerifyCertificateRequest>,
    ) -> Result<Response<VerifyCertificateResponse>, Status> {
        demand_no_refused_handshake(&request)?;
        let request = request.into_inner();
        let certificate = request
            .certificate
            .ok_or(Refusal::Malformed("there is no certificate"))?;
        let validators = validator_set(&request.validators).map_err(Refusal::from)?;
        let judged = self.judge_certificate(certificate, &validators).await;
        let judgement = judged.map_err(Refusal::from)?;
        if judgement.finding == Finding::Valid {
            self.certificates_verified.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Response::new(VerifyCertificateResponse {
            verdict: CertificateVerdict::from(judgement.finding).into(),
            signed_weight: judgement.signed.0,
            quorum_weight: validators.thresholds().quorum.0,
            offending_vote: judgement
                .offending_vote
                .map(|index| u32::try_from(index).unwrap_or(u32::MAX)),
            reason: judgement.reason,
        }))
    }

    async fn judge(
        &self,
        request: Request<JudgeRequest>,
    ) -> Result<Response<JudgeResponse>, Status> {
        demand_no_refused_handshake(&request)?;
        let (request, cell) = (request.into_inner(), self.genesis_hash);
        // Off the threads that answer requests, like the verifier's lanes.
        let judged = spawn_blocking(move || judge(&request, cell.as_ref(), CHECKS_MAX)).await;
        let judged = judged.map_err(|_| Refusal::from(VerifierError::ShuttingDown))??;
        self.verifier.tally.count(judged.signatures.verdicts());
        Ok(Response::new(judged.response))
    }
}

fn demand_no_refused_handshake<T>(request: &Request<T>) -> Result<(), Refusal> {
    match request.extensions().get::<HostConnection>() {
        Some(connection) if connection.is_refused() => Err(Refusal::HandshakeRefused),
        _ => Ok(()),
    }
}

fn validator_set(validators: &[Validator]) -> Result<ValidatorSet, QuorumError> {
    let weighted: Vec<_> = validators
        .iter()
        .map(|validator| (&validator.key, Weight(validator.weight)))
        .collect();
    ValidatorSet::new(&weighted)
}

impl From<Certificate> for certificate::Certificate {
    fn from(wire: Certificate) -> Self {
        Self {
            genesis_hash: wire.genesis_hash,
            height: wire.height,
            round: wire.round,
            subject: wire.subject,
            decision_hash: wire.decision_hash,
            votes: wire
                .votes
                .into_iter()
                .map(|vote| certificate::Vote {
                    validator: vote.validator,
                    signature: vote.signature,
                })
                .collect(),
        }
    }
}

impl From<Verdict> for SignatureVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Valid => Self::Valid,
            Verdict::Invalid => Self::Invalid,
            Verdict::MalformedKey => Self::MalformedKey,
            Verdict::SmallOrderKey => Self::SmallOrderKey,
            Verdict::MalformedSignature => Self::MalformedSignature,
        }
    }
}

impl From<Finding> for CertificateVerdict {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Valid => Self::Valid,
            Finding::BelowQuorum => Self::BelowQuorum,
            Finding::InvalidSignature => Self::InvalidSignature,
            Finding::DuplicateVote => Self::DuplicateVote,
            Finding::UnknownValidator => Self::UnknownValidator,
            Finding::Malformed => Self::Malformed,
            Finding::WrongGenesis => Self::WrongGenesis,
        }
    }
}
