//! Bytes -> capsule: size, form, then every field. Nothing out of bounds leaves this file.

use thiserror::Error;

use super::capsule_form::decode;
use super::check_capsule::check;
use super::fields::FormFault;
use crate::coded::Coded;

/// Most bytes of a capsule.
pub const CAPSULE_BYTES_MAX: usize = 80 * 1024;
/// Most bytes of its payload.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// `PRIORITY_LOW`, the last of the classes.
const PRIORITY_MAX: u32 = 4;

/// Why bytes are no capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CapsuleFault {
    /// It has more bytes than it may.
    #[error("the capsule is too large")]
    TooLarge,
    /// It is not the protobuf that it should be.
    #[error("not a capsule: {0}")]
    Form(#[from] FormFault),
    /// Its payload has more bytes than it may.
    #[error("the payload is too large")]
    PayloadTooLarge,
    /// A field is not what it has to be.
    #[error("`{0}` is not what it has to be")]
    Field(&'static str),
}

impl Coded for CapsuleFault {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "CAPSULE_TOO_LARGE",
            Self::Form(_) => "CAPSULE_MALFORMED",
            Self::PayloadTooLarge => "CAPSULE_PAYLOAD_TOO_LARGE",
            Self::Field(_) => "CAPSULE_FIELD_INVALID",
        }
    }
}

/// An intent, or a reply to one.
#[derive(Clone, Debug, Default)]
pub struct Capsule<'a> {
    /// 16 bytes.
    pub id: &'a [u8],
    /// Id of the intent that began its causes; its own at the root.
    pub root_id: &'a [u8],
    /// Id of its cause; empty at the root.
    pub cause_id: &'a [u8],
    /// Further sends that it may cause.
    pub hop_limit: u32,
    /// Path of an actor; of a reply the inbox that it is published to.
    pub target: &'a str,
    /// Intent type.
    pub intent: &'a str,
    /// Media type of the payload; empty: JSON.
    pub content_type: &'a str,
    /// What is sent.
    pub payload: &'a [u8],
    /// Physical milliseconds, and a counter within them.
    pub issued_at: (u64, u32),
    /// Milliseconds since the Unix epoch.
    pub deadline_unix_ms: u64,
    /// Epoch of the issuer's authority.
    pub epoch: u64,
    /// Chain of tokens that it rests on; empty: on what its issuer is granted.
    pub capability: &'a [u8],
    /// W3C Trace Context; empty: none.
    pub traceparent: &'a str,
    /// Of that trace.
    pub tracestate: &'a str,
    /// Where replies go; empty: none is wanted.
    pub reply_inbox: &'a str,
    /// The sending actor.
    pub source: Option<Source<'a>>,
    /// Set in a reply.
    pub reply: Option<Reply<'a>>,
}

/// The sending actor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// Its path.
    pub actor: &'a str,
    /// Term and activation.
    pub incarnation: Option<(u64, u64)>,
    /// Of this send among its sends.
    pub sequence: u64,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reply<'a> {
    /// Id of the request.
    pub request_id: &'a [u8],
    /// SHA-256 of its bytes.
    pub request_hash: &'a [u8],
    /// Whether nothing follows.
    pub is_final: bool,
    /// Set when the request was refused or failed.
    pub error: Option<WireError<'a>>,
    /// Copies of the request that are refused.
    pub turned_away: u32,
}

/// A coded error as it travels.
#[derive(Clone, Copy, Debug, Default)]
pub struct WireError<'a> {
    /// Its stable code.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// What to do about it.
    pub remedy: &'a str,
}

/// Reads a capsule.
///
/// # Errors
/// The first rule that is broken, in the order of size, form, priority, payload, other fields.
pub fn read(bytes: &[u8]) -> Result<Capsule<'_>, CapsuleFault> {
    if bytes.len() > CAPSULE_BYTES_MAX {
        return Err(CapsuleFault::TooLarge);
    }
    let (capsule, priority) = decode(bytes)?;
    if priority > PRIORITY_MAX {
        return Err(CapsuleFault::Field("priority"));
    }
    check(&capsule)?;
    Ok(capsule)
}
