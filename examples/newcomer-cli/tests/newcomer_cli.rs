//! The tool as a person uses it: set up, ship, and be refused.
#![expect(clippy::unwrap_used, reason = "a test has nobody to report to")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use twofa_otpauth::base32;
use twofa_totp::{Params, Secret, Totp, UnixTime};

/// What it printed on both outputs, whether it succeeded, and the app with the key that was shown.
struct Ran {
    said: String,
    done: bool,
    app: Option<Totp>,
}

/// Runs the tool, and types what `code` makes of the key that was shown, if one was.
fn run(folder: &Path, words: &[&str], code: impl Fn(Option<&Totp>) -> String) -> Ran {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_newcomer-cli"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(tool.stdout.take().unwrap());
    let (mut said, mut app) = (String::new(), None);
    if words.first() == Some(&"set-up") {
        while app.is_none() && out.read_line(&mut said).unwrap() > 0 {
            let key = said
                .lines()
                .last()
                .and_then(|line| line.strip_prefix("Or type the key: "));
            app = key.map(|key| {
                let (bytes, _) = base32::decode_lenient(key).unwrap();
                Totp::new(&Secret::from_bytes(&bytes).unwrap(), Params::default())
            });
        }
    }
    let typed = code(app.as_ref());
    // It may have ended without asking.
    let _ = writeln!(tool.stdin.take().unwrap(), "{typed}");
    std::io::Read::read_to_string(&mut out, &mut said).unwrap();
    let ended = tool.wait_with_output().unwrap();
    said.push_str(&String::from_utf8_lossy(&ended.stderr));
    Ran {
        said,
        done: ended.status.success(),
        app,
    }
}

fn now(app: &Totp, ahead: u64) -> String {
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    app.generate(UnixTime::from_secs(now + ahead))
        .expose()
        .to_string()
}

#[test]
fn it_ships_for_whoever_has_the_phone_once_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = |_: Option<&Totp>| String::new();
    let early = run(folder.path(), &["ship"], nothing);
    assert!(
        !early.done && early.said.contains("set it up first"),
        "{}",
        early.said
    );

    // A wrong first code sets nothing up.
    let set_up = ["set-up", "ann@example.com"];
    let wrong = run(folder.path(), &set_up, |app| {
        let near: Vec<_> = (0..5).map(|steps| now(app.unwrap(), steps * 30)).collect();
        let mut codes = (0..10).map(|n| format!("{n:06}"));
        codes.find(|code| !near.contains(code)).unwrap()
    });
    assert!(!wrong.done, "{}", wrong.said);
    let done = run(folder.path(), &set_up, |app| now(app.unwrap(), 0));
    assert!(done.done, "{}", done.said);
    let Some(app) = done.app else {
        panic!("no key was shown: {}", done.said)
    };
    #[cfg(unix)]
    {
        let meta = std::fs::metadata(folder.path().join("newcomer.totp")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&meta) & 0o777, 0o600);
    }

    // The code that confirmed is spent; the app's next one, typed with a space, ships, once.
    let next = now(&app, 30);
    let spaced = |_: Option<&Totp>| format!("{} {}", &next[..3], &next[3..]);
    let shipped = run(folder.path(), &["ship"], spaced);
    assert!(
        shipped.done && shipped.said.contains("Shipped."),
        "{}",
        shipped.said
    );
    let again = run(folder.path(), &["ship"], spaced);
    assert!(
        !again.done && !again.said.contains("Shipped."),
        "{}",
        again.said
    );
    let over = run(folder.path(), &set_up, nothing);
    assert!(!over.done && over.said.contains("already"), "{}", over.said);
}
