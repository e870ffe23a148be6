//! The socket file: private, never taken from somebody, replaced when left over.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net;
use std::path::Path;

use cell0_core::coded::Coded;
use cell0_core::socket::listen;

use crate::private_directory;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_socket_is_private_in_a_private_directory_and_gone_after_use() {
    let directory = private_directory();
    let path = directory.path().join("run/core.sock");
    let (listener, file) = listen(&path).unwrap();
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    drop((listener, file));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_nobody_answers_on_is_replaced() {
    let directory = private_directory();
    let path = directory.path().join("core.sock");
    drop(net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a leftover");
    let _listening = listen(&path).unwrap();
    net::UnixStream::connect(&path).unwrap();
}

#[tokio::test]
async fn a_socket_that_somebody_answers_on_is_left_alone() {
    let directory = private_directory();
    let path = directory.path().join("core.sock");
    let _other = net::UnixListener::bind(&path).unwrap();
    assert_eq!(listen(&path).unwrap_err().code(), "CORE_SOCKET_IN_USE");
    net::UnixStream::connect(&path).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let directory = private_directory();
    let path = directory.path().join("core.sock");
    fs::write(&path, b"precious").unwrap();
    assert_eq!(listen(&path).unwrap_err().code(), "CORE_SOCKET_OCCUPIED");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn a_directory_open_to_others_is_refused() {
    let directory = private_directory();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let error = listen(&directory.path().join("core.sock")).unwrap_err();
    assert_eq!(error.code(), "CORE_DIRECTORY_TOO_OPEN");
}

#[tokio::test]
async fn a_path_too_long_for_the_system_is_refused_by_code() {
    let directory = private_directory();
    let path = directory.path().join("d".repeat(90)).join("core.sock");
    assert_eq!(
        listen(&path).unwrap_err().code(),
        "CORE_SOCKET_PATH_TOO_LONG"
    );
}

#[tokio::test]
async fn a_socket_that_another_has_put_in_place_is_not_removed() {
    let directory = private_directory();
    let path = directory.path().join("core.sock");
    let (listener, file) = listen(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = net::UnixListener::bind(&path).unwrap();
    drop((listener, file));
    net::UnixStream::connect(&path).unwrap();
}
