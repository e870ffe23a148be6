//! Why a certificate, or whoever it is of, does not count.

use thiserror::Error;

use crate::coded::Coded;

/// What stands against a certificate, or against the holder of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthorityFault {
    /// Nobody is certified for this key.
    #[error("nobody is certified for this key")]
    IssuerUnknown,
    /// The certificate has not its form.
    #[error("the certificate is not valid: {0}")]
    CertificateInvalid(&'static str),
    /// Its signature is not its signer's.
    #[error("the certificate's signature is not valid")]
    CertificateForged,
    /// The key that it says it follows has not signed it.
    #[error("the key that the certificate's key follows does not agree to it")]
    ContinuityInvalid,
    /// Its time has not come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the certificate has expired")]
    Expired,
    /// The principal was withdrawn.
    #[error("the principal was withdrawn")]
    Revoked,
    /// Who signed it does not count.
    #[error("whoever signed the certificate does not count")]
    ChainBroken,
    /// A principal of that kind may not do this.
    #[error("{0}")]
    KindForbidden(&'static str),
    /// Its name or key is another's.
    #[error("{0}")]
    PrincipalTaken(&'static str),
    /// A later generation is known.
    #[error("a later generation of the principal is known")]
    GenerationSuperseded,
    /// Another certificate of the same generation is known.
    #[error("another certificate of this generation is known")]
    GenerationConflict,
    /// The capsule names no sending actor where it must, or one where it may not.
    #[error("{0}")]
    SourceInvalid(&'static str),
}

impl Coded for AuthorityFault {
    fn code(&self) -> &'static str {
        match self {
            Self::IssuerUnknown => "AUTHORITY_ISSUER_UNKNOWN",
            Self::CertificateInvalid(_) => "AUTHORITY_CERTIFICATE_INVALID",
            Self::CertificateForged => "AUTHORITY_CERTIFICATE_FORGED",
            Self::ContinuityInvalid => "AUTHORITY_CONTINUITY_INVALID",
            Self::NotYetValid => "AUTHORITY_CERTIFICATE_NOT_YET_VALID",
            Self::Expired => "AUTHORITY_CERTIFICATE_EXPIRED",
            Self::Revoked => "AUTHORITY_REVOKED",
            Self::ChainBroken => "AUTHORITY_CHAIN_BROKEN",
            Self::KindForbidden(_) => "AUTHORITY_KIND_FORBIDDEN",
            Self::PrincipalTaken(_) => "AUTHORITY_PRINCIPAL_TAKEN",
            Self::GenerationSuperseded => "AUTHORITY_GENERATION_SUPERSEDED",
            Self::GenerationConflict => "AUTHORITY_GENERATION_CONFLICT",
            Self::SourceInvalid(_) => "AUTHORITY_SOURCE_INVALID",
        }
    }
}
