//! The Rust core of Cell 0: the part of a node that holds its vote key, verifies
//! signatures, judges capsules and capabilities a second time, and does the
//! arithmetic of quorums. It is a gRPC service; its host reaches it over a Unix
//! socket, or over TCP with mutual TLS. It keeps nothing of what it judges, and it
//! never speaks to the network of cells: its host does.

pub mod accept;
pub mod capability;
pub mod certificate;
pub mod coded;
pub mod cofactorless;
pub mod data_dir;
pub mod host;
pub mod json;
pub mod judge;
pub mod keys;
pub mod proto;
pub mod quorum;
pub mod ready;
pub mod refusal;
pub mod serve;
pub mod service;
pub mod shutdown;
pub mod signature;
pub mod signature_budget;
pub mod socket;
pub mod status;
pub mod tls;
pub mod trust;
pub mod verifier;
pub mod wire;

/// The protocol between core and host that this core speaks.
pub const PROTOCOL: u32 = 1;

/// This core's version, the crate's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Most bytes of one gRPC request. A full batch of capsule signatures needs about 1 MiB.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
