//! New phones, hand-over codes, and what a change of rules would mean.

use crate::play::{App, MANDATE, Play};

#[test]
fn a_new_phone_takes_over_once_its_first_code_comes() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let old = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 60;
    let replace =
        |seconds, args: &[&str]| play.json(seconds, &[&["replace", "acme", "ann"], args].concat());
    assert_eq!(replace(now, &[]).reason(), "proof-invalid");
    assert_eq!(
        replace(now, &["--code", &old.wrong(now)]).reason(),
        "wrong-code"
    );
    let begun = replace(now, &["--code", &old.code(now)]).done();
    assert_eq!(
        (&begun["next"], &begun["reason"]),
        (&"enrol".into(), &"factor-active".into())
    );
    let new = App::scan(begun["uri"].as_str().unwrap());
    // Until then the old one works, and the new one does not.
    let now = now + 30;
    play.sign_in(now, "acme", "ann", &old.code(now)).done();
    assert_eq!(
        play.sign_in(now, "acme", "ann", &new.code(now)).reason(),
        "wrong-code"
    );
    play.answer(now + 30, &begun, &new.code(now + 30)).done();
    let now = now + 60;
    assert_eq!(
        play.sign_in(now, "acme", "ann", &old.code(now)).reason(),
        "wrong-code"
    );
    play.sign_in(now, "acme", "ann", &new.code(now)).done();
    // Someone without a phone sets up by signing in; nothing is begun here.
    let refused = play
        .json(now, &["replace", "acme", "bob", "--code", "123456"])
        .refused();
    assert_eq!(refused["reason"], "proof-invalid");
    let list = ["audit", "list", "acme", "bob", "--json"];
    let events = play.run(&list).exits(0).objects();
    assert_eq!(events.len(), 1, "that they were added: {events:?}");
}

#[test]
fn a_hand_over_code_is_shown_once_and_needed_at_the_next_set_up() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    play.json(MANDATE, &["project", "set", "acme", "--handover"])
        .done();
    let ann = play.enrol(MANDATE, "acme", "ann");
    play.enrol(MANDATE, "acme", "bob");
    let now = MANDATE + 60;
    let reset = play
        .json(
            now,
            &[
                "reset",
                "acme",
                "bob",
                "--as",
                "ann",
                "--code",
                &ann.code(now),
            ],
        )
        .done();
    let handover = reset["handover_code"].as_str().unwrap();
    let begun = play.json(now, &["login", "acme", "bob"]).done();
    assert_eq!(begun["handover_required"], true);
    let bob = App::scan(begun["uri"].as_str().unwrap());
    let login = begun["login"].as_str().unwrap();
    assert_eq!(
        play.answer(now, &begun, &bob.code(now)).reason(),
        "handover-code"
    );
    let with = |code: &str, handover: &str| {
        play.json(now, &["answer", login, code, "--handover-code", handover])
    };
    assert_eq!(
        with(&bob.code(now), "ABCD-EFGH-JKLM-NPQR").reason(),
        "handover-code"
    );
    with(&bob.code(now), &handover.to_lowercase()).done();

    // In a conversation it is asked for first.
    let now = now + 60;
    let reset = play
        .json(
            now,
            &[
                "reset",
                "acme",
                "bob",
                "--as",
                "ann",
                "--code",
                &ann.code(now),
            ],
        )
        .done();
    let typed = format!("{}\n12345\n", reset["handover_code"].as_str().unwrap());
    let ran = play
        .run_with(
            &["login", "acme", "bob", "--at", &now.to_string()],
            typed.as_bytes(),
        )
        .exits(1);
    assert!(
        ran.stderr
            .starts_with("Hand-over code from your administrator: Code: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("[malformed]"), "{}", ran.stdout);
}

#[test]
fn the_impact_of_a_change_is_told_before_it_is_made() {
    let play = Play::new();
    play.json(MANDATE, &["project", "add", "acme", "--optional"])
        .done();
    for user in ["ann", "bob"] {
        play.json(MANDATE, &["member", "add", "acme", user]).done();
    }
    play.json(MANDATE, &["member", "set", "acme", "ann", "--admin"])
        .done();
    let impact = ["policy", "impact", "acme", "--mandatory-from", "2022-12-01"];
    let lines = play.json(MANDATE, &impact).exits(0).objects();
    assert_eq!(
        lines[0].to_string(),
        r#"{"user":"ann","now":{"next":"allow","reason":"optional"},"then":{"next":"enrol","reason":"mandatory"}}"#
    );
    let last = &lines[2];
    assert_eq!(last["summary"]["then"]["enrol"], 2);
    assert_eq!(
        last["warnings"].to_string(),
        r#"["single-administrator","no-enrolled-administrator"]"#
    );
    // Nothing was changed.
    let explained = play
        .json(MANDATE, &["policy", "explain", "acme", "bob"])
        .done();
    assert_eq!(
        (&explained["next"], &explained["reason"]),
        (&"allow".into(), &"optional".into())
    );
    let rules: Vec<_> = explained["trail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["rule"].as_u64().unwrap())
        .collect();
    assert_eq!(rules, (1..=11).collect::<Vec<_>>());
    assert_eq!(explained["trail"][10]["matched"], true);
    let explained = play
        .json(MANDATE, &["policy", "explain", "acme", "bob", "--sso"])
        .done();
    assert_eq!(
        (&explained["next"], &explained["trail"][0]["matched"]),
        (&"refuse".into(), &true.into())
    );
    assert_eq!(explained["remedy"][0], "sign-in-with-password");
}

#[test]
fn members_and_projects_are_listed_and_changed() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let add = [
        "project",
        "add",
        "beta",
        "--sso",
        "exempt",
        "--issuer",
        "Beta & Co",
        "--handover",
    ];
    play.json(MANDATE, &add).done();
    let listed = play.run(&["project", "list", "--json"]).exits(0).objects();
    assert_eq!(
        listed[1].to_string(),
        r#"{"project":"beta","mandatory_from":null,"sso":"exempt","issuer":"Beta & Co","handover":true,"warnings":["password-exempt-under-sso"]}"#
    );
    let set = play
        .json(
            MANDATE,
            &[
                "project",
                "set",
                "beta",
                "--no-handover",
                "--mandatory-from",
                "1669852800",
            ],
        )
        .done();
    assert_eq!(
        (&set["handover"], &set["sso"]),
        (&false.into(), &"exempt".into())
    );
    assert_eq!(
        (&set["mandatory_from"], &set["issuer"]),
        (&"2022-12-01T00:00:00Z".into(), &"Beta & Co".into())
    );

    play.run(&["member", "set", "acme", "ann", "--member", "--json"])
        .done();
    play.run(&["member", "remove", "acme", "bob", "--json"])
        .done();
    let members = play
        .run(&["member", "list", "acme", "--json"])
        .exits(0)
        .objects();
    assert_eq!(members.len(), 1);
    assert_eq!(
        members[0].to_string(),
        r#"{"project":"acme","user":"ann","role":"member"}"#
    );
    // A change of rules is on the project's own record.
    let events = play
        .run(&["audit", "list", "beta", "--json"])
        .exits(0)
        .objects();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[1]["event"], &events[1]["user"]),
        (&"settings-changed".into(), &serde_json::Value::Null)
    );
}
