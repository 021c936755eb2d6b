//! Codes, key URIs and export batches: the commands that need no store, against the standards' own examples.

use serde_json::Value;

use crate::play::{Play, date, oathtool};

const RFC_KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn new_secrets_are_as_long_as_their_hash_and_never_twice_the_same() {
    let play = Play::new();
    for (algorithm, bytes) in [("sha1", 20), ("sha256", 32), ("sha512", 64)] {
        let args = ["secret", "--algorithm", algorithm, "--json"];
        let [one, two] = [play.run(&args).done(), play.run(&args).done()];
        assert_ne!(one, two);
        let secret = one["secret"].as_str().unwrap();
        assert_eq!(
            twofa::otpauth::base32::decode_strict(secret).unwrap().len(),
            bytes
        );
    }
    let plain = play.run(&["secret"]).exits(0).stdout;
    assert_eq!((plain.len(), plain.ends_with('\n')), (33, true));
}

#[test]
fn rfc_6238_appendix_b() {
    let vectors =
        include_str!("../../../../crates/twofa-totp/tests/vectors/rfc6238-appendix-b.txt");
    let play = Play::new();
    let mut tried = 0;
    for line in vectors
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
    {
        let words: Vec<_> = line.split_whitespace().collect();
        let [time, _, algorithm, bytes, code, ..] = words[..] else {
            panic!("{line}");
        };
        let bytes = bytes.parse().unwrap();
        let seed: Vec<u8> = b"1234567890".iter().copied().cycle().take(bytes).collect();
        let secret = twofa::otpauth::base32::encode(&seed);
        let secret = secret.expose_secret();
        let options = [
            "--algorithm",
            algorithm,
            "--digits",
            "8",
            "--at",
            time,
            "--json",
        ];
        let made = play
            .run_with(&[&["code"][..], &options].concat(), secret.as_bytes())
            .done();
        assert_eq!(made["code"], code, "{line}");
        let checked = play.run_with(
            &[&["verify", code][..], &options].concat(),
            secret.as_bytes(),
        );
        assert_eq!(
            checked.done().to_string(),
            r#"{"accepted":true,"step_offset":0}"#
        );
        tried += 1;
    }
    assert_eq!(tried, 20);
}

#[test]
fn codes_agree_with_another_implementation() {
    let play = Play::new();
    for (algorithm, digits, period, now) in [
        ("SHA1", "6", "30", 1_669_852_800),
        ("SHA256", "7", "60", 1_700_000_000),
        ("SHA512", "8", "15", 4_000_000_000),
    ] {
        let totp = format!("--totp={algorithm}");
        let step = format!("{period}s");
        let theirs = oathtool(&[
            &totp,
            "-b",
            RFC_KEY,
            "-d",
            digits,
            "-s",
            &step,
            "--now",
            &date(now),
        ]);
        let at = now.to_string();
        let options = [
            "--algorithm",
            algorithm,
            "--digits",
            digits,
            "--period",
            period,
            "--at",
            &at,
        ];
        let ours = play
            .run_with(&[&["code"][..], &options].concat(), RFC_KEY.as_bytes())
            .exits(0);
        assert_eq!(ours.stdout.trim(), theirs);
    }
}

#[test]
fn a_code_is_checked_within_its_window_and_a_clock_that_is_off_is_told() {
    let play = Play::new();
    let now = 1_700_000_010;
    let at = now.to_string();
    let code = |seconds: i64| {
        oathtool(&[
            "--totp",
            "-b",
            RFC_KEY,
            "--now",
            &date((now + seconds).try_into().unwrap()),
        ])
    };
    let verify = |code: &str, more: &[&str]| {
        let args = [&["verify", code, "--at", &at, "--json"], more].concat();
        play.run_with(&args, b" gezd gnbv-gy3t qojq gezdgnbvgy3tqojq== \n")
    };
    for steps in -1..=1 {
        assert_eq!(verify(&code(steps * 30), &[]).done()["step_offset"], steps);
    }
    let why = verify(&code(-60), &[]).refused();
    assert_eq!(
        why.to_string(),
        r#"{"accepted":false,"reason":"clock-off","clock_off":{"seconds":60,"direction":"behind"}}"#
    );
    assert_eq!(
        verify(&code(300), &[]).refused()["clock_off"]["direction"],
        "ahead"
    );
    assert_eq!(
        verify(&code(-60), &["--past", "2"]).done()["step_offset"],
        -2
    );
    assert_eq!(
        verify(&code(30), &["--future", "0"]).refused()["reason"],
        "clock-off"
    );
    assert_eq!(
        verify(&code(7200), &[]).refused().to_string(),
        r#"{"accepted":false,"reason":"wrong-code"}"#
    );
    // Typed as people type it.
    let right = code(0);
    let wide: String = right
        .bytes()
        .map(|b| char::from_u32(0xff10 + u32::from(b - b'0')).unwrap())
        .collect();
    for typed in [format!("{}-{}", &right[..3], &right[3..]), wide] {
        verify(&typed, &[]).done();
    }
    let human = play
        .run_with(&["verify", &code(-300), "--at", &at], RFC_KEY.as_bytes())
        .exits(1)
        .stdout;
    assert!(human.contains("about 5 minutes behind"), "{human}");
}

#[test]
fn a_uri_is_built_read_back_and_linted() {
    let play = Play::new();
    let args = [
        "uri",
        "--issuer",
        "ACME Co",
        "--account",
        "jo@example.com",
        "--json",
    ];
    let ran = play.run_with(&args, RFC_KEY.as_bytes());
    assert_eq!(ran.stderr, "");
    let uri = ran.done()["uri"].as_str().unwrap().to_owned();
    assert_eq!(
        uri,
        format!("otpauth://totp/ACME%20Co:jo@example.com?secret={RFC_KEY}&issuer=ACME%20Co")
    );
    let parsed = play
        .run_with(
            &["parse", "--strict", "--show-secret", "--json"],
            uri.as_bytes(),
        )
        .done();
    assert_eq!(
        parsed.to_string(),
        format!(
            r#"{{"type":"totp","issuer":"ACME Co","account":"jo@example.com","secret":"{RFC_KEY}","algorithm":"SHA1","digits":6,"period":30,"counter":null,"warnings":[]}}"#
        )
    );
    let hidden = play.run_with(&["parse"], uri.as_bytes()).exits(0);
    assert!(!hidden.stdout.contains("GEZD"), "{}", hidden.stdout);

    let args = [
        "uri",
        "--issuer",
        "I",
        "--account",
        "a",
        "--algorithm",
        "sha512",
        "--digits",
        "8",
        "--json",
    ];
    let ran = play.run_with(&args, b"JBSWY3DP").exits(0);
    for code in ["algorithm-ignored", "digits-ignored", "secret-short"] {
        assert!(
            ran.stderr.contains(&format!("{{\"warning\":\"{code}\"")),
            "{}",
            ran.stderr
        );
    }
    assert!(!ran.stderr.contains("JBSWY3DP"));
}

/// URIs from other projects' tests. Where readers differ, ours must either refuse or read what is expected; it is
/// never to read something third.
#[test]
fn uris_met_elsewhere() {
    let vectors = include_str!("../../../../crates/twofa-otpauth/tests/vectors/otpauth-uris.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    let play = Play::new();
    let mut read = 0;
    for vector in &vectors {
        let uri = vector["uri"].as_str().unwrap();
        if uri.starts_with("otpauth-migration:") {
            let decoded = play
                .run_with(&["migration", "decode", "--json"], uri.as_bytes())
                .done();
            assert_eq!(
                decoded["uri"],
                "otpauth://totp/Example:alice@google.com?secret=JBSWY3DPEHPK3PXP&issuer=Example"
            );
            continue;
        }
        let ran = play.run_with(&["parse", "--show-secret", "--json"], uri.as_bytes());
        let (expect, contested) = (&vector["expect"], vector["contested"] == true);
        match ran.code {
            0 if expect == "error" => assert!(contested, "{uri}"),
            0 => {
                let parsed = ran.done();
                for name in [
                    "type",
                    "issuer",
                    "account",
                    "algorithm",
                    "digits",
                    "period",
                    "counter",
                ] {
                    let same = parsed[name] == expect[name];
                    assert!(same || contested, "{uri}: {name} is {}", parsed[name]);
                }
                read += 1;
            }
            _ => {
                assert!(expect == "error" || contested, "{uri}: {}", ran.stderr);
                ran.error(2);
            }
        }
    }
    assert!(read > 30, "{read} of {}", vectors.len());
}

#[test]
fn an_export_goes_both_ways() {
    let play = Play::new();
    let uri = |n| format!("otpauth://totp/ACME:u{n}?secret={RFC_KEY}&issuer=ACME\n");
    let uris = (0..12).map(uri).collect::<Vec<_>>().concat();
    let batches = play
        .run_with(&["migration", "encode"], uris.as_bytes())
        .exits(0)
        .stdout;
    assert_eq!(batches.lines().count(), 2);
    let back = play
        .run_with(&["migration", "decode"], batches.as_bytes())
        .exits(0)
        .stdout;
    assert_eq!(back, uris);
    // A batch is drawn as any other URI is.
    let first = batches.lines().next().unwrap();
    play.run_with(&["qr", "--format", "svg"], first.as_bytes())
        .exits(0);
    // One batch of two is half an export.
    play.run_with(&["migration", "decode", "--json"], first.as_bytes())
        .error(2);
}

#[test]
fn options_stand_before_or_after_the_command_and_in_the_environment() {
    let play = Play::bare(None);
    play.run(&["init", "--rehearsal", "--store", "s.db"])
        .exits(0);
    for args in [
        [
            "--json",
            "--at",
            "1669852800",
            "--store",
            "s.db",
            "project",
            "add",
            "one",
        ],
        [
            "project",
            "add",
            "two",
            "--json",
            "--at",
            "1669852800",
            "--store",
            "s.db",
        ],
        [
            "project",
            "--json",
            "add",
            "--at",
            "2022-12-01T00:00:00Z",
            "three",
            "--store",
            "sqlite:s.db",
        ],
    ] {
        assert_eq!(play.run(&args).done()["sso"], "off");
    }
    let mut program = crate::play::program(play.folder());
    program
        .env("TWOFA_STORE", "moved.db")
        .env("TWOFA_KEY_FILE", "moved.key");
    std::fs::rename(play.path("s.db"), play.path("moved.db")).unwrap();
    std::fs::rename(play.path("s.db.key"), play.path("moved.key")).unwrap();
    let listed = program.args(["project", "list"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 3);
}

#[test]
fn help_and_version_are_json_where_that_was_asked_for() {
    let play = Play::bare(None);
    let version = play.run(&["--json", "--version"]).done();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let help = play.run(&["keys", "--help", "--json"]).done();
    assert!(help["help"].as_str().unwrap().contains("rotate"), "{help}");
}

#[test]
fn a_picture_is_not_written_through_a_link() {
    let play = Play::bare(None);
    std::fs::write(play.path("other"), "of somebody's").unwrap();
    std::os::unix::fs::symlink("other", play.path("picture.svg")).unwrap();
    let args = ["qr", "--format", "svg", "-o", "picture.svg", "--json"];
    let uri = b"otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=a";
    let error = play.run_with(&args, uri).error(2);
    assert!(
        error["message"].as_str().unwrap().contains("link"),
        "{error}"
    );
    let kept = std::fs::read_to_string(play.path("other")).unwrap();
    assert_eq!(kept, "of somebody's");
}

/// A variable that is wrong is named, and not the option that nobody typed.
#[test]
fn a_variable_that_is_wrong_is_named() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let not_utf8 = std::ffi::OsStr::from_bytes(b"\xff.db");
    for (name, value) in [
        ("TWOFA_STORE", "".as_ref()),
        ("TWOFA_STORE", not_utf8),
        ("TWOFA_KEY_FILE", "".as_ref()),
    ] {
        let mut program = crate::play::program(folder.path());
        program.env(name, value).args(["project", "list"]);
        let ran = program.output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(name) && !said.contains("--"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    // What was typed counts, and what needs no store runs.
    for args in [&["secret"][..], &["project", "list", "--store=none.db"]] {
        let mut program = crate::play::program(folder.path());
        let ran = program.env("TWOFA_STORE", "").args(args).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!said.contains("TWOFA_STORE"), "{said}");
    }
}
