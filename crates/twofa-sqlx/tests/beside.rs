//! What lies beside a SQLite file, and who may write: a file that is refused or only read stays alone.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use support::{change, member};
use twofa::{Applied, Store as _};
use twofa_sqlx::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use twofa_sqlx::sqlx::{self, Connection as _};
use twofa_sqlx::{Made, SqliteStore};

fn picture(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn another_programs_file_that_has_a_log_stays_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("app.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let mut app = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let make = "CREATE TABLE app_user (id TEXT); PRAGMA wal_checkpoint; INSERT INTO app_user VALUES ('me')";
    sqlx::raw_sql(make).execute(&mut app).await.unwrap();
    // As a copy has it, or what a crash has left.
    let copies = tempfile::tempdir().unwrap();
    for name in ["app.db", "app.db-wal"] {
        fs::copy(folder.path().join(name), copies.path().join(name)).unwrap();
    }
    let before = picture(copies.path());
    assert!(!before["app.db-wal"].is_empty());
    let path = copies.path().join("app.db");
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.code(), "not-a-store", "{error}");
    let error = SqliteStore::create(&path).await.unwrap_err();
    assert_eq!(error.code(), "not-a-store", "{error}");
    assert!(picture(copies.path()) == before);
    // In use, it is refused too.
    let error = SqliteStore::open(folder.path().join("app.db")).await;
    assert_eq!(error.unwrap_err().code(), "not-a-store");
}

#[tokio::test]
async fn a_store_that_crashed_is_read_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    let zoe = member("acme", "zoe");
    assert_eq!(
        store.apply(&change(&zoe, 0)).await.unwrap(),
        Applied::Committed
    );
    let copies = tempfile::tempdir().unwrap();
    for name in ["twofa.db", "twofa.db-wal"] {
        fs::copy(folder.path().join(name), copies.path().join(name)).unwrap();
    }
    let crashed = SqliteStore::open(copies.path().join("twofa.db")).await;
    let found = crashed.unwrap().load(&zoe).await.unwrap();
    assert_eq!(found.stored.unwrap().version, 1);
}

/// The file of an application, with our tables in it, keeps the mode that the application gave it.
#[tokio::test]
async fn the_journal_mode_of_a_file_that_is_there_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Delete);
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .unwrap();
    sqlx::raw_sql("CREATE TABLE app_user (id TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    let store = SqliteStore::create_in_pool(pool.clone()).await.unwrap();
    store.close().await;

    let before = picture(folder.path());
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(
        store
            .load(&member("acme", "zoe"))
            .await
            .unwrap()
            .stored
            .is_none()
    );
    store.close().await;
    assert!(picture(folder.path()) == before, "opened and read");
    assert_eq!(SqliteStore::migrate(&path).await.unwrap().to, 3);
    assert_eq!(SqliteStore::create(&path).await.unwrap().1, Made::Before);
    assert!(picture(folder.path()) == before, "nothing to be done");

    let store = SqliteStore::open(&path).await.unwrap();
    let durable: (i64, i64, i64) = (
        sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(store.pool())
            .await
            .unwrap(),
        sqlx::query_scalar("PRAGMA fullfsync")
            .fetch_one(store.pool())
            .await
            .unwrap(),
        sqlx::query_scalar("PRAGMA checkpoint_fullfsync")
            .fetch_one(store.pool())
            .await
            .unwrap(),
    );
    assert_eq!(durable, (3, 1, 1));
    let written = store.apply(&change(&member("acme", "zoe"), 0)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(mode, "delete");
}

#[tokio::test]
async fn a_link_that_leads_nowhere_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link.db"), folder.path().join("none.db"));
    symlink(&target, &link).unwrap();
    let error = SqliteStore::open(&link).await.unwrap_err();
    assert_eq!(error.code(), "no-store", "{error}");
    let error = SqliteStore::create(&link).await.unwrap_err();
    assert_eq!(error.code(), "not-a-store", "{error}");
    assert!(error.to_string().contains("link"), "{error}");
    assert!(!target.exists());
    // One that leads to a store is followed.
    SqliteStore::create(&target).await.unwrap().0.close().await;
    SqliteStore::open(&link).await.unwrap();
}

/// As root may do whatever it likes, by somebody who is not.
#[tokio::test]
async fn somebody_who_may_only_read_lays_nothing_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    let zoe = member("acme", "zoe");
    let written = store.apply(&change(&zoe, 0)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
    store.close().await;
    // The folder may be written, the file may not: what SQLite would lay beside it nobody could use later on.
    open(folder.path(), 0o777);
    open(&path, 0o444);
    let before = picture(folder.path());
    let mut reader = Command::new(std::env::current_exe().unwrap());
    let ran = as_nobody(&mut reader)
        .args(["--exact", "only_reads", "--nocapture"])
        .env("TWOFA_TEST_COPY", &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{wrong}");
    assert!(said.contains("1 passed"), "{said}");
    assert!(picture(folder.path()) == before, "as it was");

    open(&path, 0o600);
    let store = SqliteStore::open(&path).await.unwrap();
    let written = store.apply(&change(&zoe, 1)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
}

/// A command that is root's no more, where it was.
fn as_nobody(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt as _;
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() == b"0" {
        command.uid(65_534).gid(65_534);
    }
    command
}

/// What the test above does as somebody else.
#[tokio::test]
async fn only_reads() {
    let Some(path) = std::env::var_os("TWOFA_TEST_COPY") else {
        return;
    };
    let store = SqliteStore::open(&path).await.unwrap();
    let zoe = member("acme", "zoe");
    assert_eq!(store.load(&zoe).await.unwrap().stored.unwrap().version, 1);
    let error = store.apply(&change(&zoe, 1)).await.unwrap_err();
    assert_eq!(error.code(), "store-read-only", "{error}");
    let told = error.to_string();
    assert!(told.contains("-wal") && told.contains("-shm"), "{told}");
    let error = SqliteStore::migrate(&path).await.unwrap_err();
    assert_eq!(error.code(), "store-read-only", "{error}");
}

/// However little room is left, and whichever file it is that cannot grow.
#[tokio::test]
async fn a_full_disk_is_called_full() {
    let mount = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=512k none \"$1\" && shift && exec \"$@\"";
    let ran = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(mount.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "fills_a_disk", "--nocapture"])
        .env("TWOFA_TEST_DISK", mount.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{wrong}");
    assert!(said.contains("1 passed"), "{said}");
}

/// What the test above does on a small disk.
#[tokio::test]
async fn fills_a_disk() {
    let Some(disk) = std::env::var_os("TWOFA_TEST_DISK") else {
        return;
    };
    let disk = Path::new(&disk);
    let path = disk.join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    store.close().await;
    let filler = disk.join("filler");
    let (mut full, mut done) = (0, 0);
    for left in (0..=96).step_by(4) {
        // As much as there is, and then less.
        let mut held = vec![0_u8; 512 * 1024];
        while fs::write(&filler, &held).is_err() {
            held.truncate(held.len() - 4096);
        }
        let whole = held.len();
        held.truncate(whole.saturating_sub(left * 1024));
        fs::write(&filler, &held).unwrap();
        let zoe = member("acme", &format!("u{left}"));
        let tried = match SqliteStore::open(&path).await {
            Ok(store) => {
                let tried = store.apply(&change(&zoe, 0)).await;
                store.close().await;
                tried
            }
            Err(error) => Err(error),
        };
        let written = tried.is_ok();
        match tried {
            Ok(applied) => {
                assert_eq!(applied, Applied::Committed);
                done += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), "store-full", "{left} KiB: {error:?}");
                full += 1;
            }
        }
        fs::remove_file(&filler).unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        let found = store.load(&zoe).await.unwrap().stored.is_some();
        assert_eq!(found, written, "{left} KiB");
        store.close().await;
    }
    assert!(full >= 5 && done >= 5, "{full} full, {done} done");
}
