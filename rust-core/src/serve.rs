//! Puts a core together: data directory, vote key, listener, services; then
//! serves until it is told to stop, and drains within a bounded time.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::REQUEST_BYTES_MAX;
use crate::accept::{Accept, connections};
use crate::coded::Coded;
use crate::data_dir::{DataDir, DirectoryError};
use crate::keys::{KeyError, VoteKey};
use crate::proto::DESCRIPTORS;
use crate::proto::core_service_server::{CoreServiceServer, SERVICE_NAME};
use crate::ready::Address;
use crate::service::Service;
use crate::socket::{SocketError, SocketFile, listen};
use crate::tls::{TlsError, TlsFiles, mutual_tls};
use crate::verifier::Verifier;

/// How long requests in flight may take once the core is told to stop.
pub const DRAIN_MAX: Duration = Duration::from_secs(3);

/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// Most requests at a time on one connection; further ones wait.
const REQUESTS_PER_CONNECTION_MAX: u32 = 64;

/// How often an idle connection is asked for a sign of life.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);

/// Where to listen.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// On a Unix socket at this path.
    Socket(PathBuf),
    /// On this TCP address, with mutual TLS by these files.
    Tcp(SocketAddr, TlsFiles),
}

/// What a core is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory of its key, private to its user.
    pub data_dir: PathBuf,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// SHA-256 of the genesis that hosts and certificates must be of, if stated.
    pub genesis_hash: Option<[u8; 32]>,
}

/// Why a core does not start, or stops by itself.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The data directory cannot serve.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There is no vote key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The TCP address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The services do not fit together.
    #[error("cannot describe the services for reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The gRPC server ended by itself.
    #[error("the gRPC server ended: {0}")]
    Transport(#[from] tonic::transport::Error),
}

impl Coded for ServeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Directory(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Socket(error) => error.code(),
            Self::Tls(error) => error.code(),
            Self::Address { .. } => "CORE_ADDRESS_UNUSABLE",
            Self::Reflection(_) | Self::Transport(_) => "CORE_SERVER_FAILED",
        }
    }
}

enum Listener {
    Unix(UnixListener, SocketFile),
    Tcp(TcpListener),
}

/// A core that holds its data directory and listens, but does not answer yet.
pub struct Core {
    listener: Listener,
    address: Address,
    service: Service,
    server: Server,
    vote_key: [u8; 32],
    // Dropped after the listener, so that the next core finds the socket gone.
    _data_dir: DataDir,
}

impl Core {
    /// Takes the data directory, reads or makes the vote key, and listens.
    ///
    /// # Errors
    /// When any of these fails; nothing is left behind then but the directory and the key.
    pub async fn bind(options: Options) -> Result<Self, ServeError> {
        let data_dir = DataDir::open(&options.data_dir)?;
        let vote_key = VoteKey::load_or_create(&data_dir)?.public();
        let mut server = Server::builder()
            .timeout(REQUEST_MAX)
            .max_concurrent_streams(REQUESTS_PER_CONNECTION_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE_EVERY));
        let (listener, address) = match options.endpoint {
            Endpoint::Socket(path) => {
                let (listener, file) = listen(&path)?;
                (Listener::Unix(listener, file), Address::Socket(path))
            }
            Endpoint::Tcp(address, files) => {
                server = server
                    .tls_config(mutual_tls(&files)?)
                    .map_err(|error| TlsError::Unusable(describe(&error)))?;
                let unusable = |source| ServeError::Address { address, source };
                let listener = TcpListener::bind(address).await.map_err(unusable)?;
                let bound = listener.local_addr().map_err(unusable)?;
                (Listener::Tcp(listener), Address::Tcp(bound))
            }
        };
        let lanes = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            listener,
            address,
            service: Service::new(vote_key, options.genesis_hash, Verifier::new(lanes)),
            server,
            vote_key,
            _data_dir: data_dir,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The public half of its vote key.
    #[must_use]
    pub fn vote_key(&self) -> &[u8; 32] {
        &self.vote_key
    }

    /// Answers until `stop` resolves, then lets requests in flight finish, until
    /// `cut` resolves and for `DRAIN_MAX` at most. The socket file is gone when
    /// this returns.
    ///
    /// # Errors
    /// When the gRPC server ends by itself.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send,
        cut: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let (server, service) = (self.server, self.service);
        match self.listener {
            Listener::Unix(listener, _file) => serve(server, service, listener, stop, cut).await,
            Listener::Tcp(listener) => serve(server, service, listener, stop, cut).await,
        }
    }
}

async fn serve<L>(
    mut server: Server,
    service: Service,
    listener: L,
    stop: impl Future<Output = ()> + Send,
    cut: impl Future<Output = ()> + Send,
) -> Result<(), ServeError>
where
    L: Accept,
    L::Bytes: AsyncRead + AsyncWrite + Unpin,
{
    let health = HealthReporter::new();
    health
        .set_service_status(SERVICE_NAME, ServingStatus::Serving)
        .await;
    let (drain, draining) = oneshot::channel::<()>();
    let serving = server
        .add_service(CoreServiceServer::new(service).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(HealthServer::new(HealthService::from_health_reporter(
            health.clone(),
        )))
        .add_service(
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .build_v1()?,
        )
        .serve_with_incoming_shutdown(connections(listener), async {
            let _told_or_dropped = draining.await;
        });
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = stop => {}
    }
    end_health(health).await;
    let _already_ended = drain.send(());
    tokio::select! {
        ended = serving => return Ok(ended?),
        () = sleep(DRAIN_MAX) => tracing::warn!("connections that did not end in time were cut"),
        () = cut => tracing::warn!("connections were cut, as told"),
    }
    Ok(())
}

/// Tells watchers that the core goes, then ends their streams, which would
/// otherwise hold the drain until it is cut.
async fn end_health(mut health: HealthReporter) {
    for service in ["", SERVICE_NAME] {
        health
            .set_service_status(service, ServingStatus::NotServing)
            .await;
        health.clear_service_status(service).await;
    }
}

fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
