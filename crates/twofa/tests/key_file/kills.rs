//! A program that changes a key file is killed: the file holds one of the two rings, whole.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use twofa::{KeyFile, Keyring};

use crate::child::Program;
use crate::{holds, names, put, ring};

/// Two rings of which the longer has all keys of the shorter, longer than a page of memory.
fn rings() -> (Keyring, Keyring) {
    let one = ring(150);
    let mut other = Keyring::from_text(&one.to_text()).unwrap();
    for _ in 0..70 {
        other.add().unwrap();
    }
    (one, other)
}

/// Kills a program that replaces one ring by the other, over and over, and looks after each kill.
fn kill(rounds: u32, key: &Path, beside: &Path, mut look: impl FnMut(&Keyring, &Keyring)) {
    let (one, other) = rings();
    put(key, one.to_text().as_bytes());
    put(&beside.join("one"), one.to_text().as_bytes());
    put(&beside.join("other"), other.to_text().as_bytes());
    let program = Program::new();
    let (first, second) = (beside.join("one"), beside.join("other"));
    let task = [key, &first, &second].map(|path| path.to_str().unwrap());
    let task = ["forever", task[0], task[1], task[2]];
    let mut random = 7_u64;
    for _ in 0..rounds {
        let mut child = program
            .command(&task)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let ready = said.lines().any(|line| line.unwrap() == "ready");
        assert!(ready, "it ended by itself: {:?}", child.wait());
        // A linear congruential generator (Knuth's MMIX): the moments differ, and are the same each time.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 12_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.code(),
            None,
            "it was killed, and nothing else ended it"
        );
        look(&one, &other);
    }
}

#[test]
fn a_kill_at_any_moment_leaves_one_whole_ring_and_no_copy() {
    let (folder, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = folder.path().join("key");
    let (mut copies, mut new) = (0, 0);
    kill(200, &key, beside.path(), |one, other| {
        assert!(holds(&key, one) || holds(&key, other));
        new += u32::from(holds(&key, other));
        copies += names(folder.path()).len() - 1;
        drop(KeyFile::lock(&key).unwrap());
        assert_eq!(names(folder.path()), ["key"]);
    });
    assert!((20..180).contains(&new), "{new} of 200 with the other ring");
    // Between two system calls of the many that a change takes, most of which wait for the disk.
    assert!(
        copies <= 20,
        "{copies} of 200 left a copy until the next lock"
    );
}

#[test]
fn a_kill_while_the_file_is_written_where_it_lies_leaves_one_whole_ring() {
    let (folder, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = folder.path().join("key");
    let mut unfinished = 0;
    put(&key, "");
    // A file with two names is written where it lies.
    fs::hard_link(&key, beside.path().join("second")).unwrap();
    kill(200, &key, beside.path(), |one, other| {
        let text = Keyring::load_file(&key).unwrap().to_text();
        assert!(*text == *one.to_text() || *text == *other.to_text());
        unfinished += u32::from(!holds(&key, one) && !holds(&key, other));
        // The next lock ends what was begun.
        let locked = KeyFile::lock(&key).unwrap().read().unwrap();
        assert_eq!(*locked.to_text(), *text);
        let held = fs::read_to_string(&key).unwrap();
        assert_eq!(held.trim_end(), text.trim_end());
        assert_eq!(names(folder.path()), ["key"]);
    });
    assert!(
        unfinished > 10,
        "only {unfinished} of 200 were in the middle"
    );
}
