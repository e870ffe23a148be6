//! Accepts connections, a bounded number at a time. On a Unix socket only the
//! user that the core runs as, and root, get in; on TCP the TLS handshake that
//! follows decides.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;

use crate::host::HostStream;

/// Most connections at a time; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 64;

/// How long accepting rests after the system refused it, for want of file descriptors for instance.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Something that hands out connections which may be served.
pub trait Accept: Send + 'static {
    /// The bytes of one connection.
    type Bytes: Send + 'static;

    /// Waits for the next connection; `None` for one that was turned away.
    fn next(&self) -> impl Future<Output = io::Result<Option<Self::Bytes>>> + Send;
}

impl Accept for UnixListener {
    type Bytes = UnixStream;

    async fn next(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.accept().await?;
        let own = geteuid().as_raw();
        match stream.peer_cred() {
            Ok(peer) if admits(peer.uid(), own) => Ok(Some(stream)),
            Ok(peer) => {
                tracing::warn!(
                    code = "CORE_PEER_REFUSED",
                    user = peer.uid(),
                    "turned away a connection of another user"
                );
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(code = "CORE_PEER_REFUSED", %error, "turned away a connection of an unknown user");
                Ok(None)
            }
        }
    }
}

impl Accept for TcpListener {
    type Bytes = TcpStream;

    async fn next(&self) -> io::Result<Option<TcpStream>> {
        let (stream, _) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok(Some(stream))
    }
}

/// Whether a process of user `peer` may speak to a core of user `own`.
fn admits(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

/// Accepts until the returned stream is dropped.
#[must_use]
pub fn connections<L: Accept>(listener: L) -> ReceiverStream<io::Result<HostStream<L::Bytes>>> {
    let (sender, receiver) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.next() => accepted,
                () = sender.closed() => return,
            };
            match accepted {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    if sender
                        .send(Ok(HostStream::new(bytes, place)))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    sleep(REST_AFTER_FAILURE).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

#[cfg(test)]
mod tests {
    use super::admits;

    #[test]
    fn only_the_own_user_and_root_are_admitted() {
        for (peer, own, admitted) in [
            (1000, 1000, true),
            (0, 1000, true),
            (0, 0, true),
            (1001, 1000, false),
            (1000, 0, false),
            (65534, 1000, false),
        ] {
            assert_eq!(admits(peer, own), admitted, "peer {peer}, own {own}");
        }
    }
}
