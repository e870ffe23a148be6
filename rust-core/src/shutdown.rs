//! What ends the core: SIGTERM, SIGINT, or the end of its standard input where
//! that is a pipe whose other end its parent holds.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Listens for the signals that end the process, from the moment it is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over SIGTERM and SIGINT.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of them, and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Tells when the parent is gone.
#[derive(Debug)]
pub struct Parent(oneshot::Receiver<()>);

impl Parent {
    /// Watches standard input; none when it is neither a pipe nor a socket, whose
    /// end would say nothing of the parent.
    ///
    /// # Errors
    /// When standard input is closed, or no thread can be started.
    pub fn watch() -> io::Result<Option<Self>> {
        let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let kind = input.metadata()?.file_type();
        if !kind.is_fifo() && !kind.is_socket() {
            return Ok(None);
        }
        let (gone, watch) = oneshot::channel();
        std::thread::Builder::new()
            .name("parent-watch".to_owned())
            .spawn(move || {
                let mut ignored = [0_u8; 512];
                loop {
                    match input.read(&mut ignored) {
                        Ok(0) => break,
                        Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                        _ => {}
                    }
                }
                let _nobody_waits = gone.send(());
            })?;
        Ok(Some(Self(watch)))
    }

    /// Waits until the parent is gone.
    pub async fn gone(&mut self) {
        let _either_way = (&mut self.0).await;
    }
}
