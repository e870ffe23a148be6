//! The certificates that count in a cell: the newest generation of each principal,
//! chained to genesis. They are added in any order; signatures are verified then,
//! time and the standing of a certificate's issuer at every look-up. Nothing here
//! is forgotten for want of room: whoever fills a store bounds it.

use std::collections::HashMap;

use super::certificate::{Certificate, Kind};
use super::fault::AuthorityFault;
use super::genesis::Genesis;
use crate::signature_budget::Signatures;
use crate::wire::signing_input;

/// Certificates that came before their issuer's; the oldest gives way.
const WAITING_MAX: usize = 256;

type Key = [u8; 32];

/// All that is certified, as of one time.
#[derive(Debug)]
pub struct TrustStore<'a> {
    genesis: Genesis,
    now_unix_ms: u64,
    by_principal: HashMap<&'a str, Certificate<'a>>,
    /// Names of those whose keys these are.
    by_key: HashMap<Key, &'a str>,
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

    /// The certificate of a key.
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

    /// Whether this key may sign roots of capabilities: an issuer's, or that of a
    /// node that is certified for shard 0.
    #[must_use]
    pub fn is_authority(&self, key: &Key) -> bool {
        self.by_key(key).is_ok_and(|found| match found.kind {
            Kind::Issuer => true,
            Kind::Node => found.has_first_shard,
            Kind::Client => false,
        })
    }

    fn holder(&self, key: &Key) -> Option<&Certificate<'a>> {
        self.by_principal.get(self.by_key.get(key)?)
    }

    /// Whether it counts from now on and did not before.
    fn admit(
        &mut self,
        certificate: Certificate<'a>,
        signatures: &mut Signatures,
    ) -> Result<bool, AuthorityFault> {
        if let Err(fault) = self.check_chain(&certificate, signatures) {
            if fault == AuthorityFault::ChainBroken {
                self.keep_waiting(certificate);
            }
            return Err(fault);
        }
        if let Some(known) = self.by_principal.get(certificate.principal) {
            if known.body == certificate.body {
                return Ok(false);
            }
            check_succession(&certificate, known)?;
        }
        let foreign = self.by_key.get(&certificate.key).copied();
        if let Some(name) = foreign.filter(|name| *name != certificate.principal) {
            if certificate.kind != Kind::Issuer {
                return Err(AuthorityFault::PrincipalTaken(
                    "its key belongs to another principal",
                ));
            }
            self.forget(name);
        }
        self.forget(certificate.principal);
        self.by_key.insert(certificate.key, certificate.principal);
        self.by_principal.insert(certificate.principal, certificate);
        Ok(true)
    }

    /// Rules of kinds, and the signature: genesis -> issuer -> node or client.
    fn check_chain(
        &self,
        certificate: &Certificate<'a>,
        signatures: &mut Signatures,
    ) -> Result<(), AuthorityFault> {
        if certificate.key == self.genesis.key {
            return Err(AuthorityFault::PrincipalTaken(
                "the genesis key is never certified",
            ));
        }
        let is_by_genesis = certificate.signer == self.genesis.key;
        if is_by_genesis != (certificate.kind == Kind::Issuer) {
            return Err(AuthorityFault::KindForbidden(
                "genesis certifies issuers, and nobody else does",
            ));
        }
        if !is_by_genesis {
            let issuer = self
                .holder(&certificate.signer)
                .ok_or(AuthorityFault::ChainBroken)?;
            if issuer.kind != Kind::Issuer {
                return Err(AuthorityFault::KindForbidden(
                    "only an issuer certifies others",
                ));
            }
            self.judge(issuer)
                .map_err(|_| AuthorityFault::ChainBroken)?;
        }
        let Certificate {
            signer,
            body,
            signature,
            ..
        } = certificate;
        let message = signing_input::certificate(&self.genesis.hash, body);
        match signatures.by_rule(signer, &message, signature) {
            true => Ok(()),
            false => Err(AuthorityFault::CertificateForged),
        }
    }

    fn keep_waiting(&mut self, certificate: Certificate<'a>) {
        self.waiting
            .retain(|other| other.bytes != certificate.bytes);
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.remove(0);
        }
        self.waiting.push(certificate);
    }

    fn forget(&mut self, principal: &str) {
        if let Some(known) = self.by_principal.remove(principal) {
            self.by_key.remove(&known.key);
        }
    }

    fn judge(&self, certificate: &Certificate<'a>) -> Result<(), AuthorityFault> {
        if certificate.is_revoked {
            return Err(AuthorityFault::Revoked);
        }
        if self.now_unix_ms < certificate.not_before_unix_ms {
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

/// Whether a certificate may take the place of the one that is known of its principal.
fn check_succession(
    certificate: &Certificate<'_>,
    known: &Certificate<'_>,
) -> Result<(), AuthorityFault> {
    if certificate.kind != known.kind {
        // Genesis outranks issuers: nobody can occupy an issuer's name before it is certified.
        return match certificate.kind {
            Kind::Issuer => Ok(()),
            _ => Err(AuthorityFault::PrincipalTaken("its name is another's")),
        };
    }
    match certificate.generation.cmp(&known.generation) {
        std::cmp::Ordering::Less => Err(AuthorityFault::GenerationSuperseded),
        std::cmp::Ordering::Equal => Err(AuthorityFault::GenerationConflict),
        std::cmp::Ordering::Greater => Ok(()),
    }
}
