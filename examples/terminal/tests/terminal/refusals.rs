//! Whoever was refused is on the record, also where no proof came.

use serde_json::Value;

use crate::play::{MANDATE, Play};

/// What the audit says of refusals: event, subject, actor, reason, detail.
fn refusals(play: &Play) -> Vec<[String; 5]> {
    let events = play
        .run(&["audit", "list", "acme", "--json"])
        .exits(0)
        .objects();
    events
        .iter()
        .filter(|event| event["event"].as_str().unwrap().ends_with("-refused"))
        .map(|event| {
            ["event", "user", "actor", "reason", "detail"].map(|key| match &event[key] {
                Value::String(text) => text.clone(),
                _ => String::new(),
            })
        })
        .collect()
}

#[test]
fn a_reset_that_is_refused_before_any_proof_is_on_the_record() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    play.enrol(MANDATE, "acme", "bob");
    let now = MANDATE + 60;
    let refused = |subject: &str, by: &str, more: &[&str]| {
        let args = ["reset", "acme", subject, "--as", by];
        play.json(now, &[&args[..], more].concat()).reason()
    };
    let mut expected = Vec::new();
    for (subject, by, more, reason) in [
        ("bob", "ann", &[][..], "proof-invalid"),
        ("bob", "ann", &["--sso"][..], "sso-not-enabled"),
        ("bob", "ann", &["--code", &ann.wrong(now)][..], "wrong-code"),
        (
            "bob",
            "eve",
            &["--code", "123456"][..],
            "not-an-administrator",
        ),
    ] {
        assert_eq!(refused(subject, by, more), reason);
        // On the chain of whoever asked. Somebody who is no member has none.
        let whose = if by == "eve" { "" } else { by };
        let about = format!("subject {subject}");
        expected.push(["reset-refused", whose, by, reason, &about].map(str::to_owned));
    }
    assert_eq!(refused("zoe", "ann", &[]), "proof-invalid");
    let about = "subject zoe";
    expected.push(["reset-refused", "ann", "ann", "proof-invalid", about].map(str::to_owned));
    // Once more within a minute is nothing new.
    assert_eq!(refused("zoe", "ann", &[]), "proof-invalid");
    assert_eq!(refusals(&play), expected);
    play.run(&["audit", "verify", "--json"]).done();

    // There is no chain of a project that is not there.
    let nowhere = ["reset", "nowhere", "bob", "--as", "ann"];
    assert_eq!(play.json(now, &nowhere).reason(), "unknown-project");
}

#[test]
fn whoever_may_not_see_the_list_is_on_the_record() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let bob = play.enrol(MANDATE, "acme", "bob");
    let now = MANDATE + 60;
    let refused = |by: &str, more: &[&str]| {
        let args = ["factors", "acme", "--as", by];
        play.json(now, &[&args[..], more].concat()).reason()
    };
    assert_eq!(refused("bob", &[]), "proof-invalid");
    assert_eq!(
        refused("bob", &["--code", &bob.code(now)]),
        "not-an-administrator"
    );
    assert_eq!(refused("eve", &[]), "not-an-administrator");
    let told = |whose: &str, by: &str, reason: &str| {
        ["access-refused", whose, by, reason, "factors"].map(str::to_owned)
    };
    let expected = [
        told("bob", "bob", "proof-invalid"),
        told("bob", "bob", "not-an-administrator"),
        told("", "eve", "not-an-administrator"),
    ];
    assert_eq!(refusals(&play), expected);
    // Nobody has to be told of it.
    let notices = play.run(&["notices", "acme", "--json"]).exits(0).objects();
    assert_eq!(notices.len(), 1, "{notices:?}");
}

#[test]
fn a_refusal_names_a_way_out_to_people_too() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    for args in [
        &["factors", "acme", "--as", "eve"][..],
        &["reset", "acme", "ann", "--as", "eve"],
        &["factors", "nowhere", "--as", "ann"],
    ] {
        let told = play.run(args).exits(1);
        assert!(told.stdout.contains("\n  - "), "{}", told.stdout);
    }
}

#[test]
fn a_list_of_nobody_says_so_to_people_alone() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    play.json(MANDATE, &["project", "set", "acme", "--sso", "exempt"])
        .done();
    let list = ["factors", "acme", "--as", "ann", "--sso"];
    let told = play.json(MANDATE, &list).exits(0);
    assert!(told.stdout.is_empty() && told.stderr.is_empty());
    let told = play.run(&list).exits(0);
    assert!(told.stdout.is_empty());
    assert!(
        told.stderr.starts_with("Nobody in acme "),
        "{}",
        told.stderr
    );
}

#[test]
fn an_audit_under_the_keys_of_another_store_points_to_them() {
    let [play, other] = [Play::new(), Play::new()];
    for play in [&play, &other] {
        play.project("acme", &["ann"], &[]);
    }
    std::fs::copy(other.path("twofa.db.key"), play.path("twofa.db.key")).unwrap();
    let told = play.run(&["audit", "verify"]).exits(3);
    assert!(told.stderr.contains("--key-file"), "{}", told.stderr);
    assert!(
        told.stderr.contains("[keyring-mismatch]"),
        "{}",
        told.stderr
    );
}
