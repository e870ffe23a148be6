//! Judging envelopes, capsules and chains: the published vectors, and the bounds of a request.

use bytes::Bytes;
use cell0_core::coded::Coded;
use cell0_core::judge::request::{CERTIFICATES_MAX, SUBJECTS_MAX, judge};
use cell0_core::proto::judge_subject::Subject;
use cell0_core::proto::{
    HybridTime, IntentCapsule, JudgeRequest, JudgeSubject, Judgement, PresentedChain, ScopeEpoch,
    SignedCapsule, Source,
};
use cell0_core::verifier::CHECKS_MAX;
use ed25519_zebra::{SigningKey, VerificationKey};
use prost::Message;
use serde_json::Value;
use tonic::Code;

use crate::running::start;
use crate::service::refusal;

const CAPABILITIES: &str = include_str!("../../../test/vectors/capability-v1.json");
const CAPSULES: &str = include_str!("../../../test/vectors/capsule-v1.json");

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn bytes(hex: &Value) -> Bytes {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn request(file: &Value, subjects: Vec<Subject>) -> JudgeRequest {
    JudgeRequest {
        genesis: bytes(&file["genesis"]),
        certificates: file["certificates"]
            .as_array()
            .unwrap()
            .iter()
            .map(bytes)
            .collect(),
        now_unix_ms: file["nowUnixMs"].as_u64().unwrap(),
        subjects: subjects
            .into_iter()
            .map(|subject| JudgeSubject {
                subject: Some(subject),
            })
            .collect(),
        ..JudgeRequest::default()
    }
}

/// The codes of each subject, in order.
fn codes(request: &JudgeRequest) -> Vec<Vec<String>> {
    let judged = judge(request, None, CHECKS_MAX).unwrap();
    let subjects = judged.response.subjects.into_iter();
    subjects
        .map(|subject| {
            subject
                .judgements
                .into_iter()
                .map(|each| each.code)
                .collect()
        })
        .collect()
}

fn chain(vector: &Value) -> Subject {
    Subject::Chain(PresentedChain {
        chain: bytes(&vector["chain"]),
        holder: bytes(&vector["holder"]),
        actor: vector["actor"].as_str().unwrap_or_default().to_owned(),
    })
}

/// What ann, or an actor of the node, may do with a chain.
fn use_of(vector: &Value, ann: &Bytes, node: &Bytes) -> Subject {
    let source = vector["actor"].as_str().map(|actor| Source {
        actor: actor.to_owned(),
        ..Source::default()
    });
    let issuer = if source.is_some() { node } else { ann };
    let text = |name: &str| vector[name].as_str().unwrap().to_owned();
    let capsule = IntentCapsule {
        id: vec![1; 16].into(),
        root_id: vec![1; 16].into(),
        intent: text("intent"),
        target: text("target"),
        content_type: text("contentType"),
        payload: text("payload").into(),
        deadline_unix_ms: vector["deadlineUnixMs"].as_u64().unwrap(),
        issued_at: Some(HybridTime {
            unix_ms: 1,
            counter: 0,
        }),
        capability: bytes(&vector["chain"]),
        source,
        ..IntentCapsule::default()
    };
    Subject::Capsule(SignedCapsule {
        capsule: capsule.encode_to_vec().into(),
        issuer: issuer.clone(),
    })
}

/// The messages of the published vectors; some are refused.
pub(crate) fn envelopes() -> Vec<Subject> {
    let file = file(CAPSULES);
    let vectors = file["vectors"].as_array().unwrap().iter();
    vectors
        .map(|vector| Subject::Envelope(bytes(&vector["message"])))
        .collect()
}

/// Their chains; some are refused.
pub(crate) fn presented_chains() -> Vec<Subject> {
    let file = file(CAPABILITIES);
    file["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(chain)
        .collect()
}

/// What is found of subjects in the cell that both files are of.
pub(crate) fn judged(subjects: &[Subject]) -> Vec<Vec<Judgement>> {
    let request = request(&file(CAPABILITIES), subjects.to_vec());
    let judged = judge(&request, None, CHECKS_MAX).unwrap();
    let subjects = judged.response.subjects.into_iter();
    subjects.map(|subject| subject.judgements).collect()
}

#[test]
fn chains_and_uses_get_the_codes_that_the_vectors_say() {
    let file = file(CAPABILITIES);
    let ann = bytes(&file["chains"][0]["holder"]);
    let (chains, uses) = (
        file["chains"].as_array().unwrap(),
        file["uses"].as_array().unwrap(),
    );
    assert!(chains.len() > 100 && uses.len() > 50);
    let mut subjects: Vec<Subject> = chains.iter().map(chain).collect();
    // Of the seed that `makeCapsuleVectors` states.
    let node = <[u8; 32]>::from(VerificationKey::from(&SigningKey::from([3; 32])));
    let node = Bytes::copy_from_slice(&node);
    subjects.extend(uses.iter().map(|vector| use_of(vector, &ann, &node)));
    let judged = codes(&request(&file, subjects));
    for (vector, codes) in chains.iter().chain(uses).zip(judged) {
        let expected = vector["code"].as_str().unwrap_or("ok");
        assert_eq!(codes, [expected], "{}", vector["name"]);
    }
}

#[test]
fn a_refused_message_gets_the_code_that_the_vectors_say_or_is_for_its_node_to_refuse() {
    let file = file(CAPSULES);
    let vectors = file["vectors"].as_array().unwrap();
    let messages = vectors
        .iter()
        .map(|vector| Subject::Envelope(bytes(&vector["message"])));
    let judged = codes(&request(&file, messages.collect()));
    let mut refused = 0;
    for (vector, codes) in vectors.iter().zip(judged) {
        let expected = vector["verdicts"].as_array().unwrap();
        assert_eq!(codes.len(), expected.len(), "{}", vector["name"]);
        for (code, expected) in codes.iter().zip(expected) {
            if code != "ok" {
                refused += 1;
                assert_eq!(expected["code"], code.as_str(), "{}", vector["name"]);
            }
        }
    }
    assert!(refused > 15);
}

#[test]
fn what_is_revoked_and_the_epoch_of_a_scope_are_as_they_are_given() {
    let file = file(CAPABILITIES);
    let root = chain(&file["chains"][0]);
    let mut request = request(&file, vec![root]);
    let token = judge(&request, None, CHECKS_MAX).unwrap().response.subjects[0].judgements[0]
        .token
        .clone();
    assert_eq!(token, bytes(&file["signing"]["hash"]));
    request.revoked_tokens = vec![token];
    assert_eq!(codes(&request), [["CAPABILITY_REVOKED"]]);
    request.revoked_tokens.clear();
    request.epochs = vec![ScopeEpoch {
        scope: "default".to_owned(),
        epoch: 7,
    }];
    assert_eq!(codes(&request), [["CAPABILITY_EPOCH_STALE"]]);
}

#[tokio::test]
async fn a_request_beyond_its_bounds_is_refused_as_a_whole() {
    let file = file(CAPABILITIES);
    let sound = || request(&file, vec![chain(&file["chains"][0])]);
    let filled = |change: &dyn Fn(&mut JudgeRequest)| {
        let mut request = sound();
        change(&mut request);
        request
    };
    let subject = sound().subjects[0].clone();
    let running = start(None).await;
    let mut client = running.client().await;
    let response = client.judge(sound()).await.unwrap().into_inner();
    assert_eq!(response.subjects[0].judgements[0].code, "ok");
    for request in [
        filled(&|request| request.genesis = Bytes::new()),
        filled(&|request| request.certificates = vec![Bytes::new(); CERTIFICATES_MAX + 1]),
        filled(&|request| request.subjects = vec![subject.clone(); SUBJECTS_MAX + 1]),
        filled(&|request| request.subjects.push(JudgeSubject::default())),
        filled(&|request| request.now_unix_ms = 1 << 53),
        filled(&|request| request.revoked_tokens = vec![vec![0; 31].into()]),
        filled(&|request| request.revoked_tokens = vec![vec![0; 32].into(); 65_537]),
        filled(&|request| request.epochs = vec![ScopeEpoch::default(); 2]),
        filled(&|request| {
            let epoch = |n: usize| ScopeEpoch {
                scope: n.to_string(),
                epoch: 1,
            };
            request.epochs = (0..257).map(epoch).collect();
        }),
        filled(&|request| {
            let chain = PresentedChain {
                chain: Bytes::new(),
                holder: vec![1; 31].into(),
                actor: String::new(),
            };
            request.subjects = vec![JudgeSubject {
                subject: Some(Subject::Chain(chain)),
            }];
        }),
        filled(&|request| {
            let chain = PresentedChain {
                chain: Bytes::new(),
                holder: vec![1; 32].into(),
                actor: "support/triage".to_owned(),
            };
            request.subjects = vec![JudgeSubject {
                subject: Some(Subject::Chain(chain)),
            }];
        }),
    ] {
        let status = client.judge(request).await.unwrap_err();
        assert_eq!(
            refusal(&status),
            (Code::InvalidArgument, "CORE_MALFORMED_REQUEST")
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn another_cells_genesis_is_refused_by_a_core_of_a_cell() {
    let file = file(CAPABILITIES);
    let own = <[u8; 32]>::try_from(bytes(&file["genesisHash"]).as_ref()).unwrap();
    for (cell, refused) in [(own, false), ([1; 32], true)] {
        let running = start(Some(cell)).await;
        let outcome = running
            .client()
            .await
            .judge(request(&file, Vec::new()))
            .await;
        assert_eq!(outcome.is_err(), refused);
        if let Err(status) = outcome {
            assert_eq!(
                refusal(&status),
                (Code::FailedPrecondition, "CORE_GENESIS_MISMATCH")
            );
        }
        running.stop().await;
    }
}

/// Envelopes of one capsule each, under signatures that differ: each has to be verified.
#[test]
fn more_signatures_than_the_budget_refuse_the_request_and_the_same_one_counts_once() {
    let file = file(CAPSULES);
    let envelope = bytes(&file["vectors"][0]["message"]).to_vec();
    let with = |n: u8| {
        let mut changed = envelope.clone();
        *changed.last_mut().unwrap() ^= n;
        Subject::Envelope(changed.into())
    };
    let differing = request(&file, (0..4).map(with).collect());
    // One for each certificate, two where its key follows another.
    let of_certificates = judge(&request(&file, Vec::new()), None, CHECKS_MAX).unwrap();
    let of_certificates = of_certificates.signatures.verdicts().len();
    assert!(of_certificates > differing.certificates.len());
    let needed = of_certificates + 4;
    let within = judge(&differing, None, needed).unwrap();
    assert_eq!(within.signatures.verdicts().len(), needed);
    for budget in [needed - 1, 3, 0] {
        let refused = judge(&differing, None, budget).unwrap_err();
        assert_eq!(refused.code(), "CORE_TOO_MANY_CHECKS");
    }
    let same = request(&file, vec![with(0); SUBJECTS_MAX]);
    assert!(judge(&same, None, needed - 3).is_ok());
}
