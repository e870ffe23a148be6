//! Why a capability does not count, or does not allow what is asked.

use thiserror::Error;

use crate::coded::Coded;

/// What stands against a chain of tokens, or against what it is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CapabilityFault {
    /// It has not its form.
    #[error("the capability is not valid: {0}")]
    Malformed(&'static str),
    /// Its last link is another's.
    #[error("who sends is not the holder of the last link")]
    HolderMismatch,
    /// Its time is over, or the intent's deadline lies beyond it.
    #[error("the capability has ended, or ends before the intent's deadline")]
    Expired,
    /// Its time has not come.
    #[error("the capability is not valid yet")]
    NotYetValid,
    /// Its scope has a later epoch.
    #[error("the epoch of its scope was raised")]
    EpochStale,
    /// It is of an epoch that nobody here has heard of.
    #[error("the epoch of its scope is not known here yet")]
    RevocationsUnheard,
    /// One of its links was revoked.
    #[error("link {0} was revoked")]
    Revoked(usize),
    /// Who signed its root may not sign roots.
    #[error("who signed the root is not the cell's authority")]
    AuthorityUnknown,
    /// Who handed it on counts no more.
    #[error("who signed link {0} does not count")]
    HolderWithdrawn(usize),
    /// Fewer have approved a link than it asks for.
    #[error("link {0} is not approved by enough")]
    NotApproved(usize),
    /// A link does not follow the one before.
    #[error("link {0} does not follow the one before")]
    ChainBroken(usize),
    /// A link's signature, or that of an approval, is not valid.
    #[error("a signature of link {0} is not valid")]
    SignatureInvalid(usize),
    /// A link allows what the one before does not.
    #[error("link {0} allows more than the one before: {1}")]
    Widened(usize, &'static str),
    /// It asks for something that nothing keeps to yet.
    #[error("a link is another cell's, and cells are not joined to others yet")]
    NotBuiltYet,
    /// It does not allow this intent to this target.
    #[error("it does not allow this intent to this target")]
    IntentForbidden,
    /// The payload does not meet its constraints.
    #[error("a constraint on the payload does not hold")]
    ArgumentForbidden,
}

impl Coded for CapabilityFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "CAPABILITY_MALFORMED",
            Self::HolderMismatch => "CAPABILITY_HOLDER_MISMATCH",
            Self::Expired => "CAPABILITY_EXPIRED",
            Self::NotYetValid => "CAPABILITY_NOT_YET_VALID",
            Self::EpochStale => "CAPABILITY_EPOCH_STALE",
            Self::RevocationsUnheard => "CAPABILITY_REVOCATIONS_UNHEARD",
            Self::Revoked(_) => "CAPABILITY_REVOKED",
            Self::AuthorityUnknown => "CAPABILITY_AUTHORITY_UNKNOWN",
            Self::HolderWithdrawn(_) => "CAPABILITY_HOLDER_WITHDRAWN",
            Self::NotApproved(_) => "CAPABILITY_NOT_APPROVED",
            Self::ChainBroken(_) => "CAPABILITY_CHAIN_BROKEN",
            Self::SignatureInvalid(_) => "CAPABILITY_SIGNATURE_INVALID",
            Self::Widened(..) => "CAPABILITY_WIDENED",
            Self::NotBuiltYet => "CAPSULE_CAPABILITY_NOT_BUILT_YET",
            Self::IntentForbidden => "CAPABILITY_INTENT_FORBIDDEN",
            Self::ArgumentForbidden => "CAPABILITY_ARGUMENT_FORBIDDEN",
        }
    }
}
