//! Bytes -> envelope: capsules of one issuer under one proof. Whose signature that
//! is, and whether it is valid, is judged elsewhere.

use thiserror::Error;

use super::capsule::CAPSULE_BYTES_MAX;
use super::fields::{Fields, FormFault, add, set};
use super::merkle::{LEAVES_MAX, PATH_NODES_MAX};
use super::signing_input::Hash;
use crate::coded::Coded;

/// Most bytes of an envelope.
pub const ENVELOPE_BYTES_MAX: usize = 1024 * 1024;
/// Most capsules in one.
pub const CAPSULES_MAX: usize = 64;
const ED25519: u32 = 1;

/// Why bytes are no envelope, or its proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeFault {
    /// It, or a capsule in it, has more bytes than it may.
    #[error("the message or a capsule in it is too large")]
    TooLarge,
    /// It is not the protobuf that it should be.
    #[error("not an envelope: {0}")]
    Form(#[from] FormFault),
    /// The issuer's key is not 32 bytes, or there is no capsule.
    #[error("{0}")]
    Malformed(&'static str),
    /// It is signed by something else than Ed25519.
    #[error("algorithm {0} is unknown")]
    Algorithm(u32),
    /// There is no proof, or it does not lead to what is signed.
    #[error("{0}")]
    Proof(&'static str),
    /// The signature is not the issuer's.
    #[error("the signature is not valid")]
    Signature,
}

impl Coded for EnvelopeFault {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "CAPSULE_TOO_LARGE",
            Self::Form(_) | Self::Malformed(_) => "CAPSULE_MALFORMED",
            Self::Algorithm(_) => "CAPSULE_ALGORITHM_UNKNOWN",
            Self::Proof(_) => "CAPSULE_PROOF_INVALID",
            Self::Signature => "CAPSULE_SIGNATURE_INVALID",
        }
    }
}

/// One signature over one capsule, or over the root of a batch's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Of the only capsule.
    Single,
    /// Of neighbouring leaves of a batch.
    Merkle(Batch),
}

/// Where the capsules stand in their batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Number of the batch, of the issuer.
    pub number: u64,
    /// Leaves in the whole of it.
    pub count: u32,
    /// Place of the first capsule.
    pub first: u32,
    /// Root of the tree.
    pub root: Hash,
    /// Siblings that lead there, bottom up.
    pub path: Vec<Hash>,
}

/// An envelope within all bounds.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// Public key of who signed.
    pub issuer: [u8; 32],
    /// Serialised capsules, in order; 1 to 64.
    pub capsules: Vec<&'a [u8]>,
    /// What the signature is of.
    pub proof: Proof,
    /// The signature.
    pub signature: [u8; 64],
}

#[derive(Default)]
struct RawBatch<'a> {
    signature: Option<&'a [u8]>,
    number: Option<u64>,
    count: Option<u32>,
    first: Option<u32>,
    root: Option<&'a [u8]>,
    path: Vec<&'a [u8]>,
}

enum RawProof<'a> {
    Single(&'a [u8]),
    Merkle(RawBatch<'a>),
}

/// Reads an envelope.
///
/// # Errors
/// The first rule that is broken, in the order of size, form, algorithm, issuer, capsules, proof.
pub fn read(bytes: &[u8]) -> Result<Envelope<'_>, EnvelopeFault> {
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(EnvelopeFault::TooLarge);
    }
    let (mut issuer, mut algorithm, mut proof) = (None, None, None);
    let mut capsules = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut issuer, field.bytes()?)?,
            2 => set(&mut algorithm, field.u32()?)?,
            3 => add(&mut capsules, field.bytes()?, CAPSULES_MAX)?,
            4 => set(&mut proof, RawProof::Single(read_single(field.bytes()?)?))?,
            5 => set(&mut proof, RawProof::Merkle(read_batch(field.bytes()?)?))?,
            _ => field.unknown()?,
        }
    }
    let algorithm = algorithm.unwrap_or_default();
    if algorithm != ED25519 {
        return Err(EnvelopeFault::Algorithm(algorithm));
    }
    let issuer = <[u8; 32]>::try_from(issuer.unwrap_or_default())
        .map_err(|_| EnvelopeFault::Malformed("the issuer's key is not 32 bytes"))?;
    if capsules.is_empty() {
        return Err(EnvelopeFault::Malformed("it holds no capsule"));
    }
    if capsules.iter().any(|each| each.len() > CAPSULE_BYTES_MAX) {
        return Err(EnvelopeFault::TooLarge);
    }
    let (signature, proof) = judge(proof, capsules.len())?;
    Ok(Envelope {
        issuer,
        capsules,
        proof,
        signature,
    })
}

fn judge(proof: Option<RawProof<'_>>, capsules: usize) -> Result<([u8; 64], Proof), EnvelopeFault> {
    let unproven = |what| EnvelopeFault::Proof(what);
    let proof = proof.ok_or(unproven("there is no proof"))?;
    let signature = match &proof {
        RawProof::Single(signature) => signature,
        RawProof::Merkle(batch) => batch.signature.unwrap_or_default(),
    };
    let signature = signature
        .try_into()
        .map_err(|_| unproven("the signature is not 64 bytes"))?;
    let RawProof::Merkle(raw) = proof else {
        return match capsules {
            1 => Ok((signature, Proof::Single)),
            _ => Err(unproven("a single signature proves exactly one capsule")),
        };
    };
    let (count, first) = (raw.count.unwrap_or_default(), raw.first.unwrap_or_default());
    if !(1..=LEAVES_MAX).contains(&count) {
        return Err(unproven("the batch has no capsule, or too many"));
    }
    if u64::from(first).saturating_add(u64::try_from(capsules).unwrap_or(u64::MAX)) > count.into() {
        return Err(unproven("the capsules lie beyond the end of the batch"));
    }
    let hash = |bytes: &[u8]| Hash::try_from(bytes).map_err(|_| unproven("a hash is not 32 bytes"));
    let batch = Batch {
        number: raw.number.unwrap_or_default(),
        count,
        first,
        root: hash(raw.root.unwrap_or_default())?,
        path: raw.path.into_iter().map(hash).collect::<Result<_, _>>()?,
    };
    Ok((signature, Proof::Merkle(batch)))
}

fn read_single(bytes: &[u8]) -> Result<&[u8], FormFault> {
    let mut signature = None;
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut signature, field.bytes()?)?,
            _ => field.unknown()?,
        }
    }
    Ok(signature.unwrap_or_default())
}

fn read_batch(bytes: &[u8]) -> Result<RawBatch<'_>, FormFault> {
    let mut batch = RawBatch::default();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut batch.signature, field.bytes()?)?,
            2 => set(&mut batch.number, field.u64()?)?,
            3 => set(&mut batch.count, field.u32()?)?,
            4 => set(&mut batch.first, field.u32()?)?,
            5 => set(&mut batch.root, field.bytes()?)?,
            6 => add(&mut batch.path, field.bytes()?, PATH_NODES_MAX)?,
            _ => field.unknown()?,
        }
    }
    Ok(batch)
}
