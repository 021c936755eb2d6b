//! Opening a store is not making one, a rehearsal is not the store in use, and a store of the version before lives on.

use std::fs;

use crate::play::{MANDATE, Play, assert_error, at};
use crate::postgres::fresh;

/// Every command that a store is opened for and none is made by.
const OPENS: [&[&str]; 20] = [
    &["project", "list"],
    &["project", "set", "acme", "--optional"],
    &["member", "add", "acme", "ann"],
    &["member", "set", "acme", "ann", "--admin"],
    &["member", "remove", "acme", "ann"],
    &["member", "list", "acme"],
    &["login", "acme", "ann"],
    &["answer", "00000000000000000000000000000000", "123456"],
    &["factors", "acme", "--as", "ann", "--sso"],
    &["reset", "acme", "bob", "--as", "ann", "--sso"],
    &["replace", "acme", "ann", "--code", "123456"],
    &[
        "support-reset",
        "acme",
        "ann",
        "--operator",
        "o",
        "--ticket",
        "t",
    ],
    &["policy", "explain", "acme", "ann"],
    &["policy", "impact", "acme"],
    &["audit", "list", "acme"],
    &["audit", "verify"],
    &["notices", "acme"],
    &["keys", "list"],
    &["keys", "rotate"],
    &["migrate"],
];

fn names(play: &Play) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(play.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_command_that_opens_makes_nothing() {
    let play = Play::bare(None);
    for args in OPENS {
        let error = play.run(&[args, &["--json"]].concat()).error(3);
        assert_error(&error, "no-store", "twofa.db");
        assert!(
            error["message"].as_str().unwrap().contains("init"),
            "{error}"
        );
    }
    fs::write(play.path("people.tsv"), "ann\totpauth://totp/a?secret=AA\n").unwrap();
    let error = play
        .run(&["import", "acme", "people.tsv", "--json"])
        .error(3);
    assert_eq!(error["error"], "no-store");
    assert_eq!(names(&play), ["people.tsv"]);
    let play = Play::bare(Some(fresh()));
    for args in OPENS {
        // Its keys are where they were said to be, or nowhere.
        let error = play.run(&[args, &["--json"]].concat()).error(3);
        assert_eq!(error["error"], "no-store", "{args:?}: {error}");
    }
    assert!(names(&play).is_empty());
}

#[test]
fn init_makes_a_store_once_and_says_where_its_keys_are() {
    for play in [Play::bare(None), Play::bare(Some(fresh()))] {
        let key = if play.is_file() {
            "twofa.db.key"
        } else {
            "keys"
        };
        let ran = play.run(&["init"]).exits(0);
        assert!(
            ran.stderr.contains(key) && ran.stderr.contains("reset"),
            "{}",
            ran.stderr
        );
        let again = play.run(&["init", "--json"]).done();
        assert_eq!(
            (&again["made"], &again["rehearsal"]),
            (&false.into(), &false.into())
        );
        let keys = fs::read(play.path(key)).unwrap();
        // Nothing in it is nothing verified.
        let error = play.run(&["audit", "verify", "--json"]).error(3);
        assert_error(&error, "no-store", "nothing");
        play.run(&["project", "add", "acme", "--json"]).done();
        assert_eq!(
            play.run(&["audit", "verify", "--json"]).done()["verified"],
            true
        );
        assert_eq!(fs::read(play.path(key)).unwrap(), keys);
        // The keys gone: never new ones.
        fs::remove_file(play.path(key)).unwrap();
        for args in [&["init", "--json"][..], &["project", "add", "b", "--json"]] {
            assert_error(&play.run(args).error(3), "key-missing", key);
        }
        assert!(!play.path(key).exists());
        // The store gone and the keys there, as after a restore of one and not the other.
        fs::write(play.path(key), keys).unwrap();
    }
}

#[test]
fn what_a_killed_start_leaves_is_begun_again() {
    let play = Play::bare(None);
    fs::write(play.path("twofa.db"), "").unwrap();
    let error = play.run(&["login", "acme", "ann", "--json"]).error(3);
    assert_error(&error, "not-a-store", "empty");
    play.run(&["project", "add", "acme", "--json"]).done();
    for round in 0..20_u64 {
        let play = Play::bare(None);
        let args = ["project", "add", "acme", "--json"];
        let mut child = play.start(&args);
        std::thread::sleep(std::time::Duration::from_micros(round * 1_100));
        let _ = child.kill();
        child.wait().unwrap();
        play.run(&["project", "add", "other", "--json"]).done();
        assert_eq!(
            play.run(&["audit", "verify", "--json"]).done()["verified"],
            true
        );
    }
}

#[test]
fn another_time_is_written_to_a_rehearsal_alone() {
    for (bare, made) in [
        (Play::bare(None), Play::bare(None)),
        (Play::bare(Some(fresh())), Play::bare(Some(fresh()))),
    ] {
        let then = at(MANDATE);
        for args in [&["project", "add", "acme"][..], &["demo"]] {
            let error = bare
                .run(&[args, &["--json", "--at", &then]].concat())
                .error(2);
            assert_error(&error, "rehearsal-only", "init --rehearsal");
        }
        assert!(names(&bare).is_empty(), "nothing was made");
        made.run(&["project", "add", "acme", "--json"]).done();
        made.run(&["member", "add", "acme", "ann", "--json"]).done();
        let before = made.run(&["audit", "list", "acme", "--json"]).stdout;
        for args in [
            &["login", "acme", "ann"][..],
            &["project", "add", "b"],
            &["project", "set", "acme", "--mandatory-from", "2022-12-01"],
            &[
                "support-reset",
                "acme",
                "ann",
                "--operator",
                "o",
                "--ticket",
                "t",
            ],
            &["member", "add", "acme", "bob"],
            &["keys", "rotate"],
            &["migrate"],
        ] {
            let error = made
                .run(&[args, &["--json", "--at", &then]].concat())
                .error(2);
            assert_error(&error, "rehearsal-only", "nothing was written");
        }
        assert_eq!(
            made.run(&["audit", "list", "acme", "--json"]).stdout,
            before
        );
        // What only reads may read at any time.
        for args in [
            &["policy", "explain", "acme", "ann"][..],
            &["policy", "impact", "acme", "--mandatory-from", "2022-12-01"],
            &["audit", "list", "acme"],
            &["audit", "verify"],
            &["keys", "list"],
        ] {
            made.run(&[args, &["--json", "--at", &then]].concat())
                .exits(0);
        }
    }
}

#[test]
fn a_store_of_the_version_before_is_migrated() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../crates/twofa-sqlx/tests/fixtures/0.1.0");
    let play = Play::bare(None);
    for name in ["twofa.db", "twofa.db.key"] {
        fs::copy(fixtures.join(name), play.path(name)).unwrap();
    }
    let chmod = std::process::Command::new("chmod")
        .args(["600", play.path("twofa.db.key").to_str().unwrap()])
        .status();
    assert!(chmod.unwrap().success());
    let begun = play
        .run(&["login", "acme", "ann@example.com", "--json"])
        .done();
    assert_eq!(begun["next"], "challenge");
    let error = play.run(&["keys", "rotate", "--json"]).error(3);
    assert_error(&error, "store-older", "migrate");
    let ids: Vec<_> = play
        .run(&["keys", "list", "--json"])
        .objects()
        .iter()
        .map(|key| key["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["00000001", "00000002"], "ids stay as they are");
    let migrated = play.run(&["migrate", "--json"]).done();
    assert_eq!(migrated.to_string(), r#"{"migrated":true,"from":1,"to":3}"#);
    let again = play.run(&["migrate", "--json"]).done();
    assert_eq!(again["migrated"], false);
    play.run(&["keys", "rotate", "--json"]).done();
    let begun = play
        .run(&["login", "acme", "ann@example.com", "--json"])
        .done();
    assert_eq!(begun["next"], "challenge");
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
}
