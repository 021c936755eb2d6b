//! The same program on PostgreSQL: everything that SQLite does.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use twofa_sqlx::sqlx::{self, Connection as _};

use crate::play::{MANDATE, Play, assert_error};

/// A play on a fresh database of the server that `scripts/postgres.sh` starts.
pub(crate) fn play() -> Play {
    Play::on(fresh())
}

/// The URL of a fresh database.
pub(crate) fn fresh() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("TWOFA_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("TWOFA_TEST_POSTGRES names no server: run ./test, or scripts/postgres.sh cargo test")
    });
    // Process ids come round again within a long run.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("terminal_{}_{now}_{count}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
    });
    let (host, _) = server.rsplit_once('/').unwrap();
    format!("{host}/{name}")
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
