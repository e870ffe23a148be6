//! The Unix socket that the host connects to: mode 0600 in a private directory.
//! A socket file that nobody answers on is a leftover and is replaced; anything
//! else at its path is left alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::net::UnixListener;

use crate::coded::Coded;
use crate::data_dir::{DirectoryError, ensure_private};

/// Why the core cannot listen on a socket path.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Its directory is not private.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A process answers on it.
    #[error("somebody answers on socket {path} already; stop it, or use another path")]
    InUse {
        /// The socket's path.
        path: PathBuf,
    },
    /// Something that is no socket is in its place.
    #[error("{path} exists and is no socket; move it away, or use another path")]
    Occupied {
        /// The socket's path.
        path: PathBuf,
    },
    /// The operating system bounds such paths, to 107 bytes on Linux.
    #[error("socket path {path} has {bytes} bytes, too long for this system; use a shorter one")]
    PathTooLong {
        /// The socket's path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// It cannot be bound.
    #[error("cannot listen on socket {path}: {source}")]
    Unusable {
        /// The socket's path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl Coded for SocketError {
    fn code(&self) -> &'static str {
        match self {
            Self::Directory(error) => error.code(),
            Self::InUse { .. } => "CORE_SOCKET_IN_USE",
            Self::Occupied { .. } => "CORE_SOCKET_OCCUPIED",
            Self::PathTooLong { .. } => "CORE_SOCKET_PATH_TOO_LONG",
            Self::Unusable { .. } => "CORE_SOCKET_UNUSABLE",
        }
    }
}

/// Removes the socket file when dropped, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Listens on a path. Its directory is made (0700) where it is missing.
///
/// # Errors
/// When the directory is not private, the path is taken or too long, or binding fails.
pub fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    let unusable = |source| SocketError::Unusable {
        path: path.to_owned(),
        source,
    };
    if net::SocketAddr::from_pathname(path).is_err() {
        return Err(SocketError::PathTooLong {
            path: path.to_owned(),
            bytes: path.as_os_str().len(),
        });
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    ensure_private(directory)?;
    clear_leftover(path)?;
    let listener = UnixListener::bind(path).map_err(unusable)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path).map_err(unusable)?,
    };
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(unusable)?;
    Ok((listener, file))
}

fn clear_leftover(path: &Path) -> Result<(), SocketError> {
    let unusable = |source| SocketError::Unusable {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(unusable(source)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(SocketError::Occupied {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "replacing a socket that nobody answers on");
            fs::remove_file(path).map_err(unusable)
        }
        Err(source) => Err(unusable(source)),
        Ok(_) => Err(SocketError::InUse {
            path: path.to_owned(),
        }),
    }
}
