//! One link of a chain: a signed body with its approvals, in the only form that it
//! has. Neither signature nor time is judged by reading it.

use super::approval::{APPROVERS_MAX, Approval, check_form};
use super::fault::CapabilityFault;
use super::token_body::Claims;
use crate::wire::fields::{Fields, FormFault, add, set};
use crate::wire::signing_input::{Hash, sha256};

/// Most bytes of one link.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token in its form.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    /// What it says.
    pub claims: Claims<'a>,
    /// Of its issuer, over the body.
    pub signature: [u8; 64],
    /// Of those who have agreed to it.
    pub approvals: Vec<Approval<'a>>,
    /// SHA-256 of the body: its name, by which it is revoked.
    pub hash: Hash,
}

impl<'a> Token<'a> {
    /// Reads the message `SignedToken`.
    ///
    /// # Errors
    /// `Malformed`, for whatever is amiss.
    pub fn read(bytes: &'a [u8]) -> Result<Self, CapabilityFault> {
        let malformed = CapabilityFault::Malformed;
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(malformed("a link is too large"));
        }
        let (body, signature, approvals) =
            decode(bytes).map_err(|_| malformed("a link is not its protobuf"))?;
        if written(body, signature, &approvals) != bytes {
            return Err(malformed("a link is not in its only form"));
        }
        let signature = <[u8; 64]>::try_from(signature)
            .map_err(|_| malformed("a signature is not 64 bytes"))?;
        let claims = Claims::read(body).map_err(malformed)?;
        check_form(&approvals, claims.demand.as_ref()).map_err(malformed)?;
        Ok(Self {
            claims,
            signature,
            approvals,
            hash: sha256(&[body]),
        })
    }
}

type Raw<'a> = (&'a [u8], &'a [u8], Vec<Approval<'a>>);

fn decode(bytes: &[u8]) -> Result<Raw<'_>, FormFault> {
    let (mut body, mut signature, mut approvals) = (None, None, Vec::new());
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut body, field.bytes()?)?,
            2 => set(&mut signature, field.bytes()?)?,
            3 => add(
                &mut approvals,
                Approval::read(field.bytes()?)?,
                APPROVERS_MAX,
            )?,
            _ => field.unknown()?,
        }
    }
    Ok((
        body.unwrap_or_default(),
        signature.unwrap_or_default(),
        approvals,
    ))
}

/// The one encoding: fields in the order of their numbers, none that is empty, each
/// length in its shortest form.
fn written(body: &[u8], signature: &[u8], approvals: &[Approval<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    write_unless_empty(&mut out, 1, body);
    write_unless_empty(&mut out, 2, signature);
    for Approval {
        approver,
        signature,
    } in approvals
    {
        let mut inner = Vec::new();
        write_unless_empty(&mut inner, 1, approver);
        write_unless_empty(&mut inner, 2, signature);
        write(&mut out, 3, &inner);
    }
    out
}

fn write_unless_empty(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        write(out, number, bytes);
    }
}

/// Writes a field that has a length.
pub(super) fn write(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    prost::encoding::encode_varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(bytes);
}
