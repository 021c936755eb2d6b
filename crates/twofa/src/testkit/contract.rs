//! What a [`Store`] promises, call by call, without a service above it. A check's name is the promise.

mod chains;
mod keys;
mod orphans;
mod paging;
mod races;
mod recovered;
mod values;

pub use chains::*;
pub use keys::*;
pub use orphans::events_without_a_record_are_found;
pub use paging::*;
pub use races::*;
pub use recovered::a_recovery_is_written_whole_or_not_at_all;
pub use values::text_is_kept_byte_for_byte;

use twofa_lifecycle::{LoginKind, ParkedLogin};
use twofa_types::UnixTime;

use super::harness::Harness;
use super::site::{fine, project, user};
use crate::{Applied, AuditRow, Change, Ends, Store, Subject};
use values::{Draft, hash, member, parked};

/// What an operation on the store that must succeed gave.
fn wait<H: Harness, T, E: std::error::Error>(
    harness: &H,
    operation: impl Future<Output = Result<T, E>>,
) -> T {
    fine(harness.block_on(operation))
}

fn open<H: Harness>(harness: &H) -> H::Store {
    harness.block_on(harness.open()).0
}

fn commit<H: Harness>(harness: &H, store: &H::Store, change: &Change) {
    assert_eq!(
        wait(harness, store.apply(change)),
        Applied::Committed,
        "broken promise: a change at the expected version is committed"
    );
}

fn conflict<H: Harness>(harness: &H, store: &H::Store, change: &Change) {
    assert_eq!(
        wait(harness, store.apply(change)),
        Applied::Conflict,
        "broken promise: a change at another version is a conflict"
    );
}

/// A subject's events as they were written.
fn rows<H: Harness>(harness: &H, store: &H::Store, subject: &Subject) -> Vec<AuditRow> {
    let chain = wait(harness, store.chain(subject, 0, 9));
    chain.into_iter().map(|event| event.row).collect()
}

/// An empty store gives nothing, and that is no error.
pub fn an_empty_store_is_empty<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    let project = &project("acme");
    assert_eq!(wait(harness, store.load(&ann)).stored, None, "no record");
    assert!(wait(harness, store.resume(&hash(1))).is_none(), "no login");
    assert!(
        wait(harness, store.factors(project, None, 9)).is_empty(),
        "no factors"
    );
    assert!(
        wait(harness, store.subjects(None, None, 9)).is_empty(),
        "no subjects"
    );
    assert!(
        wait(harness, store.orphans(None, None, 9)).is_empty(),
        "no orphans"
    );
    assert!(
        wait(harness, store.chain(&ann, 0, 9)).is_empty(),
        "no chain"
    );
    assert!(
        wait(harness, store.events(Some(project), 0, 9)).is_empty(),
        "no events"
    );
    assert!(
        wait(harness, store.notices(project, 0, 9)).is_empty(),
        "no notices"
    );
    assert_eq!(
        wait(harness, store.sweep(UnixTime::from_secs(9), 9)),
        0,
        "nothing to sweep"
    );
}

/// A change is read back as it was written: record, version, summary, events, login.
pub fn what_is_written_is_read_back<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    let first = Draft::new(&ann, 0)
        .record(&[0, 255, 10, 39, 0])
        .events(1..=3)
        .park(1)
        .change();
    commit(harness, &store, &first);

    let stored = wait(harness, store.load(&ann)).stored;
    let Some(stored) = stored else {
        panic!("broken promise: what was committed is there");
    };
    assert_eq!(stored.version, 1, "broken promise: the first version is 1");
    assert_eq!(
        stored.record, first.record,
        "broken promise: a record's bytes are kept"
    );
    assert_eq!(
        rows(harness, &store, &ann),
        first.events,
        "broken promise: events are kept as they are"
    );
    let listed = wait(harness, store.factors(&project("acme"), None, 9));
    let [row] = listed.as_slice() else {
        panic!("broken promise: a factor is listed: {listed:?}");
    };
    assert_eq!((row.user.as_str(), row.summary), ("ann", first.summary));
    let Some(resumed) = wait(harness, store.resume(&hash(1))) else {
        panic!("broken promise: a login that was parked with a change is there");
    };
    assert_eq!(
        resumed.subject, ann,
        "broken promise: a login knows whose it is"
    );
    assert_eq!(
        Some(resumed.login),
        first.park,
        "broken promise: a login is kept as it is"
    );
    assert_eq!(
        resumed.found.stored,
        Some(stored),
        "broken promise: a login comes with the record"
    );

    let second = Draft::new(&ann, 1)
        .record(&[7; 4096])
        .events(4..=4)
        .change();
    commit(harness, &store, &second);
    let stored = wait(harness, store.load(&ann)).stored;
    let read = stored.map(|stored| (stored.version, stored.record));
    assert_eq!(
        read,
        Some((2, second.record)),
        "broken promise: 4096 bytes are kept whole"
    );
}

/// A change at any version but the one that stands is a conflict, and nothing of it is written.
pub fn a_stale_write_changes_nothing<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    conflict(
        harness,
        &store,
        &Draft::new(&ann, 1).events(1..=1).park(9).change(),
    );
    assert_eq!(
        wait(harness, store.load(&ann)).stored,
        None,
        "broken promise: no record came of it"
    );

    commit(
        harness,
        &store,
        &Draft::new(&ann, 0)
            .record(b"one")
            .events(1..=1)
            .park(1)
            .change(),
    );
    commit(
        harness,
        &store,
        &Draft::new(&ann, 1).record(b"two").events(2..=2).change(),
    );
    for stale in [0, 1, 3, 4, u64::from(u32::MAX)] {
        for ends in [Ends::Counted(hash(1)), Ends::One(hash(1)), Ends::All] {
            let late = Draft::new(&ann, stale)
                .record(b"late")
                .events(3..=3)
                .park(9);
            conflict(harness, &store, &late.ends(ends).change());
        }
    }
    let stored = wait(harness, store.load(&ann)).stored;
    let read = stored.map(|stored| (stored.version, stored.record));
    assert_eq!(
        read,
        Some((2, b"two".to_vec())),
        "broken promise: the record stands"
    );
    assert_eq!(
        wait(harness, store.chain(&ann, 0, 9)).len(),
        2,
        "broken promise: no event came"
    );
    assert!(
        wait(harness, store.resume(&hash(9))).is_none(),
        "broken promise: nothing was parked"
    );
    let login = wait(harness, store.resume(&hash(1))).map(|resumed| resumed.login.failures);
    assert_eq!(login, Some(0), "broken promise: the login is as it was");
}

/// An event whose number exists is an error, not a conflict, and nothing of its change is written.
pub fn an_event_that_exists_is_an_error<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    commit(
        harness,
        &store,
        &Draft::new(&ann, 0)
            .record(b"one")
            .events(1..=2)
            .park(1)
            .change(),
    );
    for events in [1..=1, 2..=2, 2..=3] {
        let again = Draft::new(&ann, 1)
            .record(b"late")
            .events(events.clone())
            .park(9);
        let again = again.ends(Ends::One(hash(1))).change();
        let applied = harness.block_on(store.apply(&again));
        assert!(
            applied.is_err(),
            "broken promise: {events:?} exist in part, yet {applied:?}"
        );
    }
    let stored = wait(harness, store.load(&ann)).stored;
    let read = stored.map(|stored| (stored.version, stored.record));
    assert_eq!(
        read,
        Some((1, b"one".to_vec())),
        "broken promise: the record stands"
    );
    assert_eq!(
        wait(harness, store.chain(&ann, 0, 9)).len(),
        2,
        "broken promise: no event came"
    );
    assert!(
        wait(harness, store.resume(&hash(9))).is_none(),
        "broken promise: nothing was parked"
    );
    assert!(
        wait(harness, store.resume(&hash(1))).is_some(),
        "broken promise: nothing was ended"
    );
    // The store is none the worse for it.
    commit(harness, &store, &Draft::new(&ann, 1).events(3..=3).change());
}

/// A parked login stays, counts, ends, or ends with all of its subject's, as the change says.
pub fn a_login_counts_and_ends_with_the_change<H: Harness>(harness: &H) {
    let store = open(harness);
    let (ann, bob) = (member("acme", "ann"), member("acme", "bob"));
    let elsewhere = Subject::member(&project("other"), &user("ann"));
    for (subject, login) in [(&ann, 1), (&ann, 2), (&ann, 3), (&bob, 4), (&elsewhere, 5)] {
        wait(harness, store.park(subject, &parked(login)));
    }
    let failures =
        |login| wait(harness, store.resume(&hash(login))).map(|resumed| resumed.login.failures);
    let end = |version, ends| {
        let change = Draft::new(&ann, version).ends(ends).change();
        commit(harness, &store, &change);
    };
    end(0, Ends::None);
    assert_eq!(failures(1), Some(0), "broken promise: nothing is ended");
    end(1, Ends::Counted(hash(1)));
    end(2, Ends::Counted(hash(1)));
    assert_eq!(failures(1), Some(2), "broken promise: a failure is counted");
    assert_eq!(
        failures(2),
        Some(0),
        "broken promise: it counts for the one login"
    );
    end(3, Ends::One(hash(1)));
    assert_eq!(failures(1), None, "broken promise: one ends");
    assert_eq!(
        failures(2),
        Some(0),
        "broken promise: only the one ends login"
    );
    end(4, Ends::One(hash(1)));
    end(5, Ends::Counted(hash(1)));
    assert_eq!(
        failures(1),
        None,
        "broken promise: a login that is gone stays gone"
    );
    end(6, Ends::All);
    assert_eq!(
        (failures(2), failures(3)),
        (None, None),
        "broken promise: ending all ends all"
    );
    assert_eq!(
        failures(4),
        Some(0),
        "broken promise: ending all ends nobody else's"
    );
    assert_eq!(
        failures(5),
        Some(0),
        "broken promise: ending all ends none in another project"
    );
    let fresh = Draft::new(&ann, 7).park(6).ends(Ends::All).change();
    commit(harness, &store, &fresh);
    assert_eq!(
        failures(6),
        Some(0),
        "broken promise: what a change parks, it does not end"
    );
}

/// A login that was parked by itself comes back whole, with the record as it stands, or none.
pub fn a_parked_login_is_resumed_with_its_record<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    for (number, kind) in [
        (1, LoginKind::Enrol),
        (2, LoginKind::Challenge),
        (3, LoginKind::Replace),
    ] {
        let login = ParkedLogin {
            kind,
            failures: 4,
            generation: u32::MAX,
            ..parked(number)
        };
        wait(harness, store.park(&ann, &login));
        let Some(resumed) = wait(harness, store.resume(&hash(number))) else {
            panic!("broken promise: a parked login is there");
        };
        assert_eq!((resumed.login, resumed.found.stored), (login, None));
    }
    commit(
        harness,
        &store,
        &Draft::new(&ann, 0).record(b"one").change(),
    );
    let stored = wait(harness, store.resume(&hash(1))).and_then(|resumed| resumed.found.stored);
    assert_eq!(
        stored.map(|stored| (stored.version, stored.record)),
        Some((1, b"one".to_vec())),
        "broken promise: a login comes with the record as it stands"
    );
}

/// Sweeping removes what expired before, no more than it may, and says how many.
pub fn a_sweep_is_bounded_and_exact<H: Harness>(harness: &H) {
    let store = open(harness);
    let ann = member("acme", "ann");
    let at = UnixTime::from_secs;
    for number in 1..=9 {
        let login = ParkedLogin {
            expires: at(u64::from(number) * 100),
            ..parked(number)
        };
        wait(harness, store.park(&ann, &login));
    }
    let left = || {
        (1..=9_u8)
            .filter(|number| wait(harness, store.resume(&hash(*number))).is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        wait(harness, store.sweep(at(100), 10)),
        0,
        "broken promise: 100 is not before 100"
    );
    assert_eq!(
        wait(harness, store.sweep(at(501), 0)),
        0,
        "broken promise: none at most is none"
    );
    assert_eq!(
        wait(harness, store.sweep(at(501), 2)),
        2,
        "broken promise: at most two"
    );
    assert_eq!(
        left().len(),
        7,
        "broken promise: a sweep removes as many as it says"
    );
    assert_eq!(
        wait(harness, store.sweep(at(501), 10)),
        3,
        "broken promise: the other three"
    );
    assert_eq!(
        left(),
        [6, 7, 8, 9],
        "broken promise: what has not expired stays"
    );
}

/// What was committed is there when the store is opened again.
pub fn what_is_committed_outlives_the_handle<H: Harness>(harness: &H) {
    let ann = member("acme", "ann");
    let change = Draft::new(&ann, 0)
        .record(b"one")
        .events(1..=2)
        .park(1)
        .change();
    commit(harness, &open(harness), &change);
    let store = open(harness);
    let stored = wait(harness, store.load(&ann)).stored;
    assert_eq!(
        stored.map(|stored| (stored.version, stored.record)),
        Some((1, b"one".to_vec())),
        "broken promise: a committed record outlives the handle"
    );
    assert_eq!(rows(harness, &store, &ann), change.events);
    assert!(
        wait(harness, store.resume(&hash(1))).is_some(),
        "broken promise: logins outlive it"
    );
    conflict(
        harness,
        &store,
        &Draft::new(&ann, 0).record(b"two").change(),
    );
}

/// Times come back exactly, up to the end of what 64 bits hold.
pub fn every_time_survives<H: Harness>(harness: &H) {
    let store = open(harness);
    let times = [
        0,
        1,
        1_700_000_000,
        253_402_300_800,
        u64::MAX / 2,
        u64::MAX / 2 + 1,
        u64::MAX,
    ];
    for (number, secs) in (1_u8..).zip(times) {
        let at = UnixTime::from_secs(secs);
        let subject = member("acme", &format!("user-{number}"));
        let login = ParkedLogin {
            parked: at,
            expires: at,
            ..parked(number)
        };
        let mut change = Draft::new(&subject, 0).events(1..=1).change();
        change.park = Some(login);
        change.summary.since = Some(at);
        change.summary.last_used = Some(at);
        for event in &mut change.events {
            event.at = at;
        }
        commit(harness, &store, &change);
        let resumed = wait(harness, store.resume(&hash(number))).map(|resumed| resumed.login);
        assert_eq!(resumed, Some(login), "broken promise: {secs} s in a login");
        let chain = rows(harness, &store, &subject);
        assert_eq!(chain, change.events, "broken promise: {secs} s in an event");
        let listed = wait(harness, store.factors(&project("acme"), None, 99));
        let row = listed.iter().find(|row| Some(&row.user) == subject.user());
        let summary = row.map(|row| row.summary);
        assert_eq!(
            summary,
            Some(change.summary),
            "broken promise: {secs} s in a list"
        );
    }
}
