//! The log, on standard error. A panic is logged too, before it ends the process.

use std::io;

use tracing::level_filters::LevelFilter;

use crate::cli::{LogArgs, LogLevel};

pub(crate) fn start(arguments: &LogArgs) {
    let level = match arguments.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false);
    if arguments.log_json {
        builder.json().flatten_event(true).init();
    } else {
        builder.init();
    }
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(code = "CORE_PANICKED", %panic, "a bug ended the core");
    }));
}
