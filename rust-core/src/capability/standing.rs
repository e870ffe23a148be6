//! Whether a chain counts now: whose it is, its time, its epoch, what is revoked, and
//! who of those behind it counts. The cheap part of a verdict, and the one that changes.

use std::collections::{HashMap, HashSet};

use super::approval::are_enough;
use super::chain::Chain;
use super::fault::CapabilityFault;
use super::holder::Holder;
use crate::trust::store::TrustStore;
use crate::wire::signing_input::Hash;

/// How far a minter's clock may be ahead, milliseconds.
pub const CLOCK_SKEW_MS_MAX: u64 = 5_000;

/// What is revoked, as whoever asks knows it.
#[derive(Clone, Debug, Default)]
pub struct Revoked<'a> {
    /// Epochs of scopes; one that is not named is in epoch 0.
    pub epochs: HashMap<&'a str, u64>,
    /// Hashes of tokens.
    pub tokens: HashSet<Hash>,
}

/// Whether a chain counts at a time for who would use it.
///
/// # Errors
/// The first fault, in the order of holder, time, earlier epoch, revocation, authority, holders, approvals,
/// later epoch.
pub fn check_standing(
    chain: &Chain<'_>,
    holder: Holder<'_>,
    genesis: &Hash,
    trust: &TrustStore<'_>,
    revoked: &Revoked<'_>,
    now_unix_ms: u64,
) -> Result<(), CapabilityFault> {
    let last = &chain.last().claims;
    if !holder.holds(last, genesis, trust) {
        return Err(CapabilityFault::HolderMismatch);
    }
    if now_unix_ms >= last.not_after_unix_ms {
        return Err(CapabilityFault::Expired);
    }
    if now_unix_ms.saturating_add(CLOCK_SKEW_MS_MAX) < last.not_before_unix_ms {
        return Err(CapabilityFault::NotYetValid);
    }
    let epoch = revoked.epochs.get(last.scope).copied().unwrap_or_default();
    if last.epoch < epoch {
        return Err(CapabilityFault::EpochStale);
    }
    if let Some(at) = chain
        .links()
        .position(|link| revoked.tokens.contains(&link.hash))
    {
        return Err(CapabilityFault::Revoked(at));
    }
    let root = &chain.root.claims;
    if !trust.is_authority(&root.issuer, root.not_before_unix_ms, root.epoch) {
        return Err(CapabilityFault::AuthorityUnknown);
    }
    let fallen = chain
        .further
        .iter()
        .position(|link| !trust.counts(&link.claims.issuer));
    if let Some(at) = fallen {
        return Err(CapabilityFault::HolderWithdrawn(at + 1));
    }
    let counts = |key: &[u8]| key.try_into().is_ok_and(|key| trust.counts(key));
    let bare = chain
        .links()
        .position(|link| !are_enough(&link.approvals, link.claims.demand.as_ref(), counts));
    if let Some(at) = bare {
        return Err(CapabilityFault::NotApproved(at));
    }
    // Last, since it may come again.
    if last.epoch > epoch {
        return Err(CapabilityFault::RevocationsUnheard);
    }
    Ok(())
}
