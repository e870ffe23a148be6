//! That a key follows another, which agrees to it: the key before signs the
//! certificate of the next one, and counts beside it for a stated time.

use super::certificate::Certificate;
use crate::signature::is_canonical_key;
use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::fields::{Fields, FormFault, set};
use crate::wire::signing_input::{Hash, sha256};

/// How long the key before counts at most, from when the next one was issued.
const PRESERVE_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// How far clocks may differ before a certificate is taken for dated ahead.
const ISSUED_AFTER_MS: u64 = 60_000;

/// Which key a certificate's key follows. Its signature is not verified by reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuity {
    /// SHA-256 of the body of the certificate of the generation before.
    pub previous: Hash,
    /// Its key.
    pub previous_key: [u8; 32],
    /// When the certificate was issued.
    pub issued_unix_ms: u64,
    /// Until this millisecond the key before counts too.
    pub preserve_until_unix_ms: u64,
    /// Of the key before, over the certificate's body.
    pub signature: [u8; 64],
}

/// As it stands: nothing of it is checked.
pub(super) struct RawContinuity<'a> {
    previous: &'a [u8],
    previous_key: &'a [u8],
    issued: u64,
    until: u64,
}

impl<'a> RawContinuity<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, FormFault> {
        let (mut previous, mut previous_key, mut issued, mut until) = (None, None, None, None);
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => set(&mut previous, field.bytes()?)?,
                2 => set(&mut previous_key, field.bytes()?)?,
                3 => set(&mut issued, field.u64()?)?,
                4 => set(&mut until, field.u64()?)?,
                _ => field.unknown()?,
            }
        }
        Ok(Self {
            previous: previous.unwrap_or_default(),
            previous_key: previous_key.unwrap_or_default(),
            issued: issued.unwrap_or_default(),
            until: until.unwrap_or_default(),
        })
    }

    /// Of a certificate of this key, with what is to be the signature of the key before.
    pub(super) fn check(
        &self,
        key: &[u8; 32],
        signature: &[u8],
    ) -> Result<Continuity, &'static str> {
        let previous = Hash::try_from(self.previous)
            .map_err(|_| "the hash of the certificate before has the wrong length")?;
        let previous_key = <[u8; 32]>::try_from(self.previous_key)
            .ok()
            .filter(is_canonical_key)
            .ok_or("the key before is not acceptable")?;
        if previous_key == *key {
            return Err("its key follows itself");
        }
        if self.until > SAFE_INTEGER_MAX || self.issued > self.until {
            return Err("the key before ends before the next one was issued");
        }
        if self.until.saturating_sub(self.issued) > PRESERVE_MS_MAX {
            return Err("the key before counts for too long");
        }
        Ok(Continuity {
            previous,
            previous_key,
            issued_unix_ms: self.issued,
            preserve_until_unix_ms: self.until,
            signature: signature
                .try_into()
                .map_err(|_| "the signature of the key before is not 64 bytes")?,
        })
    }
}

/// From when a certificate counts. One whose key follows another does not before it
/// was issued: nobody lengthens the time of two keys by dating it ahead.
pub(super) fn begins_unix_ms(certificate: &Certificate<'_>) -> u64 {
    let issued = certificate
        .continuity
        .as_ref()
        .map_or(0, |continuity| continuity.issued_unix_ms);
    certificate
        .not_before_unix_ms
        .max(issued.saturating_sub(ISSUED_AFTER_MS))
}

/// Whether a certificate is the one that another says it follows.
pub(super) fn is_followed_by(before: &Certificate<'_>, newest: &Certificate<'_>) -> bool {
    newest.continuity.as_ref().is_some_and(|continuity| {
        before.is_right_before(newest)
            && !before.is_revoked
            && before.key == continuity.previous_key
            && sha256(&[before.body]) == continuity.previous
    })
}

/// Whether they are of generations next to each other, and the newer one says that it
/// follows something else.
pub(super) fn contradicts(before: &Certificate<'_>, newest: &Certificate<'_>) -> bool {
    before.is_right_before(newest) && !is_followed_by(before, newest)
}
