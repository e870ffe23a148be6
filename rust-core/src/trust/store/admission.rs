//! How certificates come into a store: their chain, their signatures, and whose place
//! they take. What comes late changes nothing but what is known of former keys.

use super::super::certificate::{Certificate, Kind};
use super::super::fault::AuthorityFault;
use super::super::former_keys::line_of;
use super::{Key, TrustStore, WAITING_MAX};
use crate::signature_budget::Signatures;
use crate::wire::signing_input;

impl<'a> TrustStore<'a> {
    /// Whether it counts from now on and did not before.
    pub(super) fn admit(
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
            if let Err(fault) = check_succession(&certificate, known) {
                if fault == AuthorityFault::GenerationSuperseded {
                    self.retire(certificate);
                }
                return Err(fault);
            }
        }
        let holder = self.holder(&certificate.key);
        if holder.is_some_and(|holder| holder.principal != certificate.principal) {
            if certificate.kind != Kind::Issuer {
                return Err(AuthorityFault::PrincipalTaken(
                    "its key belongs to another principal",
                ));
            }
            self.take_key(&certificate.key);
        }
        self.replace(certificate);
        Ok(true)
    }

    /// In the place of what is known of its principal.
    fn replace(&mut self, certificate: Certificate<'a>) {
        let principal = certificate.principal;
        let known = self.forget(principal);
        let before = known.as_ref();
        let before = before.filter(|known| known.kind == certificate.kind);
        self.preserved.keep(&certificate, before);
        match known {
            Some(before) if before.kind == certificate.kind => self.retired.keep(before),
            Some(_) => self.retired.forget(principal),
            None => {}
        }
        self.former
            .set(principal, line_of(&certificate, &self.retired));
        self.by_key.insert(certificate.key, principal);
        self.by_principal.insert(principal, certificate);
    }

    /// An older one of a principal came, or came again.
    fn retire(&mut self, older: Certificate<'a>) {
        let Some(newest) = self.by_principal.get(older.principal) else {
            return;
        };
        self.preserved.judge(newest, &older);
        self.retired.keep(older);
        self.former
            .set(newest.principal, line_of(newest, &self.retired));
    }

    /// For an issuer: of who had it beside a newer one, no more than that.
    fn take_key(&mut self, key: &Key) {
        if let Some(name) = self.by_key.get(key).copied() {
            self.forget(name);
            return;
        }
        let name = self.preserved.principal_of(key, self.now_unix_ms);
        if let Some(newest) = name.and_then(|name| self.by_principal.get(name)) {
            self.preserved.forget(newest);
        }
    }

    /// Rules of kinds, and the signature: genesis -> issuer -> node or client.
    fn check_chain(
        &self,
        certificate: &Certificate<'a>,
        signatures: &mut Signatures,
    ) -> Result<(), AuthorityFault> {
        let before = certificate.continuity.as_ref();
        let has_genesis_key = certificate.key == self.genesis.key
            || before.is_some_and(|before| before.previous_key == self.genesis.key);
        if has_genesis_key {
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
        self.check_signatures(certificate, signatures)
    }

    /// Of its signer, and of the key that it follows.
    fn check_signatures(
        &self,
        certificate: &Certificate<'a>,
        signatures: &mut Signatures,
    ) -> Result<(), AuthorityFault> {
        let Certificate {
            signer,
            body,
            signature,
            continuity,
            ..
        } = certificate;
        let message = signing_input::certificate(&self.genesis.hash, body);
        let is_signed = signatures.by_rule(signer, &message, signature);
        let does_follow = continuity.as_ref().is_none_or(|continuity| {
            let message = signing_input::continuity(&self.genesis.hash, body);
            signatures.by_rule(&continuity.previous_key, &message, &continuity.signature)
        });
        match (is_signed, does_follow) {
            (true, true) => Ok(()),
            (false, true) => Err(AuthorityFault::CertificateForged),
            (_, false) => Err(AuthorityFault::ContinuityInvalid),
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

    fn forget(&mut self, principal: &str) -> Option<Certificate<'a>> {
        let known = self.by_principal.remove(principal)?;
        self.by_key.remove(&known.key);
        self.preserved.forget(&known);
        self.former.forget(principal);
        Some(known)
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
