//! The core, as its users meet it: laws of its arithmetic, public vectors, the
//! service over a real socket, and the binary as a process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that meets the unexpected fails"
)]

mod acceptance;
mod binary;
mod certificate;
mod changed_bytes;
mod judge;
mod keys;
mod quorum;
mod running;
mod service;
mod socket;
mod tls;
mod vectors;

/// A directory that only its owner enters, whatever the umask; removed with it.
fn private_directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .unwrap()
}
