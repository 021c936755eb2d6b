//! Who changed people and rules, and a hand in their tables.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::play::{MANDATE, Play};
use crate::postgres;

const URI: &str = "otpauth://totp/X:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=X";

fn login_name() -> String {
    let said = Command::new("id").arg("-un").output().unwrap().stdout;
    String::from_utf8(said).unwrap().trim().to_owned()
}

/// Whose, what, by whom, and more, of each event.
fn told(play: &Play) -> Vec<String> {
    let events = play.run(&["audit", "list", "acme", "--json"]).exits(0);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    events
        .objects()
        .iter()
        .map(|e| ["user", "event", "actor", "detail"].map(|key| text(&e[key])))
        .map(|words| words.join(" | "))
        .collect()
}

#[test]
fn each_change_of_people_and_rules_names_who_made_it() {
    let play = Play::new();
    let run = |args: &[&str]| play.run(&[args, &["--json"]].concat()).exits(0);
    let by_grace = ["--operator", "grace"];
    run(&[&["project", "add", "acme"][..], &by_grace].concat());
    run(&[
        "project",
        "set",
        "acme",
        "--sso",
        "challenge",
        "--issuer",
        "Acme",
    ]);
    run(&["project", "set", "acme", "--sso", "challenge"]);
    run(&[&["member", "add", "acme", "bob"][..], &by_grace].concat());
    run(&["member", "set", "acme", "bob", "--admin"]);
    run(&["member", "set", "acme", "bob", "--admin"]);
    fs::write(play.path("bob"), format!("bob\t{URI}\n")).unwrap();
    run(&[&["import", "acme", "bob"][..], &by_grace].concat());
    run(&[&["member", "remove", "acme", "bob"][..], &by_grace].concat());
    let me = login_name();
    let plain = "mandate=optional sso=off step-up=300";
    let sso = "mandate=optional sso=challenge step-up=300";
    assert_eq!(
        told(&play),
        [
            format!("- | settings-changed | grace | from {plain} to {plain}"),
            format!(
                "- | settings-changed | {me} | from {plain} to {sso}; issuer from \"\" to \"Acme\""
            ),
            "bob | member-added | grace | member".to_owned(),
            format!("bob | role-changed | {me} | from member to administrator"),
            "bob | imported | grace | -".to_owned(),
            "bob | member-removed | grace | -".to_owned(),
        ],
        "and what changes nothing is no event"
    );
    let whole = play.run(&["audit", "verify", "--json"]).done();
    assert_eq!(whole["verified"], true);
    let bad = [
        "member",
        "add",
        "acme",
        "zoe",
        "--operator",
        "a\nb",
        "--json",
    ];
    play.run(&bad).error(2);
}

/// The first bad place.
fn first_bad(play: &Play) -> String {
    let found = play.run(&["audit", "verify", "--json"]).unverified();
    let bad = &found["first_bad"];
    let text = |key: &str| bad[key].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text("project"), text("user"), text("fault"))
}

/// What takes the second factor away, or makes an administrator, past the program.
#[test]
fn a_hand_in_rules_roles_and_members_shows() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &["bob"]);
        play.enrol(MANDATE, "acme", "ann");
        for (hand, back, found) in [
            (
                "UPDATE twofa_project SET sso = 'exempt'",
                "UPDATE twofa_project SET sso = 'off'",
                "acme - settings-altered",
            ),
            (
                "UPDATE twofa_project SET mandate_from = NULL",
                "UPDATE twofa_project SET mandate_from = 1669852800",
                "acme - settings-altered",
            ),
            (
                "UPDATE twofa_member SET role = 'administrator' WHERE user_id = 'bob'",
                "UPDATE twofa_member SET role = 'member' WHERE user_id = 'bob'",
                "acme bob member-altered",
            ),
            (
                "INSERT INTO twofa_member VALUES ('acme', 'eve', 'administrator')",
                "DELETE FROM twofa_member WHERE user_id = 'eve'",
                "acme eve member-altered",
            ),
        ] {
            play.alter(hand);
            assert_eq!(first_bad(&play), found);
            play.alter(back);
            let whole = play.run(&["audit", "verify", "--json"]).done();
            assert_eq!(whole["verified"], true, "{back}");
        }
    }
}

/// Rows that an earlier version wrote go on as they are, and are kept with the records from `migrate` on.
#[test]
fn rows_of_the_version_before_are_taken_as_they_stand() {
    for play in [Play::new(), postgres::play()] {
        play.project("acme", &["ann"], &[]);
        for row in [
            "INSERT INTO twofa_project (project, mandate_from, sso, handover, self_reset, step_up_age) \
             SELECT 'old', mandate_from, sso, handover, self_reset, step_up_age FROM twofa_project",
            "INSERT INTO twofa_member VALUES ('old', 'bob', 'member')",
        ] {
            play.alter(row);
        }
        play.enrol(MANDATE, "old", "bob");
        let whole = play.run(&["audit", "verify", "--json"]).done();
        assert_eq!(whole["verified"], true);
        let migrated = play.run(&["migrate", "--json"]).done();
        assert_eq!(migrated["migrated"], true);
        let again = play.run(&["migrate", "--json"]).done();
        assert_eq!(again["migrated"], false);
        let whole = play.run(&["audit", "verify", "--json"]).done();
        assert_eq!(whole["verified"], true);
        play.alter("UPDATE twofa_member SET role = 'administrator' WHERE user_id = 'bob'");
        assert_eq!(first_bad(&play), "old bob member-altered");
    }
}

/// Who came in without a code, and who was kept out, and how often.
#[test]
fn sign_ins_that_pass_without_a_code_and_those_refused_are_on_the_record() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    let (before, at) = (MANDATE - 1_000, MANDATE);
    play.json(before, &["login", "acme", "bob"]).done();
    play.json(at, &["login", "acme", "bob", "--sso"]).refused();
    play.json(at, &["login", "acme", "bob", "--sso"]).refused();
    let set = |rule: &[&str]| {
        let args = [&["project", "set", "acme", "--json"][..], rule].concat();
        play.run(&args).exits(0);
    };
    set(&["--sso", "refuse"]);
    play.json(at, &["login", "acme", "bob"]).refused();
    play.json(at, &["login", "acme", "bob", "--sso"]).done();
    set(&["--passed", "off"]);
    play.json(at, &["login", "acme", "bob", "--sso"]).done();
    let events = play
        .run(&["audit", "list", "acme", "bob", "--json"])
        .exits(0);
    let told: Vec<_> = events
        .objects()
        .iter()
        .map(|e| ["event", "reason", "detail"].map(|key| e[key].as_str().unwrap_or("-").to_owned()))
        .map(|words| words.join(" "))
        .collect();
    assert_eq!(
        told,
        [
            "member-added - member",
            "passed not-yet-mandatory password",
            "refused sso-not-enabled sso",
            "refused sso-required password",
            "passed sso-supersedes sso",
        ]
    );
    let rules = play.run(&["audit", "list", "acme", "--json"]).exits(0);
    assert!(
        rules.stdout.contains("passes-not-recorded"),
        "{}",
        rules.stdout
    );
    let whole = play.run(&["audit", "verify", "--json"]).done();
    assert_eq!(whole["verified"], true);
}
