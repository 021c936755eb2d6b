//! What is no store is told apart by its code, and stays as it is, byte for byte.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{Fresh, change, member, project};
use twofa::{Applied, Directory as _, Store as _};
use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection as _};
use twofa_sqlx::{Database, Error, Limits, Made, PgStore, SqliteStore};

/// Every file of a folder: what it is, and what it holds.
fn picture(folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let held = if kind.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            let name = entry.file_name().into_string().unwrap();
            (name, (format!("{kind:?}"), held))
        })
        .collect()
}

async fn refused(folder: &Path, name: &str, code: &str) {
    let before = picture(folder);
    let path = folder.join(name);
    let path = path.to_str().unwrap();
    let Err(error) = Database::open(path).await else {
        panic!("{name} opens as a store")
    };
    assert_eq!(error.code(), code, "{name}: {error}");
    assert!(error.to_string().contains(name), "{name}: {error}");
    let migrated = Database::migrate(path).await.unwrap_err();
    assert_eq!(migrated.code(), code, "{name}: {migrated}");
    assert!(
        picture(folder) == before,
        "{name}: the folder is no longer what it was"
    );
}

#[tokio::test]
async fn a_file_that_is_no_store_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    refused(folder.path(), "missing.db", "no-store").await;
    fs::write(at("empty.db"), b"").unwrap();
    refused(folder.path(), "empty.db", "not-a-store").await;
    fs::write(at("one.db"), b"x").unwrap();
    refused(folder.path(), "one.db", "not-a-store").await;
    fs::write(at("letter.db"), "Dear Zoë, ".repeat(1000)).unwrap();
    refused(folder.path(), "letter.db", "not-a-store").await;
    fs::create_dir(at("folder.db")).unwrap();
    refused(folder.path(), "folder.db", "not-a-store").await;
    let made = Command::new("mkfifo").arg(at("pipe.db")).status().unwrap();
    assert!(made.success());
    refused(folder.path(), "pipe.db", "not-a-store").await;
    let device = Database::open("/dev/null").await.unwrap_err();
    assert_eq!(device.code(), "not-a-store", "{device}");

    // Another program's, in either journal mode.
    for mode in ["DELETE", "WAL"] {
        let name = format!("app-{mode}.db");
        let url = format!("sqlite:{}?mode=rwc", at(&name).display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        for statement in [
            format!("PRAGMA journal_mode = {mode}"),
            "CREATE TABLE app_user (id TEXT)".to_owned(),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection.close().await.unwrap();
        refused(folder.path(), &name, "not-a-store").await;
        let before = picture(folder.path());
        let made = SqliteStore::create(at(&name)).await.unwrap_err();
        assert_eq!(made.code(), "not-a-store");
        assert!(picture(folder.path()) == before, "{name}");
    }
}

#[tokio::test]
async fn a_store_that_was_cut_at_any_page_is_damaged_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.db");
    let (store, made) = SqliteStore::create(&path).await.unwrap();
    assert_eq!(made, Made::Now);
    let applied = store.apply(&change(&member("acme", "zoe"), 0)).await;
    assert_eq!(applied.unwrap(), Applied::Committed);
    store.close().await;
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len() % 4096, 0);
    for pages in 1..whole.len() / 4096 {
        for extra in [0, 1, 2048] {
            let name = format!("cut-{pages}-{extra}.db");
            let cut = folder.path().join(&name);
            fs::write(&cut, &whole[..pages * 4096 + extra]).unwrap();
            refused(folder.path(), &name, "store-damaged").await;
            fs::remove_file(cut).unwrap();
        }
    }
    let (_, made) = SqliteStore::create(&path).await.unwrap();
    assert_eq!(made, Made::Before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    let applied = store.apply(&change(&member("acme", "zoe"), 0)).await;
    assert_eq!(applied.unwrap(), Applied::Committed);
    for name in ["twofa.db", "twofa.db-wal", "twofa.db-shm"] {
        let meta = fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{name}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_while_it_is_open_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    let zoe = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&zoe, 0)).await.unwrap(),
        Applied::Committed
    );
    let away = folder.path().join("away.db");
    for what in ["deleted", "replaced"] {
        if what == "deleted" {
            fs::rename(&path, &away).unwrap();
        } else {
            fs::write(&path, fs::read(&away).unwrap()).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for _ in 0..2 {
            let error = store.apply(&change(&zoe, 1)).await.unwrap_err();
            assert_eq!(error.code(), "no-store", "{what}: {error}");
        }
    }
    fs::rename(&away, &path).unwrap();
    assert_eq!(
        store.apply(&change(&zoe, 1)).await.unwrap(),
        Applied::Committed
    );
}

#[tokio::test]
async fn a_copy_that_cannot_be_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    let zoe = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&zoe, 0)).await.unwrap(),
        Applied::Committed
    );
    store.close().await;
    // A mount of its own, which is gone with the shell that made it.
    let script = "mount -t tmpfs none \"$1\" && cp \"$2\" \"$1/copy.db\" && \
        mount -o remount,ro \"$1\" && shift 2 && exec \"$@\"";
    let mount = tempfile::tempdir().unwrap();
    let ran = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(mount.path())
        .arg(&path)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "reads_a_copy", "--nocapture"])
        .env("TWOFA_TEST_COPY", mount.path().join("copy.db"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
}

/// What the test above does in a folder that cannot be written.
#[tokio::test]
async fn reads_a_copy() {
    let Some(path) = std::env::var_os("TWOFA_TEST_COPY") else {
        return;
    };
    let store = SqliteStore::open(path).await.unwrap();
    let zoe = member("acme", "zoe");
    assert_eq!(store.load(&zoe).await.unwrap().stored.unwrap().version, 1);
    let error = store.apply(&change(&zoe, 1)).await.unwrap_err();
    assert_eq!(error.code(), "store-read-only", "{error}");
}

#[tokio::test]
async fn another_place_in_postgresql_is_no_store_and_stays_empty() {
    let fresh = Fresh::postgres().await;
    let missing = PgStore::open(&fresh.url).await.unwrap_err();
    assert_eq!(missing.code(), "no-store", "{missing}");
    assert_eq!(
        PgStore::migrate(&fresh.url).await.unwrap_err().code(),
        "no-store"
    );
    let (store, made) = PgStore::create(&fresh.url).await.unwrap();
    assert_eq!(made, Made::Now);
    store.close().await;
    assert_eq!(PgStore::create(&fresh.url).await.unwrap().1, Made::Before);

    let mut connection = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    sqlx::raw_sql("CREATE SCHEMA elsewhere")
        .execute(&mut connection)
        .await
        .unwrap();
    let elsewhere = format!("{}?options[search_path]=elsewhere", fresh.url);
    let error = PgStore::open(&elsewhere).await.unwrap_err();
    assert_eq!(error.code(), "no-store", "{error}");
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'elsewhere'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(tables, 0);
    let gone = fresh.url.rsplit_once('/').unwrap().0.to_owned() + "/nothing_here";
    let error = PgStore::open(&gone).await.unwrap_err();
    assert_eq!(error.code(), "store-unreachable", "{error}");
    assert!(!error.to_string().contains("at line"), "{error}");
}

#[tokio::test]
async fn a_socket_is_named_as_a_socket() {
    let url = "postgres:///acme?host=/run/nothing-here&user=me";
    let error = PgStore::open(url).await.unwrap_err();
    assert_eq!(error.code(), "store-unreachable");
    assert!(error.to_string().contains("/run/nothing-here"), "{error}");
    assert!(!error.to_string().contains("5432"), "{error}");
}

#[tokio::test]
async fn a_role_without_rights_is_told_which() {
    let fresh = Fresh::postgres().await;
    fresh.open().await.close().await;
    let role = format!("reader_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    let grants =
        format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}");
    sqlx::raw_sql(AssertSqlSafe(grants))
        .execute(&mut connection)
        .await
        .unwrap();
    let as_role = fresh.url.replace("postgres@", &format!("{role}@"));
    assert_ne!(as_role, fresh.url);
    let store = PgStore::open(&as_role).await.unwrap();
    assert_eq!(store.project(&project("acme")).await.unwrap(), None);
    let error = store
        .apply(&change(&member("acme", "zoe"), 0))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "store-read-only", "{error}");
    assert!(error.to_string().contains("grant"), "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_waited_for_without_end() {
    let fresh = Fresh::postgres().await;
    fresh.open().await.close().await;
    let limits = Limits::default()
        .with_lock(Duration::from_millis(300))
        .with_statement(Duration::from_millis(900));
    let options = fresh.url.parse().unwrap();
    let store = PgStore::open_with(options, limits).await.unwrap();
    let mut holder = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE twofa_factor")
        .execute(&mut *held)
        .await
        .unwrap();
    let zoe = member("acme", "zoe");
    let error = store.apply(&change(&zoe, 0)).await.unwrap_err();
    assert_eq!(error.code(), "store-busy", "{error}");
    assert_eq!(store.load(&zoe).await.unwrap_err().code(), "store-busy");
    held.rollback().await.unwrap();
    assert_eq!(
        store.apply(&change(&zoe, 0)).await.unwrap(),
        Applied::Committed
    );
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_to_another_machine() {
    for mode in ["disable", "allow"] {
        let url = format!("postgres://me:hunter2@db.example/acme?sslmode={mode}");
        let error = PgStore::open(&url).await.unwrap_err();
        assert!(matches!(error, Error::InTheClear { .. }), "{error}");
        assert_eq!(error.code(), "store-unreachable");
        let told = error.to_string();
        assert!(told.contains("sslmode=require") && told.contains("db.example"));
        assert!(!told.contains("hunter2"), "{told}");
    }
}

/// Whoever prints an error with all its causes reads nothing twice.
#[tokio::test]
async fn an_error_does_not_say_what_its_source_says() {
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter.db");
    fs::write(&letter, "Dear Zoë, ".repeat(1000)).unwrap();
    let (busy, _) = SqliteStore::create(folder.path().join("twofa.db"))
        .await
        .unwrap();
    let path = folder.path().join("twofa.db");
    let impatient = SqliteStore::open_within(path, Duration::from_millis(20))
        .await
        .unwrap();
    let held = busy.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    let zoe = member("acme", "zoe");
    let errors = [
        SqliteStore::open(&letter).await.unwrap_err(),
        SqliteStore::open(folder.path()).await.unwrap_err(),
        impatient.apply(&change(&zoe, 0)).await.unwrap_err(),
        PgStore::open("postgres://me@127.0.0.1:1/x")
            .await
            .unwrap_err(),
        PgStore::open("postgres://me@host:notaport/x")
            .await
            .unwrap_err(),
    ];
    held.rollback().await.unwrap();
    for error in errors {
        let mut said = vec![error.to_string()];
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            said.push(inner.to_string());
            cause = inner.source();
        }
        // The database's own errors say one another's words; ours may say none of theirs.
        for inner in &said[1..] {
            assert!(!said[0].contains(inner.as_str()), "{said:?}");
        }
    }
}
