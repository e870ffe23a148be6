//! Judges what a node takes in by what it says itself: the form of envelopes and
//! capsules, who signed them, and whether a capability that they carry counts and
//! allows them. Pure: time, certificates and revocations are given.
//!
//! Not judged here, since a node alone knows them: subject, placement, freshness,
//! replay, the issuer's epoch, and what an issuer is granted beside its tokens.

pub mod capsule;
pub mod envelope;
pub mod request;

use thiserror::Error;

use crate::capability::fault::CapabilityFault;
use crate::capability::standing::Revoked;
use crate::coded::Coded;
use crate::trust::fault::AuthorityFault;
use crate::trust::store::TrustStore;
use crate::wire::capsule::CapsuleFault;
use crate::wire::envelope::EnvelopeFault;
use crate::wire::signing_input::Hash;

/// What verdicts rest on.
#[derive(Debug)]
pub struct Court<'a> {
    /// Of the cell's genesis.
    pub genesis_hash: Hash,
    /// By whose time is judged too.
    pub now_unix_ms: u64,
    /// Who counts.
    pub trust: TrustStore<'a>,
    /// What does not count any more.
    pub revoked: Revoked<'a>,
}

/// What was found to be in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Hash of the token that it rests on; `None`: it has none.
    pub token: Option<Hash>,
    /// Hash of the first link that serves once: it is to be spent first.
    pub once: Option<Hash>,
}

/// Why something is refused; codes and their meaning are those of docs/errors.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The envelope, or its proof.
    #[error(transparent)]
    Envelope(#[from] EnvelopeFault),
    /// The capsule.
    #[error(transparent)]
    Capsule(#[from] CapsuleFault),
    /// A certificate, or whoever has the issuer's key.
    #[error(transparent)]
    Authority(#[from] AuthorityFault),
    /// The capability that it carries.
    #[error(transparent)]
    Capability(#[from] CapabilityFault),
    /// A reply that no node signed.
    #[error("a reply that was not signed by a node")]
    ReplyUnbound,
}

impl Coded for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Envelope(fault) => fault.code(),
            Self::Capsule(fault) => fault.code(),
            Self::Authority(fault) => fault.code(),
            Self::Capability(fault) => fault.code(),
            Self::ReplyUnbound => "CAPSULE_REPLY_UNBOUND",
        }
    }
}

/// What comes of one thing that is judged.
pub type Verdict = Result<Accepted, Refused>;
