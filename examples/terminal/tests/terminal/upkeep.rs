//! `keys rotate`, `import`, `audit verify`: the work of whoever runs a store.

use std::fs;

use crate::play::{App, MANDATE, Play, execute};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// A hand in the database.
fn alter(play: &Play, statement: &'static str) {
    let rows = execute(&play.path("twofa.db"), statement);
    assert!(rows > 0, "{statement}");
}

#[test]
fn a_new_key_takes_over_and_the_old_one_still_reads_the_audit() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let apps = ["ann", "bob"].map(|user| play.enrol(MANDATE, "acme", user));
    let before = fs::read_to_string(play.path("twofa.db.key")).unwrap();
    let rotated = play.run(&["keys", "rotate", "--json"]).done();
    let old = before.split(' ').nth(2).unwrap().to_owned();
    let old = old.as_str();
    let fresh = rotated["active"].as_str().unwrap();
    let mut ids = [old, fresh];
    ids.sort_unstable();
    let [one, other] = ids;
    assert_eq!(
        rotated.to_string(),
        format!(
            r#"{{"rotated":true,"active":"{fresh}","keys":["{one}","{other}"],"records":3,"resealed":3}}"#
        )
    );
    for (user, app) in ["ann", "bob"].iter().zip(&apps) {
        play.sign_in(MANDATE + 60, "acme", user, &app.code(MANDATE + 60))
            .done();
    }
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
    // Interrupted before the end, it is gone on with; at the end there is nothing left to do.
    let resumed = play.run(&["keys", "rotate", "--resume", "--json"]).done();
    assert_eq!(
        (&resumed["active"], &resumed["resealed"]),
        (&fresh.into(), &0.into())
    );

    // The old key alone opens nothing any more, and says so.
    let after = fs::read_to_string(play.path("twofa.db.key")).unwrap();
    fs::write(play.path("twofa.db.key"), before).unwrap();
    let error = play.run(&["login", "acme", "ann", "--json"]).error(3);
    assert_eq!(error["error"], "key-missing");
    // The new key alone signs in, and cannot read the audit from before.
    let kept: Vec<_> = after.lines().filter(|line| !line.contains(old)).collect();
    let without = kept.join("\n");
    fs::write(play.path("twofa.db.key"), without).unwrap();
    play.sign_in(MANDATE + 120, "acme", "ann", &apps[0].code(MANDATE + 120))
        .done();
    let error = play.run(&["audit", "verify", "--json"]).error(3);
    assert_eq!(error["error"], "key-missing");
    fs::write(play.path("twofa.db.key"), after).unwrap();
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
}

#[test]
fn two_rotations_at_once_lose_no_key() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let args = ["keys", "rotate", "--json"];
    let children: Vec<_> = (0..6).map(|_| play.start(&args)).collect();
    let mut done = 0;
    for child in children {
        let ran = play.end(child, &args);
        match ran.code {
            0 => done += 1,
            _ => assert_eq!(ran.error(3)["error"], "contended"),
        }
    }
    assert!(done >= 1);
    let keys = fs::read_to_string(play.path("twofa.db.key")).unwrap();
    assert_eq!(keys.matches("\nkey ").count(), done + 1);
    play.sign_in(MANDATE + 60, "acme", "ann", &ann.code(MANDATE + 60))
        .done();
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
}

/// A program that read the key file just before a rotation finds a record under a key that it has not seen.
#[test]
fn a_rotation_under_way_turns_no_reader_away() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    play.enrol(MANDATE, "acme", "ann");
    let (rotate, read) = (["keys", "rotate", "--json"], ["project", "list", "--json"]);
    for _ in 0..20 {
        let rotation = play.start(&rotate);
        let readers: Vec<_> = (0..8).map(|_| play.start(&read)).collect();
        for reader in readers {
            play.end(reader, &read).exits(0);
        }
        play.end(rotation, &rotate).done();
    }
}

#[test]
fn a_record_that_cannot_be_read_keeps_no_other_from_its_new_key() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob", "cat"]);
    let [_, bob, cat] = ["ann", "bob", "cat"].map(|user| play.enrol(MANDATE, "acme", user));
    alter(
        &play,
        "UPDATE twofa_factor SET record = x'00' WHERE user_id = 'ann'",
    );
    let done = play.run(&["keys", "rotate", "--json"]).done();
    assert_eq!(
        (&done["rotated"], &done["unreadable"]),
        (&true.into(), &1.into())
    );
    // Everybody else is under the new key: the old one can be taken away.
    let keys = fs::read_to_string(play.path("twofa.db.key")).unwrap();
    let without: Vec<_> = keys.lines().filter(|l| !l.starts_with("key 1 ")).collect();
    fs::write(play.path("twofa.db.key"), without.join("\n") + "\n").unwrap();
    let now = MANDATE + 60;
    play.sign_in(now, "acme", "bob", &bob.code(now)).done();
    play.sign_in(now, "acme", "cat", &cat.code(now)).done();
}

#[test]
fn programs_that_begin_one_store_together_share_its_key() {
    for _ in 0..4 {
        begin_together(&Play::bare(None), &["twofa.db", "twofa.db.key"]);
    }
    // On a server the store may have something in it between two looks, the keys having come first.
    for _ in 0..4 {
        begin_together(&Play::bare(Some(crate::postgres::fresh())), &["keys"]);
    }
}

fn begin_together(play: &Play, made: &[&str]) {
    let names: Vec<_> = (0..16).map(|n| format!("p{n}")).collect();
    let args = |name| {
        [
            "project",
            "add",
            name,
            "--mandatory-from",
            "2022-12-01",
            "--json",
        ]
    };
    let children: Vec<_> = names.iter().map(|name| play.start(&args(name))).collect();
    for (name, child) in names.iter().zip(children) {
        play.end(child, &args(name)).done();
    }
    assert_eq!(
        play.run(&["project", "list", "--json"])
            .exits(0)
            .objects()
            .len(),
        16
    );
    let verified = play.run(&["audit", "verify", "--json"]).done();
    assert_eq!(
        verified.to_string(),
        r#"{"verified":true,"factors":16,"events":16}"#
    );
    let files = fs::read_dir(play.folder())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert_eq!(files, made);
}

#[test]
fn an_import_lands_line_by_line_and_names_the_bad_ones() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob", "cat", "dan"]);
    let uri = |account: &str| format!("otpauth://totp/Old:{account}?secret={KEY}&issuer=Old");
    let lines = [
        format!("ann\t{}", uri("ann")),
        "bob and no tab".to_owned(),
        String::new(),
        format!("stranger\t{}", uri("stranger")),
        "cat\totpauth://totp/cat?secret=JBSWY3DP".to_owned(),
        format!("dan\totpauth://hotp/dan?secret={KEY}&counter=1"),
        format!("\u{202e}x\t{}", uri("x")),
        format!("bob\t{}{}", uri("bob"), "&x=".repeat(5000)),
        format!("bob\t{}\r", uri("bob")),
    ];
    fs::write(play.path("export.txt"), lines.join("\n")).unwrap();
    let ran = play
        .json(MANDATE, &["import", "acme", "export.txt"])
        .exits(2);
    assert_eq!(
        ran.objects()[0].to_string(),
        r#"{"imported":2,"skipped":0,"bad":6}"#
    );
    let told: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|e| (e["line"].as_u64().unwrap(), e["error"].as_str().unwrap()))
        .collect();
    let expected = [
        (2, "line"),
        (4, "unknown-member"),
        (5, "uri"),
        (6, "counter-based"),
        (7, "name"),
        (8, "too-long"),
    ];
    assert_eq!(told, expected);
    assert!(!ran.stderr.contains("JBSWY3DP"), "{}", ran.stderr);

    // In use at once, with the app as it is; and again, only what is missing lands.
    let app = App {
        secret: KEY.to_owned(),
    };
    for user in ["ann", "bob"] {
        play.sign_in(MANDATE + 60, "acme", user, &app.code(MANDATE + 60))
            .done();
    }
    fs::write(
        play.path("export.txt"),
        [lines[0].clone(), format!("cat\t{}", uri("cat"))].join("\n"),
    )
    .unwrap();
    let again = play
        .json(MANDATE + 90, &["import", "acme", "export.txt"])
        .done();
    assert_eq!(again.to_string(), r#"{"imported":1,"skipped":1,"bad":0}"#);
    let error = play
        .run(&["import", "acme", "nowhere.txt", "--json"])
        .error(2);
    assert!(
        error["message"].as_str().unwrap().contains("nowhere.txt"),
        "{error}"
    );
}

#[test]
fn a_hand_in_the_database_shows() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    play.enrol(MANDATE, "acme", "bob");
    play.sign_in(MANDATE + 60, "acme", "ann", &ann.code(MANDATE + 60))
        .done();
    let store = play.path("twofa.db");
    let whole = fs::read(&store).unwrap();
    let tamper = |statement: &'static str| {
        fs::write(&store, &whole).unwrap();
        alter(&play, statement);
        play.run(&["audit", "verify", "--json"]).unverified()["first_bad"].clone()
    };
    let edited =
        tamper("UPDATE twofa_event SET event = 'accepted' WHERE user_id = 'ann' AND seq = 1");
    assert_eq!(
        edited.to_string(),
        r#"{"project":"acme","user":"ann","seq":1,"fault":"event-altered"}"#
    );
    let removed = tamper("DELETE FROM twofa_event WHERE user_id = 'ann' AND seq = 2");
    assert_eq!(
        (&removed["fault"], &removed["seq"]),
        (&"event-missing".into(), &3.into())
    );
    let cut = tamper("DELETE FROM twofa_event WHERE user_id = 'ann' AND seq = 4");
    assert_eq!(cut["fault"], "chain-cut");
    let moved = tamper(
        "UPDATE twofa_factor SET record = (SELECT record FROM twofa_factor f WHERE f.user_id = 'bob') WHERE user_id = 'ann'",
    );
    assert_eq!(
        (&moved["fault"], &moved["user"]),
        (&"record-altered".into(), &"ann".into())
    );
    // The factor that was moved opens nothing, and is no wrong code.
    let refused = play.json(MANDATE + 120, &["login", "acme", "ann"]);
    assert_eq!(refused.reason(), "record-unreadable");
    let removed = tamper("DELETE FROM twofa_factor WHERE user_id = 'ann'");
    assert_eq!(removed["fault"], "record-missing");
}
