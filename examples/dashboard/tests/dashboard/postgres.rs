//! The same program on PostgreSQL, and two of it side by side.

use openidconnect::reqwest::StatusCode;
use twofa_sqlx::sqlx::{self, Connection as _};

use crate::server::{Server, real_now};
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";
const RESET: &str = "/settings/security/two-factor/reset";

/// A fresh database on the server that `scripts/postgres.sh` starts.
pub(crate) async fn database(purpose: &str) -> String {
    let server = std::env::var("TWOFA_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("TWOFA_TEST_POSTGRES names no server: run ./test, or scripts/postgres.sh cargo test")
    });
    let name = format!("dashboard_{purpose}_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        let statement = sqlx::AssertSqlSafe(format!("{statement} {name}"));
        let query = sqlx::query(statement);
        query.execute(&mut connection).await.unwrap();
    }
    let (host, _) = server.rsplit_once('/').unwrap();
    format!("{host}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dashboards_share_a_postgresql() {
    let store = database("shared").await;
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("keys");
    let options = ["--store", &store, "--key-file", key.to_str().unwrap()];
    let one = Server::start_at(real_now(), &options);
    let other = Server::start_at(one.now(), &options);
    assert!(!other.said().contains("passwords are shown"), "seeded once");

    let mut ann = Visitor::new(&one);
    let phone = ann.set_up(&one, ANN).await;
    // Signed in at one, in at the other.
    let mut there = Visitor::new(&other);
    there.cookie.clone_from(&ann.cookie);
    assert!(there.is_in().await);
    let mut admin = Visitor::new(&other);
    let admins = admin.set_up(&one, "admin@acme.example").await;

    // A login begun at one goes on at the other; and its code is spent at both.
    one.pass(30);
    other.pass(30);
    let code = phone.code(one.now());
    let mut half = Visitor::new(&one);
    half.sign_in(&one, ANN).await;
    let mut late = half.clone();
    let mut moved = Visitor::new(&other);
    moved.cookie.clone_from(&half.cookie);
    moved.get("/two-factor/verify").await;
    let page = moved.answer(&code).await;
    assert_eq!(page.location(), "/", "{page:?}");
    assert!(!late.is_in().await);
    late.is_asked(&one, ANN).await;
    let page = late.answer(&code).await;
    assert_eq!(page.notice(), "code-already-used");

    // A reset at one ends the session at the other, and is on a record that both can check.
    let code = admins.code(other.now());
    let page = admin.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(!ann.is_in().await && !moved.is_in().await);
    let page = admin.get("/settings/security/audit?verify=true").await;
    assert!(page.body.contains("are as they were written"));
    let (mut found, mut again) = (Visitor::new(&one), Visitor::new(&other));
    assert_eq!(
        found.sign_in(&one, ANN).await.location(),
        "/two-factor/setup"
    );
    assert_eq!(
        again.sign_in(&one, ANN).await.location(),
        "/two-factor/setup"
    );
}

/// A database that is another one is no place to begin anew under keys that are there.
#[tokio::test(flavor = "multi_thread")]
async fn another_database_and_a_server_without_tls_are_refused() {
    let (store, other) = (database("one").await, database("other").await);
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("keys");
    let file = key.to_str().unwrap();
    Server::start_at(real_now(), &["--store", &store, "--key-file", file]).stop();

    let said = Server::refuses(keys.path(), &["--store", &other, "--key-file", file], &[]);
    assert!(
        said.contains("no-store") && said.contains("--init"),
        "{said}"
    );
    let mut there = sqlx::PgConnection::connect(&other).await.unwrap();
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut there)
        .await
        .unwrap();
    assert_eq!(tables, 0, "and nothing is made in it");

    let tls = format!("{store}?sslmode=require");
    let said = Server::refuses(keys.path(), &["--store", &tls, "--key-file", file], &[]);
    assert!(said.contains("TLS"), "{said}");
    assert!(!said.contains("built without"), "{said}");
}
