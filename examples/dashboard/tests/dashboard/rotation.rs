//! The keys are rotated by another process while people set up, sign in and look around: nobody notices.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use twofa::{KeyFile, KeySource, KeyState, Keyring, ProofsOfOld, TwoFactor};
use twofa_sqlx::Database;

use crate::server::Server;
use crate::visitor::Visitor;

const ADMIN: &str = "admin@acme.example";
const ANN: &str = "ann@acme.example";
/// The folder whose keys are to be rotated, where this program is started as the other process.
const FOLDER: &str = "TWOFA_TEST_ROTATES";
const ROTATIONS: usize = 20;

/// As an operator's `twofa keys rotate` does, in one go.
async fn rotate(service: &TwoFactor<Database, Database>, file: &Path) {
    let mut file = KeyFile::lock(file).unwrap();
    let mut ring = file.read().unwrap();
    let id = ring.add().unwrap();
    file.replace(&ring).unwrap();
    assert_eq!(service.register_keys().await.unwrap(), [id]);
    service.activate_key(id).await.unwrap();
    service.reseal(|_| ()).await.unwrap();
    for key in service.list_keys().await.unwrap() {
        if key.state == KeyState::Reading {
            let retired = service.retire_key(key.id, ProofsOfOld::Linger).await;
            retired.unwrap();
        }
    }
    service.align(&mut ring).await.unwrap();
    file.replace(&ring).unwrap();
}

/// The other process; and alone, that a rotation is one: a new key, under which everything rests.
#[tokio::test]
async fn keys_are_rotated_beside_a_dashboard() {
    let (server, folder, rotations);
    if let Some(named) = std::env::var_os(FOLDER) {
        (folder, rotations) = (named.into(), ROTATIONS);
    } else {
        server = Server::start();
        Visitor::new(&server).set_up(&server, ANN).await;
        (folder, rotations) = (server.folder().to_owned(), 1);
    }
    let file = folder.join("twofa-dashboard.db.key");
    let store = folder.join("twofa-dashboard.db");
    let database = Database::open(store.to_str().unwrap()).await.unwrap();
    let keys = KeySource::file(&file);
    let service = TwoFactor::builder(database.clone(), database, keys)
        .build()
        .unwrap();
    for _ in 0..rotations {
        let before = Keyring::load_file(&file).unwrap().active_id();
        rotate(&service, &file).await;
        let active = Keyring::load_file(&file).unwrap().active_id();
        assert_ne!(active, before);
        for key in service.list_keys().await.unwrap() {
            let (state, rests) = if key.id == active {
                (KeyState::Active, true)
            } else {
                (KeyState::Events, false)
            };
            assert_eq!((key.state, key.records > 0), (state, rests), "{key:?}");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// A session that is used takes its proof under the new key, and goes on; one that is not used is over in the end.
#[tokio::test]
async fn a_session_that_is_used_outlives_its_key() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, ADMIN).await;
    let service = server.service().await;
    rotate(&service, &server.folder().join("twofa-dashboard.db.key")).await;
    server.pass(100);
    assert!(ann.is_in().await);
    server.pass(300);
    assert!(ann.is_in().await, "under the key that is active now");
    let page = admin.get("/").await;
    assert_eq!(page.location(), "/login", "{page:?}");
}

/// What people were told instead of what they asked for.
#[derive(Default)]
struct Refused(std::sync::Mutex<Vec<String>>);

impl Refused {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rotations_refuse_nobody() {
    let mut server = Server::start();
    let people: Vec<_> = (0..60)
        .map(|n| format!("person-{n}@acme.example"))
        .collect();
    for email in &people {
        server.add_like(email, ANN).await;
    }
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, ADMIN).await;
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;

    let (server, refused) = (Arc::new(server), Arc::new(Refused::default()));
    let (over, sign_ins, looks) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut tasks = Vec::new();
    // Sessions that stay open, and ask all the time.
    for (mut visitor, page) in [
        (ann.clone(), "/"),
        (admin.clone(), "/settings/security/audit"),
    ] {
        let (over, looks, refused) = (over.clone(), looks.clone(), refused.clone());
        tasks.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let answer = visitor.get(page).await;
                if answer.status != 200 {
                    refused.note(format!("{page}: {answer:?}"));
                }
                looks.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }));
    }
    // People who set up and then sign in, one after the other.
    for part in people.chunks(people.len() / 3) {
        let (part, server, over) = (part.to_vec(), server.clone(), over.clone());
        let (sign_ins, refused) = (sign_ins.clone(), refused.clone());
        tasks.push(tokio::spawn(async move {
            for email in part {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let phone = Visitor::new(&server).set_up(&server, &email).await;
                // The next code is taken already, so that nobody waits for half a minute.
                let code = phone.code(server.now() + 30);
                let mut again = Visitor::new(&server);
                again.is_asked(&server, &email).await;
                let answer = again.answer(&code).await;
                if answer.location() != "/" || !again.is_in().await {
                    refused.note(format!("{email}: {answer:?}"));
                }
                sign_ins.fetch_add(2, Ordering::Relaxed);
            }
        }));
    }
    let begun = Instant::now();
    let (folder, program) = (server.folder().to_owned(), std::env::current_exe().unwrap());
    let rotated = tokio::task::spawn_blocking(move || {
        Command::new(program)
            .args(["--exact", "rotation::keys_are_rotated_beside_a_dashboard"])
            .env(FOLDER, folder)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    });
    let rotated = rotated.await.unwrap();
    let took = begun.elapsed();
    let during = sign_ins.load(Ordering::Relaxed);
    over.store(true, Ordering::Relaxed);
    assert!(rotated.status.success(), "{rotated:?}");
    for task in tasks {
        task.await.unwrap();
    }
    let refused = refused.0.lock().unwrap().clone();
    let looks = looks.load(Ordering::Relaxed);
    println!("{during} sign-ins and {looks} looks during {ROTATIONS} rotations in {took:?}");
    assert_eq!(refused, Vec::<String>::new());
    assert!(
        during >= 20 && looks >= 50,
        "{during} sign-ins, {looks} looks"
    );
    assert!(!server.said().contains("twofa-dashboard: "), "no trouble");
    let page = admin.get("/settings/security/audit?verify=true").await;
    assert!(page.body.contains("are as they were written"), "{page:?}");
}
