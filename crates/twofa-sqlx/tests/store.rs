//! What a store promises, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "bodies of tests that are called from two places"
)]

mod support;

use std::sync::Arc;

use support::{Fresh, at, change, ending, event, hash, login, member, project, user};
use tokio::sync::Barrier;
use twofa::lifecycle::{LoginEffect, LoginKind, ParkedLogin, Summary, SummaryState};
use twofa::types::UnixTime;
use twofa::{Applied, MAX_RECORD_BYTES, Store, Subject};
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
    any_unicode_compares_byte_for_byte,
    pages_join_without_gap_or_overlap,
    records_without_events_and_events_without_records,
    notices_number_as_they_commit,
    a_dropped_write_is_whole_or_absent,
    what_was_written_is_there_after_reopening,
    an_oversized_record_is_refused,
    cursors_beyond_every_row_find_nothing,
);

async fn commit(store: &Database, change: &twofa::Change) {
    assert_eq!(store.apply(change).await.unwrap(), Applied::Committed);
}

async fn what_is_written_is_read_back(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoë@example.com");
    assert_eq!(store.load(&subject).await.unwrap(), None);
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

    let stored = store.load(&subject).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.record), (1, vec![0, 255, 128, 7]));
    let resumed = store.resume(&hash(1)).await.unwrap().unwrap();
    assert_eq!(resumed.subject, subject);
    assert_eq!(Some(resumed.login), first.park);
    assert_eq!(resumed.stored, store.load(&subject).await.unwrap());
    assert_eq!(store.chain(&subject, 0, 10).await.unwrap(), first.events);
    let listed = store.factors(&project("acme"), None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].summary, first.summary);

    // A login parked before there is a record.
    let other = member("acme", "yan@example.com");
    store.park(&other, &login(2)).await.unwrap();
    let resumed = store.resume(&hash(2)).await.unwrap().unwrap();
    assert_eq!((resumed.subject, resumed.stored), (other, None));
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
        assert_eq!(
            store.chain(&write.subject, version - 1, 1).await.unwrap(),
            write.events
        );
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
            Applied::Conflict => conflicts += 1,
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
            store.load(&subject).await.unwrap().unwrap().version,
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
    for (expected, effect) in [
        (0, LoginEffect::EndAll),
        (2, LoginEffect::End),
        (2, LoginEffect::EndAll),
        (2, LoginEffect::CountFailure),
        (7, LoginEffect::Keep),
    ] {
        let mut late = ending(&subject, expected, hash(1), effect);
        late.park = Some(login(2));
        late.events = vec![event(50), event(51)];
        late.events[0].notice = true;
        assert_eq!(store.apply(&late).await.unwrap(), Applied::Conflict);
    }
    let stored = store.load(&subject).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.record), (1, b"record 1".to_vec()));
    assert_eq!(store.chain(&subject, 0, 10).await.unwrap(), vec![event(1)]);
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
        store.notices(&project("acme"), 0, 10).await.unwrap()[0].0,
        1
    );
}

async fn an_event_that_exists_stops_everything(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    store.park(&subject, &login(1)).await.unwrap();
    // As after a restored backup: the record stands at version 1, and event 1 exists already.
    let mut again = ending(&subject, 1, hash(1), LoginEffect::End);
    again.events = vec![event(2), event(1)];
    again.park = Some(login(2));
    let error = store.apply(&again).await.unwrap_err();
    assert!(
        matches!(&error, Error::EventExists { project, user } if project.as_str() == "acme" && user == "zoe"),
        "{error:?}"
    );
    assert_eq!(store.load(&subject).await.unwrap().unwrap().version, 1);
    assert_eq!(store.chain(&subject, 0, 10).await.unwrap(), vec![event(1)]);
    assert!(store.resume(&hash(1)).await.unwrap().is_some());
    assert!(store.resume(&hash(2)).await.unwrap().is_none());
    // Parking the same id twice is an error, and no event's.
    let mut twice = change(&subject, 1);
    twice.park = Some(login(1));
    let error = store.apply(&twice).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(store.load(&subject).await.unwrap().unwrap().version, 1);
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

    commit(&store, &ending(&subject, 0, hash(1), LoginEffect::Keep)).await;
    assert_eq!(failures(1).await, Some(0));
    commit(
        &store,
        &ending(&subject, 1, hash(1), LoginEffect::CountFailure),
    )
    .await;
    commit(
        &store,
        &ending(&subject, 2, hash(1), LoginEffect::CountFailure),
    )
    .await;
    assert_eq!((failures(1).await, failures(2).await), (Some(2), Some(0)));
    commit(&store, &ending(&subject, 3, hash(2), LoginEffect::End)).await;
    assert_eq!(failures(2).await, None);
    commit(&store, &ending(&subject, 4, hash(99), LoginEffect::EndAll)).await;
    for n in 1..=4 {
        assert_eq!(failures(n).await, None);
    }
    assert_eq!(failures(5).await, Some(0));
}

async fn a_reset_may_park_as_well(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    store.park(&subject, &login(1)).await.unwrap();
    let mut reset = ending(&subject, 0, hash(1), LoginEffect::EndAll);
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

async fn any_unicode_compares_byte_for_byte(fresh: Fresh) {
    let store = fresh.open().await;
    // Composed and decomposed, capital and small, wide and narrow, beyond the basic plane, like patterns.
    let mut ids = vec![
        "zoë",
        "zoe\u{308}",
        "Zoë",
        "zoe",
        "ZOE",
        "ｚｏｅ",
        "😀",
        "\u{10ffff}",
        "\u{e000}",
        "ß",
        "ss",
        "a b",
        "a%",
        "a_",
        "a'b",
        "a\"b",
        "a\\b",
        "ا",
        "あ",
        "\u{3a9}",
        "\u{2126}",
        "-",
        "_",
        "0",
    ];
    for id in &ids {
        commit(&store, &change(&member("acme", id), 0)).await;
        commit(&store, &change(&member(id, "zoe"), 0)).await;
    }
    let listed = store.factors(&project("acme"), None, 100).await.unwrap();
    ids.sort_unstable();
    assert_eq!(
        listed.iter().map(|f| f.user.as_str()).collect::<Vec<_>>(),
        ids
    );
    for id in &ids {
        assert_eq!(store.factors(&project(id), None, 9).await.unwrap().len(), 1);
    }
}

async fn pages_join_without_gap_or_overlap(fresh: Fresh) {
    let store = fresh.open().await;
    let mut all = Vec::new();
    for p in ["acme", "beta", "Ωmega"] {
        let itself = Subject::project_itself(&project(p));
        let mut settings = change(&itself, 0);
        settings.summary.state = SummaryState::None;
        commit(&store, &settings).await;
        all.push(itself);
        for n in 0..7 {
            let subject = member(p, &format!("user{n}"));
            commit(&store, &change(&subject, 0)).await;
            commit(&store, &change(&subject, 1)).await;
            all.push(subject);
        }
    }
    for limit in [1, 2, 3, 8, 100] {
        let mut seen = Vec::new();
        while let Some(page) =
            Some(store.subjects(None, seen.last(), limit).await.unwrap()).filter(|p| !p.is_empty())
        {
            assert!(page.len() <= limit as usize);
            seen.extend(page.into_iter().map(|(subject, _)| subject));
        }
        assert_eq!(seen, all, "limit {limit}");
        let beta = project("beta");
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = store
                .subjects(Some(&beta), after.as_ref(), limit)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.0.clone());
            seen.extend(page.into_iter().map(|(subject, _)| subject));
        }
        assert_eq!(seen, all[8..16], "limit {limit}");
        // After a subject of an earlier project comes all of this one; after a later one, nothing.
        let before = store
            .subjects(Some(&beta), Some(&all[7]), 100)
            .await
            .unwrap();
        assert_eq!(before.len(), 8);
        assert!(
            store
                .subjects(Some(&beta), Some(&all[17]), 100)
                .await
                .unwrap()
                .is_empty()
        );
        let mut users = Vec::new();
        loop {
            let page = store.factors(&beta, users.last(), limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            users.extend(page.into_iter().map(|f| f.user));
        }
        assert_eq!(users.len(), 7, "the project's own record is no factor");
        let mut events = Vec::new();
        loop {
            let after = events.last().map_or(0, |(cursor, _)| *cursor);
            let page = store.project_events(&beta, after, limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        assert_eq!(events.len(), 15);
        assert!(events.iter().all(|(_, e)| e.subject.project() == &beta));
        assert!(events.windows(2).all(|w| w[0].0 < w[1].0));
    }
    assert!(
        store
            .factors(&project("beta"), None, 0)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn records_without_events_and_events_without_records(fresh: Fresh) {
    let store = fresh.open().await;
    let mut silent = change(&member("acme", "silent"), 0);
    silent.events.clear();
    commit(&store, &silent).await;
    commit(&store, &change(&member("acme", "kept"), 0)).await;
    for lost in ["lost1", "lost2"] {
        commit(&store, &change(&member("acme", lost), 0)).await;
    }
    commit(&store, &change(&member("beta", "lost"), 0)).await;
    assert!(store.orphans(None, 10).await.unwrap().is_empty());
    let delete = "DELETE FROM twofa_factor WHERE user_id LIKE 'lost%'";
    match &store {
        Database::Sqlite(s) => {
            sqlx::query(delete).execute(s.pool()).await.unwrap();
        }
        Database::Postgres(s) => {
            sqlx::query(delete).execute(s.pool()).await.unwrap();
        }
        _ => panic!("a third database"),
    }
    let all = store.orphans(None, 10).await.unwrap();
    assert_eq!(
        all,
        [
            member("acme", "lost1"),
            member("acme", "lost2"),
            member("beta", "lost")
        ]
    );
    assert_eq!(store.orphans(None, 2).await.unwrap().len(), 2);
    assert_eq!(
        store.orphans(Some(&project("beta")), 10).await.unwrap(),
        all[2..]
    );
}

async fn notices_number_as_they_commit(fresh: Fresh) {
    let store = fresh.open().await;
    let acme = project("acme");
    // A reader that keeps its last cursor while 32 writers commit must miss nothing.
    let writers: Vec<_> = (0..32)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let subject = member("acme", &format!("user{n}"));
                for version in 0..5 {
                    let mut write = change(&subject, version);
                    write.events = vec![
                        event(version * 3 + 1),
                        event(version * 3 + 2),
                        event(version * 3 + 3),
                    ];
                    write.events[0].notice = true;
                    write.events[2].notice = true;
                    commit(&store, &write).await;
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    let mut idle = 0;
    while idle < 2 {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let after = seen.last().map_or(0, |(cursor, _)| *cursor);
        let page = store.notices(&acme, after, 7).await.unwrap();
        idle = if done && page.is_empty() { idle + 1 } else { 0 };
        seen.extend(page);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen.len(), 32 * 5 * 2);
    assert!(
        seen.windows(2).all(|w| w[0].0 + 1 == w[1].0),
        "no number is left out"
    );
    assert!(seen.iter().all(|(_, e)| e.row.notice && e.row.seq % 3 != 2));
    let per_user = seen
        .iter()
        .filter(|(_, e)| e.subject.user() == Some(&user("user7")));
    assert!(
        per_user.map(|(_, e)| e.row.seq).is_sorted(),
        "in the order of the chain"
    );
    assert!(
        store
            .notices(&project("beta"), 0, 7)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_dropped_write_is_whole_or_absent(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    for n in 0..60_u64 {
        let version = store.load(&subject).await.unwrap().unwrap().version;
        let mut write = change(&subject, version);
        write.park = Some(login(u8::try_from(n + 1).unwrap()));
        let wait = std::time::Duration::from_micros(n * 20);
        let cut = tokio::time::timeout(wait, store.apply(&write)).await;
        // The connection still works, and the write is there whole or not at all.
        let now = loop {
            let now = store.load(&subject).await.unwrap().unwrap().version;
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
            store.load(&subject).await.unwrap().unwrap().version
        );
    }
}

async fn what_was_written_is_there_after_reopening(fresh: Fresh) {
    let subject = member("acme", "zoe");
    let store = fresh.open().await;
    commit(&store, &change(&subject, 0)).await;
    store.close().await;
    let store = fresh.open().await;
    assert_eq!(store.load(&subject).await.unwrap().unwrap().version, 1);
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

async fn cursors_beyond_every_row_find_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    assert!(store.chain(&subject, u64::MAX, 9).await.unwrap().is_empty());
    let acme = project("acme");
    assert!(
        store
            .project_events(&acme, u64::MAX, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.notices(&acme, u64::MAX, 9).await.unwrap().is_empty());
    assert_eq!(store.chain(&subject, 0, u32::MAX).await.unwrap().len(), 1);
}
