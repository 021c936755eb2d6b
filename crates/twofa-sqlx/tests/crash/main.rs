//! Programs and servers killed while people log in: nothing that was acknowledged is lost, and no code that was
//! accepted is accepted again.
//!
//! `TWOFA_CRASH_ROUNDS` sets how often the program is killed (20), and four times as often as the server is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what goes wrong around a test has nobody to be reported to"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod cluster;
mod directory;
mod people;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::{Cluster, Death};
use people::{Acknowledged, PEOPLE, People, forgotten};
use support::Fresh;
use twofa_sqlx::Database;

fn rounds() -> u64 {
    std::env::var("TWOFA_CRASH_ROUNDS").map_or(20, |n| n.parse().expect("a number of rounds"))
}

/// How long a round goes on after its first login, so that deaths fall on different moments.
fn moment(round: u64) -> Duration {
    Duration::from_millis(5 + round * 37 % 90)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_forgets_nothing_on_sqlite() {
    kill_programs(&Fresh::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_forgets_nothing_on_postgres() {
    kill_programs(&Fresh::postgres().await).await;
}

async fn kill_programs(fresh: &Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh.open().await;
    let people = People::set_up(&database).await;
    people.save(folder.path());
    database.close().await;
    let mut logins = 0;
    for round in 1..=rounds() {
        let acks = folder.path().join("acknowledged");
        std::fs::write(&acks, "").unwrap();
        kill_one("the_program_that_is_killed", folder.path(), fresh, round).await;
        let acknowledged = read(&acks);
        logins += acknowledged.values().map(Vec::len).sum::<usize>();
        let database = fresh.open().await;
        people.check(&database, &acknowledged, round).await;
        database.close().await;
    }
    assert!(
        logins as u64 >= rounds(),
        "{logins} logins in {} rounds",
        rounds()
    );
}

/// Starts a test of this file as a program of its own, and kills it some time after the first that it acknowledged.
async fn kill_one(program: &str, folder: &Path, fresh: &Fresh, round: u64) {
    let acks = folder.join("acknowledged");
    std::fs::write(&acks, "").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", program, "--ignored"])
        .env("TWOFA_CRASH_FOLDER", folder)
        .env("TWOFA_CRASH_STORE", &fresh.url)
        .env("TWOFA_CRASH_ROUND", round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    while std::fs::metadata(&acks).unwrap().len() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(moment(round)).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_leaves_no_change_without_its_event_on_sqlite() {
    kill_operators(&Fresh::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_leaves_no_change_without_its_event_on_postgres() {
    kill_operators(&Fresh::postgres().await).await;
}

/// A setting, a role, a member and its event: never one without the other.
async fn kill_operators(fresh: &Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh.open().await;
    let keys = directory::set_up(&database).await;
    std::fs::write(folder.path().join("keys"), &keys).unwrap();
    database.close().await;
    let mut before = 0;
    for round in 1..=rounds() {
        kill_one("the_operator_who_is_killed", folder.path(), fresh, round).await;
        let database = fresh.open().await;
        let events = directory::check(&database, &keys).await;
        assert!(events > before, "something was changed in each round");
        before = events;
        database.close().await;
    }
}

/// Changes settings, roles and members until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started and killed by the tests above"]
async fn the_operator_who_is_killed() {
    let folder = std::env::var("TWOFA_CRASH_FOLDER").expect("only the tests above start this");
    let folder = Path::new(&folder);
    let store = std::env::var("TWOFA_CRASH_STORE").unwrap();
    let database = Database::open(&store).await.unwrap();
    let keys = std::fs::read_to_string(folder.join("keys")).unwrap();
    let acks = folder.join("acknowledged");
    directory::change(database, keys, move || {
        let mut file = OpenOptions::new().append(true).open(&acks).unwrap();
        file.write_all(b"changed\n").unwrap();
    })
    .await;
}

fn read(acks: &Path) -> Acknowledged {
    let mut acknowledged = BTreeMap::<_, Vec<_>>::new();
    for line in std::fs::read_to_string(acks).unwrap().lines() {
        let (person, time) = line.split_once(' ').unwrap();
        let person: usize = person.parse().unwrap();
        acknowledged
            .entry(person)
            .or_default()
            .push(time.parse().unwrap());
    }
    acknowledged
}

/// Logs people in until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started and killed by the tests above"]
async fn the_program_that_is_killed() {
    let folder = std::env::var("TWOFA_CRASH_FOLDER").expect("only the tests above start this");
    let folder = Path::new(&folder);
    let round = std::env::var("TWOFA_CRASH_ROUND").unwrap().parse().unwrap();
    let store = std::env::var("TWOFA_CRASH_STORE").unwrap();
    let database = Database::create(&store).await.unwrap().0;
    let people = Arc::new(People::load(folder));
    let acks = folder.join("acknowledged");
    let tasks: Vec<_> = (0..PEOPLE)
        .map(|n| {
            let (people, database) = (Arc::clone(&people), database.clone());
            let mut file = OpenOptions::new().append(true).open(&acks).unwrap();
            tokio::spawn(async move {
                let told = |time| {
                    // One write of a whole line: it is there, or it is not.
                    file.write_all(format!("{n} {time}\n").as_bytes()).unwrap();
                };
                people.log_in(&database, n, round, told).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Logs people in until `death` is over, and says what was acknowledged.
async fn until(
    people: &Arc<People>,
    database: &Database,
    round: u64,
    death: impl Future<Output = ()>,
) -> Acknowledged {
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let tasks: Vec<_> = (0..PEOPLE)
        .map(|n| {
            let (people, database) = (Arc::clone(people), database.clone());
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let told = |time| {
                    acknowledged
                        .lock()
                        .unwrap()
                        .entry(n)
                        .or_default()
                        .push(time);
                };
                // Ends with an error when the server dies.
                drop(people.log_in(&database, n, round, told).await);
            })
        })
        .collect();
    while acknowledged.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(moment(round)).await;
    death.await;
    for task in tasks {
        task.abort();
        if let Err(error) = task.await {
            assert!(error.is_cancelled(), "{error}");
        }
    }
    acknowledged.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_forgets_nothing() {
    let mut cluster = Cluster::new();
    cluster.start(&[]);
    let database = Database::create(&cluster.url()).await.unwrap().0;
    let people = Arc::new(People::set_up(&database).await);
    database.close().await;
    for round in 1..=rounds().div_ceil(4) {
        let database = Database::create(&cluster.url()).await.unwrap().0;
        let death = if round % 2 == 0 {
            Death::Immediate
        } else {
            Death::Kill
        };
        let acknowledged = until(&people, &database, round, async { cluster.die(death) }).await;
        cluster.start(&[]);
        let database = Database::create(&cluster.url()).await.unwrap().0;
        people.check(&database, &acknowledged, round).await;
        database.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_all_that_was_acknowledged() {
    let mut primary = Cluster::new();
    primary.start(&[]);
    let database = Database::create(&primary.url()).await.unwrap().0;
    let people = Arc::new(People::set_up(&database).await);
    let mut standby = primary.standby();
    standby.start(&[]);
    primary.wait_for_sync().await;

    let acknowledged = until(&people, &database, 1, async { primary.die(Death::Kill) }).await;
    standby.promote();
    let database = Database::create(&standby.url()).await.unwrap().0;
    people.check(&database, &acknowledged, 1).await;
}

/// That the test above can fail: a standby that commits do not wait for forgets, and it shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_nobody_waits_for_is_seen_to_forget() {
    let mut primary = Cluster::new();
    primary.start(&[]);
    let database = Database::create(&primary.url()).await.unwrap().0;
    let people = Arc::new(People::set_up(&database).await);
    let mut standby = primary.standby();

    let acknowledged = until(&people, &database, 1, async { primary.die(Death::Kill) }).await;
    standby.start(&[]);
    standby.promote();
    let database = Database::create(&standby.url()).await.unwrap().0;
    let logins: usize = acknowledged.values().map(Vec::len).sum();
    assert_eq!(forgotten(&database, &acknowledged).await.len(), logins);
    assert!(logins > 0);
}
