//! The protobuf of a constraint, and the forms of its path and its values: each value
//! in its only one, so that all verifiers read the same.

use super::constraint::{Constraint, Rule};
use crate::json::scalar::Scalar;
use crate::wire::fields::{Fields, FormFault, add, set};
use crate::wire::utf16_length;

/// Values of one rule.
const VALUES_MAX: usize = 64;
/// UTF-16 units of a pointer, and of a value or a prefix.
const POINTER_MAX: usize = 256;
const VALUE_MAX: usize = 1024;
const POINTER_TOKENS_MAX: usize = 8;
/// A name that an object has by itself.
const NO_NAME: &str = "__proto__";

/// Why bytes are no constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintFault {
    /// They are not its protobuf.
    Form(FormFault),
    /// Its path is no JSON Pointer within the bounds.
    Path,
    /// Its rule is missing, or has a value that is not in its only form.
    Rule,
}

impl From<FormFault> for ConstraintFault {
    fn from(fault: FormFault) -> Self {
        Self::Form(fault)
    }
}

enum RawRule<'a> {
    Equals(&'a str),
    OneOf(Vec<&'a str>),
    Prefix(&'a str),
    Range(&'a str, &'a str),
    Subset(Vec<&'a str>),
    MaxLength(u32),
}

impl<'a> Constraint<'a> {
    /// Reads the message `Constraint`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ConstraintFault> {
        let (mut path, mut rule) = (None, None);
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => set(&mut path, field.text()?)?,
                2 => set(&mut rule, RawRule::Equals(field.text()?))?,
                3 => set(&mut rule, RawRule::OneOf(read_values(field.bytes()?)?))?,
                4 => set(&mut rule, RawRule::Prefix(field.text()?))?,
                5 => {
                    let (least, most) = read_range(field.bytes()?)?;
                    set(&mut rule, RawRule::Range(least, most))?;
                }
                6 => set(&mut rule, RawRule::Subset(read_values(field.bytes()?)?))?,
                7 => set(&mut rule, RawRule::MaxLength(field.u32()?))?,
                _ => field.unknown()?,
            }
        }
        let path = path.unwrap_or_default();
        if !is_pointer(path) {
            return Err(ConstraintFault::Path);
        }
        let rule = rule.and_then(known).ok_or(ConstraintFault::Rule)?;
        Ok(Self { path, rule })
    }
}

fn known(raw: RawRule<'_>) -> Option<Rule> {
    Some(match raw {
        RawRule::Equals(text) => Rule::Equals(scalar(text)?),
        RawRule::OneOf(texts) => Rule::OneOf(scalars(&texts)?),
        RawRule::Subset(texts) => Rule::Subset(scalars(&texts)?),
        RawRule::Prefix(text) if utf16_length(text) <= VALUE_MAX => {
            Rule::Prefix(text.encode_utf16().collect())
        }
        RawRule::Prefix(_) => return None,
        RawRule::Range(least, most) => Rule::Range(bound(least)?, bound(most)?),
        RawRule::MaxLength(length) => Rule::MaxLength(length),
    })
}

fn scalar(text: &str) -> Option<Scalar> {
    (utf16_length(text) <= VALUE_MAX).then(|| Scalar::in_only_form(text))?
}

fn scalars(texts: &[&str]) -> Option<Vec<Scalar>> {
    let values: Vec<_> = texts
        .iter()
        .map(|text| scalar(text))
        .collect::<Option<_>>()?;
    (!values.is_empty()).then_some(values)
}

/// A bound that is empty is none.
fn bound(text: &str) -> Option<Option<f64>> {
    match scalar(text) {
        Some(Scalar::Number(number)) => Some(Some(number)),
        _ => text.is_empty().then_some(None),
    }
}

fn read_values(bytes: &[u8]) -> Result<Vec<&str>, FormFault> {
    let mut values = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => add(&mut values, field.text()?, VALUES_MAX)?,
            _ => field.unknown()?,
        }
    }
    Ok(values)
}

fn read_range(bytes: &[u8]) -> Result<(&str, &str), FormFault> {
    let (mut least, mut most) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut least, field.text()?)?,
            2 => set(&mut most, field.text()?)?,
            _ => field.unknown()?,
        }
    }
    Ok((least.unwrap_or_default(), most.unwrap_or_default()))
}

/// Empty, or tokens that begin with `/` each, `~` only as `~0` or `~1`.
fn is_pointer(path: &str) -> bool {
    let has_form = path.is_empty() || path.starts_with('/');
    let mut tokens = path.split('/').skip(1);
    has_form
        && utf16_length(path) <= POINTER_MAX
        && !path.contains(char::is_control)
        && path.split('/').count() <= POINTER_TOKENS_MAX + 1
        && tokens.all(|token| token != NO_NAME && has_sound_tildes(token))
}

fn has_sound_tildes(token: &str) -> bool {
    token
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']))
}
