//! Everything that can be wrong with what lies on the disk: exit code 3, a message that names it, and nothing lost.

use std::fs;

use crate::play::{MANDATE, Play, assert_error, execute};

#[test]
fn stores_that_are_none() {
    let play = Play::bare(None);
    fs::create_dir(play.path("folder")).unwrap();
    fs::write(
        play.path("text.db"),
        "this is not a database, and long enough to show it",
    )
    .unwrap();
    let login = |store: &str| play.run(&["login", "acme", "ann", "--json", "--store", store]);
    assert_error(&login("folder").error(3), "not-a-store", "folder");
    assert_error(&login("sqlite:folder").error(3), "not-a-store", "folder");
    assert_error(&login("nowhere/twofa.db").error(3), "no-store", "nowhere");
    assert_error(&login("text.db").error(3), "not-a-store", "text.db");
    assert_error(
        &login("mysql://localhost/acme").error(2),
        "store-name",
        "mysql",
    );
    assert_error(&login("sqlite:").error(2), "store-name", "sqlite:");
    assert_error(&login("").error(2), "store-name", "file");
    assert_error(
        &login("postgres://localhost/acme").error(2),
        "key-file-needed",
        "--key-file",
    );
    let ran = play.run(&[
        "login",
        "a",
        "b",
        "--json",
        "--store",
        "postgres://me:hunter2@127.0.0.1:1/a",
        "--key-file",
        "k",
    ]);
    let error = ran.error(3);
    assert_error(&error, "store-unreachable", "127.0.0.1:1");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    // Nothing was made on the way, and nothing is left of what was there.
    let left = fs::read_dir(play.folder()).unwrap().count();
    assert_eq!(left, 2);
    assert_eq!(fs::read(play.path("text.db")).unwrap().len(), 50);
}

#[test]
fn a_damaged_store_and_one_from_a_newer_program() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let store = play.path("twofa.db");
    let whole = fs::read(&store).unwrap();
    let mut damaged = whole.clone();
    for byte in &mut damaged[100..] {
        *byte = 0xa5;
    }
    fs::write(&store, &damaged).unwrap();
    assert_error(
        &play.run(&["login", "acme", "ann", "--json"]).error(3),
        "store-damaged",
        "twofa.db",
    );
    fs::write(&store, &whole[..whole.len() / 2]).unwrap();
    assert_error(
        &play.run(&["login", "acme", "ann", "--json"]).error(3),
        "store-damaged",
        "",
    );

    fs::write(&store, &whole).unwrap();
    newer(&store);
    assert_error(
        &play.run(&["login", "acme", "ann", "--json"]).error(3),
        "store-newer",
        "version 99",
    );
}

/// What a program of a later version would leave behind: a migration that this one does not know.
fn newer(store: &std::path::Path) {
    use twofa_sqlx::sqlx::{self, Connection as _};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", store.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE name LIKE '%migrations'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let insert = format!(
            "INSERT INTO {} SELECT 99, description, installed_on, success, checksum, execution_time FROM {} LIMIT 1",
            tables[0], tables[0]
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn key_files_that_are_missing_wrong_or_open_to_others() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let app = play.enrol(MANDATE, "acme", "ann");
    let (key, away) = (play.path("twofa.db.key"), play.path("away"));
    let login = || play.json(MANDATE + 60, &["login", "acme", "ann"]);

    // Missing: never a new one.
    fs::rename(&key, &away).unwrap();
    assert_error(&login().error(3), "key-missing", "twofa.db.key");
    assert!(!key.exists());

    // Another store's.
    let other = Play::new();
    other.project("acme", &["ann"], &[]);
    fs::copy(other.path("twofa.db.key"), &key).unwrap();
    let error = login().error(3);
    assert_error(&error, "keyring-mismatch", "twofa.db.key");
    assert!(
        error["message"].as_str().unwrap().contains("--key-file"),
        "{error}"
    );
    // The same key under another id, and another key under the same id.
    let own = fs::read_to_string(&away).unwrap();
    let id = own.split(' ').nth(2).unwrap();
    fs::write(&key, own.replace(id, "ffffffff")).unwrap();
    assert_error(&login().error(3), "keyring-mismatch", "ffffffff");
    let theirs = fs::read_to_string(other.path("twofa.db.key")).unwrap();
    let their_id = theirs.split(' ').nth(2).unwrap();
    fs::write(&key, theirs.replace(their_id, id)).unwrap();
    assert_error(&login().error(3), "keyring-mismatch", id);

    // No key file at all, an empty one, a folder.
    fs::write(&key, "something else").unwrap();
    assert_error(&login().error(3), "keyring", "twofa.db.key");
    fs::write(&key, "").unwrap();
    assert_error(&login().error(3), "keyring", "twofa.db.key");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert_error(&login().error(3), "keyring", "twofa.db.key");
    fs::remove_dir(&key).unwrap();

    // Readable by others.
    fs::copy(&away, &key).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(&key, mode(0o644)).unwrap();
    assert_error(&login().error(3), "keyring", "chmod 600");

    // The right one, wherever it is: nothing was lost meanwhile.
    fs::remove_file(&key).unwrap();
    let begun = play
        .json(
            MANDATE + 60,
            &["login", "acme", "ann", "--key-file", "away"],
        )
        .done();
    fs::rename(&away, &key).unwrap();
    play.answer(MANDATE + 60, &begun, &app.code(MANDATE + 60))
        .done();
}

#[test]
fn a_disk_that_is_full_is_told() {
    let play = Play::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut child = crate::play::program(play.folder());
    let child = child.arg("secret").stdout(full).spawn().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("[output]"));
}

#[test]
fn another_programs_database_stays_as_it_is() {
    let play = Play::bare(None);
    execute(&play.path("app.db"), "CREATE TABLE app_user (id TEXT)");
    let before = fs::read(play.path("app.db")).unwrap();
    for args in [
        &["project", "add", "acme"][..],
        &["init"],
        &["login", "acme", "ann"],
        &["audit", "verify"],
        &["keys", "list"],
        &["migrate"],
    ] {
        let args = [args, &["--store", "app.db", "--json"]].concat();
        assert_error(&play.run(&args).error(3), "not-a-store", "app.db");
    }
    assert_eq!(fs::read(play.path("app.db")).unwrap(), before);
    assert_eq!(fs::read_dir(play.folder()).unwrap().count(), 1);
}

#[test]
fn a_key_file_that_cannot_be_made_is_named_as_it_was_given() {
    let play = Play::bare(None);
    let add = [
        "project",
        "add",
        "a",
        "--key-file",
        "nowhere/keys",
        "--json",
    ];
    let error = play.run(&add).error(3);
    assert_error(&error, "keyring", "key file nowhere/keys: ");
    assert_eq!(fs::read_dir(play.folder()).unwrap().count(), 0);
}

#[test]
fn parameters_of_a_sqlite_url_are_no_part_of_the_name() {
    let play = Play::bare(None);
    let list = |store: &str| play.run(&["project", "list", "--store", store, "--json"]);
    play.run(&["init", "--store", "sqlite:one.db?mode=rwc"])
        .exits(0);
    assert!(play.path("one.db").exists() && play.path("one.db.key").exists());
    list("sqlite://one.db").exits(0);
    for store in [
        "sqlite:two.db?mode=ro",
        "sqlite:two.db?cache=shared&mode=rwc",
    ] {
        assert_error(&list(store).error(2), "store-name", "parameters");
    }
    let files = fs::read_dir(play.folder()).unwrap().count();
    assert_eq!(files, 2, "nothing was made beside it");
}
