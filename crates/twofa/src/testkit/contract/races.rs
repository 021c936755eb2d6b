//! Many at once: one conditional write decides.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::values::{Draft, hash, member, parked};
use super::{commit, open, wait};
use crate::testkit::harness::Harness;
use crate::testkit::site::{RACERS, at_once, project};
use crate::{Applied, Ends, Store, SubjectEvent};

/// Of many writers at one version, one is committed and the others conflict, whichever handle they use.
pub fn one_of_many_writers_wins<H: Harness>(harness: &H) {
    let ann = member("acme", "ann");
    let (here, there) = (open(harness), open(harness));
    for version in 0..4 {
        let applied = at_once(RACERS, |number| {
            let store = if number % 2 == 0 { &here } else { &there };
            let seq = version + 1;
            let record = number.to_string();
            let change = Draft::new(&ann, version)
                .record(record.as_bytes())
                .events(seq..=seq);
            (record, wait(harness, store.apply(&change.change())))
        });
        let winners: Vec<_> = applied
            .iter()
            .filter(|(_, applied)| *applied == Applied::Committed)
            .map(|(record, _)| record.as_bytes().to_vec())
            .collect();
        let stored = wait(harness, here.load(&ann))
            .stored
            .map(|stored| stored.record);
        assert_eq!(
            winners.len(),
            1,
            "broken promise: one writer of {RACERS} wins"
        );
        assert_eq!(
            stored,
            winners.first().cloned(),
            "broken promise: the winner's record stands"
        );
        let events = wait(harness, here.chain(&ann, 0, 99)).len();
        assert_eq!(
            u64::try_from(events).ok(),
            Some(version + 1),
            "broken promise: one event each"
        );
    }
}

/// Failures of one login that are counted at the same moment by winners of different versions all count.
pub fn no_count_is_lost<H: Harness>(harness: &H) {
    let ann = member("acme", "ann");
    let store = open(harness);
    wait(harness, store.park(&ann, &parked(1)));
    at_once(8, |_| {
        for _ in 0..4 {
            loop {
                let version = wait(harness, store.load(&ann))
                    .stored
                    .map_or(0, |stored| stored.version);
                let change = Draft::new(&ann, version).events(version + 1..=version + 1);
                let change = change.ends(Ends::Counted(hash(1))).change();
                if wait(harness, store.apply(&change)) == Applied::Committed {
                    break;
                }
            }
        }
    });
    let resumed = wait(harness, store.resume(&hash(1)));
    let counted = resumed.map(|resumed| {
        (
            resumed.login.failures,
            resumed.found.stored.map(|s| s.version),
        )
    });
    assert_eq!(
        counted,
        Some((32, Some(32))),
        "broken promise: 32 failures count 32"
    );
    assert_eq!(
        wait(harness, store.chain(&ann, 0, 99)).len(),
        32,
        "broken promise: and 32 events"
    );
}

/// A reader who keeps the last cursor while others write misses no event.
pub fn no_notice_is_missed_beside_writers<H: Harness>(harness: &H) {
    const WRITERS: usize = 6;
    const EACH: u64 = 20;
    let acme = project("acme");
    let done = AtomicUsize::new(0);
    let store = open(harness);
    let read = at_once(WRITERS + 1, |number| {
        let mut seen: Vec<SubjectEvent> = Vec::new();
        if number < WRITERS {
            let subject = member("acme", &format!("user-{number}"));
            for version in 0..EACH {
                let first = 2 * version + 1;
                commit(
                    harness,
                    &store,
                    &Draft::new(&subject, version)
                        .events(first..=first + 1)
                        .change(),
                );
            }
            done.fetch_add(1, Ordering::SeqCst);
            return seen;
        }
        loop {
            // Read once more after the writers are done, and what is not there then was missed.
            let last = done.load(Ordering::SeqCst) == WRITERS;
            let after = seen.last().map_or(0, |event| event.cursor);
            let page = wait(harness, store.events(Some(&acme), after, 7));
            if page.is_empty() && last {
                return seen;
            }
            seen.extend(page);
        }
    });
    let seen: Vec<_> = read.into_iter().flatten().collect();
    let each: BTreeSet<_> = seen
        .iter()
        .map(|event| (event.subject.clone(), event.row.seq))
        .collect();
    assert_eq!(
        each.len(),
        WRITERS * 40,
        "broken promise: a reader with a cursor misses none"
    );
    assert_eq!(
        seen.len(),
        each.len(),
        "broken promise: and sees none twice"
    );
}
