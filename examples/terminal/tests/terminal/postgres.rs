//! The same program on PostgreSQL: everything that SQLite does.

use std::fs;

use twofa_sqlx::sqlx::{self, Connection as _};

use crate::play::{MANDATE, Play, assert_error};

/// A play on a fresh database of the server that `scripts/postgres.sh` starts.
pub(crate) fn play() -> Play {
    let server = std::env::var("TWOFA_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("TWOFA_TEST_POSTGRES names no server: run ./test, or scripts/postgres.sh cargo test")
    });
    let name = format!(
        "terminal_{}_{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let name = name.to_lowercase();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
        for statement in [
            format!("DROP DATABASE IF EXISTS {name}"),
            format!("CREATE DATABASE {name}"),
        ] {
            let statement = sqlx::AssertSqlSafe(statement);
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    });
    let (host, _) = server.rsplit_once('/').unwrap();
    Play::on(format!("{host}/{name}"))
}

#[test]
fn the_story_on_postgresql() {
    let play = play();
    play.project("acme", &["ann"], &["bob"]);
    let before = play.json(MANDATE - 1, &["login", "acme", "ann"]).done();
    assert_eq!(before["reason"], "not-yet-mandatory");
    let [ann, bob] = ["ann", "bob"].map(|user| play.enrol(MANDATE, "acme", user));
    let now = MANDATE + 60;
    play.sign_in(now, "acme", "bob", &bob.code(now)).done();
    let replayed = play.sign_in(now, "acme", "bob", &bob.code(now));
    assert_eq!(replayed.reason(), "code-already-used");
    assert_eq!(
        play.sign_in(now, "acme", "bob", &bob.wrong(now)).reason(),
        "wrong-code"
    );

    let args = ["factors", "acme", "--as", "ann", "--code", &ann.code(now)];
    assert_eq!(play.json(now, &args).exits(0).objects().len(), 2);
    let now = now + 30;
    let args = [
        "reset",
        "acme",
        "bob",
        "--as",
        "ann",
        "--code",
        &ann.code(now),
    ];
    assert_eq!(play.json(now, &args).done()["reset"], true);
    let begun = play.json(now, &["login", "acme", "bob"]).done();
    assert_eq!(begun["reason"], "reset-by-admin");
    play.json(now, &["project", "set", "acme", "--sso", "exempt"])
        .done();
    let through = play.json(now, &["login", "acme", "bob", "--sso"]).done();
    assert_eq!(through["reason"], "sso-supersedes");

    let rotated = play.run(&["keys", "rotate", "--json"]).done();
    assert_eq!(rotated["resealed"], 3);
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2);
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
    assert_eq!(
        play.run(&["notices", "acme", "--json"])
            .exits(0)
            .objects()
            .len(),
        3
    );
    assert_eq!(
        play.run(&["project", "list", "--json"])
            .exits(0)
            .objects()
            .len(),
        1
    );

    // The keys of a store that is not new are never made anew.
    fs::rename(play.path("keys"), play.path("away")).unwrap();
    let error = play.run(&["project", "list", "--json"]).error(3);
    assert_error(&error, "key-missing", "keys");
    assert!(!play.path("keys").exists());
}
