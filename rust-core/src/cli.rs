//! The arguments of the binary, and what they are made into.

use std::net::SocketAddr;
use std::path::PathBuf;

use cell0_core::coded::Coded;
use cell0_core::serve::{Endpoint, Options};
use cell0_core::tls::TlsFiles;
use clap::{Args, Parser, Subcommand, ValueEnum};
use thiserror::Error;

/// The Rust core of a Cell 0 node: vote key, signature verification, quorums.
#[derive(Debug, Parser)]
#[command(name = "cell0-core", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve gRPC to the node beside it, until SIGTERM or SIGINT.
    #[command(
        after_help = "Example: cell0-core serve --data-dir .cell0/core --socket .cell0/run/core.sock"
    )]
    Serve(ServeArgs),
    /// Print version and protocol.
    Version {
        /// As one JSON line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Directory of the vote key, made with mode 0700 where it is missing.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Listen on a Unix socket; only this user and root get in.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with = "tcp",
        required_unless_present = "tcp"
    )]
    socket: Option<PathBuf>,
    /// Listen on TCP with mutual TLS; needs the three TLS files.
    #[arg(long, value_name = "ADDR:PORT")]
    tcp: Option<SocketAddr>,
    /// PEM file of the core's certificate.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    tls_cert: Option<PathBuf>,
    /// PEM file of that certificate's key.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    tls_key: Option<PathBuf>,
    /// PEM file of the authority that clients must be certified by.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    tls_client_ca: Option<PathBuf>,
    /// SHA-256 of the cell's genesis; other cells are refused.
    #[arg(long, value_name = "HEX", value_parser = parse_hash)]
    genesis_hash: Option<[u8; 32]>,
    /// Stop when standard input, a pipe of the parent, ends.
    #[arg(long)]
    pub(crate) exit_with_parent: bool,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Log as JSON lines.
    #[arg(long)]
    pub(crate) log_json: bool,
    /// Least severity that is logged.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LogLevel,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Why the arguments do not fit.
#[derive(Debug, Error)]
pub(crate) enum UsageError {
    /// TCP is only served to clients with a certificate.
    #[error(
        "--tcp needs --tls-cert, --tls-key and --tls-client-ca: without mutual TLS anyone could reach the core"
    )]
    TcpWithoutTls,
    /// The end of such an input says nothing of the parent.
    #[error("--exit-with-parent needs a pipe of the parent as standard input")]
    InputIsNoPipe,
}

impl Coded for UsageError {
    fn code(&self) -> &'static str {
        match self {
            Self::TcpWithoutTls => "CORE_TLS_REQUIRED",
            Self::InputIsNoPipe => "CORE_INPUT_NO_PIPE",
        }
    }
}

impl ServeArgs {
    pub(crate) fn into_options(self) -> Result<Options, UsageError> {
        let endpoint = match (self.socket, self.tcp) {
            (Some(path), _) => Endpoint::Socket(path),
            (None, Some(address)) => match (self.tls_cert, self.tls_key, self.tls_client_ca) {
                (Some(certificate), Some(key), Some(client_ca)) => Endpoint::Tcp(
                    address,
                    TlsFiles {
                        certificate,
                        key,
                        client_ca,
                    },
                ),
                _ => return Err(UsageError::TcpWithoutTls),
            },
            (None, None) => return Err(UsageError::TcpWithoutTls),
        };
        Ok(Options {
            data_dir: self.data_dir,
            endpoint,
            genesis_hash: self.genesis_hash,
        })
    }
}

fn parse_hash(text: &str) -> Result<[u8; 32], String> {
    let malformed = || "a SHA-256 hash is 64 hexadecimal digits".to_owned();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = text
            .get(at..at + 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(malformed)?;
    }
    Ok(hash)
}
