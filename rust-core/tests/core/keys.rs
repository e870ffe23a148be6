//! The vote key and the directory that it lives in.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use cell0_core::coded::Coded;
use cell0_core::data_dir::DataDir;
use cell0_core::keys::{VOTE_KEY_FILE, VoteKey};
use tempfile::TempDir;

use crate::private_directory;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_start_makes_a_private_key_and_the_next_one_finds_it() {
    let directory = private_directory();
    let path = directory.path().join("deep/core");
    let first = VoteKey::load_or_create(&DataDir::open(&path).unwrap())
        .unwrap()
        .public();
    assert_eq!(
        (mode(&path), mode(&path.join(VOTE_KEY_FILE))),
        (0o700, 0o600)
    );
    assert_eq!(fs::metadata(path.join(VOTE_KEY_FILE)).unwrap().len(), 32);
    let second = VoteKey::load_or_create(&DataDir::open(&path).unwrap())
        .unwrap()
        .public();
    assert_eq!(first, second);
}

#[test]
fn two_directories_get_two_keys() {
    let (a, b) = (private_directory(), private_directory());
    let public = |dir: &TempDir| {
        VoteKey::load_or_create(&DataDir::open(dir.path()).unwrap())
            .unwrap()
            .public()
    };
    assert_ne!(public(&a), public(&b));
}

#[test]
fn a_key_that_was_being_written_at_a_crash_is_made_anew() {
    let directory = private_directory();
    fs::write(directory.path().join("vote.key.new"), b"half").unwrap();
    VoteKey::load_or_create(&DataDir::open(directory.path()).unwrap()).unwrap();
    assert!(!directory.path().join("vote.key.new").exists());
}

/// Puts a key file in place.
type Placed = Box<dyn Fn(&Path)>;

#[test]
fn a_key_file_that_cannot_be_trusted_is_refused_by_code_and_left_as_it_is() {
    let write = |bytes: &'static [u8], mode: u32| {
        move |path: &Path| {
            fs::write(path, bytes).unwrap();
            set_mode(path, mode);
        }
    };
    let cases: [(&str, Placed, &str); 6] = [
        (
            "open to its group",
            Box::new(write(&[1; 32], 0o640)),
            "CORE_KEY_TOO_OPEN",
        ),
        (
            "open to all",
            Box::new(write(&[1; 32], 0o604)),
            "CORE_KEY_TOO_OPEN",
        ),
        (
            "short",
            Box::new(write(&[1; 31], 0o600)),
            "CORE_KEY_MALFORMED",
        ),
        (
            "long",
            Box::new(write(&[1; 33], 0o600)),
            "CORE_KEY_MALFORMED",
        ),
        ("empty", Box::new(write(&[], 0o600)), "CORE_KEY_MALFORMED"),
        (
            "a link",
            Box::new(|path: &Path| symlink("elsewhere", path).unwrap()),
            "CORE_KEY_MALFORMED",
        ),
    ];
    for (name, place, code) in cases {
        let directory = private_directory();
        let path = directory.path().join(VOTE_KEY_FILE);
        place(&path);
        let before = fs::read(&path).ok();
        let error = VoteKey::load_or_create(&DataDir::open(directory.path()).unwrap()).unwrap_err();
        assert_eq!(error.code(), code, "{name}");
        assert_eq!(fs::read(&path).ok(), before, "{name}");
    }
}

#[test]
fn a_directory_that_others_enter_is_refused() {
    let directory = private_directory();
    set_mode(directory.path(), 0o750);
    assert_eq!(
        DataDir::open(directory.path()).unwrap_err().code(),
        "CORE_DIRECTORY_TOO_OPEN"
    );
    assert_eq!(mode(directory.path()), 0o750);
}

#[test]
fn a_directory_serves_one_core_at_a_time() {
    let directory = private_directory();
    let held = DataDir::open(directory.path()).unwrap();
    assert_eq!(
        DataDir::open(directory.path()).unwrap_err().code(),
        "CORE_DATA_DIR_HELD"
    );
    drop(held);
    DataDir::open(directory.path()).unwrap();
}
