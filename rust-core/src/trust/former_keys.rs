//! Keys that the one that counts follows without a break: roots of tokens that they
//! signed in their time count on. Nothing else does.

use std::collections::HashMap;

use super::certificate::Certificate;
use super::continuity::is_followed_by;
use super::retired_keys::RetiredKeys;

type Key = [u8; 32];

/// A key that was the principal's before the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormerKey {
    key: Key,
    /// Until when it was.
    until_unix_ms: u64,
}

/// The keys that the newest certificate's key follows without a break, the latest
/// first: each agreed to the next, and no withdrawal lies between. A certificate that
/// is not known ends the line there.
pub(super) fn line_of(newest: &Certificate<'_>, retired: &RetiredKeys<'_>) -> Vec<FormerKey> {
    let before_of = |certificate: &Certificate<'_>| {
        retired.of_generation(newest.principal, certificate.generation.saturating_sub(1))
    };
    let mut line = Vec::new();
    let mut next = newest;
    // When the key of `next` ceased to be the principal's.
    let mut end_unix_ms = u64::MAX;
    while !next.is_revoked {
        let before = before_of(next);
        if let Some(continuity) = &next.continuity {
            if before.is_some_and(|before| !is_followed_by(before, next)) {
                break;
            }
            end_unix_ms = end_unix_ms.min(continuity.preserve_until_unix_ms);
            line.push(FormerKey {
                key: continuity.previous_key,
                until_unix_ms: end_unix_ms,
            });
        }
        let Some(before) = before else { break };
        if next.continuity.is_some() || before.key == next.key {
            next = before;
            continue;
        }
        match before_of(before).filter(|given| is_given_back(given, before, next)) {
            Some(given) => next = given,
            None => break,
        }
    }
    line
}

/// A rotation that was undone: the key is again the one that agreed to it.
fn is_given_back(
    before: &Certificate<'_>,
    undone: &Certificate<'_>,
    after: &Certificate<'_>,
) -> bool {
    !undone.is_revoked && is_followed_by(before, undone) && before.key == after.key
}

/// The lines of all principals that have one.
#[derive(Debug, Default)]
pub(super) struct FormerKeys<'a> {
    lines: HashMap<&'a str, Vec<FormerKey>>,
    /// Names; never two of a key.
    owners: HashMap<Key, &'a str>,
}

impl<'a> FormerKeys<'a> {
    pub(super) fn set(&mut self, principal: &'a str, line: Vec<FormerKey>) {
        self.forget(principal);
        if line.is_empty() {
            return;
        }
        for former in &line {
            self.owners.insert(former.key, principal);
        }
        self.lines.insert(principal, line);
    }

    pub(super) fn forget(&mut self, principal: &str) {
        for former in self.lines.remove(principal).unwrap_or_default() {
            if self.owners.get(&former.key) == Some(&principal) {
                self.owners.remove(&former.key);
            }
        }
    }

    /// Whose key it was, by name, and until when.
    pub(super) fn owner_of(&self, key: &Key) -> Option<(&'a str, u64)> {
        let owner = *self.owners.get(key)?;
        let former = self
            .lines
            .get(owner)?
            .iter()
            .find(|each| each.key == *key)?;
        Some((owner, former.until_unix_ms))
    }
}
