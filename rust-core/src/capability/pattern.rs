//! Patterns over the tokens of an intent type or a path: `*` stands for one token, a
//! last `**` for one or more. `**` stands last only, so that nothing is tried twice.

use crate::wire::names::{NAME_TOKENS_MAX, is_token};

/// Patterns of one list.
pub const PATTERNS_MAX: usize = 64;
/// The kernel's own actors live below this; a wildcard never reaches them.
const KERNEL_ROOT: &str = "kernel";
const ANY: &str = "*";
const ANY_REST: &str = "**";

/// What stands between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Of intent types.
    Dot,
    /// Of actor paths.
    Slash,
}

impl Separator {
    fn split(self, text: &str) -> Vec<&str> {
        let separator = match self {
            Self::Dot => '.',
            Self::Slash => '/',
        };
        text.split(separator).collect()
    }
}

/// Whether it is a pattern: 1 to 8 tokens, each a name's or a wildcard.
#[must_use]
pub fn is_pattern(pattern: &str, separator: Separator) -> bool {
    let tokens = separator.split(pattern);
    let (fixed, _) = split_open_end(&tokens);
    tokens.len() <= NAME_TOKENS_MAX && fixed.iter().all(|token| *token == ANY || is_token(token))
}

/// Whether a pattern of targets begins with the word `kernel`; no other fits a target of the kernel.
#[must_use]
pub fn is_of_kernel(pattern: &str) -> bool {
    Separator::Slash.split(pattern).first() == Some(&KERNEL_ROOT)
}

/// Whether a pattern fits a name. A target of the kernel needs one that begins with the word `kernel`.
#[must_use]
pub fn matches(pattern: &str, name: &str, separator: Separator) -> bool {
    let (wanted, tokens) = (separator.split(pattern), separator.split(name));
    let (fixed, is_open) = split_open_end(&wanted);
    let has_length = if is_open {
        tokens.len() > fixed.len()
    } else {
        tokens.len() == fixed.len()
    };
    has_length
        && !reaches_kernel_by_wildcard(&tokens, &wanted, separator)
        && fixed
            .iter()
            .zip(&tokens)
            .all(|(want, token)| *want == ANY || want == token)
}

/// Whether everything that one of `inner` fits is fitted by one of `outer`.
#[must_use]
pub fn are_within(inner: &[&str], outer: &[&str], separator: Separator) -> bool {
    let outer: Vec<_> = outer
        .iter()
        .map(|pattern| separator.split(pattern))
        .collect();
    inner.iter().all(|pattern| {
        let narrow = separator.split(pattern);
        outer.iter().any(|wide| is_within(&narrow, wide, separator))
    })
}

fn is_within(narrow: &[&str], wide: &[&str], separator: Separator) -> bool {
    if reaches_kernel_by_wildcard(narrow, wide, separator) {
        return false;
    }
    let (fixed, is_open) = split_open_end(wide);
    // An open end stands for at least one token, on either side.
    let has_length = if is_open {
        narrow.len() > fixed.len()
    } else {
        narrow.len() == fixed.len() && narrow.last() != Some(&ANY_REST)
    };
    has_length
        && fixed
            .iter()
            .zip(narrow)
            .all(|(wide, narrow)| *narrow != ANY_REST && (*wide == ANY || wide == narrow))
}

fn reaches_kernel_by_wildcard(tokens: &[&str], pattern: &[&str], separator: Separator) -> bool {
    let begins = |tokens: &[&str]| tokens.first() == Some(&KERNEL_ROOT);
    separator == Separator::Slash && begins(tokens) && !begins(pattern)
}

/// The tokens before a last `**`, and whether there is one.
fn split_open_end<'a, 'b>(tokens: &'b [&'a str]) -> (&'b [&'a str], bool) {
    match tokens {
        [fixed @ .., ANY_REST] => (fixed, true),
        _ => (tokens, false),
    }
}
