//! Requests that are made of changed bytes: prost reads them, so what is tried is all that comes
//! after; and changed envelopes and chains, which the core reads itself. Whatever the bytes say is
//! answered, or refused with a code; nothing panics, and nothing counts that was not signed.

use std::collections::HashSet;

use cell0_core::PROTOCOL;
use cell0_core::proto::core_service_server::CoreService;
use cell0_core::proto::judge_subject::Subject;
use cell0_core::proto::{
    Certificate, CertificateVerdict, PresentedChain, QuorumThresholdsRequest, SignatureVerdict,
    Validator, VerifyBatchRequest, VerifyCertificateRequest,
};
use cell0_core::service::Service;
use cell0_core::verifier::Verifier;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::certificate::{GENESIS, certificate};
use crate::judge::{envelopes, judged, presented_chains};
use crate::service::{handshake, refusal, signed, validators, wire};

const INPUTS: u32 = 4_000;

/// The same at each run: mulberry32 (Tommy Ettinger, public domain).
struct Draw(u32);

impl Draw {
    fn any(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x6d2b_79f5);
        let mut mixed = (self.0 ^ (self.0 >> 15)).wrapping_mul(self.0 | 1);
        mixed ^= mixed.wrapping_add((mixed ^ (mixed >> 7)).wrapping_mul(mixed | 61));
        (mixed ^ (mixed >> 14)) as usize
    }

    fn below(&mut self, limit: usize) -> usize {
        self.any() % limit.max(1)
    }
}

/// Up to three pieces flipped, overwritten, cut out, repeated or put in, or `more` at the end, which
/// protobuf takes for further elements of its lists; none in every fourth.
fn changed(original: &[u8], more: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..draw.below(4) {
        let at = draw.below(bytes.len() + 1);
        let end = (at + 1 + draw.below(40)).min(bytes.len());
        match draw.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
            1 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][draw.below(5)],
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => {
                let piece = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => bytes.extend_from_slice(more),
            _ => {
                let piece: Vec<u8> = (0..=draw.below(10)).map(|_| draw.any() as u8).collect();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// The requests that changed bytes still are; there are some of either kind.
fn requests<M: Message + Default>(original: &M, more: &M, seed: u32) -> Vec<M> {
    let mut draw = Draw(seed);
    let (bytes, more) = (original.encode_to_vec(), more.encode_to_vec());
    let read: Vec<M> = (0..INPUTS)
        .filter_map(|_| M::decode(changed(&bytes, &more, &mut draw).as_slice()).ok())
        .collect();
    assert!(
        (500..3_900).contains(&read.len()),
        "{} are requests",
        read.len()
    );
    read
}

fn service() -> Service {
    Service::new([7; 32], Some(GENESIS), Verifier::new(2))
}

/// The answer; none when it was refused, which has a code.
fn answer<T>(outcome: Result<Response<T>, Status>) -> Option<T> {
    match outcome {
        Ok(response) => Some(response.into_inner()),
        Err(status) => {
            assert!(refusal(&status).1.starts_with("CORE_"));
            None
        }
    }
}

fn weight<'a>(of: impl Iterator<Item = &'a Validator>) -> u128 {
    of.map(|validator| u128::from(validator.weight)).sum()
}

#[tokio::test]
async fn a_certificate_of_changed_bytes_counts_only_as_it_was_signed_and_by_a_quorum() {
    let original = VerifyCertificateRequest {
        certificate: Some(wire(certificate(&[0, 1, 2]))),
        validators: validators(4),
    };
    let signed = original.certificate.clone().unwrap();
    let vote_again = VerifyCertificateRequest {
        certificate: Some(Certificate {
            votes: signed.votes[1..2].to_vec(),
            ..Certificate::default()
        }),
        validators: Vec::new(),
    };
    let (service, mut valid, mut refused) = (service(), 0, 0);
    for request in requests(&original, &vote_again, 1) {
        let asked = request.clone();
        let Some(answer) = answer(service.verify_certificate(Request::new(request)).await) else {
            refused += 1;
            continue;
        };
        if answer.verdict() != CertificateVerdict::Valid {
            continue;
        }
        valid += 1;
        let mut found = asked.certificate.unwrap();
        let votes = std::mem::take(&mut found.votes);
        assert!(votes.iter().all(|vote| signed.votes.contains(vote)));
        let voters: HashSet<_> = votes.iter().map(|vote| vote.validator.clone()).collect();
        assert_eq!(voters.len(), votes.len());
        found.votes.clone_from(&signed.votes);
        assert_eq!(found, signed);
        let total = weight(asked.validators.iter());
        let voted = weight(asked.validators.iter().filter(|v| voters.contains(&v.key)));
        assert!(3 * voted > 2 * total, "{voted} of {total}");
    }
    assert!(
        valid > 100 && refused > 50,
        "{valid} valid, {refused} refused"
    );
}

#[tokio::test]
async fn checks_of_changed_bytes_have_a_verdict_each_and_are_valid_only_as_they_were_signed() {
    let original = VerifyBatchRequest {
        checks: vec![signed(1, b"one"), signed(2, b"two"), signed(3, b"")],
    };
    let (service, mut valid, mut invalid) = (service(), 0, 0);
    for request in requests(&original, &original, 2) {
        let checks = request.checks.clone();
        let answer = answer(service.verify_batch(Request::new(request)).await).unwrap();
        assert_eq!(answer.verdicts.len(), checks.len());
        for (verdict, check) in answer.verdicts().zip(&checks) {
            assert_ne!(verdict, SignatureVerdict::Unspecified);
            if verdict == SignatureVerdict::Valid {
                assert!(original.checks.contains(check), "{check:?}");
                valid += 1;
            } else {
                invalid += 1;
            }
        }
    }
    assert!(valid > 100 && invalid > 100, "{valid} valid, {invalid} not");
}

#[tokio::test]
async fn a_handshake_of_changed_bytes_is_agreed_to_only_for_this_protocol_and_cell() {
    let (service, mut agreed, mut refused) = (service(), 0, 0);
    let ours = handshake(PROTOCOL, &GENESIS);
    for request in requests(&ours, &ours, 3) {
        let is_ours = request.protocol == PROTOCOL && request.genesis_hash[..] == GENESIS;
        let answer = answer(service.handshake(Request::new(request)).await);
        assert_eq!(answer.is_some(), is_ours);
        *(if is_ours { &mut agreed } else { &mut refused }) += 1;
    }
    assert!(
        agreed > 100 && refused > 100,
        "{agreed} agreed to, {refused} refused"
    );
}

#[tokio::test]
async fn validators_of_changed_bytes_have_thresholds_that_fit_their_weight_or_none() {
    let mut all = validators(4);
    all[3].weight = u64::MAX >> 3;
    let original = QuorumThresholdsRequest { validators: all };
    let (service, mut answered, mut refused) = (service(), 0, 0);
    for request in requests(&original, &original, 4) {
        let total = weight(request.validators.iter());
        let Some(answer) = answer(service.quorum_thresholds(Request::new(request)).await) else {
            refused += 1;
            continue;
        };
        answered += 1;
        assert_eq!(u128::from(answer.total_weight), total);
        let (faulty, quorum) = (
            u128::from(answer.faulty_weight),
            u128::from(answer.quorum_weight),
        );
        assert!(
            3 * faulty < total && 3 * (faulty + 1) >= total,
            "{faulty} of {total}"
        );
        assert!(
            3 * quorum > 2 * total && 3 * (quorum - 1) <= 2 * total,
            "{quorum} of {total}"
        );
    }
    assert!(
        answered > 100 && refused > 100,
        "{answered} answered, {refused} refused"
    );
}

#[test]
fn envelopes_and_chains_of_changed_bytes_count_only_as_they_were_signed() {
    let mut draw = Draw(5);
    let originals = [envelopes(), presented_chains()].concat();
    let signed: HashSet<_> = judged(&originals)
        .into_iter()
        .flatten()
        .filter(|found| found.code == "ok")
        .map(|found| found.token)
        .collect();
    let (mut counting, mut refused) = (0, 0);
    for _ in 0..20 {
        let mut subjects = originals.clone();
        for subject in &mut subjects {
            let (bytes, more) = match subject {
                Subject::Envelope(bytes) => (bytes, &originals[0]),
                Subject::Chain(presented) => {
                    (&mut presented.chain, &originals[originals.len() - 1])
                }
                Subject::Capsule(_) => continue,
            };
            let (Subject::Envelope(more) | Subject::Chain(PresentedChain { chain: more, .. })) =
                more
            else {
                continue;
            };
            *bytes = changed(bytes, more, &mut draw).into();
        }
        for found in judged(&subjects).into_iter().flatten() {
            if found.code == "ok" {
                assert!(signed.contains(&found.token));
                counting += 1;
            } else {
                assert!(found.code.contains('_') && !found.reason.is_empty());
                refused += 1;
            }
        }
    }
    assert!(
        counting > 100 && refused > 500,
        "{counting} count, {refused} are refused"
    );
}
