//! Processes at the same moment, and processes killed at any.

use std::fs;
use std::time::Duration;

use crate::play::{MANDATE, Play};
use crate::postgres;

/// Sixty-four answers with one right code, each a process with a login of its own.
fn one_code_many_answers(play: &Play) {
    play.project("acme", &["ann"], &[]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 60;
    let (code, at) = (ann.code(now), now.to_string());
    let logins: Vec<String> = (0..64)
        .map(|_| {
            play.challenge(now, "acme", "ann")["login"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let args = |login| ["answer", login, &code, "--json", "--at", &at];
    let children: Vec<_> = logins
        .iter()
        .map(|login| play.start(&args(login)))
        .collect();
    let mut accepted = 0;
    for (login, child) in logins.iter().zip(children) {
        let ran = play.end(child, &args(login));
        if ran.code == 0 {
            accepted += 1;
        } else {
            let reason = ran.reason();
            assert!(
                ["code-already-used", "locked"].contains(&reason.as_str()),
                "{reason}"
            );
        }
    }
    assert_eq!(accepted, 1);
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
    let events = play
        .run(&["audit", "list", "acme", "ann", "--json"])
        .exits(0)
        .objects();
    assert_eq!(
        events
            .iter()
            .filter(|event| event["event"] == "accepted")
            .count(),
        1
    );
}

#[test]
fn f07_sixty_four_processes_and_one_code_on_sqlite() {
    one_code_many_answers(&Play::new());
}

#[test]
fn f07_sixty_four_processes_and_one_code_on_postgresql() {
    one_code_many_answers(&postgres::play());
}

#[test]
fn a_rotation_that_is_killed_loses_nothing_and_is_gone_on_with() {
    let play = Play::new();
    play.project("acme", &[], &[]);
    let mut lines = Vec::new();
    for n in 0..120 {
        let user = format!("u{n:03}");
        play.json(MANDATE, &["member", "add", "acme", &user]).done();
        let secret = format!(
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3{}",
            &["AAA", "BBB", "CCC"][n % 3]
        );
        lines.push(format!(
            "{user}\totpauth://totp/Old:{user}?secret={secret}&issuer=Old"
        ));
    }
    fs::write(play.path("export"), lines.join("\n")).unwrap();
    play.json(MANDATE, &["import", "acme", "export"]).done();
    let mut killed = 0;
    for round in 0..12 {
        let mut child = play.start(&["keys", "rotate", "--json"]);
        std::thread::sleep(Duration::from_millis(round * 12));
        // Killed, not asked to stop.
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        assert_eq!(
            play.run(&["audit", "verify", "--json"]).done()["verified"],
            true
        );
    }
    assert!(killed > 3, "only {killed} were still running");
    let done = play.run(&["keys", "rotate", "--resume", "--json"]).done();
    assert_eq!(done["records"], 121);
    let again = play.run(&["keys", "rotate", "--resume", "--json"]).done();
    assert_eq!(again["resealed"], 0);
    let app = crate::play::App {
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3BBB".to_owned(),
    };
    play.sign_in(MANDATE + 60, "acme", "u001", &app.code(MANDATE + 60))
        .done();
}
