//! The core's data directory: its owner's alone, and one core at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use thiserror::Error;

use crate::coded::Coded;

/// Why a directory cannot serve.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// It cannot be made or looked at.
    #[error("cannot use directory {path}: {source}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others than its owner can enter it.
    #[error("directory {path} has mode {mode:04o}, open to others; run: chmod 700 {path}")]
    TooOpen {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("directory {path} belongs to user {owner}, not to the user of this process")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// Another core works in it.
    #[error("another core holds data directory {path}; stop it, or use another directory")]
    Held {
        /// The directory.
        path: PathBuf,
    },
}

impl Coded for DirectoryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "CORE_DIRECTORY_UNUSABLE",
            Self::TooOpen { .. } => "CORE_DIRECTORY_TOO_OPEN",
            Self::Foreign { .. } => "CORE_DIRECTORY_FOREIGN",
            Self::Held { .. } => "CORE_DATA_DIR_HELD",
        }
    }
}

/// A data directory that this process holds until it drops this.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory where it is missing, checks it, and takes its lock.
    ///
    /// # Errors
    /// When it is open to others, another user's, held by another core, or unusable.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        ensure_private(path)?;
        let unusable = |source| DirectoryError::Unusable {
            path: path.to_owned(),
            source,
        };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("core.lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::Held {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a directory of mode 0700 where it is missing; refuses one that is open
/// to others or not this user's.
///
/// # Errors
/// When it is not private, or cannot be made.
pub fn ensure_private(path: &Path) -> Result<(), DirectoryError> {
    let unusable = |source| DirectoryError::Unusable {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(unusable)?;
    let metadata = fs::metadata(path).map_err(unusable)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.uid() != geteuid().as_raw() {
        return Err(DirectoryError::Foreign {
            path: path.to_owned(),
            owner: metadata.uid(),
        });
    }
    if mode & 0o077 != 0 {
        return Err(DirectoryError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}
