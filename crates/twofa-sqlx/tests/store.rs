//! What a store promises, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "bodies of tests that are called from two places"
)]

mod support;

use std::sync::Arc;

use support::{Fresh, at, change, ending, event, hash, login, member, project, rows};
use tokio::sync::Barrier;
use twofa::lifecycle::{LoginKind, ParkedLogin, Summary, SummaryState};
use twofa::types::UnixTime;
use twofa::{Applied, Ends, MAX_RECORD_BYTES, Store};
use twofa_sqlx::{Database, Error};

on_both!(
    what_is_written_is_read_back,
    every_time_survives,
    one_of_many_writers_wins,
    one_of_many_first_writers_wins,
    a_conflict_writes_nothing,
    an_event_that_exists_stops_everything,
    a_login_counts_ends_and_ends_with_its_subject,
    a_reset_may_park_as_well,
    a_sweep_is_bounded_and_exact,
    a_dropped_write_is_whole_or_absent,
    what_was_written_is_there_after_reopening,
    an_oversized_record_is_refused,
);

async fn commit(store: &Database, change: &twofa::Change) {
    assert_eq!(store.apply(change).await.unwrap(), Applied::Committed);
}

async fn what_is_written_is_read_back(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoë@example.com");
    assert_eq!(store.load(&subject).await.unwrap().stored, None);
    assert!(store.resume(&hash(1)).await.unwrap().is_none());

    let mut first = change(&subject, 0);
    first.record = vec![0, 255, 128, 7];
    first.park = Some(ParkedLogin {
        kind: LoginKind::Enrol,
        generation: u32::MAX,
        failures: 3,
        ..login(1)
    });
    first.events = vec![event(1), event(2)];
    first.events[1].reason = Some("wrong-code".into());
    first.events[1].actor = Some("管理者".into());
    first.events[1].detail = Some("ticket 7 — \"quoted\"; '".into());
    first.events[1].generation = u32::MAX;
    first.events[1].key_id = u32::MAX;
    commit(&store, &first).await;

    let stored = store.load(&subject).await.unwrap().stored.unwrap();
    assert_eq!((stored.version, stored.record), (1, vec![0, 255, 128, 7]));
    let resumed = store.resume(&hash(1)).await.unwrap().unwrap();
    assert_eq!(resumed.subject, subject);
    assert_eq!(Some(resumed.login), first.park);
    assert_eq!(resumed.found, store.load(&subject).await.unwrap());
    let chain = store.chain(&subject, 0, 10).await.unwrap();
    assert_eq!(rows(chain), first.events);
    let listed = store.factors(&project("acme"), None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].summary, first.summary);

    // A login parked before there is a record.
    let other = member("acme", "yan@example.com");
    store.park(&other, &login(2)).await.unwrap();
    let resumed = store.resume(&hash(2)).await.unwrap().unwrap();
    assert_eq!((resumed.subject, resumed.found.stored), (other, None));
}

async fn every_time_survives(fresh: Fresh) {
    let store = fresh.open().await;
    let mut version = 0;
    for time in [
        UnixTime::EPOCH,
        at(i64::MAX.unsigned_abs()),
        at(1 << 63),
        UnixTime::MAX,
    ] {
        let mut write = change(&member("acme", "zoe"), version);
        version += 1;
        write.summary = Summary {
            state: SummaryState::Active,
            since: Some(time),
            last_used: Some(time),
        };
        write.events[0].at = time;
        let id = u8::try_from(version).unwrap();
        write.park = Some(ParkedLogin {
            parked: time,
            expires: time,
            ..login(id)
        });
        commit(&store, &write).await;
        let row = &store.factors(&project("acme"), None, 1).await.unwrap()[0];
        assert_eq!(row.summary, write.summary);
        let resumed = store.resume(&hash(id)).await.unwrap().unwrap();
        assert_eq!(Some(resumed.login), write.park);
        let chain = store.chain(&write.subject, version - 1, 1).await.unwrap();
        assert_eq!(rows(chain), write.events);
    }
    // Times that a calendar can show are swept; those beyond the signed range are left alone.
    assert_eq!(store.sweep(UnixTime::MAX, 10).await.unwrap(), 1);
}

/// Applies the same change from 64 tasks at once, half of them through a second pool.
async fn race(fresh: &Fresh, write: twofa::Change) -> (usize, usize) {
    let stores = [fresh.open().await, fresh.open().await];
    let (write, barrier) = (Arc::new(write), Arc::new(Barrier::new(64)));
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (store, write, barrier) = (
                stores[n % 2].clone(),
                Arc::clone(&write),
                Arc::clone(&barrier),
            );
            tokio::spawn(async move {
                barrier.wait().await;
                store.apply(&write).await.unwrap()
            })
        })
        .collect();
    let (mut committed, mut conflicts) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Applied::Committed => committed += 1,
            Applied::Conflict | Applied::Stale => conflicts += 1,
        }
    }
    (committed, conflicts)
}

async fn one_of_many_writers_wins(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    for version in 1..6 {
        assert_eq!(race(&fresh, change(&subject, version)).await, (1, 63));
        assert_eq!(
            store.load(&subject).await.unwrap().stored.unwrap().version,
            version + 1
        );
    }
    assert_eq!(store.chain(&subject, 0, 100).await.unwrap().len(), 6);
}

async fn one_of_many_first_writers_wins(fresh: Fresh) {
    let subject = member("acme", "zoe");
    assert_eq!(race(&fresh, change(&subject, 0)).await, (1, 63));
    let store = fresh.open().await;
    assert_eq!(store.chain(&subject, 0, 100).await.unwrap().len(), 1);
}

async fn a_conflict_writes_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    store.park(&subject, &login(1)).await.unwrap();
    for (expected, ends) in [
        (0, Ends::All),
        (2, Ends::One(hash(1))),
        (2, Ends::All),
        (2, Ends::Counted(hash(1))),
        (7, Ends::None),
    ] {
        let mut late = ending(&subject, expected, ends);
        late.park = Some(login(2));
        late.events = vec![event(50), event(51)];
        late.events[0].notice = true;
        assert_eq!(store.apply(&late).await.unwrap(), Applied::Conflict);
    }
    let stored = store.load(&subject).await.unwrap().stored.unwrap();
    assert_eq!((stored.version, stored.record), (1, b"record 1".to_vec()));
    let chain = store.chain(&subject, 0, 10).await.unwrap();
    assert_eq!(rows(chain), vec![event(1)]);
    assert_eq!(
        store.resume(&hash(1)).await.unwrap().unwrap().login,
        login(1)
    );
    assert!(store.resume(&hash(2)).await.unwrap().is_none());
    assert!(
        store
            .notices(&project("acme"), 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // The conflicts used up no notice number either.
    let mut noticed = change(&subject, 1);
    noticed.events[0].notice = true;
    commit(&store, &noticed).await;
    assert_eq!(
        store.notices(&project("acme"), 0, 10).await.unwrap()[0].notice,
        Some(1)
    );
}

async fn an_event_that_exists_stops_everything(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    store.park(&subject, &login(1)).await.unwrap();
    // As after a restored backup: the record stands at version 1, and event 1 exists already.
    let mut again = ending(&subject, 1, Ends::One(hash(1)));
    again.events = vec![event(2), event(1)];
    again.park = Some(login(2));
    let error = store.apply(&again).await.unwrap_err();
    assert!(
        matches!(&error, Error::EventExists { project, user } if project.as_str() == "acme" && user == "zoe"),
        "{error:?}"
    );
    assert_eq!(
        store.load(&subject).await.unwrap().stored.unwrap().version,
        1
    );
    let chain = store.chain(&subject, 0, 10).await.unwrap();
    assert_eq!(rows(chain), vec![event(1)]);
    assert!(store.resume(&hash(1)).await.unwrap().is_some());
    assert!(store.resume(&hash(2)).await.unwrap().is_none());
    // Parking the same id twice is an error, and no event's.
    let mut twice = change(&subject, 1);
    twice.park = Some(login(1));
    let error = store.apply(&twice).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(
        store.load(&subject).await.unwrap().stored.unwrap().version,
        1
    );
}

async fn a_login_counts_ends_and_ends_with_its_subject(fresh: Fresh) {
    let store = fresh.open().await;
    let (subject, other) = (member("acme", "zoe"), member("acme", "yan"));
    for n in 1..=4 {
        store.park(&subject, &login(n)).await.unwrap();
    }
    store.park(&other, &login(5)).await.unwrap();
    let failures = async |n| {
        store
            .resume(&hash(n))
            .await
            .unwrap()
            .map(|r| r.login.failures)
    };

    commit(&store, &ending(&subject, 0, Ends::None)).await;
    assert_eq!(failures(1).await, Some(0));
    commit(&store, &ending(&subject, 1, Ends::Counted(hash(1)))).await;
    commit(&store, &ending(&subject, 2, Ends::Counted(hash(1)))).await;
    assert_eq!((failures(1).await, failures(2).await), (Some(2), Some(0)));
    commit(&store, &ending(&subject, 3, Ends::One(hash(2)))).await;
    assert_eq!(failures(2).await, None);
    commit(&store, &ending(&subject, 4, Ends::All)).await;
    for n in 1..=4 {
        assert_eq!(failures(n).await, None);
    }
    assert_eq!(failures(5).await, Some(0));
}

async fn a_reset_may_park_as_well(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    store.park(&subject, &login(1)).await.unwrap();
    let mut reset = ending(&subject, 0, Ends::All);
    reset.park = Some(login(2));
    commit(&store, &reset).await;
    assert!(store.resume(&hash(1)).await.unwrap().is_none());
    assert!(store.resume(&hash(2)).await.unwrap().is_some());
}

async fn a_sweep_is_bounded_and_exact(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    for n in 0..10 {
        let expires = at(100 + u64::from(n));
        store
            .park(
                &subject,
                &ParkedLogin {
                    expires,
                    ..login(n)
                },
            )
            .await
            .unwrap();
    }
    assert_eq!(store.sweep(at(100), 100).await.unwrap(), 0);
    assert_eq!(store.sweep(at(105), 2).await.unwrap(), 2);
    assert_eq!(store.sweep(at(105), 0).await.unwrap(), 0);
    assert_eq!(store.sweep(at(105), 100).await.unwrap(), 3);
    assert!(store.resume(&hash(4)).await.unwrap().is_none());
    assert!(store.resume(&hash(5)).await.unwrap().is_some());
}

async fn a_dropped_write_is_whole_or_absent(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    for n in 0..60_u64 {
        let version = store.load(&subject).await.unwrap().stored.unwrap().version;
        let mut write = change(&subject, version);
        write.park = Some(login(u8::try_from(n + 1).unwrap()));
        let wait = std::time::Duration::from_micros(n * 20);
        let cut = tokio::time::timeout(wait, store.apply(&write)).await;
        // The connection still works, and the write is there whole or not at all.
        let now = loop {
            let now = store.load(&subject).await.unwrap().stored.unwrap().version;
            // A statement that was already under way may land a moment after its caller left.
            let settled = store.apply(&change(&subject, now)).await.unwrap();
            if settled == Applied::Committed {
                break now;
            }
        };
        if let Ok(result) = cut {
            assert_eq!(result.unwrap(), Applied::Committed);
            assert!(now > version);
        }
        let parked = store
            .resume(&hash(u8::try_from(n + 1).unwrap()))
            .await
            .unwrap();
        assert_eq!(parked.is_some(), now > version, "cut after {wait:?}");
        assert_eq!(
            store.chain(&subject, 0, 1000).await.unwrap().len() as u64,
            store.load(&subject).await.unwrap().stored.unwrap().version
        );
    }
}

async fn what_was_written_is_there_after_reopening(fresh: Fresh) {
    let subject = member("acme", "zoe");
    let store = fresh.open().await;
    commit(&store, &change(&subject, 0)).await;
    store.close().await;
    let store = fresh.open().await;
    assert_eq!(
        store.load(&subject).await.unwrap().stored.unwrap().version,
        1
    );
    commit(&store, &change(&subject, 1)).await;
}

async fn an_oversized_record_is_refused(fresh: Fresh) {
    let store = fresh.open().await;
    let mut write = change(&member("acme", "zoe"), 0);
    write.record = vec![1; MAX_RECORD_BYTES + 1];
    let error = store.apply(&write).await.unwrap_err();
    assert!(matches!(error, Error::RecordTooLong { bytes } if bytes == MAX_RECORD_BYTES + 1));
    write.record.truncate(MAX_RECORD_BYTES);
    commit(&store, &write).await;
    write.expected = u64::MAX;
    let error = store.apply(&write).await.unwrap_err();
    assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
}
