//! The one line on standard output that tells the parent process that the core
//! answers, and where.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use crate::{PROTOCOL, VERSION};

/// Where a core listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a Unix socket.
    Socket(PathBuf),
    /// On TCP, with mutual TLS.
    Tcp(SocketAddr),
}

/// Writes the ready line.
///
/// # Errors
/// When nobody reads standard output any more.
pub fn announce(address: &Address, vote_key: &[u8; 32], mut out: impl Write) -> io::Result<()> {
    let (socket, tcp) = match address {
        Address::Socket(path) => (Some(path.display().to_string()), None),
        Address::Tcp(address) => (None, Some(address.to_string())),
    };
    let line = json!({
        "ready": true,
        "socket": socket,
        "tcp": tcp,
        "version": VERSION,
        "protocol": PROTOCOL,
        "pid": std::process::id(),
        "vote_key": hex(vote_key),
    });
    writeln!(out, "{line}")?;
    out.flush()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
