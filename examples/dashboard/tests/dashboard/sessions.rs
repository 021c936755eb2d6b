//! A hand in the session table: whoever reads it steps into no session, whoever writes in it makes none.

use openidconnect::reqwest::StatusCode;
use sha2::{Digest as _, Sha256};
use tower_sessions::session::Id;
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, AssertSqlSafe, Row as _};

use crate::server::Server;
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";
const ADMIN: &str = "admin@acme.example";

/// How the table names a session.
fn name(id: Id) -> String {
    base16ct::lower::encode_string(&Sha256::digest(id.0.to_be_bytes()))
}

fn id_of(visitor: &Visitor) -> Id {
    let cookie = visitor.cookie.as_deref().unwrap();
    cookie.split_once('=').unwrap().1.parse().unwrap()
}

/// Copies what a session holds under an id of the thief's own choice, whose cookie is returned.
async fn copy(server: &Server, of: &Visitor) -> Visitor {
    const COPY: &str = "INSERT INTO dashboard_session (id, data, expires) \
        SELECT $1, data, expires FROM dashboard_session WHERE id = $2";
    let own = Id::default();
    let database = server.database().await;
    let Database::Sqlite(store) = &database else {
        panic!("the default store is SQLite");
    };
    let copy = sqlx::query(COPY).bind(name(own)).bind(name(id_of(of)));
    let copied = copy.execute(store.pool()).await.unwrap();
    assert_eq!(copied.rows_affected(), 1, "there is something to copy");
    database.close().await;
    let mut thief = Visitor::new(server);
    thief.cookie = Some(format!("twofa={own}"));
    thief
}

/// All that the table holds, as text.
async fn table(server: &Server) -> String {
    let database = server.database().await;
    let Database::Sqlite(store) = &database else {
        panic!("the default store is SQLite");
    };
    let all = AssertSqlSafe("SELECT id, data FROM dashboard_session");
    let rows = sqlx::query(all).fetch_all(store.pool()).await.unwrap();
    assert!(!rows.is_empty());
    let texts = rows
        .iter()
        .flat_map(|row| [row.get::<String, _>(0), row.get::<String, _>(1)]);
    texts.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_copied_row_opens_nothing() {
    let server = Server::start();
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, ADMIN).await;
    let mut thief = copy(&server, &admin).await;
    for page in [
        "/",
        "/settings/security/two-factor",
        "/two-factor/new-phone",
    ] {
        let answer = thief.get(page).await;
        assert_eq!(answer.location(), "/login", "{page}: {answer:?}");
    }
    assert!(admin.is_in().await, "and hers goes on");
}

/// A login half way is worth a set-up, and guesses.
#[tokio::test]
async fn a_copied_row_of_half_a_login_opens_nothing() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.sign_in(&server, ANN).await;
    let mut thief = copy(&server, &ann).await;
    let page = thief.get("/two-factor/setup").await;
    assert_eq!(page.location(), "/login", "{page:?}");

    let phone = ann.set_up(&server, ANN).await;
    server.pass(30);
    let mut half = Visitor::new(&server);
    half.is_asked(&server, ANN).await;
    let mut thief = copy(&server, &half).await;
    let page = thief.get("/two-factor/verify").await;
    assert_eq!(page.location(), "/login", "{page:?}");
    thief.csrf.clone_from(&half.csrf);
    let page = thief.answer(&phone.code(server.now())).await;
    assert_ne!(page.location(), "/", "{page:?}");
    assert!(!thief.is_in().await);

    let page = half.answer(&phone.code(server.now())).await;
    assert_eq!(page.location(), "/", "{page:?}");
}

#[tokio::test]
async fn the_table_tells_nothing_about_anybody() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    ann.get("/two-factor/new-phone").await;
    server.pass(30);
    let code = phone.code(server.now());
    let page = ann.post("/two-factor/new-phone", &[("code", &code)]).await;
    assert_eq!(page.status, StatusCode::OK);
    let mut half = Visitor::new(&server);
    half.sign_in(&server, ANN).await;
    half.get("/two-factor/verify").await;
    let held = table(&server).await;
    for told in [ANN, "acme", "In", "Half", "proof", &ann.csrf, &half.csrf] {
        assert!(!held.contains(told), "{told} in {held}");
    }
    let cookie = ann.cookie.as_deref().unwrap();
    assert!(!held.contains(cookie.split_once('=').unwrap().1));
}

/// A session of a version before, which lay there open, is none any more.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_no_session() {
    const SPOIL: &str = "UPDATE dashboard_session SET data = $1 WHERE id = $2";
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let database = server.database().await;
    let Database::Sqlite(store) = &database else {
        panic!("the default store is SQLite");
    };
    for data in ["", "{}", "00", r#"{"visit":{"In":{}}}"#, &"0".repeat(500)] {
        let spoil = sqlx::query(SPOIL).bind(data).bind(name(id_of(&ann)));
        spoil.execute(store.pool()).await.unwrap();
        let mut there = Visitor::new(&server);
        there.cookie.clone_from(&ann.cookie);
        let page = there.get("/").await;
        assert_eq!(page.location(), "/login", "{data:?}: {page:?}");
        assert_eq!(there.get("/login").await.status, StatusCode::OK);
    }
    database.close().await;
}
