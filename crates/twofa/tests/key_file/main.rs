//! Key files: what is read, what is refused and why, and that changing one loses no key.
//!
//! Who may read a file is shown with users and groups of its own where this runs as root, and with what a user can
//! do where it does not.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, outside of functions marked as tests"
)]

mod change;
mod child;
mod kills;
mod kinds;
mod mounts;
mod rights;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use twofa::Keyring;

/// A user and a group who own nothing here.
const NOBODY: u32 = 65534;
const GROUP: u32 = 4242;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A ring of so many keys.
fn ring(keys: usize) -> Keyring {
    let mut ring = Keyring::generate().unwrap();
    for _ in 1..keys {
        ring.add().unwrap();
    }
    ring
}

/// A ring with one key more.
fn longer(ring: &Keyring) -> Keyring {
    let mut longer = Keyring::from_text(&ring.to_text()).unwrap();
    longer.add().unwrap();
    longer
}

/// Writes a file for its owner alone.
fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What a file is and whose, to compare with later: user, group, mode.
fn rights(path: &Path) -> (u32, u32, u32) {
    let meta = fs::metadata(path).unwrap();
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

/// Whether a file holds this ring and nothing else.
fn holds(path: &Path, ring: &Keyring) -> bool {
    fs::read(path).unwrap() == ring.to_text().as_bytes()
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
