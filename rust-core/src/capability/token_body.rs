//! What a token says, and the bounds of it: who may use it for what, until when, and
//! how often it may be handed on.

use super::approval::{Demand, acceptable_key};
use super::limits::Limits;
use super::pattern::is_of_kernel;
use super::permission::{CONSTRAINTS_MAX, Permission};
use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::fields::{Fields, FormFault, add, set};
use crate::wire::names::is_token;

/// Links of a chain, the root included.
pub const LINKS_MAX: usize = 8;
const DEPTH_MAX: u32 = 7;
const PERMISSIONS_MAX: usize = 16;
/// Of one token in all, so that comparing two of them is bounded.
const PATTERNS_IN_ALL_MAX: usize = 64;
const VALUES_IN_ALL_MAX: usize = 256;
/// What a date can be, ECMAScript's bound.
const TIME_MS_MAX: u64 = 8_640_000_000_000_000;
/// Of a token that serves once: it is remembered that it has, until then.
const EPHEMERAL_MS_MAX: u64 = 300_000;
/// Of a token with a limit: nodes remember until then what was used.
const COUNTED_MS_MAX: u64 = 30 * 86_400_000;
const ID_BYTES: usize = 16;

/// Whom a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Reaches the kernel's own actors, and no other.
    System,
    /// An actor.
    Agent,
    /// Reaches actors of graphs, and none of the kernel's.
    User,
    /// Another cell.
    Federation,
    /// Serves one intent, once.
    Ephemeral,
}

/// The claims of a token.
#[derive(Clone, Debug)]
pub struct Claims<'a> {
    /// Whom it is for.
    pub kind: TokenKind,
    /// Key that signs it.
    pub issuer: [u8; 32],
    /// Key that may use it and hand it on; of an actor the hash that names it.
    pub holder: [u8; 32],
    /// Hash of the link before; `None` in a root.
    pub parent: Option<[u8; 32]>,
    /// Any one of them suffices.
    pub permissions: Vec<Permission<'a>>,
    /// Beyond which it does not serve.
    pub limits: Limits,
    /// Valid from here ...
    pub not_before_unix_ms: u64,
    /// ... until before here.
    pub not_after_unix_ms: u64,
    /// Links that may follow.
    pub max_depth: u32,
    /// What is revoked together.
    pub scope: &'a str,
    /// Of the scope.
    pub epoch: u64,
    /// Who is to approve it.
    pub demand: Option<Demand>,
}

#[derive(Default)]
struct Raw<'a> {
    id: Option<&'a [u8]>,
    kind: Option<u32>,
    issuer: Option<&'a [u8]>,
    holder: Option<&'a [u8]>,
    parent: Option<&'a [u8]>,
    permissions: Vec<&'a [u8]>,
    limits: Option<&'a [u8]>,
    not_before: Option<u64>,
    not_after: Option<u64>,
    max_depth: Option<u32>,
    scope: Option<&'a str>,
    epoch: Option<u64>,
    demand: Option<&'a [u8]>,
}

impl<'a> Claims<'a> {
    /// Reads the message `TokenBody`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let raw = Raw::read(bytes).map_err(|_| "a body is not its protobuf")?;
        if raw.id.unwrap_or_default().len() != ID_BYTES {
            return Err("its id is not 16 bytes");
        }
        let key = |bytes: Option<&[u8]>| {
            acceptable_key(bytes.unwrap_or_default())
                .ok_or("its issuer or holder is no acceptable key")
        };
        let kind = kind(raw.kind.unwrap_or_default()).ok_or("its kind is unknown")?;
        let holder = match kind {
            TokenKind::Agent => raw
                .holder
                .unwrap_or_default()
                .try_into()
                .map_err(|_| "the name of its holder is not 32 bytes")?,
            _ => key(raw.holder)?,
        };
        let parent = match raw.parent.unwrap_or_default() {
            [] => None,
            bytes => Some(
                bytes
                    .try_into()
                    .map_err(|_| "its parent is not 32 bytes, or empty")?,
            ),
        };
        let limits = Limits::read(raw.limits.unwrap_or_default());
        let claims = Self {
            kind,
            issuer: key(raw.issuer)?,
            holder,
            parent,
            permissions: raw
                .permissions
                .iter()
                .map(|each| Permission::read(each))
                .collect::<Result<_, _>>()?,
            limits: limits.map_err(|_| "its limits are not their protobuf")?,
            not_before_unix_ms: raw.not_before.unwrap_or_default(),
            not_after_unix_ms: raw.not_after.unwrap_or_default(),
            max_depth: raw.max_depth.unwrap_or_default(),
            scope: raw.scope.unwrap_or_default(),
            epoch: raw.epoch.unwrap_or_default(),
            demand: raw.demand.map(Demand::read).transpose()?,
        };
        claims.check_terms()?;
        claims.check_permissions()?;
        Ok(claims)
    }

    fn check_terms(&self) -> Result<(), &'static str> {
        let (from, until) = (self.not_before_unix_ms, self.not_after_unix_ms);
        if !is_token(self.scope) {
            return Err("its scope is not a token");
        }
        if self.max_depth > DEPTH_MAX {
            return Err("it may be handed on too often");
        }
        if self.kind == TokenKind::Agent && self.max_depth > 0 {
            return Err("it is an actor's, which hands nothing on");
        }
        if until > TIME_MS_MAX || self.epoch > SAFE_INTEGER_MAX || !self.limits.are_safe() {
            return Err("a number is too large");
        }
        if from >= until {
            return Err("its validity ends before it begins");
        }
        if self.kind == TokenKind::Ephemeral && until - from > EPHEMERAL_MS_MAX {
            return Err("it serves once, and would be valid for too long");
        }
        if self.limits.are_any() && until - from > COUNTED_MS_MAX {
            return Err("what it uses is counted, and it would be valid for too long");
        }
        Ok(())
    }

    fn check_permissions(&self) -> Result<(), &'static str> {
        let all = &self.permissions;
        let patterns: usize = all
            .iter()
            .map(|each| each.intents.len() + each.targets.len())
            .sum();
        let constraints = || all.iter().flat_map(|each| &each.constraints);
        let values: usize = constraints().map(|each| each.rule.values()).sum();
        if all.is_empty() {
            return Err("it permits nothing");
        }
        let mut targets = all.iter().flat_map(|each| &each.targets);
        match self.kind {
            TokenKind::System if !targets.all(|each| is_of_kernel(each)) => {
                return Err("it is of kind system, and names a target outside the kernel");
            }
            TokenKind::User if targets.any(|each| is_of_kernel(each)) => {
                return Err("it is of kind user, and names a target of the kernel");
            }
            _ => {}
        }
        if patterns > PATTERNS_IN_ALL_MAX {
            return Err("it has too many patterns in all");
        }
        if constraints().count() > CONSTRAINTS_MAX || values > VALUES_IN_ALL_MAX {
            return Err("it has too many constraints or values in all");
        }
        Ok(())
    }
}

impl<'a> Raw<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, FormFault> {
        let mut raw = Self::default();
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => set(&mut raw.id, field.bytes()?)?,
                2 => set(&mut raw.kind, field.u32()?)?,
                3 => set(&mut raw.issuer, field.bytes()?)?,
                4 => set(&mut raw.holder, field.bytes()?)?,
                5 => set(&mut raw.parent, field.bytes()?)?,
                6 => add(&mut raw.permissions, field.bytes()?, PERMISSIONS_MAX)?,
                7 => set(&mut raw.limits, field.bytes()?)?,
                8 => set(&mut raw.not_before, field.u64()?)?,
                9 => set(&mut raw.not_after, field.u64()?)?,
                10 => set(&mut raw.max_depth, field.u32()?)?,
                11 => set(&mut raw.scope, field.text()?)?,
                12 => set(&mut raw.epoch, field.u64()?)?,
                13 => set(&mut raw.demand, field.bytes()?)?,
                _ => field.unknown()?,
            }
        }
        Ok(raw)
    }
}

fn kind(number: u32) -> Option<TokenKind> {
    Some(match number {
        1 => TokenKind::System,
        2 => TokenKind::Agent,
        3 => TokenKind::User,
        4 => TokenKind::Federation,
        5 => TokenKind::Ephemeral,
        _ => return None,
    })
}
