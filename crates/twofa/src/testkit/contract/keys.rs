//! The installation's record: it belongs to no project, and no write goes past it.

use super::values::{Draft, hash, member, parked};
use super::{commit, open, wait};
use crate::testkit::harness::Harness;
use crate::testkit::site::{RACERS, at_once, project};
use crate::{Applied, Change, Ends, Store, Subject};

/// The installation's record at `version`, written over the one before it.
fn installation(version: u64) -> Change {
    Draft::new(&Subject::installation(), version - 1)
        .under(version - 1)
        .record(&vec![7; 40_000])
        .state(twofa_lifecycle::SummaryState::None)
        .events(version..=version)
        .change()
}

/// The installation's record is a record as any other: versioned, with a chain, and of 64 KiB. It stands before
/// all others, and belongs to no project.
pub fn the_installation_has_a_record_of_its_own<H: Harness>(harness: &H) {
    let store = open(harness);
    let place = Subject::installation();
    let first = installation(1);
    commit(harness, &store, &first);
    let stored = wait(harness, store.load(&place)).stored;
    assert_eq!(
        stored.map(|stored| (stored.version, stored.record)),
        Some((1, first.record.clone())),
        "broken promise: the installation's record is read back"
    );
    commit(harness, &store, &installation(2));
    let chain = wait(harness, store.chain(&place, 0, 9));
    assert_eq!(chain.len(), 2, "broken promise: it has a chain");
    let acme = project("acme");
    let ann = member("acme", "ann");
    commit(harness, &store, &Draft::new(&ann, 0).under(2).change());
    let listed = |of, after| {
        let page = wait(harness, store.subjects(of, after, 9));
        page.into_iter().map(|row| row.subject).collect::<Vec<_>>()
    };
    assert_eq!(
        listed(None, None),
        [place.clone(), ann.clone()],
        "broken promise: it comes first of all"
    );
    assert_eq!(
        listed(None, Some(&place)),
        std::slice::from_ref(&ann),
        "broken promise: the others come after it"
    );
    assert_eq!(
        listed(Some(&acme), None),
        std::slice::from_ref(&ann),
        "broken promise: it is in no project"
    );
    assert_eq!(
        listed(Some(&acme), Some(&place)),
        [ann],
        "broken promise: a project's records come after it"
    );
    assert!(
        wait(harness, store.orphans(None, None, 9)).is_empty(),
        "broken promise: its events are nobody's leavings"
    );
    assert!(wait(harness, store.factors(&acme, None, 9)).len() == 1);
    assert!(wait(harness, store.events(Some(&acme), 0, 9)).is_empty());
}

/// A write that was made under another version of the installation's record is stale, and nothing of it is
/// written: nor one that was made when there was none.
pub fn a_write_under_older_keys_is_stale<H: Harness>(harness: &H) {
    let store = open(harness);
    let (ann, bob) = (member("acme", "ann"), member("acme", "bob"));
    commit(harness, &store, &Draft::new(&ann, 0).events(1..=1).change());
    wait(harness, store.park(&ann, &parked(1)));
    commit(harness, &store, &installation(1));
    commit(harness, &store, &installation(2));
    for under in [0, 1, 3] {
        for change in [
            Draft::new(&ann, 1).under(under).events(2..=2).park(2),
            Draft::new(&ann, 1).under(under).ends(Ends::All),
            Draft::new(&bob, 0).under(under).events(1..=1),
        ] {
            assert_eq!(
                wait(harness, store.apply(&change.change())),
                Applied::Stale,
                "broken promise: a write under other keys is stale"
            );
        }
        let stored = wait(harness, store.load(&ann))
            .stored
            .map(|stored| stored.version);
        assert_eq!(stored, Some(1), "broken promise: and writes no record");
        assert_eq!(wait(harness, store.load(&bob)).stored, None);
        assert_eq!(wait(harness, store.chain(&ann, 0, 9)).len(), 1, "no event");
        assert!(wait(harness, store.resume(&hash(2))).is_none(), "no login");
        assert!(wait(harness, store.resume(&hash(1))).is_some(), "ends none");
    }
    let change = Draft::new(&ann, 1).under(2).events(2..=2).change();
    commit(harness, &store, &change);
    // Where the record has moved on as well, either answer is right.
    let late = Draft::new(&ann, 1).under(1).events(3..=3).change();
    let late = wait(harness, store.apply(&late));
    assert_ne!(late, Applied::Committed, "broken promise: late and stale");
}

/// Beside writers, the installation's record moves on, and `drain` waits: what is written under the older version
/// was there before `drain` returned, so that whoever looks then sees all there will ever be.
pub fn nothing_comes_to_rest_under_older_keys<H: Harness>(harness: &H) {
    let (here, there) = (open(harness), open(harness));
    commit(harness, &here, &installation(1));
    for version in 1..=4 {
        let written = at_once(RACERS + 1, |number| {
            let store = if number % 2 == 0 { &here } else { &there };
            if number == 0 {
                commit(harness, store, &installation(version + 1));
                wait(harness, store.drain());
                // Everyone who wrote under the older version is in this list, or never will be.
                let seen = wait(harness, store.subjects(None, None, 9_999));
                return seen.into_iter().map(|row| row.subject).collect();
            }
            let mut written = Vec::new();
            for step in 0..6 {
                let subject = member("acme", &format!("{version}-{number}-{step}"));
                let change = Draft::new(&subject, 0).under(version).events(1..=1);
                match wait(harness, store.apply(&change.change())) {
                    Applied::Committed => written.push(subject),
                    Applied::Conflict | Applied::Stale => {}
                }
            }
            written
        });
        let mut lists = written.into_iter();
        let seen = lists.next().unwrap_or_default();
        for subject in lists.flatten() {
            assert!(
                seen.contains(&subject),
                "broken promise: {subject:?} came to rest under older keys after `drain`"
            );
        }
    }
}

/// Of many hosts that change the keys at the same moment, one does.
pub fn one_of_many_changes_of_keys_wins<H: Harness>(harness: &H) {
    let (here, there) = (open(harness), open(harness));
    for version in 1..=4 {
        let applied = at_once(RACERS, |number| {
            let store = if number % 2 == 0 { &here } else { &there };
            wait(harness, store.apply(&installation(version)))
        });
        let won = applied.iter().filter(|a| **a == Applied::Committed).count();
        assert_eq!(
            won, 1,
            "broken promise: one host of {RACERS} changes the keys"
        );
    }
}
