//! Syntax of the names under a signature: tokens, actor paths, intent types, inboxes.

/// Tokens of a path or an intent type, and of a pattern over them.
pub const NAME_TOKENS_MAX: usize = 8;
const TOKEN_BYTES_MAX: usize = 63;
const PATH_BYTES_MAX: usize = 512;
const INTENT_BYTES_MAX: usize = 255;
const INBOX_BYTES_MAX: usize = 255;
const INBOX_REST_BYTES_MAX: usize = 200;
const INBOX_REST_TOKENS_MAX: usize = 4;
const INBOX_TOKEN_BYTES_MAX: usize = 64;

/// A cell's, a principal's or a scope's name: 1 to 63 of `[a-z0-9-]`.
#[must_use]
pub fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_of_token)
}

/// Path of an actor, such as `support/triage`.
#[must_use]
pub fn is_actor_path(text: &str) -> bool {
    text.len() <= PATH_BYTES_MAX && is_name(text, '/')
}

/// Such as `ticket.open`.
#[must_use]
pub fn is_intent_type(text: &str) -> bool {
    text.len() <= INTENT_BYTES_MAX && is_name(text, '.')
}

fn is_name(text: &str, separator: char) -> bool {
    text.split(separator).count() <= NAME_TOKENS_MAX && text.split(separator).all(is_token)
}

/// An inbox of any principal of any cell: `cell0.v1.<cell>.inbox.<principal>.`, then
/// 1 to 4 tokens of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_inbox(subject: &str) -> bool {
    subject.len() <= INBOX_BYTES_MAX && inbox_rest(subject).is_some_and(is_inbox_rest)
}

fn inbox_rest(subject: &str) -> Option<&str> {
    let (cell, rest) = subject.strip_prefix("cell0.v1.")?.split_once('.')?;
    let (principal, rest) = rest.strip_prefix("inbox.")?.split_once('.')?;
    (is_token(cell) && is_token(principal)).then_some(rest)
}

fn is_inbox_rest(rest: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    rest.len() <= INBOX_REST_BYTES_MAX
        && rest.split('.').count() <= INBOX_REST_TOKENS_MAX
        && rest.split('.').all(|token| {
            (1..=INBOX_TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(is_of_token)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_where_the_bounds_say() {
        assert!(is_token(&"a".repeat(63)) && !is_token(&"a".repeat(64)) && !is_token(""));
        assert!(is_actor_path("a/b/c/d/e/f/g/h") && !is_actor_path("a/b/c/d/e/f/g/h/i"));
        assert!(is_intent_type("ticket.open") && !is_intent_type("ticket..open"));
        assert!(!is_intent_type("Ticket") && !is_actor_path("a/b\n"));
    }

    #[test]
    fn an_inbox_lies_below_its_principal() {
        assert!(is_inbox("cell0.v1.demo.inbox.ann.q1"));
        assert!(is_inbox("cell0.v1.demo.inbox.ann.A_b.c-d.e.f"));
        for wrong in [
            "cell0.v1.demo.inbox.ann",
            "cell0.v1.demo.inbox.ann.",
            "cell0.v1.demo.inbox.ann.a.b.c.d.e",
            "cell0.v1.demo.inbox.ann.*",
            "cell0.v1.demo.in.ann.q1",
            "cell0.v1.Demo.inbox.ann.q1",
        ] {
            assert!(!is_inbox(wrong), "{wrong}");
        }
    }
}
