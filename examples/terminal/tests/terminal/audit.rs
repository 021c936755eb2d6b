//! The audit followed, copied elsewhere, and compared with what was kept of it.

use std::fs;

use serde_json::Value;

use crate::play::{MANDATE, Play};
use crate::postgres;

fn listed(play: &Play, args: &[&str]) -> Vec<Value> {
    let args = [&["audit", "list", "--json"], args].concat();
    play.run(&args).exits(0).objects()
}

fn verify<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["audit", "verify", "--json"], more].concat()
}

/// What a check says that found something: each bad place as its project, person, number and fault.
fn bad(play: &Play, more: &[&str]) -> Vec<String> {
    let ran = play.run(&verify(more)).exits(1);
    let places = ran.objects().into_iter().filter_map(|line| {
        let bad = line["bad"].as_object()?.clone();
        let text = |name: &str| bad[name].to_string().replace('"', "");
        Some(format!(
            "{} {} {} {}",
            text("project"),
            text("user"),
            text("seq"),
            text("fault")
        ))
    });
    let places = places.collect();
    ran.unverified();
    places
}

fn whole(play: &Play, more: &[&str]) {
    assert_eq!(play.run(&verify(more)).done()["verified"], true);
}

fn head(play: &Play) -> String {
    let head = play.run(&["audit", "head", "--json"]).done();
    assert!(head["subjects"].as_u64() > Some(1), "{head}");
    assert!(head["events"].as_u64() > Some(1), "{head}");
    head["head"].as_str().unwrap().to_owned()
}

#[test]
fn the_audit_is_followed_from_cursor_to_cursor() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        play.project("beta", &["ann"], &[]);
        let ann = play.enrol(MANDATE, "acme", "ann");
        play.enrol(MANDATE, "beta", "ann");
        let all = listed(&play, &[]);
        let mut followed = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let page = listed(&play, &["--since", &cursor, "--limit", "3"]);
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            cursor = last["cursor"].to_string();
            followed.extend(page);
        }
        assert_eq!(followed, all);
        for event in &all {
            assert_eq!(event["mac"].as_str().unwrap().len(), 64, "{event}");
            assert_eq!(event["key"].as_str().unwrap().len(), 8, "{event}");
            assert!(event["seq"].as_u64() >= Some(1), "{event}");
        }
        // The store's own events belong to no project.
        assert_eq!(all[0]["project"], Value::Null, "{}", all[0]);
        let of_beta = listed(&play, &["beta"]);
        let in_beta: Vec<_> = all.iter().filter(|e| e["project"] == "beta").collect();
        assert_eq!(of_beta.iter().collect::<Vec<_>>(), in_beta);

        // What came since goes into a file, and nothing is written over.
        play.sign_in(MANDATE + 60, "acme", "ann", &ann.code(MANDATE + 60))
            .done();
        let export = [
            "audit",
            "export",
            "--json",
            "-o",
            "new.jsonl",
            "--since",
            &cursor,
        ];
        let done = play.run(&export).done();
        assert_eq!(done["exported"], 1, "{done}");
        let file = fs::read_to_string(play.path("new.jsonl")).unwrap();
        let event: Value = serde_json::from_str(file.trim()).unwrap();
        assert_eq!(event["cursor"], done["cursor"]);
        assert_eq!(event, listed(&play, &["--since", &cursor])[0]);
        assert_eq!(play.run(&export).error(2)["error"], "file-exists");
        assert_eq!(fs::read_to_string(play.path("new.jsonl")).unwrap(), file);
    }
}

/// A copy of the store put back, which nothing within it can show.
#[test]
fn what_was_put_back_behind_a_head_is_found() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let copy = fs::read(play.path("twofa.db")).unwrap();
    let before = head(&play);
    play.enrol(MANDATE, "acme", "bob");
    play.sign_in(MANDATE + 60, "acme", "ann", &ann.code(MANDATE + 60))
        .done();
    let later = head(&play);
    let export = ["audit", "export", "--json", "-o", "all.jsonl"];
    play.run(&export).done();
    for from in [&before, &later] {
        whole(&play, &["--from", from]);
    }
    whole(&play, &["--against", "all.jsonl"]);
    assert_eq!(head(&play), later, "a look changes nothing");

    fs::write(play.path("twofa.db"), copy).unwrap();
    whole(&play, &[]);
    whole(&play, &["--from", &before]);
    assert_eq!(
        bad(&play, &["--from", &later]),
        ["null null null store-rolled-back"]
    );
    // With a copy of the events, those who went further are named.
    assert_eq!(
        bad(&play, &["--against", "all.jsonl"]),
        ["acme ann 4 not-as-exported", "acme bob 3 not-as-exported"]
    );
    // Gone on with from there, it has as many events as it had, and others.
    play.enrol(MANDATE + 90, "acme", "bob");
    play.sign_in(MANDATE + 120, "acme", "ann", &ann.code(MANDATE + 120))
        .done();
    whole(&play, &[]);
    assert_eq!(
        bad(&play, &["--from", &later]),
        ["null null null store-rolled-back"]
    );

    // What is no head and no export is said to be none.
    let error = play.run(&verify(&["--from", "twofa-head-1:zz"])).error(2);
    assert!(
        error["message"].as_str().unwrap().contains("audit"),
        "{error}"
    );
    fs::write(play.path("no.jsonl"), "{}\n").unwrap();
    let error = play.run(&verify(&["--against", "no.jsonl"])).error(2);
    assert_eq!(error["error"], "not-an-export");
    let theirs = Play::new();
    theirs.project("acme", &["ann"], &[]);
    theirs.enrol(MANDATE, "acme", "ann");
    assert_eq!(
        bad(&theirs, &["--from", &later]),
        ["null null null store-rolled-back"],
        "the head of another store stands for nothing here"
    );
}

#[test]
fn one_bad_place_hides_no_other() {
    for play in [Play::new(), postgres::play()] {
        let people: Vec<_> = (0..10).map(|n| format!("u{n}@x")).collect();
        let names: Vec<_> = people.iter().map(String::as_str).collect();
        play.project("acme", &["ann"], &names);
        for name in &names {
            play.enrol(MANDATE, "acme", name);
        }
        whole(&play, &[]);
        let edits = [
            "UPDATE twofa_event SET detail = 'x' WHERE user_id = 'u0@x' AND seq = 1",
            "DELETE FROM twofa_event WHERE user_id = 'u1@x' AND seq = 1",
            "DELETE FROM twofa_event WHERE user_id = 'u2@x' AND seq = 3",
            "UPDATE twofa_factor SET record = (SELECT record FROM twofa_factor f WHERE f.user_id = 'u4@x') WHERE user_id = 'u3@x'",
            "UPDATE twofa_factor SET state = 'none' WHERE user_id = 'u5@x'",
            "UPDATE twofa_factor SET state = 'junk' WHERE user_id = 'u6@x'",
            "UPDATE twofa_factor SET last_used = 1 WHERE user_id = 'u7@x'",
            "UPDATE twofa_event SET generation = 99 WHERE user_id = 'u8@x' AND seq = 2",
            "DELETE FROM twofa_factor WHERE user_id = 'u9@x'",
            "UPDATE twofa_factor SET version = version + 1 WHERE user_id = 'u4@x'",
        ];
        for edit in edits {
            play.alter(edit);
        }
        assert_eq!(
            bad(&play, &[]),
            [
                "acme u0@x 1 event-altered",
                "acme u1@x 2 event-missing",
                "acme u2@x 3 chain-cut",
                "acme u3@x null record-altered",
                "acme u4@x null record-altered",
                "acme u5@x null list-altered",
                "acme u6@x null list-altered",
                "acme u7@x null list-altered",
                "acme u8@x 2 event-altered",
                "acme u9@x null record-missing",
            ]
        );
    }
}

/// A notice that its reader must not see is moved behind what was read; an event before the one that it followed.
#[test]
fn a_notice_or_an_event_that_was_moved_is_found() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob", "zoe"]);
        play.enrol(MANDATE, "acme", "zoe");
        let ann = play.enrol(MANDATE, "acme", "ann");
        play.enrol(MANDATE, "acme", "bob");
        let code = ann.code(MANDATE + 60);
        play.json(
            MANDATE + 60,
            &["reset", "acme", "bob", "--as", "ann", "--code", &code],
        )
        .done();
        whole(&play, &[]);
        // The reset is the fourth notice; the one of zoe was read long ago.
        play.alter("UPDATE twofa_event SET notice = 99 WHERE event = 'reset-granted'");
        assert_eq!(bad(&play, &[]), ["acme null null notices-differ"]);
        play.alter("UPDATE twofa_event SET notice = 4 WHERE user_id = 'zoe' AND notice = 1");
        play.alter("UPDATE twofa_event SET notice = 1 WHERE event = 'reset-granted'");
        assert_eq!(bad(&play, &[]), ["acme bob 4 notice-moved"]);
        play.alter("UPDATE twofa_event SET notice = 98 WHERE user_id = 'zoe' AND notice = 4");
        play.alter("UPDATE twofa_event SET notice = 4 WHERE event = 'reset-granted'");
        play.alter("UPDATE twofa_event SET notice = 1 WHERE user_id = 'zoe' AND notice = 98");
        whole(&play, &[]);
        for number in ["0", "-1"] {
            let moved =
                format!("UPDATE twofa_event SET notice = {number} WHERE event = 'reset-granted'");
            play.alter(&moved);
            // Everybody else's are still read.
            let notices = play.run(&["notices", "acme", "--json"]).exits(0).objects();
            assert_eq!(notices.len(), 3, "{notices:?}");
            assert_eq!(bad(&play, &[]).len(), 1);
            play.alter("UPDATE twofa_event SET notice = 4 WHERE event = 'reset-granted'");
        }
        whole(&play, &[]);

        // PostgreSQL lets nobody write these numbers.
        if play.is_file() {
            play.alter("UPDATE twofa_event SET id = 1000 WHERE user_id = 'zoe' AND seq = 2");
            assert_eq!(bad(&play, &[]), ["acme zoe 3 event-moved"]);
        }
    }
}

/// What a hand in the database, or in a folder, wrote to make a line look like another, or to change the terminal.
#[test]
fn no_text_from_elsewhere_reaches_the_terminal_raw() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    play.enrol(MANDATE, "acme", "ann");
    for edit in [
        "UPDATE twofa_event SET actor = 'x' || char(10) || '2026-01-01T00:00:00Z  reset-granted       forged'",
        "UPDATE twofa_event SET detail = char(27) || ']0;title' || char(7) || char(27) || '[2J'",
        "UPDATE twofa_event SET reason = char(155) || '31m', event = event || char(8206) WHERE user_id = 'ann'",
        "UPDATE twofa_project SET issuer = char(27) || '[31mred' || char(8238)",
    ] {
        play.alter(edit);
    }
    let lines = |args: &[&str]| play.run(args).exits(0).stdout;
    let events = lines(&["audit", "list"]).lines().count();
    assert_eq!(events, listed(&play, &[]).len(), "a line each");
    let mut said = [
        lines(&["audit", "list", "acme"]),
        lines(&["notices", "acme"]),
        lines(&["project", "list"]),
        play.run(&["audit", "verify"]).exits(1).stdout,
    ]
    .concat();
    for name in ["no\u{1b}[2Jstore.db", "two\nlines.db", "back\u{202e}bd.db"] {
        said += &play
            .run(&["audit", "list", "--store", name])
            .exits(3)
            .stderr;
        said += &play.run(&["parse", "--input", name]).exits(2).stderr;
        said += &play
            .run(&["login", "acme", "ann", "--key-file", name])
            .exits(3)
            .stderr;
    }
    let raw = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{200e}' | '\u{202e}');
    assert!(!said.contains(raw), "{said:?}");
    assert!(!said.contains("\nlines.db"), "{said:?}");
    assert!(said.contains("\\u{1b}[31mred\\u{202e}"), "{said}");
    // Programs get the text as it is.
    let event = &listed(&play, &["acme"])[0];
    assert!(
        event["detail"].as_str().unwrap().contains('\u{1b}'),
        "{event}"
    );
}

/// A row that nothing here can have written keeps nobody from signing in, and nothing from being checked.
#[test]
fn a_row_under_no_name_is_in_nobodys_way() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        let ann = play.enrol(MANDATE, "acme", "ann");
        let byte = if play.is_file() {
            "char(27)"
        } else {
            "chr(27)"
        };
        play.alter(&format!(
            "INSERT INTO twofa_factor (project, user_id, version, record, state) \
             SELECT project, 'a' || {byte}, version, record, 'active' FROM twofa_factor WHERE user_id = 'ann'"
        ));
        play.alter(&format!(
            "INSERT INTO twofa_member (project, user_id, role) VALUES ('acme', 'b' || {byte}, 'member')"
        ));
        let code = ann.code(MANDATE + 60);
        play.sign_in(MANDATE + 60, "acme", "ann", &code).done();
        let code = ann.code(MANDATE + 120);
        let list = ["factors", "acme", "--as", "ann", "--code", &code];
        let factors = play.json(MANDATE + 120, &list).exits(0).objects();
        assert_eq!(factors.len(), 1, "{factors:?}");
        play.run(&["policy", "impact", "acme", "--json"]).exits(0);
        play.run(&["keys", "list", "--json"]).exits(0);
        assert_eq!(bad(&play, &[]), ["acme a\\u001b null row-foreign"]);
    }
}

/// Where a sign-in passes without writing, a record that is gone or older than its events passes nobody.
#[test]
fn a_record_alone_that_is_gone_or_put_back_passes_nobody() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        let bob = play.enrol(MANDATE, "acme", "bob");
        play.alter("CREATE TABLE kept AS SELECT * FROM twofa_factor WHERE user_id = 'bob'; UPDATE kept SET state = state");
        play.sign_in(MANDATE + 60, "acme", "bob", &bob.code(MANDATE + 60))
            .done();
        play.json(MANDATE + 90, &["project", "set", "acme", "--optional"])
            .done();
        play.alter("DELETE FROM twofa_factor WHERE user_id = 'bob'");
        let login = ["login", "acme", "bob"];
        let refused = || play.json(MANDATE + 120, &login).reason();
        assert_eq!(refused(), "record-unreadable");
        assert_eq!(bad(&play, &[]), ["acme bob null record-missing"]);
        play.alter("INSERT INTO twofa_factor SELECT * FROM kept");
        assert_eq!(refused(), "record-unreadable");
        assert_eq!(bad(&play, &[]), ["acme bob 4 record-rolled-back"]);
        let begun = play.json(MANDATE + 120, &["login", "acme", "ann"]).done();
        assert_eq!(begun["next"], "allow", "nobody else is kept out");
    }
}

/// A dump, a reset and a new phone, and the dump put back: the lost phone would work again, and so would every session.
#[test]
fn f32_after_a_restore_whoever_was_reset_since_is_named_and_reset() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob", "zoe"]);
        let [ann, lost, zoe] = ["ann", "bob", "zoe"].map(|user| play.enrol(MANDATE, "acme", user));
        let copy = play.copy();
        let (now, ticket) = (MANDATE + 60, ["--operator", "grace", "--ticket", "T-1"]);
        let code = ann.code(now);
        play.json(
            now,
            &["reset", "acme", "bob", "--as", "ann", "--code", &code],
        )
        .done();
        let fresh = play.enrol(now, "acme", "bob");
        play.run(&["audit", "export", "--json", "-o", "kept.jsonl"])
            .done();
        let check = ["restore-check", "--events", "kept.jsonl"];
        let nobody = play.json(now, &check).done();
        assert_eq!(
            nobody.to_string(),
            r#"{"behind":0,"reset":0,"proofs_voided":false}"#
        );

        let restored = play.restored(copy);
        let now = now + 60;
        // What the backup brings back, were nothing done.
        whole(&restored, &[]);
        let ran = restored.json(now, &check).exits(1);
        let named: Vec<_> = ran.objects().iter().map(ToString::to_string).collect();
        assert_eq!(
            named,
            [
                r#"{"behind":{"project":"acme","user":"ann","exported":4,"stored":3}}"#,
                r#"{"behind":{"project":"acme","user":"bob","exported":6,"stored":3}}"#,
                r#"{"behind":2,"reset":0,"proofs_voided":false}"#,
            ]
        );
        let done = restored.json(now, &[&check[..], &["--reset"], &ticket].concat());
        let told = done.exits(0).objects();
        assert_eq!(told.last().unwrap()["reset"], 2, "{told:?}");
        let begun = restored.json(now, &["login", "acme", "bob"]).done();
        assert_eq!(
            (&begun["next"], &begun["reason"]),
            (&"enrol".into(), &"reset-by-support".into())
        );
        for phone in [&lost, &fresh] {
            let answer = restored.answer(now, &begun, &phone.code(now)).refused();
            assert_eq!(answer["accepted"], false, "{answer}");
        }
        // Nobody else notices.
        restored.sign_in(now, "acme", "zoe", &zoe.code(now)).done();
        whole(&restored, &[]);
        let of_the_store = listed(&restored, &[]);
        let voided = of_the_store
            .iter()
            .find(|e| e["event"] == "proofs-voided")
            .unwrap();
        assert_eq!(voided["detail"], "by grace, ticket T-1", "{voided}");
    }
}
