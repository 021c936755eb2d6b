//! The seven points that the whole is about, played as separate processes on one SQLite file with the codes of
//! an authenticator app that is not ours.

use crate::play::{App, MANDATE, Play, date};

#[test]
fn the_mandate_begins_on_its_second_and_not_before() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let before = play.json(MANDATE - 1, &["login", "acme", "ann"]).done();
    assert_eq!(
        (&before["next"], &before["reason"]),
        (&"allow".into(), &"not-yet-mandatory".into())
    );
    let from = play.json(MANDATE, &["login", "acme", "ann"]).done();
    assert_eq!(
        (&from["next"], &from["reason"]),
        (&"enrol".into(), &"mandatory".into())
    );
    // Written as a date, it is the same second.
    let written = [
        "policy",
        "explain",
        "acme",
        "ann",
        "--json",
        "--at",
        "2022-12-01T00:00:00Z",
    ];
    assert_eq!(play.run(&written).done()["reason"], "mandatory");
}

#[test]
fn set_up_then_every_later_login_asks_and_each_code_works_once() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);

    // Begun and left: it protects nothing, and the next login begins anew.
    let left = play.json(MANDATE, &["login", "acme", "bob"]).done();
    let begun = play.json(MANDATE + 5, &["login", "acme", "bob"]).done();
    assert_eq!(begun["next"], "enrol");
    assert_ne!(left["uri"], begun["uri"], "a new secret");
    let (old, bob) = (
        App::scan(left["uri"].as_str().unwrap()),
        App::scan(begun["uri"].as_str().unwrap()),
    );
    assert_eq!(
        play.answer(MANDATE + 6, &left, &old.code(MANDATE + 6))
            .reason(),
        "superseded"
    );
    assert_eq!(
        play.answer(MANDATE + 6, &begun, &old.code(MANDATE + 6))
            .reason(),
        "wrong-code"
    );

    let answered = play
        .answer(MANDATE + 10, &begun, &bob.code(MANDATE + 10))
        .done();
    assert_eq!(
        answered.to_string(),
        r#"{"accepted":true,"project":"acme","user":"bob","step_offset":0}"#
    );

    // The code that confirmed is spent, and so is one that was accepted at a login.
    let spent = bob.code(MANDATE + 10);
    assert_eq!(
        play.sign_in(MANDATE + 15, "acme", "bob", &spent).reason(),
        "code-already-used"
    );
    let now = MANDATE + 60;
    assert_eq!(
        play.sign_in(now, "acme", "bob", &bob.code(now)).done()["accepted"],
        true
    );
    assert_eq!(
        play.sign_in(now + 5, "acme", "bob", &bob.code(now))
            .reason(),
        "code-already-used"
    );
    assert_eq!(
        play.sign_in(now + 6, "acme", "bob", &bob.wrong(now))
            .reason(),
        "wrong-code"
    );

    // Five in a row, a step each; spaced as people type them.
    for step in 1..=5 {
        let now = now + step * 30;
        let code = bob.code(now);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let accepted = play.sign_in(now, "acme", "bob", &spaced).done();
        assert_eq!(
            (&accepted["accepted"], &accepted["step_offset"]),
            (&true.into(), &0.into())
        );
    }
    // A step late is still taken, and says so.
    let now = now + 300;
    assert_eq!(
        play.sign_in(now, "acme", "bob", &bob.code(now - 30)).done()["step_offset"],
        -1
    );
}

#[test]
fn a_clock_that_is_off_is_told_so() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let begun = play.json(MANDATE, &["login", "acme", "ann"]).done();
    let ann = App::scan(begun["uri"].as_str().unwrap());
    for (shown, direction) in [(MANDATE - 300, "behind"), (MANDATE + 300, "ahead")] {
        let why = play.answer(MANDATE, &begun, &ann.code(shown)).refused();
        assert_eq!(why["reason"], "clock-off");
        assert_eq!(why["clock_off"]["direction"], direction);
        assert_eq!(why["clock_off"]["seconds"], 300);
    }
    play.answer(MANDATE, &begun, &ann.code(MANDATE)).done();
    // At a login nothing is said about codes that are still to come.
    let now = MANDATE + 1000;
    let begun = play.challenge(now, "acme", "ann");
    assert_eq!(
        play.answer(now, &begun, &ann.code(now - 300)).reason(),
        "clock-off"
    );
    assert_eq!(
        play.answer(now, &begun, &ann.code(now + 300)).reason(),
        "wrong-code"
    );
}

#[test]
fn wrong_codes_are_counted_slowed_down_and_end_the_login() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 600;
    let (wrong, begun) = (ann.wrong(now), play.challenge(now, "acme", "ann"));
    for _ in 0..3 {
        let why = play.answer(now, &begun, &wrong).refused();
        assert_eq!(
            (&why["reason"], why["retry_at"].is_null()),
            (&"wrong-code".into(), true)
        );
    }
    let why = play.answer(now, &begun, &wrong).refused();
    assert_eq!(why["reason"], "wrong-code");
    assert_eq!(
        why["retry_at"],
        twofa::types::UnixTime::from_secs(now + 30).to_string()
    );

    // While locked not even the right code is looked at, nor is it spent.
    let right = ann.code(now + 29);
    assert_eq!(play.answer(now + 29, &begun, &right).reason(), "locked");
    let refused = play.json(now + 29, &["login", "acme", "ann"]).refused();
    assert_eq!(
        (&refused["next"], &refused["reason"]),
        (&"refuse".into(), &"locked".into())
    );
    assert_eq!(refused["until"], why["retry_at"]);
    assert!(
        refused["remedy"]
            .as_array()
            .unwrap()
            .contains(&"wait-until".into())
    );

    // The fifth ends the login, and a new one goes on counting where the last one stopped.
    assert_eq!(
        play.answer(now + 30, &begun, &wrong).refused()["login_ended"],
        true
    );
    assert_eq!(
        play.answer(now + 200, &begun, &wrong).reason(),
        "unknown-login"
    );
    let again = play.challenge(now + 200, "acme", "ann");
    let why = play.answer(now + 200, &again, &wrong).refused();
    assert_eq!(
        why["retry_at"],
        twofa::types::UnixTime::from_secs(now + 200 + 120).to_string()
    );
    play.answer(now + 320, &again, &ann.code(now + 320)).done();

    // What is no code costs nothing.
    let again = play.challenge(now + 400, "acme", "ann");
    for typed in ["12345", "123456789", "12345x", "", "12345678"] {
        assert_eq!(play.answer(now + 400, &again, typed).reason(), "malformed");
    }
    assert_eq!(
        play.answer(now + 400, &again, &wrong).refused()["retry_at"],
        serde_json::Value::Null
    );
}

#[test]
fn single_sign_on_takes_the_place_of_codes_and_gives_it_back() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 60;
    assert_eq!(
        play.json(now, &["login", "acme", "ann", "--sso"]).reason(),
        "sso-not-enabled"
    );
    let set = play
        .json(now, &["project", "set", "acme", "--sso", "exempt"])
        .done();
    assert_eq!(set["warnings"][0], "password-exempt-under-sso");
    assert_eq!(
        set["mandatory_from"], "2022-12-01T00:00:00Z",
        "what was not given stays"
    );
    for args in [
        &["login", "acme", "ann", "--sso"][..],
        &["login", "acme", "bob"],
    ] {
        let begun = play.json(now, args).done();
        assert_eq!(
            (&begun["next"], &begun["reason"]),
            (&"allow".into(), &"sso-supersedes".into())
        );
    }
    // An administrator who came through it may reset, without a code.
    play.json(now, &["project", "set", "acme", "--sso", "challenge"])
        .done();
    assert_eq!(
        play.json(now, &["login", "acme", "bob"]).done()["reason"],
        "sso-password-challenged"
    );
    play.json(now, &["reset", "acme", "bob", "--as", "ann", "--sso"])
        .done();
    play.json(now, &["project", "set", "acme", "--sso", "refuse"])
        .done();
    assert_eq!(
        play.json(now, &["login", "acme", "bob"]).reason(),
        "sso-required"
    );
    // The factor slept meanwhile.
    play.json(now, &["project", "set", "acme", "--sso", "off"])
        .done();
    play.sign_in(now, "acme", "ann", &ann.code(now)).done();
}

#[test]
fn the_whole_story_is_on_the_record() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let bob = play.enrol(MANDATE, "acme", "bob");
    let now = MANDATE + 60;
    play.sign_in(now, "acme", "bob", &bob.code(now)).done();
    play.sign_in(now, "acme", "bob", &bob.code(now)).exits(1);
    play.sign_in(now, "acme", "bob", &bob.wrong(now)).exits(1);
    play.json(
        now,
        &[
            "reset",
            "acme",
            "bob",
            "--as",
            "bob",
            "--code",
            &bob.code(now + 30),
        ],
    )
    .exits(1);
    play.json(
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
    let events = play
        .run(&["audit", "list", "acme", "bob", "--json"])
        .exits(0)
        .objects();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    let expected = [
        "member-added",
        "enrolment-begun",
        "enrolment-confirmed",
        "accepted",
        "replayed",
        "failed",
        "accepted",
        "reset-refused",
        "reset-granted",
    ];
    assert_eq!(names, expected);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["user"], &last["actor"], &last["at"]),
        (&"bob".into(), &"ann".into(), &"2022-12-01T00:01:00Z".into())
    );
    let refused = &events[7];
    assert_eq!(
        (&refused["actor"], &refused["reason"]),
        (&"bob".into(), &"not-an-administrator".into())
    );

    let verified = play.run(&["audit", "verify", "--json"]).done();
    assert_eq!(
        (&verified["verified"], &verified["factors"]),
        (&true.into(), &3.into())
    );
    let notices = play.run(&["notices", "acme", "--json"]).exits(0).objects();
    let told: Vec<_> = notices
        .iter()
        .map(|n| (n["event"].as_str().unwrap(), n["user"].as_str().unwrap()))
        .collect();
    let expected = [
        ("enrolment-confirmed", "ann"),
        ("enrolment-confirmed", "bob"),
        ("reset-granted", "bob"),
    ];
    assert_eq!(told, expected);
    let since = notices[1]["cursor"].to_string();
    assert_eq!(
        play.run(&["notices", "acme", "--json", "--since", &since])
            .exits(0)
            .objects()
            .len(),
        1
    );
    assert_eq!(date(MANDATE), "2022-12-01 00:00:00 UTC");
}
