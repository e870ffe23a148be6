//! Certificates: who a key belongs to, and what it may do. Read strictly here;
//! whether one counts in a cell is the store's judgement.

use super::certificate_body::{Body, Grant};
use super::continuity::Continuity;
use super::fault::AuthorityFault;
use crate::signature::is_canonical_key;
use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::fields::{Fields, FormFault, set};
use crate::wire::names::is_token;

/// Most bytes of a certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 12 * 1024;
/// Shards of a cell.
pub(super) const SHARDS: u32 = 256;

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Certified by genesis; certifies the others.
    Issuer,
    /// Hosts actors, and signs for them.
    Node,
    /// Sends intents of its own.
    Client,
}

/// A certificate in its form. Its signature is not verified by reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// As it travels.
    pub bytes: &'a [u8],
    /// What is signed.
    pub body: &'a [u8],
    /// Key that signed.
    pub signer: [u8; 32],
    /// Its signature.
    pub signature: [u8; 64],
    /// Key that is certified.
    pub key: [u8; 32],
    /// Name of the principal.
    pub principal: &'a str,
    /// What the principal is.
    pub kind: Kind,
    /// From 1; the highest of a principal counts.
    pub generation: u64,
    /// Valid from here ...
    pub not_before_unix_ms: u64,
    /// ... until before here.
    pub not_after_unix_ms: u64,
    /// Whether it is of a node that shard 0 is given to.
    pub has_first_shard: bool,
    /// The principal is withdrawn.
    pub is_revoked: bool,
    /// Which key this one follows, with that one's consent.
    pub continuity: Option<Continuity>,
}

impl Certificate<'_> {
    /// Whether it is of the generation right before another's.
    pub(super) fn is_right_before(&self, later: &Certificate<'_>) -> bool {
        self.generation.checked_add(1) == Some(later.generation)
    }
}

/// Reads a certificate.
///
/// # Errors
/// `CertificateInvalid`, for whatever is amiss.
pub fn read(bytes: &[u8]) -> Result<Certificate<'_>, AuthorityFault> {
    if bytes.len() > CERTIFICATE_BYTES_MAX {
        return Err(AuthorityFault::CertificateInvalid("it is too large"));
    }
    let invalid = AuthorityFault::CertificateInvalid;
    let [body, signer, signature, continuity_signature] =
        decode(bytes).map_err(|_| invalid("it is not a certificate's protobuf"))?;
    let signer = signer
        .try_into()
        .map_err(|_| invalid("its signer is not 32 bytes"))?;
    let signature = signature
        .try_into()
        .map_err(|_| invalid("its signature is not 64 bytes"))?;
    let raw = Body::read(body).map_err(|_| invalid("its body is not its protobuf"))?;
    let kind = match raw.kind {
        1 => Kind::Issuer,
        2 => Kind::Node,
        3 => Kind::Client,
        _ => return Err(invalid("its kind of principal is unknown")),
    };
    check(&raw, kind).map_err(invalid)?;
    let key = <[u8; 32]>::try_from(raw.key).ok().filter(is_canonical_key);
    let key = key.ok_or(invalid("its key is not acceptable"))?;
    let continuity = continuity(&raw, &key, continuity_signature).map_err(invalid)?;
    Ok(Certificate {
        bytes,
        body,
        signer,
        signature,
        key,
        principal: raw.principal,
        kind,
        generation: raw.generation,
        not_before_unix_ms: raw.not_before,
        not_after_unix_ms: raw.not_after,
        has_first_shard: raw.shards.iter().any(|(first, _)| *first == 0),
        is_revoked: raw.revoked,
        continuity,
    })
}

fn continuity(
    raw: &Body<'_>,
    key: &[u8; 32],
    signature: &[u8],
) -> Result<Option<Continuity>, &'static str> {
    match &raw.continuity {
        None if signature.is_empty() => Ok(None),
        None => Err("it has a signature of a key that it does not follow"),
        Some(_) if raw.revoked || raw.generation < 2 => {
            Err("a withdrawal, or a first generation, follows no key")
        }
        Some(continuity) => continuity.check(key, signature).map(Some),
    }
}

fn check(raw: &Body<'_>, kind: Kind) -> Result<(), &'static str> {
    let holds = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
    holds(is_token(raw.principal), "its principal is not a token")?;
    let has_generation = (1..=SAFE_INTEGER_MAX).contains(&raw.generation);
    holds(has_generation, "its generation must be 1 or more")?;
    let is_in_time = raw.not_after <= SAFE_INTEGER_MAX && raw.not_before < raw.not_after;
    holds(is_in_time, "its validity ends before it begins")?;
    holds(
        kind == Kind::Node || raw.shards.is_empty(),
        "only a node owns shards",
    )?;
    let mut shards = raw.shards.iter();
    let are_shards = shards.all(|(first, last)| first <= last && *last < SHARDS);
    holds(are_shards, "it has shards that there are not")?;
    holds(
        kind == Kind::Client || raw.grants.is_empty(),
        "only a client holds grants",
    )?;
    holds(
        raw.grants.iter().all(Grant::is_sound),
        "a grant names none, or what is no pattern",
    )
}

/// Body, signer and signature, and that of the key before.
fn decode(bytes: &[u8]) -> Result<[&[u8]; 4], FormFault> {
    let (mut body, mut signer, mut signature, mut of_key_before) = (None, None, None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut body, field.bytes()?)?,
            2 => set(&mut signer, field.bytes()?)?,
            3 => set(&mut signature, field.bytes()?)?,
            4 => set(&mut of_key_before, field.bytes()?)?,
            _ => field.unknown()?,
        }
    }
    Ok([body, signer, signature, of_key_before].map(Option::unwrap_or_default))
}
