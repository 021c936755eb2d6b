//! The store and its keys at the start: made together once, opened together ever after, and never made anew in the
//! place of what is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use twofa::Keyring;
use twofa_sqlx::Database;

use crate::server::Server;
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";
const STORE: &str = "twofa-dashboard.db";
const KEY: &str = "twofa-dashboard.db.key";

/// Every file of a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Refuses to start, says all of `why`, and leaves everything as it is.
fn refuses(folder: &Path, options: &[&str], variables: &[(&str, &str)], why: &[&str]) {
    let before = files(folder);
    let said = Server::refuses(folder, options, variables);
    for part in why {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert_eq!(files(folder), before, "{said}");
}

#[tokio::test]
async fn a_first_start_says_where_the_keys_are() {
    let server = Server::start();
    let line = server.hears("Made twofa-dashboard.db.key");
    assert!(line.contains("without it no factor can be read"), "{line}");
    let server = server.again();
    assert!(!server.said().contains("Made"), "{}", server.said());
}

/// Killed after the store was made and before its keys were.
#[tokio::test]
async fn a_first_start_that_was_cut_short_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join(STORE);
    let (database, _) = Database::create(store.to_str().unwrap()).await.unwrap();
    database.close().await;
    let server = Server::start_as(folder, 0, &[], |_| {});
    server.hears("Made twofa-dashboard.db.key");
    Visitor::new(&server).set_up(&server, ANN).await;
}

#[tokio::test]
async fn a_store_that_is_gone_is_not_begun_anew() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let stopped = server.stop();
    let folder = stopped.folder.path();
    let (store, aside) = (folder.join(STORE), folder.join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    let gone = ["no-store", STORE, KEY, "put it back", "--init"];
    refuses(folder, &[], &[], &gone);
    // A name that was mistyped, with keys that are named.
    let mistyped = ["--store", "tpyo.db", "--key-file", KEY];
    refuses(folder, &mistyped, &[], &["no-store", "tpyo.db"]);
    let text = std::fs::read_to_string(folder.join(KEY)).unwrap();
    let variables = [("TWOFA_KEY", text.as_str())];
    refuses(folder, &["--store", "tpyo.db"], &variables, &["no-store"]);

    std::fs::rename(&aside, &store).unwrap();
    let server = stopped.start(&[]);
    let mut there = Visitor::new(&server);
    there.cookie.clone_from(&ann.cookie);
    assert!(there.is_in().await, "nothing is lost");
}

#[tokio::test]
async fn keys_that_are_gone_are_not_made_anew() {
    let stopped = Server::start().stop();
    let folder = stopped.folder.path();
    std::fs::rename(folder.join(KEY), folder.join("aside")).unwrap();
    refuses(folder, &[], &[], &[STORE, KEY, "put it back"]);
    // A link to nowhere is not a place to make them.
    std::os::unix::fs::symlink("nowhere", folder.join(KEY)).unwrap();
    refuses(folder, &[], &[], &[KEY]);
    std::fs::remove_file(folder.join(KEY)).unwrap();

    // A store of another program's making, in which there are no accounts yet.
    let made = tempfile::tempdir().unwrap();
    let store = made.path().join(STORE);
    let database = Database::create(store.to_str().unwrap()).await.unwrap().0;
    let keyring = Keyring::generate().unwrap();
    let service = twofa::TwoFactor::builder(database.clone(), database.clone(), keyring)
        .build()
        .unwrap();
    let production = twofa::Purpose::Production;
    assert!(service.install(production).await.unwrap());
    database.close().await;
    refuses(made.path(), &[], &[], &[STORE, KEY, "put it back"]);
}

#[tokio::test]
async fn keys_of_another_store_are_refused_at_the_start() {
    let one = Server::start().stop();
    let other = Server::start().stop();
    let key = other.folder.path().join(KEY);
    let options = ["--key-file", key.to_str().unwrap()];
    refuses(one.folder.path(), &options, &[], &["key"]);
}

#[tokio::test]
async fn the_environment_may_hold_the_keys() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let stopped = server.stop();
    let folder = stopped.folder.path();
    let text = std::fs::read_to_string(folder.join(KEY)).unwrap();
    let variable = [("TWOFA_KEY", text.as_str())];
    std::fs::remove_file(folder.join(KEY)).unwrap();
    for nonsense in ["", "key", "twofa-keyring 9"] {
        refuses(folder, &[], &[("TWOFA_KEY", nonsense)], &["TWOFA_KEY"]);
    }

    let server = stopped.start(&variable);
    let mut there = Visitor::new(&server);
    there.cookie.clone_from(&ann.cookie);
    assert!(there.is_in().await);
    assert!(!server.has(KEY));
}

/// Whoever sets up into a file that is gone would have set up nothing.
#[tokio::test]
async fn a_store_that_goes_while_it_runs_is_noticed() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let gone = tempfile::tempdir().unwrap();
    for end in ["", "-wal", "-shm"] {
        let file = format!("{STORE}{end}");
        let from = server.folder().join(&file);
        // In a temporary folder too, so that it is moved and not copied.
        std::fs::rename(from, gone.path().join(&file)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let mut ben = Visitor::new(&server);
    let page = ben.sign_in(&server, "ben@acme.example").await;
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.body.contains("This does not work right now"));
    server.hears("was deleted or replaced while it was in use");
    assert!(!server.has(STORE), "and nothing is made in its place");
}

/// As a start that was killed, or a disk that was full, leaves it.
#[tokio::test]
async fn what_is_no_store_is_refused_as_it_lies_there() {
    let stopped = Server::start().stop();
    let folder = stopped.folder.path();
    let whole = std::fs::read(folder.join(STORE)).unwrap();
    for cut in [0, 1, 100, whole.len() / 2] {
        std::fs::write(folder.join(STORE), &whole[..cut]).unwrap();
        refuses(folder, &[], &[], &[STORE]);
    }
}
