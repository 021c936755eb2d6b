//! What a store lists, and in which order, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "bodies of tests that are called from two places"
)]

mod support;

use support::{Fresh, at, change, event, member, project, user};
use twofa::lifecycle::SummaryState;
use twofa::{Applied, EventQuery, Store, Subject, SubjectEvent};
use twofa_sqlx::Database;

on_both!(
    any_unicode_compares_byte_for_byte,
    pages_join_without_gap_or_overlap,
    records_without_events_and_events_without_records,
    an_event_before_the_first_is_not_overlooked,
    notices_number_as_they_commit,
    a_follower_misses_no_event,
    the_latest_events_come_first,
    cursors_beyond_every_row_find_nothing,
);

async fn commit(store: &Database, change: &twofa::Change) {
    assert_eq!(store.apply(change).await.unwrap(), Applied::Committed);
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
            seen.extend(page.into_iter().map(|row| row.subject));
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
            after = Some(last.subject.clone());
            seen.extend(page.into_iter().map(|row| row.subject));
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
            let after = events.last().map_or(0, |event: &SubjectEvent| event.cursor);
            let page = store.events(Some(&beta), after, limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        assert_eq!(events.len(), 15);
        assert!(events.iter().all(|e| e.subject.project() == Some(&beta)));
        assert!(events.windows(2).all(|w| w[0].cursor < w[1].cursor));
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
    assert!(store.orphans(None, None, 10).await.unwrap().is_empty());
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
    let all = store.orphans(None, None, 10).await.unwrap();
    assert_eq!(
        all,
        [
            member("acme", "lost1"),
            member("acme", "lost2"),
            member("beta", "lost")
        ]
    );
    assert_eq!(store.orphans(None, None, 2).await.unwrap().len(), 2);
    assert_eq!(
        store
            .orphans(Some(&project("beta")), None, 10)
            .await
            .unwrap(),
        all[2..]
    );
}

/// A row numbered before the first is read, and then found to be no row of ours.
async fn an_event_before_the_first_is_not_overlooked(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "ann");
    let mut first = change(&subject, 0);
    first.events = vec![event(1), event(2)];
    commit(&store, &first).await;
    for seq in [0, -1, i64::MIN] {
        let slip = "UPDATE twofa_event SET seq = $1 WHERE seq < 2";
        match &store {
            Database::Sqlite(s) => {
                let slipped = sqlx::query(slip).bind(seq).execute(s.pool()).await;
                assert_eq!(slipped.unwrap().rows_affected(), 1);
            }
            Database::Postgres(s) => {
                let slipped = sqlx::query(slip).bind(seq).execute(s.pool()).await;
                assert_eq!(slipped.unwrap().rows_affected(), 1);
            }
            _ => panic!("a third database"),
        }
        let read = store.chain(&subject, 0, 10).await.unwrap();
        let numbers: Vec<_> = read.iter().map(|event| event.row.seq).collect();
        assert_eq!(numbers, [seq.cast_unsigned(), 2], "as it lies there");
        assert_eq!(store.chain(&subject, 1, 10).await.unwrap().len(), 1);
    }
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
    let mut seen: Vec<SubjectEvent> = Vec::new();
    let mut idle = 0;
    while idle < 2 {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let after = seen.last().and_then(|event| event.notice).unwrap_or(0);
        let page = store.notices(&acme, after, 7).await.unwrap();
        idle = if done && page.is_empty() { idle + 1 } else { 0 };
        seen.extend(page);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen.len(), 32 * 5 * 2);
    assert!(
        (1..).zip(&seen).all(|(number, e)| e.notice == Some(number)),
        "no number is left out"
    );
    assert!(seen.iter().all(|e| e.row.notice && e.row.seq % 3 != 2));
    let per_user = seen
        .iter()
        .filter(|e| e.subject.user() == Some(&user("user7")));
    assert!(
        per_user.map(|e| e.row.seq).is_sorted(),
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

/// 64 writers, and one reader who keeps the last cursor: of one project, and of all.
async fn a_follower_misses_no_event(fresh: Fresh) {
    const WRITERS: usize = 64;
    let store = fresh.open().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let subject = member(["acme", "beta"][n % 2], &format!("user{n}"));
                for version in 0..40 {
                    commit(&store, &change(&subject, version)).await;
                }
            })
        })
        .collect();
    let acme = project("acme");
    let mut seen: [Vec<SubjectEvent>; 2] = [Vec::new(), Vec::new()];
    let mut idle = 0;
    while idle < 2 {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let mut read = 0;
        for (of, seen) in [None, Some(&acme)].into_iter().zip(&mut seen) {
            let after = seen.last().map_or(0, |event| event.cursor);
            let page = store.events(of, after, 50).await.unwrap();
            read += page.len();
            seen.extend(page);
        }
        idle = if done && read == 0 { idle + 1 } else { 0 };
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for (seen, expected) in seen.iter().zip([WRITERS * 40, WRITERS * 20]) {
        assert_eq!(seen.len(), expected, "none is missed, none comes twice");
        assert!(seen.windows(2).all(|w| w[0].cursor < w[1].cursor));
    }
    assert_eq!(
        store.horizon().await.unwrap(),
        seen[0].last().unwrap().cursor
    );
}

async fn the_latest_events_come_first(fresh: Fresh) {
    let store = fresh.open().await;
    let (acme, zoe) = (project("acme"), user("zoe"));
    for version in 0..9 {
        for who in ["zoe", "yan"] {
            let mut write = change(&member("acme", who), version);
            write.events[0].at = at(1_000 + version);
            if version == 4 {
                write.events[0].event = "locked".into();
            }
            commit(&store, &write).await;
        }
    }
    let all = EventQuery::default();
    let read = async |query: EventQuery<'_>, limit| {
        let found = store.latest(&acme, &query, limit).await.unwrap();
        found
            .iter()
            .map(|e| (e.subject.user_key().to_owned(), e.row.seq))
            .collect::<Vec<_>>()
    };
    let named = |who: &str, seq| (who.to_owned(), seq);
    assert_eq!(
        read(all, 3).await,
        [named("yan", 9), named("zoe", 9), named("yan", 8)]
    );
    let last = store.latest(&acme, &all, 3).await.unwrap().pop().unwrap();
    let before = Some(last.cursor);
    assert_eq!(
        read(EventQuery { before, ..all }, 2).await,
        [named("zoe", 8), named("yan", 7)]
    );
    let user = Some(&zoe);
    assert_eq!(
        read(
            EventQuery {
                user,
                before,
                ..all
            },
            2
        )
        .await,
        [named("zoe", 8), named("zoe", 7)]
    );
    let event = Some("locked");
    assert_eq!(
        read(EventQuery { event, ..all }, 9).await,
        [named("yan", 5), named("zoe", 5)]
    );
    let (from, until) = (Some(at(1_002)), Some(at(1_004)));
    let within = EventQuery {
        user,
        from,
        until,
        ..all
    };
    assert_eq!(read(within, 9).await, [named("zoe", 4), named("zoe", 3)]);
    let elsewhere = store.latest(&project("beta"), &all, 9).await;
    assert!(elsewhere.unwrap().is_empty());
}

async fn cursors_beyond_every_row_find_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let subject = member("acme", "zoe");
    commit(&store, &change(&subject, 0)).await;
    assert!(store.chain(&subject, u64::MAX, 9).await.unwrap().is_empty());
    let acme = project("acme");
    assert!(
        store
            .events(Some(&acme), u64::MAX, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.notices(&acme, u64::MAX, 9).await.unwrap().is_empty());
    assert_eq!(store.chain(&subject, 0, u32::MAX).await.unwrap().len(), 1);
}
