//! Who holds a token: a client by its key, an actor by a hash that nobody can sign with.

use super::token_body::{Claims, TokenKind};
use crate::trust::store::TrustStore;
use crate::wire::signing_input::{Hash, actor_holder, sha256};

/// Who would use a chain.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// Whoever signed with this key.
    Key(&'a [u8; 32]),
    /// The actor with this path, for which its node signed.
    Actor(&'a str),
}

impl Holder<'_> {
    /// Whether a token names this one, or for now the other key of who has two. A key
    /// that equals an actor's name is a key all the same.
    #[must_use]
    pub fn holds(self, last: &Claims<'_>, genesis: &Hash, trust: &TrustStore<'_>) -> bool {
        match (self, last.kind) {
            (Self::Actor(path), TokenKind::Agent) => {
                last.holder == sha256(&[&actor_holder(genesis, path)])
            }
            (Self::Actor(_), _) | (Self::Key(_), TokenKind::Agent) => false,
            (Self::Key(key), _) => last.holder == *key || trust.are_of_one(&last.holder, key),
        }
    }
}
