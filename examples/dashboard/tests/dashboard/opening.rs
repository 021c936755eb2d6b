//! The store and its keys at the start: made together once, opened together ever after, and never made anew in the
//! place of what is lost.

use std::collections::BTreeMap;
use std::path::Path;

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
    let database = Database::connect(store.to_str().unwrap()).await.unwrap();
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
    let both = [("TWOFA_KEY", text.as_str())];
    refuses(
        folder,
        &["--key-file", KEY],
        &both,
        &["TWOFA_KEY", "--key-file"],
    );
    std::fs::remove_file(folder.join(KEY)).unwrap();
    for nonsense in ["", "key", "twofa-keyring 9"] {
        refuses(folder, &[], &[("TWOFA_KEY", nonsense)], &["TWOFA_KEY"]);
    }

    let server = stopped.start(&both);
    let mut there = Visitor::new(&server);
    there.cookie.clone_from(&ann.cookie);
    assert!(there.is_in().await);
    assert!(!server.has(KEY));
}
