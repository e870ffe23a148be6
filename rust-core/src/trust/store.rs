//! The certificates that count in a cell: the newest generation of each principal,
//! chained to genesis, and for a time the key that the newest one follows. They are added in any order; signatures are verified then,
//! time and the standing of a certificate's issuer at every look-up. Nothing here
//! is forgotten for want of room: whoever fills a store bounds it.

mod admission;

use std::collections::HashMap;

use super::certificate::{Certificate, Kind};
use super::continuity::begins_unix_ms;
use super::fault::AuthorityFault;
use super::former_keys::FormerKeys;
use super::genesis::Genesis;
use super::preserved_keys::PreservedKeys;
use super::retired_keys::RetiredKeys;
use crate::signature_budget::Signatures;

/// Certificates that came before their issuer's; the oldest gives way.
const WAITING_MAX: usize = 256;
/// How long a root counts on after the time of the key that signed it.
const ROOTS_OUTLIVE_KEYS_MS: u64 = 30 * 86_400_000;

type Key = [u8; 32];

/// All that is certified, as of one time.
#[derive(Debug)]
pub struct TrustStore<'a> {
    genesis: Genesis,
    now_unix_ms: u64,
    by_principal: HashMap<&'a str, Certificate<'a>>,
    /// Names of those whose keys these are.
    by_key: HashMap<Key, &'a str>,
    preserved: PreservedKeys<'a>,
    retired: RetiredKeys<'a>,
    former: FormerKeys<'a>,
    waiting: Vec<Certificate<'a>>,
}

impl<'a> TrustStore<'a> {
    /// Of nobody yet.
    #[must_use]
    pub fn new(genesis: Genesis, now_unix_ms: u64) -> Self {
        Self {
            genesis,
            now_unix_ms,
            by_principal: HashMap::new(),
            by_key: HashMap::new(),
            preserved: PreservedKeys::default(),
            retired: RetiredKeys::default(),
            former: FormerKeys::default(),
            waiting: Vec::new(),
        }
    }

    /// Adds a certificate, and with an issuer's those that have waited for it. One
    /// that was added before is no fault.
    ///
    /// # Errors
    /// Why it does not count; with `ChainBroken` it may later.
    pub fn add(
        &mut self,
        certificate: Certificate<'a>,
        signatures: &mut Signatures,
    ) -> Result<(), AuthorityFault> {
        let is_issuer = certificate.kind == Kind::Issuer;
        let is_new = self.admit(certificate, signatures)?;
        if is_new && is_issuer {
            for waiting in std::mem::take(&mut self.waiting) {
                // One that is refused now was refused when it was added.
                let _still_refused = self.admit(waiting, signatures);
            }
        }
        Ok(())
    }

    /// The certificate of a key; of one that the principal's newest follows, that one.
    ///
    /// # Errors
    /// What stands against it now.
    pub fn by_key(&self, key: &Key) -> Result<&Certificate<'a>, AuthorityFault> {
        let certificate = self.holder(key).ok_or(AuthorityFault::IssuerUnknown)?;
        self.judge(certificate).map(|()| certificate)
    }

    /// Whether whoever has this key counts.
    #[must_use]
    pub fn counts(&self, key: &Key) -> bool {
        self.by_key(key).is_ok()
    }

    /// Whether two keys are of one principal, and both count: while one is rotated.
    #[must_use]
    pub fn are_of_one(&self, key: &Key, other: &Key) -> bool {
        match (self.by_key(key), self.by_key(other)) {
            (Ok(one), Ok(two)) => one.principal == two.principal,
            _ => false,
        }
    }

    /// Whether a root of capabilities that this key signed, of this beginning and
    /// epoch, counts: the key is an issuer's, or that of a node that is certified for
    /// shard 0; or such a key follows it without a break, and it was dated, and its
    /// epoch began, before the key's end, at most 30 days ago.
    #[must_use]
    pub fn is_authority(&self, key: &Key, not_before_unix_ms: u64, epoch: u64) -> bool {
        if let Ok(found) = self.by_key(key) {
            return signs_roots(found);
        }
        let Some((owner, until_unix_ms)) = self.former.owner_of(key) else {
            return false;
        };
        let end_unix_ms = until_unix_ms.saturating_add(ROOTS_OUTLIVE_KEYS_MS);
        not_before_unix_ms < until_unix_ms
            && epoch < until_unix_ms
            && self.now_unix_ms < end_unix_ms
            && self
                .by_principal
                .get(owner)
                .is_some_and(|owner| self.judge(owner).is_ok() && signs_roots(owner))
    }

    fn holder(&self, key: &Key) -> Option<&Certificate<'a>> {
        let now = self.by_key.get(key).copied();
        let name = now.or_else(|| self.preserved.principal_of(key, self.now_unix_ms))?;
        self.by_principal.get(name)
    }

    fn judge(&self, certificate: &Certificate<'a>) -> Result<(), AuthorityFault> {
        if certificate.is_revoked {
            return Err(AuthorityFault::Revoked);
        }
        if self.now_unix_ms < begins_unix_ms(certificate) {
            return Err(AuthorityFault::NotYetValid);
        }
        if self.now_unix_ms >= certificate.not_after_unix_ms {
            return Err(AuthorityFault::Expired);
        }
        if certificate.kind == Kind::Issuer {
            return Ok(());
        }
        match self.holder(&certificate.signer) {
            Some(issuer) if issuer.kind == Kind::Issuer => {
                self.judge(issuer).map_err(|_| AuthorityFault::ChainBroken)
            }
            _ => Err(AuthorityFault::ChainBroken),
        }
    }
}

fn signs_roots(certificate: &Certificate<'_>) -> bool {
    match certificate.kind {
        Kind::Issuer => true,
        Kind::Node => certificate.has_first_shard,
        Kind::Client => false,
    }
}
