//! Making a key file, locking it, and putting another ring in its place.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::time::{Duration, Instant};

use twofa::{KeyFile, Keyring, KeyringError};

use crate::child::Program;
use crate::{GROUP, NOBODY, holds, is_root, longer, mode, names, put, rights, ring};

#[test]
fn a_new_file_is_never_put_over_anything() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    let first = ring(2);
    first.create_file(&at("key")).unwrap();
    assert_eq!(rights(&at("key")).2, 0o600);
    symlink("key", at("link")).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for name in ["key", "link", "dangling", "folder"] {
        let error = ring(1).create_file(&at(name)).unwrap_err();
        let KeyringError::File { source, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), io::ErrorKind::AlreadyExists, "{name}");
    }
    assert!(holds(&at("key"), &first));
    assert_eq!(names(folder.path()), ["dangling", "folder", "key", "link"]);
    for nowhere in [
        at("no folder").join("key"),
        at("key").join("key"),
        "/".into(),
    ] {
        let error = ring(1).create_file(&nowhere).unwrap_err();
        assert!(matches!(error, KeyringError::File { .. }), "{error}");
    }
}

#[test]
fn one_process_changes_it_at_a_time_by_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    let first = ring(1);
    first.create_file(&at("key")).unwrap();
    symlink("key", at("link")).unwrap();
    // What a lock file of this name would have emptied.
    put(&at("precious"), "precious");
    symlink("precious", at("key.lock")).unwrap();
    let there = names(folder.path());

    let mut held = KeyFile::lock(&at("key")).unwrap();
    for round in 0..2 {
        for name in ["key", "link"] {
            let error = KeyFile::lock(&at(name)).unwrap_err();
            assert!(matches!(error, KeyringError::Locked { .. }), "{error}");
            assert!(error.to_string().contains("wait for it to end"));
        }
        // Reading goes on, and the lock is on the new file as on the old.
        Keyring::load_file(&at("link")).unwrap();
        if round == 0 {
            held.replace(&longer(&first)).unwrap();
        }
    }
    let begun = Instant::now();
    let late = KeyFile::lock_within(&at("key"), Duration::from_millis(120)).unwrap_err();
    assert!(matches!(late, KeyringError::Locked { .. }));
    assert!(begun.elapsed() >= Duration::from_millis(120));

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| KeyFile::lock_within(&at("link"), Duration::from_secs(20)));
        std::thread::sleep(Duration::from_millis(60));
        drop(held);
        // Who waited has the file as it is now.
        let ring = waiting.join().unwrap().unwrap().read().unwrap();
        assert_eq!(ring.ids().count(), 2);
    });
    assert_eq!(names(folder.path()), there, "no lock file");
    assert_eq!(fs::read(at("precious")).unwrap(), b"precious");
}

#[test]
fn many_who_add_a_key_each_lose_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    ring(1).create_file(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mut file = KeyFile::lock_within(&path, Duration::from_secs(60)).unwrap();
                    let mut ring = file.read().unwrap();
                    ring.add().unwrap();
                    file.replace(&ring).unwrap();
                }
            });
        }
    });
    assert_eq!(Keyring::load_file(&path).unwrap().ids().count(), 41);
    assert_eq!(names(folder.path()), ["key"]);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    fs::create_dir(at("secure")).unwrap();
    fs::create_dir(at("etc")).unwrap();
    let real = at("secure").join("twofa.key");
    let first = ring(1);
    first.create_file(&real).unwrap();
    let (near, far) = (at("secure").join("near"), at("etc").join("twofa.key"));
    symlink("twofa.key", &near).unwrap();
    symlink("../secure/near", &far).unwrap();
    let new = longer(&first);
    KeyFile::lock(&far).unwrap().replace(&new).unwrap();
    assert!(holds(&real, &new));
    assert!(fs::symlink_metadata(&near).unwrap().is_symlink());
    assert!(fs::symlink_metadata(&far).unwrap().is_symlink());
    assert_eq!(names(&at("etc")), ["twofa.key"]);
    assert_eq!(names(&at("secure")), ["near", "twofa.key"]);
}

#[test]
fn owner_group_and_mode_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    let path = folder.path().join("key");
    let mut now = ring(1);
    now.create_file(&path).unwrap();
    let own = rights(&path);
    let mut cases = vec![(own.0, own.1, 0o600), (own.0, own.1, 0o400)];
    if is_root() {
        let root_group = rustix::process::getegid().as_raw();
        cases.extend([
            (NOBODY, NOBODY, 0o600),
            (NOBODY, GROUP, 0o400),
            (0, GROUP, 0o600),
            (0, root_group, 0o640),
        ]);
    }
    for (user, group, bits) in cases {
        chown(&path, Some(user), Some(group)).unwrap();
        mode(&path, bits);
        now = longer(&now);
        let old = fs::metadata(&path).unwrap().ino();
        KeyFile::lock(&path).unwrap().replace(&now).unwrap();
        assert!(holds(&path, &now));
        assert_eq!(rights(&path), (user, group, bits));
        assert_ne!(fs::metadata(&path).unwrap().ino(), old, "another file");
        assert_eq!(names(folder.path()), ["key"]);
    }
}

#[test]
fn copies_that_a_kill_left_go_with_the_next_lock() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    ring(1).create_file(&at("key")).unwrap();
    for copy in [".key.new", "key.new-1", "key.new-4194304"] {
        put(&at(copy), ring(2).to_text().as_bytes());
    }
    let stays = ["key", "key.new", "key.new-", "key.new-a1", "other.new-1"];
    for name in &stays[1..] {
        put(&at(name), "somebody else's");
    }
    drop(KeyFile::lock(&at("key")).unwrap());
    assert_eq!(names(folder.path()), stays);

    // A link of that name goes, and not what it leads to.
    symlink("key", at(".key.new")).unwrap();
    let mut file = KeyFile::lock(&at("key")).unwrap();
    assert_eq!(names(folder.path()), stays);
    // One that comes while the lock is held is in nobody's way.
    symlink("key", at(".key.new")).unwrap();
    let new = ring(2);
    file.replace(&new).unwrap();
    assert!(holds(&at("key"), &new));
    assert_eq!(names(folder.path()), stays);
}

/// Killed in the instant between two system calls, a rotation leaves its copy; whoever reads the keys next removes it.
#[test]
fn a_copy_that_a_kill_left_goes_with_the_next_reader_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let keys = ring(1);
    keys.create_file(&at("key")).unwrap();
    symlink("key", at("link")).unwrap();
    for name in ["key", "link"] {
        put(&at(".key.new"), ring(2).to_text().as_bytes());
        let read = Keyring::load_file(&at(name)).unwrap();
        assert_eq!(read.active_id(), keys.active_id());
        assert_eq!(names(folder.path()), ["key", "link"], "by way of {name}");
    }
    // That of a rotation under way is about to take the place.
    let held = KeyFile::lock(&at("key")).unwrap();
    put(&at(".key.new"), ring(2).to_text().as_bytes());
    Keyring::load_file(&at("key")).unwrap();
    assert!(names(folder.path()).contains(&".key.new".to_owned()));
    drop(held);
}

#[test]
fn the_largest_ring_fits_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let mut large = ring(Keyring::MAX_KEYS);
    assert!(matches!(large.add(), Err(KeyringError::Full)));
    ring(1).create_file(&path).unwrap();
    KeyFile::lock(&path).unwrap().replace(&large).unwrap();
    assert!(holds(&path, &large));
    let read = Keyring::load_file(&path).unwrap();
    assert_eq!(read.ids().count(), Keyring::MAX_KEYS);
}

#[test]
fn a_file_that_came_by_hand_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    let (first, by_hand) = (ring(1), ring(2));
    first.create_file(&at("key")).unwrap();
    let mut file = KeyFile::lock(&at("key")).unwrap();
    by_hand.create_file(&at("mine")).unwrap();
    fs::rename(at("mine"), at("key")).unwrap();
    let error = file.replace(&longer(&first)).unwrap_err();
    assert!(error.to_string().contains("meanwhile"), "{error}");
    assert!(holds(&at("key"), &by_hand));
    fs::remove_file(at("key")).unwrap();
    file.replace(&longer(&first)).unwrap_err();
    assert!(names(folder.path()).is_empty());
}

#[test]
fn all_names_of_a_file_have_the_new_keys() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    let mut now = ring(40);
    now.create_file(&at("key")).unwrap();
    fs::hard_link(at("key"), at("other")).unwrap();
    for keys in [41, 90, 2, 89, 1] {
        now = ring(keys);
        KeyFile::lock(&at("other")).unwrap().replace(&now).unwrap();
        assert!(holds(&at("key"), &now) && holds(&at("other"), &now));
        assert_eq!(names(folder.path()), ["key", "other"]);
    }
    Keyring::load_file(&at("key")).unwrap();
}

/// Where the folder cannot be written the file may be, by whom it belongs to.
#[test]
fn in_a_folder_that_cannot_be_written_the_file_is() {
    let (folder, new_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("key");
    let new = new_folder.path().join("new");
    mode(new_folder.path(), 0o755);
    let (first, second) = (ring(1), ring(60));
    first.create_file(&path).unwrap();
    fs::write(&new, second.to_text().as_bytes()).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    mode(folder.path(), 0o555);
    let program = Program::new();
    let task = ["replace", path.to_str().unwrap(), new.to_str().unwrap()];
    let done = if is_root() {
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        program.by(NOBODY, NOBODY, &task)
    } else {
        crate::child::ended(&program.command(&task).output().unwrap())
    };
    assert_eq!(done, "done");
    assert!(holds(&path, &second));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "the same file");
    assert_eq!(rights(&path).2, 0o600);
    mode(folder.path(), 0o755);
}
