//! Everything that can be wrong with what is typed or piped in: an error that names it, the exit
//! code of its kind, and nothing lost.

use crate::play::{MANDATE, Play, assert_error};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

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
    for command in ["encode", "decode"] {
        let ran = play.run_with(&["migration", command, "--json"], b"\n\n");
        assert_error(&ran.error(2), "empty", "standard input");
    }
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
    let play = Play::bare(None);
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
            r#"{"accepted":false,"reason":"unknown-login","retry_at":null,"login_ended":true}"#
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
fn values_that_are_missing_or_no_numbers_are_told_in_words() {
    let play = Play::new();
    for (args, word) in [
        (&["project", "list", "--store"][..], "needs a value"),
        (&["login", "acme", "ann", "--at"], "needs a value"),
        (&["notices", "acme", "--since", "x"], "a cursor is a number"),
        (&["verify", "123456", "--past", "x"], "0 to 10"),
        (&["verify", "123456", "--future", "256"], "0 to 10"),
    ] {
        let ran = play.run(&[&["--json"], args].concat());
        assert_error(&ran.error(2), "usage", word);
    }
}

#[test]
fn the_last_day_of_the_calendar_is_a_day() {
    let play = Play::new();
    for (day, last) in [
        ("9999-12-31", "9999-12-31T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59+01:00", "9999-12-31T22:59:59Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("1970-01-01T01:30:00+01:30", "1970-01-01T00:00:00Z"),
        ("2024-02-29T12:00:00.999-02:30", "2024-02-29T14:30:00Z"),
    ] {
        let args = ["project", "add", day, "--mandatory-from", day, "--json"];
        assert_eq!(play.run(&args).done()["mandatory_from"], last, "{day}");
    }
    for none in [
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:59:59+01:00",
        "2022-12-01T00:00:00",
        "2022-12-01T00Z[UTC]x",
        "2023-02-29",
        "10000-01-01",
    ] {
        let args = ["project", "add", "p", "--mandatory-from", none, "--json"];
        assert_error(&play.run(&args).error(2), "usage", "time");
    }
}

#[test]
fn whoever_is_no_member_is_not_to_be_added_to_be_removed() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let error = play
        .run(&["member", "remove", "acme", "eve", "--json"])
        .error(2);
    assert_error(&error, "unknown-member", "check both names");
}
