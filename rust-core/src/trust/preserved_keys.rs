//! Keys that count beside the ones that follow them, until their time is over: of
//! each principal at most one, the key before the newest.

use std::collections::HashMap;

use super::certificate::{Certificate, Kind};
use super::continuity::contradicts;

#[derive(Clone, Copy, Debug)]
struct Preserved<'a> {
    principal: &'a str,
    kind: Kind,
    until_unix_ms: u64,
}

/// By the key before, whose it is.
#[derive(Debug, Default)]
pub(super) struct PreservedKeys<'a> {
    by_key: HashMap<[u8; 32], Preserved<'a>>,
}

impl<'a> PreservedKeys<'a> {
    /// A principal has a newest certificate. What is known of the generation before
    /// and contradicts it gives no time.
    pub(super) fn keep(&mut self, newest: &Certificate<'a>, before: Option<&Certificate<'a>>) {
        let Some(continuity) = &newest.continuity else {
            return;
        };
        if before.is_some_and(|before| contradicts(before, newest)) {
            return;
        }
        let key = continuity.previous_key;
        // Genesis outranks issuers.
        let held = self.by_key.get(&key);
        if held.is_some_and(|held| held.kind == Kind::Issuer) && newest.kind != Kind::Issuer {
            return;
        }
        let preserved = Preserved {
            principal: newest.principal,
            kind: newest.kind,
            until_unix_ms: continuity.preserve_until_unix_ms,
        };
        self.by_key.insert(key, preserved);
    }

    /// An older certificate of the principal came later.
    pub(super) fn judge(&mut self, newest: &Certificate<'a>, older: &Certificate<'a>) {
        if contradicts(older, newest) {
            self.forget(newest);
        }
    }

    pub(super) fn forget(&mut self, newest: &Certificate<'a>) {
        let Some(continuity) = &newest.continuity else {
            return;
        };
        let key = continuity.previous_key;
        if self.by_key.get(&key).map(|held| held.principal) == Some(newest.principal) {
            self.by_key.remove(&key);
        }
    }

    /// Name of whose key this is too; `None`: nobody's, or no more.
    pub(super) fn principal_of(&self, key: &[u8; 32], now_unix_ms: u64) -> Option<&'a str> {
        let held = self.by_key.get(key)?;
        (now_unix_ms < held.until_unix_ms).then_some(held.principal)
    }
}
