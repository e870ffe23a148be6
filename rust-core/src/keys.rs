//! The node's vote key: made at the first start, kept in one file that only its
//! owner reads, and never sent anywhere. Only the core has it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use rustix::process::geteuid;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::coded::Coded;
use crate::data_dir::DataDir;

/// File of the vote key in the data directory: the 32 bytes of an Ed25519 seed.
pub const VOTE_KEY_FILE: &str = "vote.key";

const SEED_BYTES: usize = 32;

/// Why there is no vote key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read vote key {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A new key cannot be written.
    #[error("cannot write vote key {path}: {source}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error(
        "vote key {path} has mode {mode:04o}, open to others; \
         if nobody else has read it, run: chmod 600 {path}"
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("vote key {path} belongs to user {owner}, not to the user of this process")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// It is not a plain file of 32 bytes.
    #[error(
        "vote key {path} is not a plain file of {SEED_BYTES} bytes; restore it from a \
         backup, or move it away to get a new key, which the cell must then certify"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gives no randomness.
    #[error("no randomness for a new vote key: {0}")]
    NoEntropy(getrandom::Error),
}

impl Coded for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "CORE_KEY_UNREADABLE",
            Self::Unwritable { .. } => "CORE_KEY_UNWRITABLE",
            Self::TooOpen { .. } => "CORE_KEY_TOO_OPEN",
            Self::Foreign { .. } => "CORE_KEY_FOREIGN",
            Self::Malformed { .. } => "CORE_KEY_MALFORMED",
            Self::NoEntropy(_) => "CORE_NO_ENTROPY",
        }
    }
}

/// The key with which this node votes.
pub struct VoteKey(SigningKey);

impl VoteKey {
    /// Reads the key of a data directory, or makes it where there is none.
    ///
    /// # Errors
    /// When the file is open to others, another user's, malformed or out of reach.
    pub fn load_or_create(directory: &DataDir) -> Result<Self, KeyError> {
        let path = directory.path().join(VOTE_KEY_FILE);
        match fs::symlink_metadata(&path) {
            Ok(_) => load(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path),
            Err(source) => Err(KeyError::Unreadable { path, source }),
        }
    }

    /// The public half, 32 bytes.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        VerificationKeyBytes::from(&self.0).into()
    }
}

impl fmt::Debug for VoteKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VoteKey(..)")
    }
}

fn load(path: &Path) -> Result<VoteKey, KeyError> {
    let path = path.to_owned();
    let unreadable = |source| KeyError::Unreadable {
        path: path.clone(),
        source,
    };
    let malformed = || KeyError::Malformed { path: path.clone() };
    let metadata = fs::symlink_metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(malformed());
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.uid() != geteuid().as_raw() {
        let owner = metadata.uid();
        return Err(KeyError::Foreign { path, owner });
    }
    if mode & 0o077 != 0 {
        return Err(KeyError::TooOpen { path, mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(SEED_BYTES + 1));
    File::open(&path)
        .map_err(unreadable)?
        .take((SEED_BYTES + 1) as u64)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let key = SigningKey::try_from(bytes.as_slice()).map_err(|_| malformed())?;
    Ok(VoteKey(key))
}

/// Writes a new key beside its place, then moves it there: after a crash at any
/// point there is the whole key or none.
fn create(path: &Path) -> Result<VoteKey, KeyError> {
    let mut seed = Zeroizing::new([0_u8; SEED_BYTES]);
    getrandom::fill(seed.as_mut_slice()).map_err(KeyError::NoEntropy)?;
    write_atomically(path, seed.as_slice()).map_err(|source| KeyError::Unwritable {
        path: path.to_owned(),
        source,
    })?;
    tracing::info!(path = %path.display(), "made a new vote key");
    Ok(VoteKey(SigningKey::from(*seed)))
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("key.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
