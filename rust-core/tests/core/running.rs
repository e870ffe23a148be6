//! A core running in this process, on a real socket, and clients of it.

use std::path::{Path, PathBuf};

use cell0_core::proto::core_service_client::CoreServiceClient;
use cell0_core::serve::{Core, Endpoint, Options, ServeError};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint as ChannelEndpoint};
use tower::service_fn;

pub(crate) struct Running {
    pub(crate) socket: PathBuf,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
    // Removed once the core is gone.
    _directory: TempDir,
}

/// A core with a directory of its own.
pub(crate) async fn start(genesis_hash: Option<[u8; 32]>) -> Running {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("run/core.sock");
    let core = Core::bind(Options {
        data_dir: directory.path().join("core"),
        endpoint: Endpoint::Socket(socket.clone()),
        genesis_hash,
    })
    .await
    .unwrap();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(core.run(
        async {
            let _told_or_dropped = stopped.await;
        },
        std::future::pending(),
    ));
    Running {
        socket,
        stop,
        served,
        _directory: directory,
    }
}

impl Running {
    pub(crate) async fn channel(&self) -> Channel {
        channel(&self.socket).await
    }

    pub(crate) async fn client(&self) -> CoreServiceClient<Channel> {
        CoreServiceClient::new(self.channel().await)
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        assert!(!self.socket.exists(), "the socket file is gone");
    }
}

pub(crate) async fn channel(socket: &Path) -> Channel {
    let socket = socket.to_owned();
    ChannelEndpoint::from_static("http://core")
        .connect_with_connector(service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        }))
        .await
        .unwrap()
}
