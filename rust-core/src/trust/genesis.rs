//! A cell's root of trust. Its hash is over the bytes as they are.

use super::certificate::SHARDS;
use crate::signature::is_canonical_key;
use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::fields::{Fields, FormFault, set};
use crate::wire::names::is_token;
use crate::wire::signing_input::{Hash, sha256};

const GENESIS_BYTES_MAX: usize = 1024;
const NONCE_BYTES: usize = 16;

/// What all trust in a cell comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Key that certifies issuers.
    pub key: [u8; 32],
    /// SHA-256 of the genesis, part of all that is signed.
    pub hash: Hash,
}

/// Reads a genesis; `None` unless every byte is as it should be.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Genesis> {
    if bytes.len() > GENESIS_BYTES_MAX {
        return None;
    }
    let key = decode(bytes).ok()??;
    Some(Genesis {
        key,
        hash: sha256(&[bytes]),
    })
}

fn decode(bytes: &[u8]) -> Result<Option<[u8; 32]>, FormFault> {
    let (mut cell, mut key, mut created, mut shards, mut nonce) = (None, None, None, None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut cell, field.text()?)?,
            2 => set(&mut key, field.bytes()?)?,
            3 => set(&mut created, field.u64()?)?,
            4 => set(&mut shards, field.u32()?)?,
            5 => set(&mut nonce, field.bytes()?)?,
            _ => field.unknown()?,
        }
    }
    let is_sound = is_token(cell.unwrap_or_default())
        && shards == Some(SHARDS)
        && nonce.is_some_and(|nonce| nonce.len() == NONCE_BYTES)
        && created.unwrap_or_default() <= SAFE_INTEGER_MAX;
    let key = <[u8; 32]>::try_from(key.unwrap_or_default()).ok();
    Ok(key.filter(|key| is_sound && is_canonical_key(key)))
}
