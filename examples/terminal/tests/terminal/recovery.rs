//! A record that cannot be read: refused, recovered, repaired, and on the record.

use crate::play::{MANDATE, Play};
use crate::postgres;

/// Changes the last byte of a record.
fn damage(play: &Play, user: &str) {
    let end = if play.is_file() {
        "CAST(substr(record, 1, length(record) - 1) || x'ff' AS BLOB)"
    } else {
        "substr(record, 1, length(record) - 1) || '\\xff'::bytea"
    };
    play.alter(&format!(
        "UPDATE twofa_factor SET record = {end} WHERE project = 'acme' AND user_id = '{user}'"
    ));
}

fn handover(done: &serde_json::Value) -> String {
    done["handover_code"].as_str().unwrap().to_owned()
}

/// What `audit verify` says: its lines, with the summary as the last one.
fn verified(play: &Play, code: i32, more: &[&str]) -> Vec<serde_json::Value> {
    let args = [&["audit", "verify", "--json"], more].concat();
    play.run(&args).exits(code).objects()
}

#[test]
fn a_damaged_record_is_refused_and_recovered() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        let ann = play.enrol(MANDATE, "acme", "ann");
        let bob = play.enrol(MANDATE, "acme", "bob");
        let before = play.challenge(MANDATE + 60, "acme", "bob");
        damage(&play, "bob");
        let login = play.json(MANDATE + 60, &["login", "acme", "bob"]).refused();
        assert_eq!(
            (&login["next"], &login["reason"]),
            (&"refuse".into(), &"record-unreadable".into())
        );
        let answer = play.answer(MANDATE + 60, &before, &bob.code(MANDATE + 60));
        assert_eq!(answer.reason(), "record-unreadable");
        // An operator's work goes on beside it.
        play.run(&["policy", "impact", "acme", "--json"]).exits(0);
        play.run(&["keys", "rotate", "--json"]).exits(0);
        let code = ann.code(MANDATE + 60);
        let reset = ["reset", "acme", "bob", "--as", "ann", "--code", &code];
        let done = play.json(MANDATE + 60, &reset).done();
        let code = handover(&done);
        assert_eq!(
            done.to_string(),
            format!(
                r#"{{"reset":true,"project":"acme","user":"bob","by":"ann","recovered":true,"fault":"record-altered","handover_code":"{code}","warnings":[]}}"#
            )
        );
        let begun = play.json(MANDATE + 90, &["login", "acme", "bob"]).done();
        assert_eq!(begun["next"], "enrol");
        let answer = play.answer(MANDATE + 90, &before, &bob.code(MANDATE + 90));
        assert_eq!(answer.reason(), "unknown-login");

        let lines = verified(&play, 0, &[]);
        let [place, summary] = lines.as_slice() else {
            panic!("named once: {lines:?}");
        };
        let place = &place["acknowledged"];
        assert_eq!(
            (
                &place["user"],
                &place["fault"],
                &place["by"],
                &place["ticket"]
            ),
            (
                &"bob".into(),
                &"record-altered".into(),
                &"ann".into(),
                &serde_json::Value::Null
            )
        );
        assert_eq!(
            (&summary["verified"], &summary["acknowledged"]),
            (&true.into(), &1.into())
        );
        verified(&play, 1, &["--strict"]);
    }
}

#[test]
fn a_project_s_own_record_is_repaired() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        play.run(&["project", "set", "acme", "--no-handover", "--json"])
            .done();
        let repair = [
            "repair",
            "acme",
            "--operator",
            "grace",
            "--ticket",
            "T-9",
            "--json",
        ];
        assert_eq!(play.run(&repair).reason(), "record-readable");
        damage(&play, "");
        let set = ["project", "set", "acme", "--handover", "--json"];
        let error = play.run(&set).error(3);
        assert_eq!(error["error"], "record-unreadable");
        let done = play.run(&repair).done();
        assert_eq!(
            done.to_string(),
            r#"{"recovered":true,"fault":"record-altered","project":"acme","by":"grace","ticket":"T-9"}"#
        );
        play.run(&set).done();
        let lines = verified(&play, 0, &[]);
        let place = &lines[0]["acknowledged"];
        assert_eq!(
            (&place["user"], &place["by"], &place["ticket"]),
            (&serde_json::Value::Null, &"grace".into(), &"T-9".into())
        );
        // On a ticket, and where the key is not missing, it says nothing of that.
        play.enrol(MANDATE, "acme", "bob");
        damage(&play, "bob");
        let reset = [
            "support-reset",
            "acme",
            "bob",
            "--operator",
            "grace",
            "--ticket",
            "T-10",
            "--key-lost",
        ];
        let done = play.json(MANDATE + 60, &reset).done();
        assert_eq!(
            (&done["recovered"], &done["fault"], &done["ticket"]),
            (&true.into(), &"record-altered".into(), &"T-10".into())
        );
        assert_eq!(verified(&play, 0, &[]).len(), 3);
    }
}

#[test]
fn the_store_s_own_record_of_its_keys_is_repaired() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        play.enrol(MANDATE, "acme", "bob");
        let repair = |more: &[&str]| {
            let args = [
                "keys",
                "repair",
                "--operator",
                "grace",
                "--ticket",
                "T-9",
                "--json",
            ];
            play.run(&[&args, more].concat())
        };
        assert_eq!(repair(&[]).reason(), "record-readable");
        let altered = if play.is_file() {
            "CAST(substr(record, 1, length(record) - 4) || x'00000000' AS BLOB)"
        } else {
            "substr(record, 1, length(record) - 4) || '\\x00000000'::bytea"
        };
        play.alter(&format!(
            "UPDATE twofa_factor SET record = {altered} WHERE project = ''"
        ));
        let login = ["login", "acme", "bob"];
        let error = play.json(MANDATE + 60, &login).error(3);
        assert_eq!(error["error"], "record-unreadable");
        assert_eq!(
            repair(&[]).done().to_string(),
            r#"{"recovered":true,"fault":"record-altered","by":"grace","ticket":"T-9"}"#
        );
        assert_eq!(verified(&play, 0, &[]).len(), 2);

        // The keys are lost: they are given up for others only where that is said.
        let file = play.path(if play.is_file() {
            "twofa.db.key"
        } else {
            "keys"
        });
        std::fs::remove_file(&file).unwrap();
        assert_eq!(repair(&[]).error(3)["error"], "key-missing");
        let done = repair(&["--new-keys"]).done();
        assert_eq!(done["fault"], "key-missing");
        let refused = play.run(&[&login[..], &["--json"]].concat());
        assert_eq!(refused.reason(), "record-unreadable");
        let reset = [
            "support-reset",
            "acme",
            "bob",
            "--operator",
            "grace",
            "--ticket",
            "T-10",
            "--json",
        ];
        assert_eq!(play.run(&reset).reason(), "key-missing");
        let done = play.run(&[&reset[..], &["--key-lost"]].concat()).done();
        assert_eq!(
            (&done["recovered"], &done["fault"]),
            (&true.into(), &"key-missing".into())
        );
    }
}
