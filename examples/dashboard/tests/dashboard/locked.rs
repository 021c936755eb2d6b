//! Another process holds a lock in the store: whoever needs it is told so in time, with a page, and whoever does
//! not is served as ever.

use std::time::{Duration, Instant};

use openidconnect::reqwest::{StatusCode, header};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, Connection as _};

use crate::postgres;
use crate::server::{Server, real_now};
use crate::visitor::{Page, Visitor};

const ADMIN: &str = "admin@acme.example";
const BEN: &str = "ben@acme.example";

/// The page, and the time that it took.
fn is_put_off(page: &Page, took: Duration) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{page:?}");
    assert!(took < Duration::from_secs(12), "after {took:?}");
    assert!(page.headers.contains_key(header::RETRY_AFTER), "{page:?}");
    let shown = page.body.contains("<h1>") && page.body.contains("Go to the start page");
    assert!(shown, "{page:?}");
}

async fn is_served_at_once(visitor: &mut Visitor, path: &str) {
    let begun = Instant::now();
    let page = visitor.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{path} took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_another_writer_costs_a_page_and_no_attempt() {
    let server = Server::start();
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, ADMIN).await;
    let mut ben = Visitor::new(&server);
    let phone = ben.set_up(&server, BEN).await;
    server.pass(30);
    let mut half = Visitor::new(&server);
    half.is_asked(&server, BEN).await;

    let database = server.database().await;
    let Database::Sqlite(store) = &database else {
        panic!("the default store is SQLite");
    };
    let mut other = store.pool().acquire().await.unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let code = phone.code(server.now());
    let answers: Vec<_> = (0..12)
        .map(|_| {
            let (mut half, code) = (half.clone(), code.clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                let page = half.answer(&code).await;
                (page, begun.elapsed())
            })
        })
        .collect();
    let strangers: Vec<_> = (0..12)
        .map(|_| {
            let mut stranger = Visitor::new(&server);
            tokio::spawn(async move {
                let begun = Instant::now();
                let page = stranger.get("/login").await;
                (page, begun.elapsed())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // What reads only does not wait for whoever writes.
    is_served_at_once(&mut admin, "/").await;
    is_served_at_once(&mut admin, "/settings/security/impact").await;
    is_served_at_once(&mut half, "/two-factor/verify").await;
    is_served_at_once(&mut Visitor::new(&server), "/support").await;
    let mut soonest = Duration::MAX;
    for task in answers.into_iter().chain(strangers) {
        let (page, took) = task.await.unwrap();
        is_put_off(&page, took);
        soonest = soonest.min(took);
    }
    assert!(soonest > Duration::from_secs(3), "after {soonest:?}");

    held.rollback().await.unwrap();
    drop(other);
    database.close().await;
    let page = half.answer(&code).await;
    assert_eq!(page.location(), "/", "no attempt was counted: {page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_pages_that_need_no_factor_go_on() {
    let store = postgres::database("locked").await;
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("keys");
    let options = ["--store", &store, "--key-file", key.to_str().unwrap()];
    let server = Server::start_at(real_now(), &options);
    let mut ben = Visitor::new(&server);
    let phone = ben.set_up(&server, BEN).await;
    server.pass(30);
    let mut half = Visitor::new(&server);
    half.is_asked(&server, BEN).await;

    let mut other = sqlx::PgConnection::connect(&store).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE twofa_factor IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let code = phone.code(server.now());
    let answers: Vec<_> = (0..24)
        .map(|_| {
            let (mut half, code) = (half.clone(), code.clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                let page = half.answer(&code).await;
                (page, begun.elapsed())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    is_served_at_once(&mut Visitor::new(&server), "/support").await;
    is_served_at_once(&mut Visitor::new(&server), "/login").await;
    is_served_at_once(&mut half, "/two-factor/verify").await;
    for task in answers {
        let (page, took) = task.await.unwrap();
        is_put_off(&page, took);
    }
    held.rollback().await.unwrap();
    let page = half.answer(&code).await;
    assert_eq!(page.location(), "/", "no attempt was counted: {page:?}");
}
