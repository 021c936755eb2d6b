//! What can have the name of a key file, and what it can hold.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use twofa::{KeyFile, Keyring, KeyringError};

use crate::child::{Program, ended};
use crate::{put, ring};

#[test]
fn what_is_not_there_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let dangling = folder.path().join("dangling");
    symlink("nothing", &dangling).unwrap();
    for path in [folder.path().join("missing"), dangling] {
        for error in [
            Keyring::load_file(&path).unwrap_err(),
            KeyFile::lock(&path).unwrap_err(),
        ] {
            let KeyringError::File { source, .. } = &error else {
                panic!("{error}");
            };
            assert_eq!(source.kind(), io::ErrorKind::NotFound);
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }
    assert_eq!(crate::names(folder.path()), ["dangling"]);
}

#[test]
fn what_is_no_file_is_named_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    let made = Command::new("mkfifo").arg(at("fifo")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    symlink("fifo", at("link")).unwrap();
    let begun = Instant::now();
    for (path, what) in [
        (at("folder"), "a folder"),
        (at("fifo"), "a pipe"),
        (at("link"), "a pipe"),
        (at("socket"), "a socket"),
        (Path::new("/dev/null").to_owned(), "a device"),
        (Path::new("/dev/zero").to_owned(), "a device"),
    ] {
        for error in [
            Keyring::load_file(&path).unwrap_err(),
            KeyFile::lock(&path).unwrap_err(),
        ] {
            assert!(matches!(error, KeyringError::NotAFile { .. }), "{error}");
            assert!(error.to_string().contains(what), "{error}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_pipe_that_was_handed_down_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new();
    let text = ring(3).to_text();
    let (first, second) = text.split_at(40);
    for path in ["/dev/fd/0", "/proc/self/fd/0", "/dev/stdin"] {
        let mut child = program
            .command(&["load", path])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // Whoever writes is slow.
        for part in [first, second] {
            std::thread::sleep(Duration::from_millis(100));
            pipe.write_all(part.as_bytes()).unwrap();
        }
        drop(pipe);
        assert_eq!(ended(&child.wait_with_output().unwrap()), "done", "{path}");

        // A file that was handed down is a file like any other; a device is none.
        let load = |file: fs::File| {
            let mut command = program.command(&["load", path]);
            ended(&command.stdin(file).output().unwrap())
        };
        let key = folder.path().join("key");
        put(&key, text.as_bytes());
        assert_eq!(load(fs::File::open(&key).unwrap()), "done");
        crate::mode(&key, 0o644);
        assert!(load(fs::File::open(&key).unwrap()).starts_with("Exposed"));
        assert!(load(fs::File::open("/dev/null").unwrap()).starts_with("NotAFile"));
    }
    let output = program
        .command(&["lock", "/dev/fd/0"])
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    assert_ne!(ended(&output), "done", "nobody can change a pipe");
}

#[test]
fn what_a_file_holds_is_a_keyring_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let load = |bytes: &[u8]| {
        put(&path, bytes);
        let loaded = Keyring::load_file(&path);
        let locked = KeyFile::lock(&path).unwrap().read();
        assert_eq!(format!("{loaded:?}"), format!("{locked:?}"));
        assert_eq!(fs::read(&path).unwrap(), bytes, "reading changes nothing");
        loaded
    };
    for empty in [&b""[..], b"\n", b"  \n\t\n"] {
        let error = load(empty).unwrap_err();
        assert!(matches!(error, KeyringError::Empty { .. }), "{error}");
        assert!(error.to_string().contains("is empty"));
    }
    let malformed = |bytes: &[u8]| match load(bytes).unwrap_err() {
        KeyringError::Malformed { line, .. } => line,
        other => panic!("{other}"),
    };
    assert_eq!(malformed(b"garbage"), 1);
    assert_eq!(malformed(b"\x7fELF\x02\x01\x01\0\xff\xfe"), 1);
    assert_eq!(malformed(b"twofa-keyring 1\nactive 1\nkey 1 \xff\n"), 3);

    let first = format!(
        "twofa-keyring 1\nactive 2\nkey 1 {}\nkey 2 {}\n",
        "00112233445566778899aabbccddeeff10112233445566778899aabbccddeeff",
        "F0112233445566778899AABBCCDDEEFF10112233445566778899AABBCCDDEEFF"
    );
    let loaded = load(first.as_bytes()).unwrap();
    assert_eq!(
        (loaded.active_id(), loaded.ids().count()),
        (twofa::KeyId::from_number(2), 2)
    );
}

#[test]
fn a_file_may_be_128_kib_long_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let text = ring(2).to_text();
    let most = 128 * 1024;
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(most, b'\n');
    put(&path, &bytes);
    Keyring::load_file(&path).unwrap();
    for length in [most + 1, 2 * most, 2 * most + 4096, 64 * most] {
        bytes.resize(length, b'\n');
        put(&path, &bytes);
        let error = Keyring::load_file(&path).unwrap_err();
        assert!(matches!(error, KeyringError::TooLong { .. }), "{error}");
        assert!(error.to_string().contains("128 KiB"));
    }
}

#[test]
fn a_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("key"), folder.path().join("link"));
    let ring = ring(2);
    ring.create_file(&path).unwrap();
    symlink("key", &link).unwrap();
    assert_eq!(
        *Keyring::load_file(&link).unwrap().to_text(),
        *ring.to_text()
    );
}
