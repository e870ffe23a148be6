//! Mutual TLS for a core on TCP: it proves itself with a certificate, and serves
//! only clients that a stated authority has certified.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::coded::Coded;

/// How long a TLS handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// The PEM files that mutual TLS needs.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The core's certificate, with the chain to its authority.
    pub certificate: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// The authority that clients must be certified by.
    pub client_ca: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The files do not make a TLS configuration.
    #[error("the TLS files do not fit: {0}")]
    Unusable(String),
}

impl Coded for TlsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "CORE_TLS_UNREADABLE",
            Self::Unusable(_) => "CORE_TLS_UNUSABLE",
        }
    }
}

/// Reads the files into a configuration that demands a client certificate.
///
/// # Errors
/// When a file cannot be read, or the authority file holds no certificate.
pub fn mutual_tls(files: &TlsFiles) -> Result<ServerTlsConfig, TlsError> {
    let client_ca = read(&files.client_ca)?;
    if !client_ca.contains("-----BEGIN CERTIFICATE-----") {
        return Err(TlsError::Unusable(format!(
            "{} holds no certificate",
            files.client_ca.display()
        )));
    }
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(
            read(&files.certificate)?,
            read(&files.key)?,
        ))
        .client_ca_root(Certificate::from_pem(client_ca))
        .client_auth_optional(false)
        .timeout(HANDSHAKE_MAX))
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
