//! Scalars, in the one form that ECMAScript gives them.

use super::read::read_scalar;
use super::{Json, Text};
use crate::wire::SAFE_INTEGER_MAX;

/// A scalar of JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A double; never NaN. Equal ones are the same, and 0 is -0.
    Number(f64),
    /// A text.
    Text(Text),
}

impl Scalar {
    /// Reads a scalar in the form that `JSON.stringify` gives it; `None` for any other.
    #[must_use]
    pub fn in_only_form(text: &str) -> Option<Self> {
        let scalar = read_scalar(text)?;
        let is_exact = !matches!(scalar, Self::Number(number) if !is_exact(number));
        (is_exact && scalar.written() == text.encode_utf16().collect::<Text>()).then_some(scalar)
    }

    /// What `JSON.stringify` makes of it.
    fn written(&self) -> Text {
        match self {
            Self::Null => "null".encode_utf16().collect(),
            Self::Bool(value) => value.to_string().encode_utf16().collect(),
            Self::Number(number) => {
                let mut buffer = ryu_js::Buffer::new();
                buffer.format(*number).encode_utf16().collect()
            }
            Self::Text(text) => quoted(text),
        }
    }
}

impl From<Scalar> for Json {
    fn from(scalar: Scalar) -> Self {
        Self::Scalar(scalar)
    }
}

/// A number that every reader of the JSON takes for the same: no whole one beyond 2^53 - 1.
#[must_use]
pub fn is_exact(number: f64) -> bool {
    // Exact: 2^53 - 1 is the largest that has neighbours on both sides.
    #[allow(clippy::cast_precision_loss, reason = "2^53 - 1 is a double")]
    let most = SAFE_INTEGER_MAX as f64;
    number.is_finite() && (number.fract() != 0.0 || number.abs() <= most)
}

/// ECMA-262, QuoteJSONString: escapes what has to be, and halves of surrogate pairs.
fn quoted(text: &[u16]) -> Text {
    let mut out = Text::from([u16::from(b'"')]);
    for unit in char::decode_utf16(text.iter().copied()) {
        match unit {
            Ok('"') => out.extend("\\\"".encode_utf16()),
            Ok('\\') => out.extend("\\\\".encode_utf16()),
            Ok('\u{8}') => out.extend("\\b".encode_utf16()),
            Ok('\u{9}') => out.extend("\\t".encode_utf16()),
            Ok('\u{a}') => out.extend("\\n".encode_utf16()),
            Ok('\u{c}') => out.extend("\\f".encode_utf16()),
            Ok('\u{d}') => out.extend("\\r".encode_utf16()),
            Ok(control @ '\0'..='\u{1f}') => out.extend(escaped(u32::from(control))),
            Ok(other) => out.extend(other.encode_utf16(&mut [0; 2]).iter()),
            Err(half) => out.extend(escaped(u32::from(half.unpaired_surrogate()))),
        }
    }
    out.push(u16::from(b'"'));
    out
}

fn escaped(unit: u32) -> Text {
    format!("\\u{unit:04x}").encode_utf16().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_scalar_has_one_form() {
        for text in [
            "null",
            "true",
            "0",
            "-1",
            "1e-7",
            "0.1",
            "9007199254740991",
            "5e-324",
            "0.000001",
            "\"a\"",
            "\"\\u0001\"",
            "\"\\ud800\"",
            "\"\u{1f600}\"",
            "\"\u{2028}\"",
            "\"\u{7f}\"",
            "\"/\"",
            "\"\\n\"",
        ] {
            assert!(Scalar::in_only_form(text).is_some(), "{text}");
        }
        for text in [
            "-0",
            "1e-324",
            "1.0",
            "1E-7",
            "1e+1",
            "10e-1",
            "9007199254740992",
            "1e21",
            "1e400",
            "-1e400",
            "\"\\u0061\"",
            "\"\\uD800\"",
            "\"\\/\"",
            "\"\\u000a\"",
            "\"\\ud83d\\ude00\"",
            " 1",
            "1 ",
            "[]",
            "{}",
            "",
            "nul",
            "\u{feff}1",
            "01",
            ".5",
            "5.",
            "+1",
            "NaN",
            "0.0000001",
        ] {
            assert_eq!(Scalar::in_only_form(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_of_a_number_is_read_as_that_number(number in any::<f64>()) {
            prop_assume!(is_exact(number));
            let text = String::from_utf16(&Scalar::Number(number).written()).unwrap();
            prop_assert_eq!(Scalar::in_only_form(&text), Some(Scalar::Number(number)));
        }

        #[test]
        fn what_is_written_of_a_text_is_read_as_that_text(text in any::<Vec<u16>>()) {
            let scalar = Scalar::Text(text);
            let written = String::from_utf16(&scalar.written()).unwrap();
            prop_assert_eq!(Scalar::in_only_form(&written), Some(scalar));
        }
    }
}
