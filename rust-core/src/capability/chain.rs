//! A chain of tokens, the root first: its form, and whether each link follows the one
//! before, is approved and signed. Neither ever changes for a chain.

use super::approval::are_enough;
use super::fault::CapabilityFault;
use super::narrower::widened;
use super::token::{Token, write};
use super::token_body::{LINKS_MAX, TokenKind};
use crate::signature_budget::Signatures;
use crate::wire::fields::{Fields, FormFault, add};
use crate::wire::signing_input::{self, Hash};

/// Most bytes of a chain.
pub const CHAIN_BYTES_MAX: usize = 12 * 1024;
/// Approvals of a chain in all.
const APPROVALS_MAX: usize = 32;

/// A chain in its form.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    /// What the authority signed.
    pub root: Token<'a>,
    /// What was narrowed from it, in order.
    pub further: Vec<Token<'a>>,
}

impl<'a> Chain<'a> {
    /// Reads the message `CapabilityChain`.
    ///
    /// # Errors
    /// `Malformed`, for whatever is amiss.
    pub fn read(bytes: &'a [u8]) -> Result<Self, CapabilityFault> {
        let malformed = CapabilityFault::Malformed;
        if bytes.len() > CHAIN_BYTES_MAX {
            return Err(malformed("it is too large"));
        }
        let links = decode(bytes).map_err(|_| malformed("it is not its protobuf"))?;
        let mut only_form = Vec::new();
        for link in &links {
            write(&mut only_form, 1, link);
        }
        if only_form != bytes {
            return Err(malformed("it is not in its only form"));
        }
        let mut links = links.into_iter().map(Token::read);
        let root = links.next().ok_or(malformed("it has no link"))??;
        let chain = Self {
            root,
            further: links.collect::<Result<_, _>>()?,
        };
        let approvals: usize = chain.links().map(|link| link.approvals.len()).sum();
        match approvals > APPROVALS_MAX {
            true => Err(malformed("it has too many approvals")),
            false => Ok(chain),
        }
    }

    /// All of them, the root first.
    pub fn links(&self) -> impl Iterator<Item = &Token<'a>> {
        std::iter::once(&self.root).chain(&self.further)
    }

    /// The one that is used.
    #[must_use]
    pub fn last(&self) -> &Token<'a> {
        self.further.last().unwrap_or(&self.root)
    }

    /// Whether its links are approved, follow one another, are signed, and none
    /// allows what the one before does not; in this order.
    ///
    /// # Errors
    /// The first fault.
    pub fn check_links(
        &self,
        genesis: &Hash,
        signatures: &mut Signatures,
    ) -> Result<(), CapabilityFault> {
        for (at, link) in self.links().enumerate() {
            if !are_enough(&link.approvals, link.claims.demand.as_ref(), |_| true) {
                return Err(CapabilityFault::NotApproved(at));
            }
        }
        let parents = || std::iter::once(None).chain(self.links().map(Some));
        for (at, (link, parent)) in self.links().zip(parents()).enumerate() {
            if !follows(link, parent) {
                return Err(CapabilityFault::ChainBroken(at));
            }
        }
        for (at, (link, parent)) in self.links().zip(parents()).enumerate() {
            if !is_signed(link, genesis, signatures) {
                return Err(CapabilityFault::SignatureInvalid(at));
            }
            let wider = parent.and_then(|parent| widened(&link.claims, &parent.claims));
            if let Some(what) = wider {
                return Err(CapabilityFault::Widened(at, what));
            }
        }
        Ok(())
    }
}

/// An actor's token is the last one: what it names as its holder is no key, whatever signs
/// by it.
fn follows(link: &Token<'_>, before: Option<&Token<'_>>) -> bool {
    match before {
        None => link.claims.parent.is_none(),
        Some(before) => {
            before.claims.kind != TokenKind::Agent
                && link.claims.parent == Some(before.hash)
                && link.claims.issuer == before.claims.holder
        }
    }
}

/// By its issuer, and by all who have approved it.
fn is_signed(link: &Token<'_>, genesis: &Hash, signatures: &mut Signatures) -> bool {
    let Token {
        claims,
        signature,
        approvals,
        hash,
    } = link;
    let message = signing_input::capability(genesis, &claims.issuer, hash);
    signatures.without_cofactor(&claims.issuer, &message, signature)
        && approvals.iter().all(|approval| {
            let message = signing_input::approval(genesis, approval.approver, hash);
            match (approval.approver.try_into(), approval.signature.try_into()) {
                (Ok(key), Ok(signature)) => signatures.without_cofactor(key, &message, signature),
                _ => false,
            }
        })
}

fn decode(bytes: &[u8]) -> Result<Vec<&[u8]>, FormFault> {
    let mut links = Vec::new();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => add(&mut links, field.bytes()?, LINKS_MAX)?,
            _ => field.unknown()?,
        }
    }
    Ok(links)
}
