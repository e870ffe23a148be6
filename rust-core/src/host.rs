//! A connection of the host, and what the core remembers of it: whether its
//! handshake was refused. A connection that goes away frees its place.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

/// What the core remembers of a connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct HostConnection {
    refused: Arc<AtomicBool>,
}

impl HostConnection {
    /// Keeps the outcome of the newest handshake.
    pub fn set_refused(&self, refused: bool) {
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// Whether the newest handshake on this connection was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// The bytes of a connection, which occupies one of the core's places for them.
#[derive(Debug)]
pub struct HostStream<S> {
    bytes: S,
    connection: HostConnection,
    _place: OwnedSemaphorePermit,
}

impl<S> HostStream<S> {
    /// An accepted connection in its place.
    pub fn new(bytes: S, place: OwnedSemaphorePermit) -> Self {
        Self {
            bytes,
            connection: HostConnection::default(),
            _place: place,
        }
    }
}

impl<S> Connected for HostStream<S> {
    type ConnectInfo = HostConnection;

    fn connect_info(&self) -> HostConnection {
        self.connection.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HostStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HostStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }
}
