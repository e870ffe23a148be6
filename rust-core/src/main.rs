//! The command line of the core. Standard output carries the ready line alone;
//! everything else goes to standard error.

mod cli;
mod logging;

use std::io::{self, Write};
use std::process::ExitCode;

use cell0_core::coded::Coded;
use cell0_core::ready::announce;
use cell0_core::serve::{Core, ServeError};
use cell0_core::shutdown::{Parent, Signals};
use cell0_core::{PROTOCOL, VERSION};
use clap::Parser;
use serde_json::json;
use tokio::sync::oneshot;

use crate::cli::{Cli, Command, ServeArgs, UsageError};

/// Exit code of a core that was started wrongly.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Version { json } => print_version(json),
        Command::Serve(arguments) => {
            logging::start(&arguments.log);
            run(arguments)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nowhere_left_to_say_it = writeln!(io::stderr(), "{}", explain(&error));
            if error.is::<UsageError>() {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn print_version(as_json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout();
    if as_json {
        writeln!(
            out,
            "{}",
            json!({ "version": VERSION, "protocol": PROTOCOL })
        )?;
    } else {
        writeln!(out, "cell0-core {VERSION} (protocol {PROTOCOL})")?;
    }
    Ok(())
}

fn run(arguments: ServeArgs) -> anyhow::Result<()> {
    let exit_with_parent = arguments.exit_with_parent;
    let options = arguments.into_options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("core")
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let signals = Signals::listen()?;
        let parent = match exit_with_parent {
            true => Some(Parent::watch()?.ok_or(UsageError::InputIsNoPipe)?),
            false => None,
        };
        let core = Core::bind(options).await?;
        announce(core.address(), core.vote_key(), io::stdout())?;
        tracing::info!(version = VERSION, address = ?core.address(), "ready");
        let (stop, stopped) = oneshot::channel();
        let (cut, cut_now) = oneshot::channel();
        tokio::spawn(tell_to_stop(signals, parent, stop, cut));
        core.run(resolved(stopped), resolved(cut_now)).await?;
        Ok(())
    });
    // Whatever is still verifying has nobody left to answer.
    runtime.shutdown_background();
    outcome
}

/// Says stop at the first signal, or when the parent is gone; and at the next
/// signal to wait for nobody any more.
async fn tell_to_stop(
    mut signals: Signals,
    parent: Option<Parent>,
    stop: oneshot::Sender<()>,
    cut: oneshot::Sender<()>,
) {
    let parent_gone = async {
        match parent {
            Some(mut parent) => parent.gone().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "stopping"),
        () = parent_gone => tracing::info!("stopping: the parent process is gone"),
    }
    let _stopped_by_itself = stop.send(());
    let signal = signals.next().await;
    tracing::warn!(signal, "stopping at once");
    let _stopped_meanwhile = cut.send(());
}

async fn resolved(told: oneshot::Receiver<()>) {
    let _told_or_nobody_tells = told.await;
}

fn explain(error: &anyhow::Error) -> String {
    let code = error
        .downcast_ref::<ServeError>()
        .map(Coded::code)
        .or_else(|| error.downcast_ref::<UsageError>().map(Coded::code))
        .unwrap_or("CORE_FAILED");
    format!("{code}: {error:#}")
}
