//! Capsules and envelopes as they travel, read so that no two readers can take the
//! same bytes for different things. The rules are those of `proto/cell0/v1/capsule.proto`.

pub mod capsule;
mod capsule_form;
mod check_capsule;
pub mod envelope;
pub mod fields;
pub mod merkle;
pub mod names;
pub mod signing_input;

/// The largest whole number that every reader of the wire holds exactly: 2^53 - 1.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Length of a text as ECMAScript counts it, by which texts are bounded.
#[must_use]
pub fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}
