//! Constraints on parts of a JSON payload, from a closed list, and whether a payload
//! meets one. Where the part is missing, it does not.

use crate::json::scalar::{Scalar, is_exact};
use crate::json::{Json, Text};

/// Elements of a list on which a subset is asked for; a longer one does not meet it.
const ELEMENTS_MAX: usize = 1024;
/// Digits of an element's number in a list.
const INDEX_DIGITS_MAX: usize = 9;

/// What is asked of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// This value.
    Equals(Scalar),
    /// One of these.
    OneOf(Vec<Scalar>),
    /// A text that begins so.
    Prefix(Text),
    /// A number from the one to the other, both included; `None`: no bound.
    Range(Option<f64>, Option<f64>),
    /// A list, each element one of these.
    Subset(Vec<Scalar>),
    /// A text of so many UTF-16 units at most, or a list of so many elements.
    MaxLength(u32),
}

/// A rule for one part of a payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint<'a> {
    /// JSON Pointer (RFC 6901).
    pub path: &'a str,
    /// What is asked.
    pub rule: Rule,
}

impl Constraint<'_> {
    /// Whether a payload meets it.
    #[must_use]
    pub fn holds(&self, payload: &Json) -> bool {
        part_at(payload, self.path).is_some_and(|part| self.rule.holds(part))
    }
}

impl Rule {
    /// How many values it names.
    #[must_use]
    pub fn values(&self) -> usize {
        match self {
            Self::OneOf(values) | Self::Subset(values) => values.len(),
            _ => 1,
        }
    }

    /// Whether a part meets it.
    #[must_use]
    pub fn holds(&self, part: &Json) -> bool {
        match (self, part) {
            (Self::Equals(value), Json::Scalar(part)) => part == value,
            (Self::OneOf(values), Json::Scalar(part)) => values.contains(part),
            (Self::Prefix(prefix), Json::Scalar(Scalar::Text(text))) => text.starts_with(prefix),
            (Self::Range(least, most), Json::Scalar(Scalar::Number(number))) => {
                is_exact(*number)
                    && least.is_none_or(|least| *number >= least)
                    && most.is_none_or(|most| *number <= most)
            }
            (Self::Subset(values), Json::List(list)) => {
                let is_one = |element: &Json| matches!(element, Json::Scalar(element) if values.contains(element));
                list.len() <= ELEMENTS_MAX && list.iter().all(is_one)
            }
            (Self::MaxLength(most), Json::Scalar(Scalar::Text(text))) => {
                is_at_most(text.len(), *most)
            }
            (Self::MaxLength(most), Json::List(list)) => is_at_most(list.len(), *most),
            _ => false,
        }
    }
}

fn is_at_most(length: usize, most: u32) -> bool {
    u32::try_from(length).is_ok_and(|length| length <= most)
}

fn part_at<'a>(payload: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/').skip(1).try_fold(payload, |part, token| {
        let name = token.replace("~1", "/").replace("~0", "~");
        match part {
            Json::List(list) => list.get(index(&name)?),
            Json::Object(members) => members.get(&name.encode_utf16().collect::<Text>()),
            Json::Scalar(_) => None,
        }
    })
}

/// A number as a pointer writes it: without leading zeros.
fn index(name: &str) -> Option<usize> {
    let is_decimal = !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_digit());
    let has_form = name == "0" || (is_decimal && !name.starts_with('0'));
    (has_form && name.len() <= INDEX_DIGITS_MAX).then(|| name.parse().ok())?
}
