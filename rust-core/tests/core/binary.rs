//! The binary as a process: ready line, signals, parent, refusals with their codes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use cell0_core::proto::StatusRequest;
use cell0_core::proto::core_service_client::CoreServiceClient;
use cell0_core::serve::DRAIN_MAX;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::running::channel;
use crate::service::endless_stream;

struct Process {
    child: Child,
    ready: Value,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cell0-core"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn serving(directory: &Path) -> (Command, PathBuf) {
    let socket = directory.join("run/core.sock");
    let mut command = command(&["serve", "--data-dir"]);
    command
        .arg(directory.join("core"))
        .arg("--socket")
        .arg(&socket);
    (command, socket)
}

fn start(mut command: Command) -> Process {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    Process {
        child,
        ready: serde_json::from_str(&line).unwrap(),
    }
}

impl Process {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; its exit code and what it logged.
    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

fn refused(mut command: Command) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(stdout.is_empty(), "nothing on standard output");
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn the_ready_line_says_where_a_core_answers_and_who_it_is() {
    let directory = TempDir::new().unwrap();
    let (command, socket) = serving(directory.path());
    let core = start(command);
    assert_eq!(core.ready["ready"], true);
    assert_eq!(core.ready["socket"], socket.to_str().unwrap());
    assert_eq!(core.ready["protocol"], 1);
    assert_eq!(core.ready["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(core.ready["pid"], core.child.id());
    let mut client = CoreServiceClient::new(channel(&socket).await);
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    let vote_key: String = status
        .vote_key
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(core.ready["vote_key"], vote_key);
    core.signal(Signal::TERM);
    assert_eq!(core.end().0, Some(0));
}

#[test]
fn sigterm_and_sigint_end_a_core_cleanly_and_its_key_stays() {
    let directory = TempDir::new().unwrap();
    let mut keys = Vec::new();
    for signal in [Signal::TERM, Signal::INT] {
        let (command, socket) = serving(directory.path());
        let core = start(command);
        keys.push(core.ready["vote_key"].clone());
        core.signal(signal);
        assert_eq!(core.end().0, Some(0), "{signal:?}");
        assert!(!socket.exists());
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_second_signal_ends_a_drain_at_once_and_leaves_no_socket() {
    let directory = TempDir::new().unwrap();
    let (command, socket) = serving(directory.path());
    let mut core = start(command);
    let stream = endless_stream(channel(&socket).await).await;
    let told = Instant::now();
    core.signal(Signal::TERM);
    let mut log = BufReader::new(core.child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    core.signal(Signal::TERM);
    assert_eq!(core.child.wait().unwrap().code(), Some(0));
    assert!(told.elapsed() < DRAIN_MAX);
    assert!(!socket.exists());
    drop(stream);
}

#[test]
fn a_core_that_was_killed_leaves_a_socket_that_the_next_one_replaces() {
    let directory = TempDir::new().unwrap();
    let (command, socket) = serving(directory.path());
    let killed = start(command);
    killed.signal(Signal::KILL);
    assert_eq!(killed.end().0, None);
    assert!(socket.exists());
    let next = start(serving(directory.path()).0);
    next.signal(Signal::TERM);
    assert_eq!(next.end().0, Some(0));
}

#[test]
fn a_core_goes_when_its_parent_closes_its_standard_input() {
    let directory = TempDir::new().unwrap();
    let (mut command, socket) = serving(directory.path());
    command.arg("--exit-with-parent").stdin(Stdio::piped());
    let mut core = start(command);
    drop(core.child.stdin.take());
    let (code, log) = core.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("the parent process is gone"), "{log}");
    assert!(!socket.exists());
}

#[test]
fn a_second_core_on_a_directory_or_socket_is_refused_and_the_first_serves_on() {
    let (first, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (command, socket) = serving(first.path());
    let core = start(command);

    let (code, error) = refused(serving(first.path()).0);
    assert_eq!(code, Some(1));
    assert!(error.contains("CORE_DATA_DIR_HELD: "), "{error}");

    let mut same_socket = self::command(&["serve", "--data-dir"]);
    same_socket
        .arg(other.path().join("core"))
        .arg("--socket")
        .arg(&socket);
    let (code, error) = refused(same_socket);
    assert_eq!(code, Some(1));
    assert!(error.contains("CORE_SOCKET_IN_USE: "), "{error}");

    assert!(socket.exists());
    core.signal(Signal::TERM);
    assert_eq!(core.end().0, Some(0));
}

#[test]
fn a_wrong_start_is_refused_with_its_code() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("core");
    let data_dir = data_dir.to_str().unwrap();
    let (mut without_pipe, _) = serving(directory.path());
    without_pipe.arg("--exit-with-parent");
    let (mut wrong_hash, _) = serving(directory.path());
    wrong_hash.args(["--genesis-hash", "abc"]);
    for (command, code, text) in [
        (
            command(&["serve", "--data-dir", data_dir, "--tcp", "127.0.0.1:0"]),
            2,
            "CORE_TLS_REQUIRED: ",
        ),
        (command(&["serve", "--data-dir", data_dir]), 2, "--socket"),
        (without_pipe, 2, "CORE_INPUT_NO_PIPE: "),
        (wrong_hash, 2, "64 hexadecimal digits"),
    ] {
        let (exit, error) = refused(command);
        assert_eq!(exit, Some(code), "{error}");
        assert!(error.contains(text), "{error}");
    }
    assert!(!Path::new(data_dir).exists(), "nothing was made");
}

#[test]
fn a_key_open_to_others_keeps_a_core_from_starting() {
    let directory = TempDir::new().unwrap();
    let core = start(serving(directory.path()).0);
    core.signal(Signal::TERM);
    core.end();
    let key = directory.path().join("core/vote.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, error) = refused(serving(directory.path()).0);
    assert_eq!(code, Some(1));
    assert!(error.contains("CORE_KEY_TOO_OPEN: "), "{error}");
}

#[test]
fn the_version_is_told_to_people_and_programs() {
    let Output { status, stdout, .. } = command(&["version", "--json"]).output().unwrap();
    assert!(status.success());
    let version: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(
        (&version["version"], &version["protocol"]),
        (&env!("CARGO_PKG_VERSION").into(), &1.into())
    );
    let Output { stdout, .. } = command(&["version"]).output().unwrap();
    assert_eq!(
        String::from_utf8(stdout).unwrap(),
        concat!("cell0-core ", env!("CARGO_PKG_VERSION"), " (protocol 1)\n")
    );
}

#[test]
fn json_logs_are_json_lines() {
    let directory = TempDir::new().unwrap();
    let (mut command, _) = serving(directory.path());
    command.arg("--log-json");
    let core = start(command);
    core.signal(Signal::TERM);
    let (_, log) = core.end();
    assert!(log.lines().count() >= 2);
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["message"].is_string(), "{line}");
    }
}
