//! A record that takes the place of one that cannot be read.

use twofa_types::UnixTime;

use super::values::{Draft, hash, member, parked};
use super::{commit, conflict, open, rows, wait};
use crate::testkit::harness::Harness;
use crate::testkit::site::project;
use crate::{Change, Ends, Recovery, Remains, Store, Stored, Subject};

const FOUND_AT: UnixTime = UnixTime::from_secs(2_000);

/// The recovery of `subject` on what was found, told on `twin`.
fn recovery(subject: &Subject, damaged: Option<&Stored>, twin: Change) -> Change {
    let recovery = Recovery {
        damaged: damaged.cloned(),
        found_at: FOUND_AT,
        twin: Some(twin),
    };
    let change = Draft::new(subject, 4)
        .record(b"anew")
        .events(4..=4)
        .ends(Ends::All);
    Change {
        recovery: Some(Box::new(recovery)),
        ..change.change()
    }
}

/// A recovery is written on what was found, byte for byte, together with what tells of it, or not at all; what was
/// found is kept.
pub fn a_recovery_is_written_whole_or_not_at_all<H: Harness>(harness: &H) {
    let store = open(harness);
    let (ann, acme) = (
        member("acme", "ann"),
        Subject::project_itself(&project("acme")),
    );
    commit(
        harness,
        &store,
        &Draft::new(&ann, 0)
            .record(b"damaged")
            .events(1..=3)
            .park(1)
            .change(),
    );
    let mut later = parked(2);
    later.generation = 9;
    wait(harness, store.park(&ann, &later));
    commit(
        harness,
        &store,
        &Draft::new(&acme, 0).events(1..=1).change(),
    );
    let lies = Stored {
        version: 1,
        record: b"damaged".to_vec(),
    };
    let remains = |damaged: &[Stored], parked_generation| Remains {
        parked_generation,
        damaged: damaged.to_vec(),
    };
    let before = wait(harness, store.remains(&ann));
    assert_eq!(
        before,
        remains(&[], 9),
        "broken promise: the greatest generation of a parked login is told"
    );

    let twin = |expected| Draft::new(&acme, expected).events(2..=2).change();
    let other = Stored {
        record: b"damages".to_vec(),
        ..lies.clone()
    };
    let later = Stored {
        version: 2,
        ..lies.clone()
    };
    for (found, told, what) in [
        (Some(&other), twin(1), "other bytes"),
        (Some(&later), twin(1), "another version"),
        (None, twin(1), "a record where there was none"),
        (Some(&lies), twin(3), "a twin that comes too late"),
    ] {
        conflict(harness, &store, &recovery(&ann, found, told));
        let stored = wait(harness, store.load(&ann)).stored;
        assert_eq!(stored.as_ref(), Some(&lies), "broken promise: {what}");
        assert_eq!(wait(harness, store.remains(&ann)), before, "{what}");
        let events = (rows(harness, &store, &ann), rows(harness, &store, &acme));
        assert_eq!((events.0.len(), events.1.len()), (3, 1), "{what}");
        assert!(wait(harness, store.resume(&hash(1))).is_some(), "{what}");
    }

    commit(harness, &store, &recovery(&ann, Some(&lies), twin(1)));
    let stored = wait(harness, store.load(&ann)).stored;
    let anew = Stored {
        version: 5,
        record: b"anew".to_vec(),
    };
    assert_eq!(
        stored,
        Some(anew),
        "broken promise: the new record stands in its place, one version further"
    );
    assert_eq!(
        wait(harness, store.remains(&ann)),
        remains(&[lies], 0),
        "broken promise: what was found is kept, and no login is left"
    );
    let events = (rows(harness, &store, &ann), rows(harness, &store, &acme));
    assert_eq!(
        (events.0.len(), events.1.len()),
        (4, 2),
        "broken promise: it is told on both chains"
    );
    let notices = wait(harness, store.notices(&project("acme"), 0, 9));
    let numbers: Vec<_> = notices.iter().filter_map(|event| event.notice).collect();
    assert_eq!(numbers, [1, 2, 3], "broken promise: notices have no gap");

    // Where there was none, there is nothing to keep.
    let bob = member("acme", "bob");
    commit(
        harness,
        &store,
        &recovery(&bob, None, Draft::new(&acme, 2).change()),
    );
    let stored = wait(harness, store.load(&bob)).stored;
    assert_eq!(stored.map(|stored| stored.version), Some(5));
    assert_eq!(wait(harness, store.remains(&bob)), remains(&[], 0));
    assert_eq!(
        wait(harness, store.remains(&ann)).damaged.len(),
        1,
        "broken promise: each has their own"
    );
}
