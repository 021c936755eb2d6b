//! That a secret is shown by the one run that makes it, and is found nowhere else: not in the database, not in its
//! write-ahead log, not in anything that was printed.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use crate::play::{App, MANDATE, Play, at};

fn holds(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}

/// Every form that a secret may be found in.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let raw = twofa::otpauth::base32::decode_strict(secret)
        .unwrap()
        .to_vec();
    let mut hex = String::new();
    for byte in &raw {
        write!(hex, "{byte:02x}").unwrap();
    }
    let grouped = secret
        .as_bytes()
        .chunks(4)
        .map(|g| std::str::from_utf8(g).unwrap());
    let grouped: Vec<_> = grouped.collect();
    vec![
        secret.into(),
        secret.to_lowercase().into(),
        grouped.join(" ").into(),
        hex.clone().into(),
        hex.to_uppercase().into(),
        raw,
    ]
}

/// Asserts that no file of a folder holds any of these, and gives the names of those that were looked at.
fn scan(folder: &Path, sought: &[Vec<u8>]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for text in sought {
            assert!(!holds(&bytes, text), "{} holds a secret", path.display());
        }
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    names
}

#[test]
fn f26_no_secret_code_or_uri_in_database_log_or_output() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let mut sought = forms(&ann.secret);
    sought.push(b"otpauth".to_vec());
    let code = |app: &App, seconds| app.code(seconds).into_bytes();

    // A conversation that stands open, so that the write-ahead log does too.
    let now = MANDATE + 600;
    let args = ["login", "acme", "bob", "--at", &at(now)];
    let mut child = play.start(&args);
    let mut shown = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while !shown.contains("shown this once") {
        assert_ne!(out.read_line(&mut shown).unwrap(), 0);
    }
    let line = shown
        .lines()
        .find(|line| line.contains("type the key"))
        .unwrap();
    let bob = App {
        secret: line.split_once(": ").unwrap().1.replace(' ', ""),
    };
    sought.extend(forms(&bob.secret));
    sought.extend([code(&ann, MANDATE), code(&bob, now)]);
    let names = scan(play.folder(), &sought);
    assert!(names.contains(&"twofa.db-wal".to_owned()), "{names:?}");
    let typed = format!("{}\n", bob.code(now));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    while out.read_line(&mut shown).unwrap() != 0 {}
    assert!(shown.contains("Welcome, bob."), "{shown}");
    play.end(child, &args).exits(0);

    // What else can be done with a factor, and everything that tells of it.
    let now = now + 60;
    sought.extend([now, now + 30, now + 60].map(|seconds| code(&bob, seconds)));
    sought.extend([now, now + 30].map(|seconds| code(&ann, seconds)));
    play.sign_in(now, "acme", "bob", &bob.code(now)).exits(0);
    play.sign_in(now, "acme", "bob", &bob.code(now)).exits(1);
    play.sign_in(now, "acme", "bob", &bob.wrong(now)).exits(1);
    let replaced = play
        .json(
            now + 30,
            &["replace", "acme", "bob", "--code", &bob.code(now + 30)],
        )
        .done();
    let new = App::scan(replaced["uri"].as_str().unwrap());
    sought.extend(forms(&new.secret));
    sought.push(code(&new, now + 60));
    play.answer(now + 60, &replaced, &new.code(now + 60))
        .exits(0);
    play.json(
        now,
        &["factors", "acme", "--as", "ann", "--code", &ann.code(now)],
    )
    .exits(0);
    play.json(
        now + 30,
        &[
            "reset",
            "acme",
            "bob",
            "--as",
            "ann",
            "--code",
            &ann.code(now + 30),
        ],
    )
    .exits(0);
    for args in [
        &["audit", "list", "acme"][..],
        &["audit", "verify"],
        &["notices", "acme"],
        &["keys", "rotate"],
        &["policy", "explain", "acme", "ann"],
        &["policy", "impact", "acme", "--optional"],
    ] {
        for json in [&[][..], &["--json"]] {
            play.run(&[args, json].concat()).exits(0);
        }
    }
    scan(play.folder(), &sought);
    let said = play.said();
    for text in &sought {
        assert!(
            !holds(&said, text),
            "{} was printed",
            String::from_utf8_lossy(text)
        );
    }
    // What the scan would have found, had it been there.
    assert!(
        holds(&said, b"reset-granted") && holds(&fs::read(play.path("twofa.db")).unwrap(), b"acme")
    );
}

#[test]
fn the_keys_and_pictures_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let uri = b"otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    fs::write(play.path("old.svg"), "").unwrap();
    fs::set_permissions(play.path("old.svg"), fs::Permissions::from_mode(0o644)).unwrap();
    for file in ["new.svg", "old.svg"] {
        play.run_with(&["qr", "--format", "svg", "-o", file], uri)
            .exits(0);
    }
    for file in ["twofa.db.key", "new.svg", "old.svg"] {
        let mode = fs::metadata(play.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
