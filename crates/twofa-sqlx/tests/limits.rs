//! How long PostgreSQL is waited for, and who says so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use support::Fresh;
use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection as _};
use twofa_sqlx::{Limits, Made, PgStore};

/// What holds on a connection of the store's: for a statement, and for a lock.
async fn stands(store: &PgStore) -> (String, String) {
    sqlx::query_as("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        .fetch_one(store.pool())
        .await
        .unwrap()
}

fn pair(statement: &str, lock: &str) -> (String, String) {
    (statement.to_owned(), lock.to_owned())
}

#[tokio::test]
async fn what_somebody_said_counts_for_more_than_the_default() {
    let fresh = Fresh::postgres().await;
    let (store, made) = PgStore::create_with(fresh.url.parse().unwrap(), Limits::default())
        .await
        .unwrap();
    assert_eq!(made, Made::Now);
    assert_eq!(stands(&store).await, pair("10s", "5s"));

    let url = format!("{}?options[statement_timeout]=33s", fresh.url);
    let store = PgStore::open(&url).await.unwrap();
    assert_eq!(stands(&store).await, pair("33s", "5s"));

    let mut connection = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    let database = fresh.url.rsplit_once('/').unwrap().1;
    let set = format!("ALTER DATABASE {database} SET lock_timeout = '700ms'");
    sqlx::raw_sql(AssertSqlSafe(set))
        .execute(&mut connection)
        .await
        .unwrap();
    let store = PgStore::open(&url).await.unwrap();
    assert_eq!(stands(&store).await, pair("33s", "700ms"));

    let limits = Limits::default()
        .with_statement(Duration::from_secs(2))
        .with_lock(Duration::ZERO);
    let store = PgStore::open_with(url.parse().unwrap(), limits)
        .await
        .unwrap();
    assert_eq!(stands(&store).await, pair("2s", "0"));
}

/// Tables are brought up to date however long that takes, and then the limits hold again.
#[tokio::test]
async fn a_migration_takes_as_long_as_it_takes() {
    let fresh = Fresh::postgres().await;
    fresh.open().await.close().await;
    let mut connection = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    // Each row that is written into the list of versions takes its time.
    let slow = "DELETE FROM twofa_migrations WHERE version = 3; DROP TABLE twofa_damaged; \
        DROP TABLE twofa_checkpoint; ALTER TABLE twofa_project DROP COLUMN passes; \
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'; \
        CREATE TRIGGER slow BEFORE INSERT ON twofa_migrations \
        FOR EACH ROW EXECUTE FUNCTION slow()";
    sqlx::raw_sql(slow).execute(&mut connection).await.unwrap();
    let old = PgStore::open(&fresh.url).await.unwrap();
    assert!(old.is_older());
    assert_eq!(old.schema_version(), 2);
    let limits = Limits::default().with_statement(Duration::from_millis(200));
    let migrated = PgStore::migrate_with(fresh.url.parse().unwrap(), limits)
        .await
        .unwrap();
    assert_eq!((migrated.from, migrated.to), (2, 3));
    let new = PgStore::open(&fresh.url).await.unwrap();
    assert!(!new.is_older());
    assert_eq!(new.schema_version(), 3);
}

/// To PostgreSQL an address of IPv4 may be written as one of IPv6.
#[tokio::test]
async fn this_machine_is_known_by_any_of_its_names() {
    for (host, here) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("127.8.9.1", true),
        ("[::1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("LOCALHOST", true),
        ("localhost.example", false),
        ("127.0.0.1.example", false),
        ("10.0.0.1", false),
        ("[2001:db8::1]", false),
        ("0", false),
    ] {
        // Nothing listens on that port.
        let url = format!("postgres://me:hunter2@{host}:1/acme?sslmode=disable");
        let error = PgStore::open(&url).await.unwrap_err().to_string();
        let refused = error.contains("would not be encrypted");
        assert_eq!(refused, !here, "{host}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
