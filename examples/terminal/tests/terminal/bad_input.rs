//! Everything that can be wrong with what is typed, piped in, or lies on the disk: an error that names it, the exit
//! code of its kind, and nothing lost.

use std::fs;

use serde_json::Value;

use crate::play::{MANDATE, Play};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Asserts an error, its code, and a word that its message has.
fn assert_error(error: &Value, code: &str, word: &str) {
    let message = error["message"].as_str().unwrap();
    assert_eq!(error["error"], code, "{error}");
    assert!(message.contains(word), "{error}");
    assert!(message.chars().all(|c| !c.is_control()), "{error}");
}

#[test]
fn secrets_that_are_none() {
    let play = Play::new();
    for (secret, word) in [
        ("", "empty"),
        ("\n", "empty"),
        ("JBSWY3DP0HPK3PXP", "position 8"),
        ("=====", "empty"),
        ("not base32!", "position"),
        ("\u{202e}JBSWY3DP", "position 0"),
    ] {
        for args in [
            &["code"][..],
            &["verify", "123456"],
            &["uri", "--issuer", "I", "--account", "A"],
        ] {
            let ran = play.run_with(&[args, &["--json"]].concat(), secret.as_bytes());
            assert_error(&ran.error(2), "secret", word);
        }
    }
    let ran = play.run_with(&["code", "--json"], b"\xff\xfe");
    assert_error(&ran.error(2), "not-utf8", "standard input");
    let ran = play.run(&["code", "--json", "--input", "nowhere"]);
    assert_error(&ran.error(2), "file", "nowhere");
}

#[test]
fn digits_periods_and_windows_out_of_bounds() {
    let play = Play::new();
    for (option, value, word) in [
        ("--digits", "5", "6, 7 or 8"),
        ("--digits", "9", "6, 7 or 8"),
        ("--digits", "six", "6, 7 or 8"),
        ("--period", "0", "3600"),
        ("--period", "3601", "3600"),
        ("--algorithm", "md5", "SHA1, SHA256 or SHA512"),
    ] {
        let ran = play.run_with(&["code", option, value, "--json"], KEY.as_bytes());
        assert_error(&ran.error(2), "usage", word);
    }
    let ran = play.run_with(
        &["verify", "123456", "--past", "11", "--json"],
        KEY.as_bytes(),
    );
    assert_error(&ran.error(2), "usage", "at most 10");
    // A code of another length is no code of this key's.
    for code in ["12345", "123456789", "1234567"] {
        let ran = play.run_with(&["verify", code, "--json"], KEY.as_bytes());
        assert_eq!(
            ran.refused().to_string(),
            r#"{"accepted":false,"reason":"malformed"}"#
        );
    }
}

#[test]
fn what_is_no_uri() {
    let play = Play::new();
    for (text, word) in [
        ("", "otpauth://"),
        ("https://example.com", "otpauth://"),
        ("otpauth://totp/a", "secret is missing"),
        ("otpauth://totp/a?secret=JBSWY3DP!", "position 8"),
        ("otpauth://totp/a?secret=JBSWY3DP&digits=9", "digits"),
        (
            "otpauth://totp/%1b%5b2J?secret=JBSWY3DP",
            "control character",
        ),
    ] {
        for command in ["parse", "qr"] {
            let ran = play.run_with(&[command, "--json"], text.as_bytes());
            assert_error(&ran.error(2), "uri", word);
        }
    }
    for (args, text) in [
        (
            ["migration", "decode"],
            "otpauth-migration://offline?data=%%%",
        ),
        (["migration", "encode"], "nonsense"),
    ] {
        let ran = play.run_with(&[&args[..], &["--json"]].concat(), text.as_bytes());
        assert_error(&ran.error(2), "uri", "standard input");
    }
    let ran = play.run_with(&["migration", "encode", "--json"], b"\n\n");
    assert_error(&ran.error(2), "empty", "standard input");
    let uri = format!("otpauth://totp/I:{}?secret={KEY}", "a".repeat(2000));
    let ran = play.run_with(&["qr", "--json"], uri.as_bytes());
    assert_error(&ran.error(2), "qr", "too dense");
    let ran = play.run_with(
        &["qr", "--format", "png", "--json"],
        format!("otpauth://totp/a?secret={KEY}").as_bytes(),
    );
    assert_error(&ran.error(2), "png-needs-file", "--output");
}

#[test]
fn ten_megabytes_are_refused_before_they_are_read() {
    let play = Play::new();
    let flood = vec![b'A'; 10_000_000];
    for args in [
        &["code"][..],
        &["verify", "123456"],
        &["uri", "--issuer", "I", "--account", "A"],
        &["parse"],
        &["qr"],
        &["migration", "decode"],
        &["migration", "encode"],
    ] {
        let ran = play.run_with(&[args, &["--json"]].concat(), &flood);
        assert_error(&ran.error(2), "too-long", "standard input");
    }
    let ran = play
        .run_with(&["demo", "--at", "1669852800"], &flood)
        .exits(2);
    assert!(ran.stderr.contains("[too-long]"), "{}", ran.stderr);
}

#[test]
fn a_secret_as_an_argument_is_not_repeated() {
    let play = Play::new();
    for args in [
        &["code", KEY][..],
        &["parse", KEY],
        &["secret", KEY],
        &[KEY],
        &["code", "--digits", KEY],
        &["--at", KEY, "secret"],
    ] {
        let ran = play.run(args).exits(2);
        assert!(
            !ran.stderr.contains(&KEY[..8]) && ran.stdout.is_empty(),
            "{}",
            ran.stderr
        );
    }
    let ran = play.run(&["code", KEY, "--json"]);
    assert_error(&ran.error(2), "usage", "standard input");
}

#[test]
fn wrong_usage_is_json_where_that_was_asked_for() {
    let play = Play::new();
    for args in [
        &["--json"][..],
        &["--json", "nonsense"],
        &["login", "--json"],
        &["login", "acme", "--json"],
        &["member", "set", "acme", "ann", "--json"],
        &[
            "member", "set", "acme", "ann", "--admin", "--member", "--json",
        ],
        &[
            "project",
            "add",
            "acme",
            "--optional",
            "--mandatory-from",
            "2022-12-01",
            "--json",
        ],
        &[
            "reset", "acme", "ann", "--as", "bob", "--sso", "--code", "123456", "--json",
        ],
        &["project", "add", "acme", "--sso", "maybe", "--json"],
        &["secret", "--nonsense", "--json"],
    ] {
        let error = play.run(args).error(2);
        assert_eq!(error["error"], "usage", "{args:?}");
        assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
    }
    let ran = play.run(&["secret", "--nonsense"]).exits(2);
    assert_eq!(
        ran.stderr,
        "twofa: there is no option --nonsense here; see --help [usage]\n"
    );
    assert!(!play.path("twofa.db").exists());
}

#[test]
fn times_that_are_none() {
    let play = Play::new();
    for (time, word) in [
        ("yesterday", "RFC 3339"),
        ("2022-13-01", "RFC 3339"),
        ("2022-12-01T25:00:00Z", "RFC 3339"),
        ("1969-12-31T23:59:59Z", "1970"),
        ("99999999999999999999999", "Unix seconds"),
        ("", "RFC 3339"),
    ] {
        let ran = play.run(&["secret", "--json", "--at", time]);
        assert_error(&ran.error(2), "usage", word);
        let ran = play.run(&["project", "add", "acme", "--json", "--mandatory-from", time]);
        assert_error(&ran.error(2), "usage", word);
    }
}

#[test]
fn names_that_mislead() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    for (name, word) in [
        ("a\u{202e}b", "\\u{202e}"),
        ("a\u{200f}b", "at byte 1"),
        ("a\x1b[2Jb", "\\u{1b}"),
        ("a\nb", "\\u{a}"),
        ("", "empty"),
        (" a", "white space"),
    ] {
        for (args, argument) in [
            (&["project", "add", name][..], "<PROJECT>"),
            (&["member", "add", "acme", name], "<USER>"),
            (&["login", name, "ann"], "<PROJECT>"),
            (&["reset", "acme", "ann", "--as", name], "--as"),
            (&["demo", name], "EMAIL"),
            (&["project", "add", "beta", "--issuer", name], "--issuer"),
        ] {
            let error = play.run(&[args, &["--json"]].concat()).error(2);
            assert_error(&error, "usage", word);
            assert!(
                error["message"].as_str().unwrap().contains(argument),
                "{error}"
            );
        }
    }
    let support = [
        "support-reset",
        "acme",
        "ann",
        "--operator",
        "S\u{202e}am",
        "--ticket",
        "T",
        "--json",
    ];
    assert_error(&play.run(&support).error(2), "usage", "--operator");
    assert_error(
        &play
            .run(&["login", &"a".repeat(256), "ann", "--json"])
            .error(2),
        "usage",
        "256 bytes",
    );
    assert_error(
        &play
            .run(&["project", "add", "b", "--issuer", "a:b", "--json"])
            .error(2),
        "usage",
        "colon",
    );
    let projects = play.run(&["project", "list", "--json"]).exits(0).objects();
    assert_eq!(projects.len(), 1);
}

#[test]
fn projects_and_members_that_are_not_there_or_are_already() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    for args in [
        &["login", "nope", "ann"][..],
        &["member", "add", "nope", "ann"],
        &["member", "list", "nope"],
        &["project", "set", "nope", "--optional"],
        &["policy", "explain", "nope", "ann"],
        &["policy", "impact", "nope", "--optional"],
        &["audit", "list", "nope"],
        &["audit", "verify", "nope"],
        &["notices", "nope"],
        &["import", "nope", "file"],
        &["replace", "nope", "ann", "--code", "123456"],
    ] {
        assert_error(
            &play.run(&[args, &["--json"]].concat()).error(2),
            "unknown-project",
            "nope",
        );
    }
    for args in [
        &["login", "acme", "nobody"][..],
        &["member", "set", "acme", "nobody", "--admin"],
        &["member", "remove", "acme", "nobody"],
        &["policy", "explain", "acme", "nobody"],
        &["audit", "list", "acme", "nobody"],
        &["replace", "acme", "nobody", "--code", "123456"],
    ] {
        assert_error(
            &play.run(&[args, &["--json"]].concat()).error(2),
            "unknown-member",
            "nobody",
        );
    }
    assert_error(
        &play.run(&["project", "add", "acme", "--json"]).error(2),
        "duplicate-project",
        "acme",
    );
    assert_error(
        &play
            .run(&["member", "add", "acme", "ann", "--json"])
            .error(2),
        "duplicate-member",
        "ann",
    );
    let explained = play
        .json(MANDATE, &["policy", "explain", "acme", "ann"])
        .done();
    assert_eq!(explained["reason"], "mandatory", "the project is as it was");

    for login in ["0123456789abcdef0123456789abcdef", "nonsense", ""] {
        let rejected = play.run(&["answer", login, "123456", "--json"]).refused();
        assert_eq!(
            rejected.to_string(),
            r#"{"accepted":false,"reason":"unknown-login","retry_at":null}"#.replace(
                '}',
                if login.len() == 32 {
                    r#","login_ended":true}"#
                } else {
                    "}"
                }
            )
        );
    }
    // Resets are refused, not failed.
    let reset = [
        "reset", "nope", "ann", "--as", "ann", "--code", "123456", "--json",
    ];
    assert_eq!(play.run(&reset).reason(), "unknown-project");
    let reset = [
        "support-reset",
        "nope",
        "ann",
        "--operator",
        "Sam",
        "--ticket",
        "T",
        "--json",
    ];
    assert_eq!(play.run(&reset).reason(), "unknown-project");
}

#[test]
fn stores_that_are_none() {
    let play = Play::new();
    fs::create_dir(play.path("folder")).unwrap();
    fs::write(
        play.path("text.db"),
        "this is not a database, and long enough to show it",
    )
    .unwrap();
    let login = |store: &str| play.run(&["login", "acme", "ann", "--json", "--store", store]);
    assert_error(&login("folder").error(3), "store", "folder");
    assert_error(&login("sqlite:folder").error(3), "store", "folder");
    assert_error(&login("nowhere/twofa.db").error(3), "store", "nowhere");
    assert_error(&login("text.db").error(3), "store", "text.db");
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
    assert_error(&error, "store", "127.0.0.1:1");
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
        "store",
        "twofa.db",
    );
    fs::write(&store, &whole[..whole.len() / 2]).unwrap();
    assert_error(
        &play.run(&["login", "acme", "ann", "--json"]).error(3),
        "store",
        "",
    );

    fs::write(&store, &whole).unwrap();
    newer(&store);
    assert_error(
        &play.run(&["login", "acme", "ann", "--json"]).error(3),
        "store",
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
    assert_error(&error, "record-unreadable", "twofa.db.key");
    assert!(
        error["message"].as_str().unwrap().contains("--key-file"),
        "{error}"
    );
    let unknown = fs::read_to_string(&away)
        .unwrap()
        .replace("active 1", "active 7")
        .replace("key 1 ", "key 7 ");
    fs::write(&key, unknown).unwrap();
    assert_error(&login().error(3), "key-missing", "key 1");

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
