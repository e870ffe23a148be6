//! The service over a real Unix socket.

use std::time::{Duration, Instant};

use cell0_core::proto::{
    Algorithm, Certificate, CertificateVerdict, HandshakeRequest, QuorumThresholdsRequest,
    SignatureCheck, SignatureVerdict, StatusRequest, Validator, VerifyBatchRequest,
    VerifyCertificateRequest, Vote,
};
use cell0_core::refusal::ERROR_CODE_METADATA;
use cell0_core::serve::DRAIN_MAX;
use cell0_core::{PROTOCOL, REQUEST_BYTES_MAX, VERSION};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::certificate::{GENESIS, certificate, public, signer};
use crate::running::start;

pub(crate) fn refusal(status: &Status) -> (Code, &str) {
    let code = status
        .metadata()
        .get(ERROR_CODE_METADATA)
        .unwrap()
        .to_str()
        .unwrap();
    assert!(
        status.message().starts_with(&format!("{code}: ")),
        "{}",
        status.message()
    );
    (status.code(), code)
}

pub(crate) fn handshake(protocol: u32, genesis_hash: &[u8]) -> HandshakeRequest {
    HandshakeRequest {
        protocol,
        host_version: "0.1.0".to_owned(),
        genesis_hash: genesis_hash.to_vec().into(),
    }
}

pub(crate) fn signed(seed: u8, message: &[u8]) -> SignatureCheck {
    SignatureCheck {
        algorithm: Algorithm::Ed25519.into(),
        public_key: public(&signer(seed)).into(),
        message: message.to_vec().into(),
        signature: signer(seed).sign(message).to_bytes().to_vec().into(),
    }
}

pub(crate) fn validators(count: u8) -> Vec<Validator> {
    (0..count)
        .map(|seed| Validator {
            key: public(&signer(seed)).into(),
            weight: 1,
        })
        .collect()
}

pub(crate) fn wire(certificate: cell0_core::certificate::Certificate) -> Certificate {
    Certificate {
        genesis_hash: certificate.genesis_hash,
        height: certificate.height,
        round: certificate.round,
        subject: certificate.subject,
        decision_hash: certificate.decision_hash,
        votes: certificate
            .votes
            .into_iter()
            .map(|vote| Vote {
                validator: vote.validator,
                signature: vote.signature,
            })
            .collect(),
    }
}

#[tokio::test]
async fn a_handshake_tells_protocol_version_and_vote_key() {
    let core = start(Some(GENESIS)).await;
    let mut client = core.client().await;
    let answer = client
        .handshake(handshake(PROTOCOL, &GENESIS))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (answer.protocol, answer.core_version.as_str()),
        (PROTOCOL, VERSION)
    );
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.vote_key, answer.vote_key);
    assert_eq!(status.pid, std::process::id());
    assert!(status.resident_bytes > 0);
    core.stop().await;
}

#[tokio::test]
async fn a_host_of_another_protocol_or_cell_is_refused_until_it_agrees() {
    let core = start(Some(GENESIS)).await;
    let mut client = core.client().await;
    for (request, grpc, code) in [
        (
            handshake(2, &GENESIS),
            Code::FailedPrecondition,
            "CORE_PROTOCOL_MISMATCH",
        ),
        (
            handshake(0, &GENESIS),
            Code::FailedPrecondition,
            "CORE_PROTOCOL_MISMATCH",
        ),
        (
            handshake(PROTOCOL, &[1; 32]),
            Code::FailedPrecondition,
            "CORE_GENESIS_MISMATCH",
        ),
        (
            handshake(PROTOCOL, &[1; 31]),
            Code::InvalidArgument,
            "CORE_MALFORMED_REQUEST",
        ),
    ] {
        let status = client.handshake(request).await.unwrap_err();
        assert_eq!(refusal(&status), (grpc, code));
        let status = client.status(StatusRequest {}).await.unwrap_err();
        assert_eq!(
            refusal(&status),
            (Code::FailedPrecondition, "CORE_HANDSHAKE_REFUSED")
        );
        let status = client
            .verify_batch(VerifyBatchRequest::default())
            .await
            .unwrap_err();
        assert_eq!(
            refusal(&status),
            (Code::FailedPrecondition, "CORE_HANDSHAKE_REFUSED")
        );
    }
    let mut other = core.client().await;
    other.status(StatusRequest {}).await.unwrap();
    client
        .handshake(handshake(PROTOCOL, &GENESIS))
        .await
        .unwrap();
    client.status(StatusRequest {}).await.unwrap();
    core.stop().await;
}

#[tokio::test]
async fn a_core_that_was_told_no_genesis_takes_each_cell() {
    let core = start(None).await;
    let mut client = core.client().await;
    client
        .handshake(handshake(PROTOCOL, &[1; 32]))
        .await
        .unwrap();
    client
        .handshake(handshake(PROTOCOL, &[2; 32]))
        .await
        .unwrap();
    core.stop().await;
}

#[tokio::test]
async fn a_batch_gets_one_verdict_a_check_in_order_and_the_status_counts_them() {
    use SignatureVerdict::{
        Invalid, MalformedKey, MalformedSignature, SmallOrderKey, UnknownAlgorithm, Valid,
    };
    let core = start(None).await;
    let mut client = core.client().await;
    let with = |change: &dyn Fn(&mut SignatureCheck)| {
        let mut check = signed(1, b"m");
        change(&mut check);
        check
    };
    let small: Vec<u8> = std::iter::once(1).chain([0; 31]).collect();
    let checks = vec![
        signed(1, b"m"),
        with(&|c| c.message = b"n".to_vec().into()),
        with(&|c| c.algorithm = 0),
        with(&|c| c.algorithm = 99),
        with(&|c| c.public_key.truncate(5)),
        with(&|c| c.public_key = small.clone().into()),
        with(&|c| c.signature.clear()),
        signed(2, b""),
    ];
    let answer = client
        .verify_batch(VerifyBatchRequest { checks })
        .await
        .unwrap()
        .into_inner();
    let verdicts: Vec<_> = answer.verdicts().collect();
    assert_eq!(
        verdicts,
        [
            Valid,
            Invalid,
            UnknownAlgorithm,
            UnknownAlgorithm,
            MalformedKey,
            SmallOrderKey,
            MalformedSignature,
            Valid
        ]
    );
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(
        (status.signatures_verified, status.signatures_rejected),
        (2, 4)
    );
    core.stop().await;
}

#[tokio::test]
async fn the_largest_batch_is_verified_and_one_more_is_refused() {
    let core = start(None).await;
    let mut client = core.client().await;
    let mut checks: Vec<_> = (0..64).map(|seed| signed(seed, &[seed; 150])).collect();
    checks = checks.iter().cycle().take(4096).cloned().collect();
    checks[4000].message = b"forged".to_vec().into();
    let answer = client
        .verify_batch(VerifyBatchRequest {
            checks: checks.clone(),
        })
        .await
        .unwrap();
    let bad: Vec<_> = answer
        .get_ref()
        .verdicts()
        .enumerate()
        .filter(|(_, verdict)| *verdict != SignatureVerdict::Valid)
        .map(|(index, _)| index)
        .collect();
    assert_eq!((answer.get_ref().verdicts.len(), bad), (4096, vec![4000]));

    checks.push(signed(0, b"one too many"));
    let status = client
        .verify_batch(VerifyBatchRequest { checks })
        .await
        .unwrap_err();
    assert_eq!(
        refusal(&status),
        (Code::InvalidArgument, "CORE_TOO_MANY_CHECKS")
    );

    let empty = client
        .verify_batch(VerifyBatchRequest::default())
        .await
        .unwrap();
    assert!(empty.into_inner().verdicts.is_empty());
    core.stop().await;
}

#[tokio::test]
async fn a_request_above_the_size_limit_is_refused_and_the_core_serves_on() {
    let core = start(None).await;
    let mut client = core.client().await;
    let mut check = signed(1, b"m");
    check.message = vec![0; REQUEST_BYTES_MAX].into();
    let status = client
        .verify_batch(VerifyBatchRequest {
            checks: vec![check],
        })
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    client.status(StatusRequest {}).await.unwrap();
    core.stop().await;
}

#[tokio::test]
async fn thresholds_are_those_of_the_weights_and_a_bad_set_is_refused_by_code() {
    let core = start(None).await;
    let mut client = core.client().await;
    let request = QuorumThresholdsRequest {
        validators: validators(7),
    };
    let answer = client
        .quorum_thresholds(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            answer.total_weight,
            answer.faulty_weight,
            answer.quorum_weight,
            answer.honest_weight
        ),
        (7, 2, 5, 3)
    );
    let mut doubled = validators(3);
    doubled.push(doubled[0].clone());
    for (validators, code) in [
        (vec![], "CORE_VALIDATORS_EMPTY"),
        (doubled, "CORE_VALIDATOR_KEY_DUPLICATE"),
        (
            vec![Validator {
                key: vec![0; 32].into(),
                weight: 1,
            }],
            "CORE_VALIDATOR_KEY_UNUSABLE",
        ),
    ] {
        let status = client
            .quorum_thresholds(QuorumThresholdsRequest { validators })
            .await
            .unwrap_err();
        assert_eq!(refusal(&status), (Code::InvalidArgument, code));
    }
    core.stop().await;
}

#[tokio::test]
async fn a_certificate_is_judged_with_its_figures() {
    let core = start(Some(GENESIS)).await;
    let mut client = core.client().await;
    let mut foreign = certificate(&[0, 1, 2]);
    foreign.genesis_hash = vec![1; 32].into();
    for (certificate, verdict, signed_weight, offending_vote) in [
        (certificate(&[0, 1, 2]), CertificateVerdict::Valid, 3, None),
        (
            certificate(&[0, 1]),
            CertificateVerdict::BelowQuorum,
            2,
            None,
        ),
        (
            certificate(&[0, 1, 2, 2]),
            CertificateVerdict::DuplicateVote,
            3,
            Some(3),
        ),
        (
            certificate(&[8, 1, 2, 3]),
            CertificateVerdict::UnknownValidator,
            3,
            Some(0),
        ),
        (foreign, CertificateVerdict::WrongGenesis, 0, None),
    ] {
        let request = VerifyCertificateRequest {
            certificate: Some(wire(certificate)),
            validators: validators(4),
        };
        let answer = client
            .verify_certificate(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.verdict(), verdict);
        assert_eq!(
            (answer.signed_weight, answer.quorum_weight),
            (signed_weight, 3)
        );
        assert_eq!(answer.offending_vote, offending_vote);
    }
    let request = VerifyCertificateRequest {
        certificate: None,
        validators: validators(4),
    };
    let status = client.verify_certificate(request).await.unwrap_err();
    assert_eq!(
        refusal(&status),
        (Code::InvalidArgument, "CORE_MALFORMED_REQUEST")
    );
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.certificates_verified, 1);
    core.stop().await;
}

#[tokio::test]
async fn health_is_served_and_its_watchers_do_not_hold_the_core_back() {
    let core = start(None).await;
    let mut health = HealthClient::new(core.channel().await);
    for service in ["", "cell0.v1.CoreService"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.unwrap();
        assert_eq!(answer.get_ref().status(), ServingStatus::Serving);
    }
    let request = HealthCheckRequest {
        service: "cell0.v1.CoreService".to_owned(),
    };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );

    let told = Instant::now();
    core.stop().await;
    assert!(
        told.elapsed() < DRAIN_MAX - Duration::from_secs(1),
        "{:?}",
        told.elapsed()
    );
    while let Ok(Some(_)) = watch.message().await {}
}

/// A reflection stream that its host keeps open without asking anything.
pub(crate) async fn endless_stream(channel: Channel) -> Streaming<ServerReflectionResponse> {
    let answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::pending())
        .await;
    answers.unwrap().into_inner()
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let core = start(None).await;
    let mut reflection = ServerReflectionClient::new(core.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in ["cell0.v1.CoreService", "grpc.health.v1.Health"] {
        assert!(
            names.iter().any(|listed| listed == name),
            "{name} in {names:?}"
        );
    }
    drop(answers);
    core.stop().await;
}

#[tokio::test]
async fn a_stream_that_its_host_never_ends_is_cut_when_the_drain_is_over() {
    let core = start(None).await;
    let stream = endless_stream(core.channel().await).await;
    let told = Instant::now();
    core.stop().await;
    assert!(told.elapsed() >= DRAIN_MAX);
    assert!(told.elapsed() < DRAIN_MAX + Duration::from_secs(2));
    drop(stream);
}
