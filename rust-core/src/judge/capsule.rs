//! Capsules of a known signer: whether the signer may send at all, and whether the
//! capability that a capsule carries counts and allows it.

use super::{Accepted, Court, Refused, Verdict};
use crate::capability::chain::Chain;
use crate::capability::fault::CapabilityFault;
use crate::capability::holder::Holder;
use crate::capability::permission::permits;
use crate::capability::standing::check_standing;
use crate::capability::token_body::TokenKind;
use crate::json::Json;
use crate::json::read::read_payload;
use crate::signature_budget::Signatures;
use crate::trust::certificate::{Certificate, Kind};
use crate::trust::fault::AuthorityFault;
use crate::wire::capsule::{self, Capsule};

impl Court<'_> {
    /// A capsule whose signature is not in question, as it stands in a journal.
    pub fn judge_capsule(
        &self,
        bytes: &[u8],
        issuer: &[u8; 32],
        signatures: &mut Signatures,
    ) -> Verdict {
        let capsule = capsule::read(bytes)?;
        let certificate = self.sender(&capsule, issuer)?;
        self.authorise(&capsule, certificate, issuer, signatures)
    }

    /// A chain by itself, for who would use it.
    pub fn judge_chain(
        &self,
        bytes: &[u8],
        holder: Holder<'_>,
        signatures: &mut Signatures,
    ) -> Verdict {
        let chain = self.counting_chain(bytes, holder, signatures)?;
        Ok(accepted(&chain))
    }

    /// The certificate of who signed, which is of a kind that sends this.
    pub(super) fn sender(
        &self,
        capsule: &Capsule<'_>,
        issuer: &[u8; 32],
    ) -> Result<&Certificate<'_>, Refused> {
        let certificate = self.trust.by_key(issuer)?;
        match certificate.kind {
            Kind::Node => Ok(certificate),
            _ if capsule.reply.is_some() => Err(Refused::ReplyUnbound),
            Kind::Client => Ok(certificate),
            Kind::Issuer => {
                Err(AuthorityFault::KindForbidden("an issuer's key sends no capsules").into())
            }
        }
    }

    /// What is granted beside tokens is not judged: a capsule without one is in order.
    pub(super) fn authorise(
        &self,
        capsule: &Capsule<'_>,
        certificate: &Certificate<'_>,
        issuer: &[u8; 32],
        signatures: &mut Signatures,
    ) -> Verdict {
        let invalid = |what| Err(AuthorityFault::SourceInvalid(what).into());
        if capsule.reply.is_some() {
            return Ok(Accepted::default());
        }
        match (
            certificate.kind,
            capsule.capability.is_empty(),
            capsule.source,
        ) {
            (Kind::Client, _, Some(_)) => invalid("a client speaks for no actor"),
            // The key that signed, which need not be the certificate's.
            (Kind::Client, false, None) => {
                self.authorise_by_token(capsule, Holder::Key(issuer), signatures)
            }
            (Kind::Client, true, None) => Ok(Accepted::default()),
            (_, _, None) => invalid("the capsule names no actor"),
            (_, true, Some(_)) => Ok(Accepted::default()),
            (_, false, Some(source)) => {
                self.authorise_by_token(capsule, Holder::Actor(source.actor), signatures)
            }
        }
    }

    fn authorise_by_token(
        &self,
        capsule: &Capsule<'_>,
        holder: Holder<'_>,
        signatures: &mut Signatures,
    ) -> Verdict {
        let chain = self.counting_chain(capsule.capability, holder, signatures)?;
        let last = &chain.last().claims;
        // Whatever is narrowed from another cell's is that cell's, too.
        if chain
            .links()
            .any(|link| link.claims.kind == TokenKind::Federation)
        {
            return Err(CapabilityFault::NotBuiltYet.into());
        }
        if capsule.deadline_unix_ms > last.not_after_unix_ms {
            return Err(CapabilityFault::Expired.into());
        }
        let payload = || json_of(capsule);
        permits(&last.permissions, capsule.intent, capsule.target, payload)?;
        Ok(accepted(&chain))
    }

    fn counting_chain<'b>(
        &self,
        bytes: &'b [u8],
        holder: Holder<'_>,
        signatures: &mut Signatures,
    ) -> Result<Chain<'b>, CapabilityFault> {
        let chain = Chain::read(bytes)?;
        let genesis = &self.genesis_hash;
        let standing = check_standing(
            &chain,
            holder,
            genesis,
            &self.trust,
            &self.revoked,
            self.now_unix_ms,
        );
        // What may come again must not do so for the sake of what nobody signed.
        if standing != Err(CapabilityFault::RevocationsUnheard) {
            standing?;
        }
        chain.check_links(genesis, signatures)?;
        standing?;
        Ok(chain)
    }
}

fn accepted(chain: &Chain<'_>) -> Accepted {
    let once = chain
        .links()
        .find(|link| link.claims.kind == TokenKind::Ephemeral);
    Accepted {
        token: Some(chain.last().hash),
        once: once.map(|link| link.hash),
    }
}

/// As its actor will read it; `None`: it is no JSON, and meets no constraint.
fn json_of(capsule: &Capsule<'_>) -> Option<Json> {
    let media_type = capsule
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let is_json = media_type.is_empty() || media_type.eq_ignore_ascii_case("application/json");
    is_json.then(|| read_payload(capsule.payload))?
}
