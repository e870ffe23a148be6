//! JSON (ECMA-404) -> value, bounded in depth. serde_json is not it: it refuses
//! halves of surrogate pairs and numbers beyond a double's range, which a payload
//! that `JSON.parse` takes may hold.

use std::collections::HashMap;

use super::scalar::Scalar;
use super::{Json, Text};

/// Lists and objects within one another.
pub const DEPTH_MAX: usize = 64;
/// A key that is dropped wherever it stands: copies of objects take it for their prototype.
const DROPPED_KEY: &str = "__proto__";

/// A payload as its actor reads it; empty, it is `{}`. `None`: it is no JSON.
#[must_use]
pub fn read_payload(bytes: &[u8]) -> Option<Json> {
    if bytes.is_empty() {
        return Some(Json::Object(HashMap::new()));
    }
    let mut reader = Reader {
        rest: std::str::from_utf8(bytes).ok()?,
    };
    let value = reader.value(DEPTH_MAX)?;
    reader.is_at_end().then_some(value)
}

/// A text that is a scalar.
pub(super) fn read_scalar(text: &str) -> Option<Scalar> {
    let mut reader = Reader { rest: text };
    match reader.value(0)? {
        Json::Scalar(scalar) if reader.is_at_end() => Some(scalar),
        _ => None,
    }
}

/// What is not read yet. Every method consumes what it names, or yields `None`.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self, depth_left: usize) -> Option<Json> {
        self.skip_space();
        match self.rest.bytes().next()? {
            b'{' => self.object(depth_left.checked_sub(1)?),
            b'[' => self.list(depth_left.checked_sub(1)?),
            b'"' => Some(Scalar::Text(self.text()?).into()),
            b'n' => self.word("null", Scalar::Null),
            b't' => self.word("true", Scalar::Bool(true)),
            b'f' => self.word("false", Scalar::Bool(false)),
            _ => Some(Scalar::Number(self.number()?).into()),
        }
    }

    fn object(&mut self, depth_left: usize) -> Option<Json> {
        let mut members = HashMap::new();
        self.take('{')?;
        self.skip_space();
        if self.take('}').is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.skip_space();
            let key = self.text()?;
            self.skip_space();
            self.take(':')?;
            let value = self.value(depth_left)?;
            if !key.iter().copied().eq(DROPPED_KEY.encode_utf16()) {
                members.insert(key, value);
            }
            self.skip_space();
            if self.take(',').is_none() {
                self.take('}')?;
                return Some(Json::Object(members));
            }
        }
    }

    fn list(&mut self, depth_left: usize) -> Option<Json> {
        let mut elements = Vec::new();
        self.take('[')?;
        self.skip_space();
        if self.take(']').is_some() {
            return Some(Json::List(elements));
        }
        loop {
            elements.push(self.value(depth_left)?);
            self.skip_space();
            if self.take(',').is_none() {
                self.take(']')?;
                return Some(Json::List(elements));
            }
        }
    }

    fn text(&mut self) -> Option<Text> {
        let mut text = Text::new();
        self.take('"')?;
        loop {
            let mut chars = self.rest.chars();
            let char = chars.next()?;
            self.rest = chars.as_str();
            match char {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                '\0'..='\u{1f}' => return None,
                _ => text.extend(char.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let (kind, rest) = self.rest.split_at_checked(1)?;
        self.rest = rest;
        let unit = match kind {
            "\"" | "\\" | "/" => *kind.as_bytes().first()?,
            "b" => 0x08,
            "f" => 0x0c,
            "n" => b'\n',
            "r" => b'\r',
            "t" => b'\t',
            "u" => return self.hex(),
            _ => return None,
        };
        Some(unit.into())
    }

    fn hex(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        // `from_str_radix` would take a sign.
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    }

    /// Rounded to the nearest double, beyond whose range it is infinite.
    fn number(&mut self) -> Option<f64> {
        let whole = self.rest;
        let _sign = self.take('-');
        if self.take('0').is_none() {
            self.digits()?;
        }
        if self.take('.').is_some() {
            self.digits()?;
        }
        if self.take('e').or_else(|| self.take('E')).is_some() {
            let _sign = self.take('+').or_else(|| self.take('-'));
            self.digits()?;
        }
        let length = whole.len().checked_sub(self.rest.len())?;
        whole.get(..length)?.parse().ok()
    }

    /// One or more.
    fn digits(&mut self) -> Option<()> {
        let rest = self
            .rest
            .trim_start_matches(|char: char| char.is_ascii_digit());
        let has_some = rest.len() < self.rest.len();
        self.rest = rest;
        has_some.then_some(())
    }

    fn word(&mut self, word: &str, scalar: Scalar) -> Option<Json> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(scalar.into())
    }

    fn take(&mut self, char: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(char)?;
        Some(())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<f64> {
        match read_payload(text.as_bytes())? {
            Json::Scalar(Scalar::Number(number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_doubles() {
        assert_eq!(number("1e400"), Some(f64::INFINITY));
        assert_eq!(number("-0").map(f64::is_sign_negative), Some(true));
        assert_eq!(number("9007199254740993"), Some(9_007_199_254_740_992.0));
        assert_eq!(number(" 10e-1\n"), Some(1.0));
        for wrong in [
            "01", "+1", ".5", "5.", "1e", "- 1", "0x1", "1_0", "Infinity", "1 1", "--1",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_a_prototype_never() {
        let read = |text: &str| read_payload(text.as_bytes());
        assert_eq!(read(r#"{"a":1,"\u0061":2}"#), read(r#"{"a":2}"#));
        assert_eq!(read(r#"{"__proto__":1,"\u005f_proto__":2}"#), read("{}"));
        assert_eq!(read(""), read("{}"));
    }

    #[test]
    fn texts_are_utf_16() {
        let text = |of: &str| match read_payload(of.as_bytes()) {
            Some(Json::Scalar(Scalar::Text(text))) => Some(text),
            _ => None,
        };
        assert_eq!(text(r#""\ud83d\ude00""#), text("\"\u{1f600}\""));
        assert_eq!(text(r#""\uD800x""#), Some(vec![0xd800, 0x78]));
        for wrong in [
            "\"\n\"",
            "\"\\x\"",
            "\"\\u+123\"",
            "\"\\u12\"",
            "\"",
            "\"\\",
            "\"\\u00\u{e4}0\"",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read_payload(nested(DEPTH_MAX).as_bytes()).is_some());
        assert!(read_payload(nested(DEPTH_MAX + 1).as_bytes()).is_none());
        assert!(read_payload("[".repeat(60_000).as_bytes()).is_none());
        assert!(read_payload(b"\xef\xbb\xbf{}").is_none());
        assert!(read_payload(b"\"\xff\"").is_none());
    }
}
