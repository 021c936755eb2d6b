//! Writers of one SQLite file, in one process or in many: each gets a turn, in the order in which they came, and
//! nobody holds the others up for good.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{change, member};
use twofa::{Applied, Store as _};
use twofa_sqlx::SqliteStore;
use twofa_sqlx::sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use twofa_sqlx::sqlx::{self, Connection as _};

/// A process that does what [`in_another_process`] says, and tells when it begins.
fn another(what: &str, path: &Path, who: &str) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_another_process", "--nocapture"])
        .env("TWOFA_TEST_DOES", what)
        .env("TWOFA_TEST_STORE", path)
        .env("TWOFA_TEST_WHO", who)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.as_mut().unwrap());
    // The harness writes a line of its own, without its end.
    let told = out
        .lines()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("begins ").map(|(_, at)| at.to_owned()))
        .unwrap();
    (child, told)
}

#[tokio::test]
async fn in_another_process() {
    let Ok(what) = std::env::var("TWOFA_TEST_DOES") else {
        return;
    };
    let path = std::env::var("TWOFA_TEST_STORE").unwrap();
    let who = std::env::var("TWOFA_TEST_WHO").unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    let first = change(&member("acme", &who), 0);
    match what.as_str() {
        "writes" => {
            println!("begins {}", events(store.pool()).await);
            assert_eq!(store.apply(&first).await.unwrap(), Applied::Committed);
            println!("ends {}", events(store.pool()).await);
        }
        other => panic!("{other}"),
    }
}

async fn events(pool: &SqlitePool) -> i64 {
    sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM twofa_event")
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn fresh() -> (tempfile::TempDir, std::path::PathBuf, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    let (store, _) = SqliteStore::create(&path).await.unwrap();
    (folder, path, store)
}

#[tokio::test]
async fn sixty_processes_write_in_the_order_in_which_they_came() {
    let (_folder, path, store) = fresh().await;
    // Held as an application holds it that knows nothing of the line.
    let options = SqliteConnectOptions::new().filename(&path);
    let mut holder = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let children: Vec<Child> = (0..60)
        .map(|n| {
            let (child, _) = another("writes", &path, &format!("u{n:02}"));
            std::thread::sleep(Duration::from_millis(20));
            child
        })
        .collect();
    held.rollback().await.unwrap();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let order: Vec<String> = sqlx::query_scalar("SELECT user_id FROM twofa_event ORDER BY id")
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert_eq!(order.len(), 60);
    for (place, who) in order.iter().enumerate() {
        let came: usize = who[1..].parse().unwrap();
        assert!(place.abs_diff(came) <= 5, "{who} was {place}th: {order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_never_stops_writing_lets_others_in() {
    let (_folder, path, store) = fresh().await;
    let busy = store.clone();
    let hammering = tokio::spawn(async move {
        let zoe = member("acme", "zoe");
        for version in 0.. {
            let written = busy.apply(&change(&zoe, version)).await;
            assert_eq!(written.unwrap(), Applied::Committed);
        }
    });
    for n in 0..8 {
        let path = path.clone();
        let visit = tokio::task::spawn_blocking(move || {
            let (child, before) = another("writes", &path, &format!("u{n}"));
            assert!(child.wait_with_output().unwrap().status.success());
            before.parse::<i64>().unwrap()
        });
        let before = visit.await.unwrap();
        let id: i64 = sqlx::query_scalar("SELECT id FROM twofa_event WHERE user_id = $1")
            .bind(format!("u{n}"))
            .fetch_one(store.pool())
            .await
            .unwrap();
        let passed = id - before;
        assert!(passed < 200, "{passed} writes went before one that waited");
    }
    assert!(!hammering.is_finished());
    hammering.abort();
}

#[tokio::test]
async fn whoever_stands_in_line_is_waited_for_until_it_dies_and_not_without_end() {
    let (_folder, path, store) = fresh().await;
    let zoe = member("acme", "zoe");
    let options = SqliteConnectOptions::new().filename(&path);
    let mut holder = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut standing: Vec<Child> = (0..3)
        .map(|n| another("writes", &path, &format!("u{n}")).0)
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let impatient = SqliteStore::open_within(&path, Duration::from_millis(300))
        .await
        .unwrap();
    let error = impatient.apply(&change(&zoe, 0)).await.unwrap_err();
    assert_eq!(error.code(), "store-busy", "{error}");
    // Readers need no turn.
    assert!(impatient.load(&zoe).await.unwrap().stored.is_none());

    let writer = store.clone();
    let writing = tokio::spawn(async move { writer.apply(&change(&zoe, 0)).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!writing.is_finished());
    // The one in the middle first: whoever is behind it still waits for those before.
    for n in [1, 2, 0] {
        standing[n].kill().unwrap();
        standing[n].wait().unwrap();
    }
    held.rollback().await.unwrap();
    assert_eq!(writing.await.unwrap(), Applied::Committed);
    assert_eq!(events(store.pool()).await, 1);
}

/// Whoever may not open the store must not be able to hold it up either.
#[tokio::test]
async fn a_stranger_who_locks_the_folder_holds_nobody_up() {
    let (folder, path, _) = fresh().await;
    let stranger = File::open(folder.path()).unwrap();
    stranger.lock().unwrap();
    let store = SqliteStore::open_within(&path, Duration::from_secs(2))
        .await
        .unwrap();
    let written = store.apply(&change(&member("acme", "zoe"), 0)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
}

async fn fill(store: &SqliteStore, bytes: u64) {
    let big = "CREATE TABLE IF NOT EXISTS twofa_test_room (held BLOB)";
    sqlx::query(big).execute(store.pool()).await.unwrap();
    for _ in 0..bytes / 1_000_000 {
        sqlx::query("INSERT INTO twofa_test_room VALUES (randomblob(1000000))")
            .execute(store.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_holds_the_log_open_is_noticed_and_nobody_else() {
    let (_folder, path, store) = fresh().await;
    let zoe = member("acme", "zoe");
    let options = SqliteConnectOptions::new().filename(&path).read_only(true);
    let mut reader = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM twofa_event")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    fill(&store, 70_000_000).await;
    assert_eq!(store.held_log(), None, "it is looked at when writing");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let written = store.apply(&change(&zoe, 0)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
    let held = store.held_log().unwrap();
    assert!(held > 64 * 1024 * 1024, "{held}");

    reading.rollback().await.unwrap();
    reader.close().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let written = store.apply(&change(&zoe, 1)).await;
    assert_eq!(written.unwrap(), Applied::Committed);
    // As long as it was, and all of it in the file.
    assert_eq!(store.held_log(), None);
}
