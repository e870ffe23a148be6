//! How errors leave on the wire: a gRPC status whose message begins with the
//! stable code, which also stands alone in the metadata `cell0-error-code`.

use std::fmt::Display;

use thiserror::Error;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::PROTOCOL;
use crate::coded::Coded;
use crate::quorum::QuorumError;
use crate::verifier::VerifierError;

/// Metadata key of the stable code.
pub const ERROR_CODE_METADATA: &str = "cell0-error-code";

/// Why a request is not answered.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The host speaks another protocol.
    #[error("the host speaks protocol {host}, this core {PROTOCOL}; install both from one release")]
    ProtocolMismatch {
        /// The host's protocol.
        host: u32,
    },
    /// The host's cell is not the one that this core was started for.
    #[error("the host's genesis hash is not the one that this core was started with")]
    GenesisMismatch,
    /// The newest handshake on this connection was refused.
    #[error("the handshake on this connection was refused")]
    HandshakeRefused,
    /// A field that must be there is missing or has not its length.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// The validators of a request are no set that can decide.
    #[error(transparent)]
    Validators(#[from] QuorumError),
    /// Signatures could not be verified.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::ProtocolMismatch { .. } => "CORE_PROTOCOL_MISMATCH",
            Self::GenesisMismatch => "CORE_GENESIS_MISMATCH",
            Self::HandshakeRefused => "CORE_HANDSHAKE_REFUSED",
            Self::Malformed(_) => "CORE_MALFORMED_REQUEST",
            Self::Validators(error) => error.code(),
            Self::Verifier(error) => error.code(),
        }
    }
}

impl Refusal {
    fn grpc_code(&self) -> Code {
        match self {
            Self::ProtocolMismatch { .. } | Self::GenesisMismatch | Self::HandshakeRefused => {
                Code::FailedPrecondition
            }
            Self::Malformed(_)
            | Self::Validators(_)
            | Self::Verifier(VerifierError::TooManyChecks { .. }) => Code::InvalidArgument,
            Self::Verifier(VerifierError::ShuttingDown) => Code::Unavailable,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        with_code(refusal.grpc_code(), refusal.code(), &refusal)
    }
}

fn with_code(grpc_code: Code, code: &'static str, what: &impl Display) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(ERROR_CODE_METADATA, MetadataValue::from_static(code));
    Status::with_metadata(grpc_code, format!("{code}: {what}"), metadata)
}
