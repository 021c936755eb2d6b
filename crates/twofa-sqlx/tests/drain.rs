//! PostgreSQL: a write that had compared the store's keys before they changed is waited for.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::time::Duration;

use support::{Fresh, change, member};
use twofa::{Applied, Change, Store, Subject};
use twofa_sqlx::sqlx::{self, Connection, postgres::PgConnection};

/// Waits until as many sessions of this database wait for a lock.
async fn until_waiting(connection: &mut PgConnection, sessions: i64) {
    for _ in 0..600 {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        if waiting == sessions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{sessions} sessions do not come to wait for a lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_on_its_way_is_waited_for() {
    let fresh = Fresh::postgres().await;
    let store = fresh.open().await;
    let zoe = member("acme", "zoe");
    let installed = |version| Change {
        installation: version,
        expected: version,
        ..change(&Subject::installation(), version)
    };
    assert_eq!(
        store.apply(&installed(0)).await.unwrap(),
        Applied::Committed
    );
    let under = |installation, expected| Change {
        installation,
        ..change(&zoe, expected)
    };
    assert_eq!(store.apply(&under(1, 0)).await.unwrap(), Applied::Committed);

    let mut holder = PgConnection::connect(&fresh.url).await.unwrap();
    let mut watcher = PgConnection::connect(&fresh.url).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM twofa_factor WHERE user_id = 'zoe' FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    // It has looked at the keys, and waits for the row.
    let (writing, late) = (store.clone(), under(1, 1));
    let writing = tokio::spawn(async move { writing.apply(&late).await.unwrap() });
    until_waiting(&mut watcher, 1).await;
    assert_eq!(
        store.apply(&installed(1)).await.unwrap(),
        Applied::Committed
    );
    let draining = store.clone();
    let draining = tokio::spawn(async move { draining.drain().await.unwrap() });
    until_waiting(&mut watcher, 2).await;
    assert!(!draining.is_finished());
    held.commit().await.unwrap();
    assert_eq!(writing.await.unwrap(), Applied::Committed);
    draining.await.unwrap();
    // From here on everybody compares with what stands.
    assert_eq!(store.apply(&under(1, 2)).await.unwrap(), Applied::Stale);
    assert_eq!(store.apply(&under(2, 2)).await.unwrap(), Applied::Committed);
}
