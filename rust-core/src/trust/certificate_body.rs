//! The signed part of a certificate, field by field.

use super::continuity::RawContinuity;
use crate::capability::pattern::{PATTERNS_MAX, Separator, is_pattern};
use crate::wire::fields::{Fields, FormFault, add, set};

const SHARD_RANGES_MAX: usize = 256;
const GRANTS_MAX: usize = 64;

/// As it stands: nothing of it is checked.
pub(super) struct Body<'a> {
    pub(super) key: &'a [u8],
    pub(super) principal: &'a str,
    pub(super) kind: u32,
    pub(super) generation: u64,
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    pub(super) shards: Vec<(u32, u32)>,
    pub(super) grants: Vec<Grant<'a>>,
    pub(super) revoked: bool,
    pub(super) continuity: Option<RawContinuity<'a>>,
}

impl<'a> Body<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, FormFault> {
        let (mut key, mut principal, mut kind, mut generation) = (None, None, None, None);
        let (mut not_before, mut not_after, mut revoked) = (None, None, None);
        let (mut shards, mut grants) = (Vec::new(), Vec::new());
        let mut continuity = None;
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => set(&mut key, field.bytes()?)?,
                2 => set(&mut principal, field.text()?)?,
                3 => set(&mut kind, field.u32()?)?,
                4 => set(&mut generation, field.u64()?)?,
                5 => set(&mut not_before, field.u64()?)?,
                6 => set(&mut not_after, field.u64()?)?,
                7 => add(&mut shards, read_range(field.bytes()?)?, SHARD_RANGES_MAX)?,
                8 => add(&mut grants, Grant::read(field.bytes()?)?, GRANTS_MAX)?,
                9 => set(&mut revoked, field.flag()?)?,
                10 => set(&mut continuity, RawContinuity::read(field.bytes()?)?)?,
                _ => field.unknown()?,
            }
        }
        Ok(Self {
            key: key.unwrap_or_default(),
            principal: principal.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            generation: generation.unwrap_or_default(),
            not_before: not_before.unwrap_or_default(),
            not_after: not_after.unwrap_or_default(),
            shards,
            grants,
            revoked: revoked.unwrap_or_default(),
            continuity,
        })
    }
}

fn read_range(bytes: &[u8]) -> Result<(u32, u32), FormFault> {
    let (mut first, mut last) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut first, field.u32()?)?,
            2 => set(&mut last, field.u32()?)?,
            _ => field.unknown()?,
        }
    }
    Ok((first.unwrap_or_default(), last.unwrap_or_default()))
}

/// Judged for its form only: what is granted beside tokens is not this verifier's concern.
pub(super) struct Grant<'a> {
    intents: Vec<&'a str>,
    targets: Vec<&'a str>,
}

impl<'a> Grant<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, FormFault> {
        let (mut intents, mut targets) = (Vec::new(), Vec::new());
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => add(&mut intents, field.text()?, PATTERNS_MAX)?,
                2 => add(&mut targets, field.text()?, PATTERNS_MAX)?,
                _ => field.unknown()?,
            }
        }
        Ok(Self { intents, targets })
    }

    /// Whether it names something, by patterns.
    pub(super) fn is_sound(&self) -> bool {
        let are_patterns = |all: &[&str], separator| {
            !all.is_empty() && all.iter().all(|each| is_pattern(each, separator))
        };
        are_patterns(&self.intents, Separator::Dot) && are_patterns(&self.targets, Separator::Slash)
    }
}
