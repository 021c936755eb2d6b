//! What can be amiss with a database when a store is opened on it, and what is said then.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "steps that several tests share"
)]

mod support;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use support::{Fresh, change, member, project};
use twofa::{Applied, Directory, Store};
use twofa_sqlx::{Database, Error, Limits, PgStore, SqliteStore};

/// The error under the path that it names.
async fn refused(path: &Path) -> (Error, String) {
    let error = SqliteStore::create(path).await.expect_err("must not open");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    match error {
        Error::Open { why, .. } => (*why, text),
        other => (other, text),
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_a_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (error, text) = refused(folder.path()).await;
    assert!(matches!(error, Error::IsDirectory { .. }), "{text}");

    let (error, text) = refused(&folder.path().join("none").join("twofa.db")).await;
    assert!(matches!(error, Error::NoFolder { .. }), "{text}");

    let letter = folder.path().join("letter.txt");
    std::fs::write(&letter, "Dear Zoë, ".repeat(1000)).unwrap();
    let (error, text) = refused(&letter).await;
    assert!(matches!(error, Error::NotADatabase(_)), "{text}");
    assert!(text.contains("not a SQLite database"), "{text}");
    let kept = std::fs::read_to_string(&letter).unwrap();
    assert_eq!(kept, "Dear Zoë, ".repeat(1000), "left as it was");
}

#[tokio::test]
async fn a_damaged_file_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let store = SqliteStore::create(&path).await.unwrap().0;
    let subject = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&subject, 0)).await.unwrap(),
        Applied::Committed
    );
    store.close().await;

    // Every page but the first: the schema can be read, the tables cannot.
    let whole = std::fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..].fill(0xa5);
    std::fs::write(&path, &damaged).unwrap();
    match SqliteStore::create(&path).await {
        Err(error) => assert!(
            matches!(&error, Error::Open { why, .. } if matches!(**why, Error::Corrupt(_))),
            "{error}"
        ),
        Ok(store) => {
            let error = store.0.load(&subject).await.unwrap_err();
            assert!(matches!(error, Error::Corrupt(_)), "{error}");
        }
    }

    // The schema itself.
    let mut damaged = whole.clone();
    damaged[100..4096].fill(0xa5);
    std::fs::write(&path, &damaged).unwrap();
    let (error, text) = refused(&path).await;
    assert!(matches!(error, Error::Corrupt(_)), "{text}");
    assert!(text.contains("damaged"), "{text}");

    std::fs::write(&path, &whole).unwrap();
    let store = SqliteStore::create(&path).await.unwrap().0;
    assert!(store.load(&subject).await.unwrap().stored.is_some());
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let fresh = Fresh::sqlite();
    let Database::Sqlite(store) = fresh.open().await else {
        panic!("not SQLite")
    };
    let newer = "INSERT INTO twofa_migrations (version, description, success, checksum, execution_time) \
        VALUES (7, 'later', TRUE, X'00', 0)";
    sqlx::query(newer).execute(store.pool()).await.unwrap();
    store.close().await;
    let error = Database::create(&fresh.url).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("version 7") && text.contains("up to 3"),
        "{text}"
    );

    let fresh = Fresh::postgres().await;
    let Database::Postgres(store) = fresh.open().await else {
        panic!("not PostgreSQL")
    };
    let newer = newer.replace("X'00'", "''::bytea");
    sqlx::query(sqlx::AssertSqlSafe(newer))
        .execute(store.pool())
        .await
        .unwrap();
    let error = Database::create(&fresh.url).await.unwrap_err();
    assert!(
        matches!(error, Error::NewerSchema { found: 7, known: 3 }),
        "{error}"
    );
    let altered = "UPDATE twofa_migrations SET version = 1, checksum = 'x' WHERE version = 7";
    sqlx::query("DELETE FROM twofa_migrations WHERE version = 1")
        .execute(store.pool())
        .await
        .unwrap();
    sqlx::query(altered).execute(store.pool()).await.unwrap();
    let error = Database::create(&fresh.url).await.unwrap_err();
    assert!(
        matches!(error, Error::AlteredSchema { version: 1 }),
        "{error}"
    );
}

async fn many_starts(fresh: Fresh) {
    let starts: Vec<_> = (0..12)
        .map(|_| {
            let url = fresh.url.clone();
            tokio::spawn(async move { Database::create(&url).await.map(drop) })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    let store = fresh.open().await;
    let written = store
        .apply(&change(&member("acme", "zoe"), 0))
        .await
        .unwrap();
    assert_eq!(written, Applied::Committed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starts_at_once_make_one_sqlite_store() {
    for _ in 0..3 {
        many_starts(Fresh::sqlite()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starts_at_once_make_one_postgres_store() {
    for _ in 0..3 {
        many_starts(Fresh::postgres().await).await;
    }
}

#[tokio::test]
async fn a_pool_of_the_applications_own_must_be_durable_and_writable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let quick = options.clone().synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().connect_with(quick).await.unwrap();
    let error = SqliteStore::create_in_pool(pool).await.unwrap_err();
    assert!(
        error.to_string().contains("synchronous = NORMAL"),
        "{error}"
    );

    // Beside the application's own tables and its own list of migrations.
    let pool = SqlitePoolOptions::new()
        .connect_with(options.clone())
        .await
        .unwrap();
    let own = "CREATE TABLE _sqlx_migrations (mine TEXT); CREATE TABLE users (id INTEGER)";
    sqlx::raw_sql(own).execute(&pool).await.unwrap();
    let store = SqliteStore::create_in_pool(pool).await.unwrap();
    let subject = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&subject, 0)).await.unwrap(),
        Applied::Committed
    );
    store.close().await;

    let pool = SqlitePoolOptions::new()
        .connect_with(options.read_only(true).create_if_missing(false))
        .await
        .unwrap();
    let store = SqliteStore::create_in_pool(pool).await.unwrap();
    assert_eq!(
        store.load(&subject).await.unwrap().stored.unwrap().version,
        1
    );
    let error = store.apply(&change(&subject, 1)).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = SqliteStore::create(&path).await.unwrap().0;
    store.close().await;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .busy_timeout(Duration::from_millis(50));
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .unwrap();
    let other = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let store = SqliteStore::create_in_pool(pool).await.unwrap();
    let subject = member("acme", "zoe");
    let error = store.apply(&change(&subject, 0)).await.unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error:?}");
    other.rollback().await.unwrap();
    assert_eq!(
        store.apply(&change(&subject, 0)).await.unwrap(),
        Applied::Committed
    );
}

#[tokio::test]
async fn a_name_that_is_no_store_is_refused() {
    for (name, wanted) in [
        ("mysql://root:hunter2@localhost/acme", "mysql"),
        ("http://example.com/twofa.db", "http"),
        ("sqlite::memory:", "needs one"),
        (":memory:", "needs one"),
        ("sqlite:", "needs one"),
        ("", "needs one"),
        (
            "postgres://user:hunter2@host:notaport/x",
            "postgres://user:password@host".get(..11).unwrap(),
        ),
        ("postgres://user:hunter2@127.0.0.1:1/x", "127.0.0.1:1"),
    ] {
        let error = Database::create(name).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(wanted), "{name}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn postgres_must_be_durable_and_hold_every_id() {
    let fresh = Fresh::postgres().await;
    let Database::Postgres(store) = fresh.open().await else {
        panic!("not PostgreSQL")
    };
    let options = PgConnectOptions::from_str(&fresh.url).unwrap();
    let quick = options.clone().options([("synchronous_commit", "off")]);
    let error = PgStore::open_with(quick, Limits::default().with_connections(1))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("synchronous_commit = off"),
        "{error}"
    );

    let name = "twofa_ascii";
    let create = format!(
        "CREATE DATABASE {name}_{} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
        std::process::id()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(store.pool())
        .await
        .unwrap();
    let ascii = options
        .clone()
        .database(&format!("{name}_{}", std::process::id()));
    let error = PgStore::open_with(ascii, Limits::default().with_connections(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("SQL_ASCII"), "{error}");

    // A server that takes no writes, as a standby does.
    let standby = options.options([("default_transaction_read_only", "on")]);
    let store = PgStore::open_with(standby, Limits::default().with_connections(2))
        .await
        .unwrap();
    let error = store
        .apply(&change(&member("acme", "zoe"), 0))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_can_use_them() {
    let fresh = Fresh::postgres().await;
    let Database::Postgres(owner) = fresh.open().await else {
        panic!("not PostgreSQL")
    };
    let role = format!("twofa_app_{}", std::process::id());
    let grant = format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grant))
        .execute(owner.pool())
        .await
        .unwrap();
    let options = PgConnectOptions::from_str(&fresh.url)
        .unwrap()
        .username(&role);
    let store = PgStore::open_with(options, Limits::default().with_connections(2))
        .await
        .unwrap();
    let subject = member("acme", "zoe");
    let mut write = change(&subject, 0);
    write.events[0].notice = true;
    assert_eq!(store.apply(&write).await.unwrap(), Applied::Committed);
    assert!(store.project(&project("acme")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stricter_isolation_gives_conflicts_and_no_errors() {
    let fresh = Fresh::postgres().await;
    drop(fresh.open().await);
    for isolation in ["repeatable read", "serializable"] {
        let options = PgConnectOptions::from_str(&fresh.url)
            .unwrap()
            .options([("default_transaction_isolation", isolation)]);
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .connect_with(options)
            .await
            .unwrap();
        let store = PgStore::create_in_pool(pool).await.unwrap();
        let subject = member("acme", isolation);
        for version in 0..5 {
            let tasks: Vec<_> = (0..24)
                .map(|_| {
                    let (store, write) = (store.clone(), change(&subject, version));
                    tokio::spawn(async move { store.apply(&write).await.unwrap() })
                })
                .collect();
            let mut committed = 0;
            for task in tasks {
                committed += u32::from(task.await.unwrap() == Applied::Committed);
            }
            assert_eq!(committed, 1, "{isolation}, version {version}");
        }
    }
}

#[tokio::test]
async fn a_server_that_restarted_is_used_again() {
    let fresh = Fresh::postgres().await;
    let Database::Postgres(store) = fresh.open().await else {
        panic!("not PostgreSQL")
    };
    let subject = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&subject, 0)).await.unwrap(),
        Applied::Committed
    );
    // As a restart does to every connection that lay in the pool.
    let mut other = PgConnection::connect(&fresh.url).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut other)
    .await
    .unwrap();
    // The first use may be an error, never an empty answer; the pool then connects anew.
    let mut tries = 0;
    let stored = loop {
        match store.load(&subject).await {
            Ok(stored) => break stored,
            Err(_) if tries < 20 => tries += 1,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(stored.stored.unwrap().version, 1);
}
