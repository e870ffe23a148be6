//! Permissions: any of these intents to any of these targets, where all constraints
//! hold; and whether a token's permissions allow what is asked.

use super::constraint::Constraint;
use super::constraint_form::ConstraintFault;
use super::fault::CapabilityFault;
use super::pattern::{PATTERNS_MAX, Separator, is_pattern, matches};
use crate::json::Json;
use crate::wire::fields::{Fields, FormFault, add};

/// Constraints of one permission, and of one token in all.
pub const CONSTRAINTS_MAX: usize = 64;

/// One permission in its form.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission<'a> {
    /// Patterns of intent types.
    pub intents: Vec<&'a str>,
    /// Patterns of actor paths.
    pub targets: Vec<&'a str>,
    /// On the payload.
    pub constraints: Vec<Constraint<'a>>,
}

impl<'a> Permission<'a> {
    /// Reads the message `Permission`. The constraints are read as well: those of a
    /// form that is not known are a fault.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (intents, targets, constraints) =
            decode(bytes).map_err(|_| "a permission is not its protobuf")?;
        if intents.is_empty() || targets.is_empty() {
            return Err("a permission names no intent or no target");
        }
        let are_patterns = intents.iter().all(|each| is_pattern(each, Separator::Dot))
            && targets
                .iter()
                .all(|each| is_pattern(each, Separator::Slash));
        if !are_patterns {
            return Err("a permission names what is no pattern");
        }
        let read = |bytes: &&'a [u8]| {
            Constraint::read(bytes).map_err(|fault| match fault {
                ConstraintFault::Form(_) => "a constraint is not its protobuf",
                ConstraintFault::Path => "a constraint's path is no JSON Pointer within the bounds",
                ConstraintFault::Rule => "a constraint is not one that this version knows",
            })
        };
        let constraints = constraints.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self {
            intents,
            targets,
            constraints,
        })
    }

    fn allows(&self, intent: &str, target: &str) -> bool {
        let fits = |pattern: &&str, name, separator| matches(pattern, name, separator);
        self.intents
            .iter()
            .any(|each| fits(each, intent, Separator::Dot))
            && self
                .targets
                .iter()
                .any(|each| fits(each, target, Separator::Slash))
    }
}

/// Whether one of them allows an intent to a target with this payload.
///
/// # Errors
/// `IntentForbidden` when none names it; else `ArgumentForbidden`.
pub fn permits(
    permissions: &[Permission<'_>],
    intent: &str,
    target: &str,
    payload: impl FnOnce() -> Option<Json>,
) -> Result<(), CapabilityFault> {
    let mut named = permissions
        .iter()
        .filter(|each| each.allows(intent, target))
        .peekable();
    if named.peek().is_none() {
        return Err(CapabilityFault::IntentForbidden);
    }
    let named: Vec<_> = named.collect();
    if named.iter().any(|each| each.constraints.is_empty()) {
        return Ok(());
    }
    let payload = payload().ok_or(CapabilityFault::ArgumentForbidden)?;
    let meets = |each: &&Permission<'_>| each.constraints.iter().all(|rule| rule.holds(&payload));
    match named.iter().any(meets) {
        true => Ok(()),
        false => Err(CapabilityFault::ArgumentForbidden),
    }
}

type Raw<'a> = (Vec<&'a str>, Vec<&'a str>, Vec<&'a [u8]>);

fn decode(bytes: &[u8]) -> Result<Raw<'_>, FormFault> {
    let (mut intents, mut targets, mut constraints) = (Vec::new(), Vec::new(), Vec::new());
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => add(&mut intents, field.text()?, PATTERNS_MAX)?,
            2 => add(&mut targets, field.text()?, PATTERNS_MAX)?,
            3 => add(&mut constraints, field.bytes()?, CONSTRAINTS_MAX)?,
            _ => field.unknown()?,
        }
    }
    Ok((intents, targets, constraints))
}
