//! The fifth and sixth of the seven points: a lost phone, and nobody left to ask.

use crate::play::{App, MANDATE, Play};

#[test]
fn only_an_administrator_of_the_same_project_resets() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob", "cat"]);
    play.project("other", &["eve"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let bob = play.enrol(MANDATE, "acme", "bob");
    let cat = play.enrol(MANDATE, "acme", "cat");
    let eve = play.enrol(MANDATE, "other", "eve");

    let now = MANDATE + 60;
    let reset = |seconds, user: &str, by: &str, code: &str| {
        play.json(
            seconds,
            &["reset", "acme", user, "--as", by, "--code", code],
        )
    };
    // A member, another project's administrator, a stranger, oneself, a wrong code, none.
    let refused = reset(now, "bob", "cat", &cat.code(now)).refused();
    assert_eq!(
        refused.to_string(),
        r#"{"reset":false,"reason":"not-an-administrator"}"#
    );
    assert_eq!(
        reset(now, "bob", "eve", &eve.code(now)).reason(),
        "not-an-administrator"
    );
    assert_eq!(
        reset(now, "bob", "nobody", "123456").reason(),
        "not-an-administrator"
    );
    assert_eq!(
        reset(now, "ann", "ann", &ann.code(now)).reason(),
        "self-reset"
    );
    let now = now + 30;
    assert_eq!(
        reset(now, "bob", "ann", &ann.wrong(now)).reason(),
        "wrong-code"
    );
    assert_eq!(
        play.json(now, &["reset", "acme", "bob", "--as", "ann"])
            .reason(),
        "proof-invalid"
    );
    assert_eq!(
        play.json(now, &["reset", "acme", "bob", "--as", "ann", "--sso"])
            .reason(),
        "sso-not-enabled"
    );
    assert_eq!(
        reset(now, "nobody", "ann", &ann.code(now)).reason(),
        "nothing-to-reset"
    );
    // None of it touched bob.
    play.sign_in(now, "acme", "bob", &bob.code(now)).done();
}

#[test]
fn after_a_reset_the_old_key_is_dead_and_the_next_login_sets_up_anew() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob", "cat"]);
    play.project("other", &["eve"], &["bob"]);
    let [ann, bob, cat] = ["ann", "bob", "cat"].map(|user| play.enrol(MANDATE, "acme", user));
    let elsewhere = play.enrol(MANDATE, "other", "bob");
    let now = MANDATE;
    let reset = |seconds, user: &str, by: &str, code: &str| {
        play.json(
            seconds,
            &["reset", "acme", user, "--as", by, "--code", code],
        )
    };
    // The list, then the reset.
    let now = now + 60;
    let listed = play.json(
        now,
        &["factors", "acme", "--as", "ann", "--code", &ann.code(now)],
    );
    let listed = listed.exits(0).objects();
    let users: Vec<_> = listed
        .iter()
        .map(|row| row["user"].as_str().unwrap())
        .collect();
    assert_eq!(users, ["ann", "bob", "cat"]);
    assert!(
        listed
            .iter()
            .all(|row| row["state"] == "active" && row["since"] == "2022-12-01T00:00:00Z")
    );
    let refused = play.json(
        now,
        &["factors", "acme", "--as", "cat", "--code", &cat.code(now)],
    );
    assert_eq!(
        refused.refused().to_string(),
        r#"{"factors":false,"reason":"not-an-administrator"}"#
    );

    let now = now + 60;
    let parked = play.challenge(now, "acme", "bob");
    let done = reset(now, "bob", "ann", &ann.code(now)).done();
    assert_eq!(
        done.to_string(),
        r#"{"reset":true,"project":"acme","user":"bob","by":"ann","warnings":[]}"#
    );
    assert_eq!(
        reset(now + 30, "bob", "ann", &ann.code(now + 30)).reason(),
        "nothing-to-reset"
    );

    // The login that was under way is dead, and so is the old key.
    assert_eq!(
        play.answer(now, &parked, &bob.code(now)).reason(),
        "unknown-login"
    );
    let begun = play.json(now + 60, &["login", "acme", "bob"]).done();
    assert_eq!(
        (&begun["next"], &begun["reason"]),
        (&"enrol".into(), &"reset-by-admin".into())
    );
    let fresh = App::scan(begun["uri"].as_str().unwrap());
    assert_ne!(fresh.secret, bob.secret);
    assert_eq!(
        play.answer(now + 60, &begun, &bob.code(now + 60)).reason(),
        "wrong-code"
    );
    play.answer(now + 60, &begun, &fresh.code(now + 60)).done();
    // The same person's factor in the other project is another one.
    play.sign_in(now + 60, "other", "bob", &elsewhere.code(now + 60))
        .done();
}

#[test]
fn support_resets_on_a_ticket_where_no_administrator_can() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 60;
    let reset = |operator: &str, ticket: &str| {
        play.json(
            now,
            &[
                "support-reset",
                "acme",
                "ann",
                "--operator",
                operator,
                "--ticket",
                ticket,
            ],
        )
    };
    assert_eq!(reset("Sam", " ").reason(), "ticket-missing");
    assert_eq!(reset("", "T-1").reason(), "operator-missing");
    let done = reset("Sam", "T-1").done();
    assert_eq!(
        done.to_string(),
        r#"{"reset":true,"project":"acme","user":"ann","by":"Sam","ticket":"T-1","warnings":[]}"#
    );
    let begun = play.json(now + 1, &["login", "acme", "ann"]).done();
    assert_eq!(
        (&begun["next"], &begun["reason"]),
        (&"enrol".into(), &"reset-by-support".into())
    );
    let events = play
        .run(&["audit", "list", "acme", "ann", "--json"])
        .exits(0)
        .objects();
    let reset = events
        .iter()
        .find(|event| event["event"] == "support-reset")
        .unwrap();
    assert_eq!(
        (&reset["actor"], &reset["detail"]),
        (&"Sam".into(), &"ticket T-1".into())
    );
    assert_eq!(ann.code(now).len(), 6);

    // Where another administrator could have done it, that is said.
    play.json(now, &["member", "add", "acme", "amy", "--admin"])
        .done();
    play.enrol(now, "acme", "amy");
    let done = play.json(
        now + 2,
        &[
            "support-reset",
            "acme",
            "ann",
            "--operator",
            "Sam",
            "--ticket",
            "T-2",
        ],
    );
    assert_eq!(done.done()["warnings"][0], "administrator-could-reset");
}
