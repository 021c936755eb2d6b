//! `keys`: in steps, in one go, on several hosts, killed, stolen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::play::{App, MANDATE, Play, assert_error, execute};
use crate::postgres::fresh;

/// The keys as `keys list` shows them: id, state, records.
fn listed(play: &Play) -> Vec<(String, String, u64)> {
    let ran = play.run(&["keys", "list", "--json"]).exits(0);
    let of = |object: &serde_json::Value, key: &str| object[key].as_str().unwrap().to_owned();
    ran.objects()
        .iter()
        .map(|o| (of(o, "key"), of(o, "state"), o["records"].as_u64().unwrap()))
        .collect()
}

fn state(play: &Play, id: &str) -> String {
    let keys = listed(play);
    keys.iter().find(|key| key.0 == id).unwrap().1.clone()
}

fn enrolled(play: &Play) -> App {
    play.project("acme", &["ann"], &["bob"]);
    play.enrol(MANDATE, "acme", "bob");
    play.enrol(MANDATE, "acme", "ann")
}

#[test]
fn keys_change_in_steps() {
    for play in [Play::new(), Play::on(fresh())] {
        let ann = enrolled(&play);
        let [(old, active, records)] = listed(&play).try_into().unwrap();
        assert_eq!((active.as_str(), records, old.len()), ("active", 3, 8));
        let added = play.run(&["keys", "add", "--json"]).done();
        let new = added["added"].as_str().unwrap().to_owned();
        assert_eq!(added.to_string(), format!(r#"{{"added":"{new}"}}"#));
        assert_eq!((new.len(), state(&play, &new).as_str()), (8, "added"));
        // One that waits is not added to by another.
        assert_eq!(play.run(&["keys", "add", "--json"]).done()["added"], *new);
        let refused = play.run(&["keys", "retire", &old, "--json"]).error(3);
        assert_error(&refused, "keyring", &old);

        let done = play.run(&["keys", "activate", &new, "--json"]).done();
        assert_eq!(done.to_string(), format!(r#"{{"active":"{new}"}}"#));
        assert_eq!(state(&play, &old), "reading");
        play.sign_in(MANDATE + 60, "acme", "ann", &ann.code(MANDATE + 60))
            .done();
        let refused = play.run(&["keys", "retire", &old, "--json"]).refused();
        assert_eq!(
            refused.to_string(),
            format!(r#"{{"retired":false,"key":"{old}","reason":"in-use","records":3}}"#)
        );
        let done = play.run(&["keys", "reseal", "--resume", "--json"]).done();
        assert_eq!(
            (&done["active"], &done["records"]),
            (&(*new).into(), &3.into())
        );
        let done = play.run(&["keys", "retire", &old, "--json"]).done();
        assert_eq!(done.to_string(), format!(r#"{{"retired":"{old}"}}"#));
        let states: Vec<_> = listed(&play)
            .into_iter()
            .map(|key| (key.1, key.2))
            .collect();
        assert_eq!(states, [("events".into(), 0), ("active".into(), 3)]);
        play.sign_in(MANDATE + 120, "acme", "ann", &ann.code(MANDATE + 120))
            .done();
        assert_eq!(
            play.run(&["audit", "verify", "--json"]).done()["verified"],
            true
        );
        let unknown = play
            .run(&["keys", "activate", "ffffffff", "--json"])
            .error(3);
        assert_error(&unknown, "key-missing", "ffffffff");
        let retired = play.run(&["keys", "activate", &old, "--json"]).error(3);
        assert_eq!(retired["error"], "record-unreadable");
        for wrong in ["1", "key", "0123456789", ""] {
            let error = play.run(&["keys", "activate", wrong, "--json"]).error(2);
            assert_eq!(error["error"], "usage", "{wrong:?}");
        }
    }
}

/// Two hosts, each with a copy of the key file, rotate at the same moment, again and again.
#[test]
fn two_hosts_that_rotate_at_once_split_nothing() {
    for (play, rounds) in [(Play::new(), 12), (Play::on(fresh()), 6)] {
        let ann = enrolled(&play);
        let own = play.path(if play.is_file() {
            "twofa.db.key"
        } else {
            "keys"
        });
        let mut won = 0;
        for round in 0..rounds {
            let hosts = ["a.key", "b.key"].map(|name| play.path(name));
            for host in &hosts {
                fs::copy(&own, host).unwrap();
            }
            let before = fs::read(&own).unwrap();
            let args = |key: &'static str| ["keys", "rotate", "--json", "--key-file", key];
            let (a, b) = (args("a.key"), args("b.key"));
            let running = [play.start(&a), play.start(&b)];
            let mut winner = None;
            for ((child, args), host) in running.into_iter().zip([&a, &b]).zip(&hosts) {
                let ran = play.end(child, args);
                if ran.code == 0 {
                    winner = Some(host);
                    won += 1;
                } else {
                    let error = ran.error(3);
                    let code = error["error"].as_str().unwrap();
                    assert!(
                        ["key-missing", "keyring-mismatch", "contended"].contains(&code),
                        "{error}"
                    );
                    assert_eq!(fs::read(host).unwrap(), before, "the loser changed nothing");
                }
            }
            let winner = winner.expect("one of two rotates");
            fs::copy(winner, &own).unwrap();
            let at = MANDATE + 60 + round * 30;
            play.sign_in(at, "acme", "ann", &ann.code(at)).done();
            assert_eq!(
                play.run(&["audit", "verify", "--json"]).done()["verified"],
                true
            );
        }
        assert_eq!(won, rounds, "one of two each time");
    }
}

/// Killed at some moment, it is gone on with; the file has every key that anything rests under, and no copy of the ring
/// is left.
#[test]
fn a_rotation_that_is_killed_loses_no_key() {
    let play = Play::new();
    let ann = enrolled(&play);
    let args = ["keys", "rotate", "--json"];
    for round in 0..30_u64 {
        let mut child = play.start(&args);
        std::thread::sleep(Duration::from_micros(round * 1_900 % 45_000));
        let _ = child.kill();
        child.wait().unwrap();
        let at = MANDATE + 60 + round * 30;
        play.sign_in(at, "acme", "ann", &ann.code(at)).done();
        if round % 3 == 0 {
            play.run(&["keys", "rotate", "--resume", "--json"]).done();
        }
        let mut left: Vec<_> = fs::read_dir(play.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("key"))
            .collect();
        left.sort();
        assert_eq!(left, ["twofa.db.key"], "after kill {round}");
    }
    play.run(&["keys", "rotate", "--json"]).done();
    let (held, used): (Vec<_>, Vec<_>) = listed(&play).into_iter().partition(|key| key.2 == 0);
    assert_eq!(used.len(), 1, "everything rests under one key: {held:?}");
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
}

/// The thief has the key file, makes a store of their own with it in which Ada has the thief's phone, and later a hand
/// in the database.
#[test]
fn a_stolen_key_opens_nothing_once_it_is_retired() {
    let play = Play::new();
    enrolled(&play);
    let thief = Play::new();
    fs::remove_file(thief.path("twofa.db")).unwrap();
    fs::copy(play.path("twofa.db.key"), thief.path("twofa.db.key")).unwrap();
    thief.run(&["init", "--rehearsal"]).exits(0);
    enrolled(&thief);
    let stolen = listed(&play)[0].0.clone();

    play.run(&["keys", "rotate", "--json"]).done();
    assert_eq!(state(&play, &stolen), "events");
    fs::copy(thief.path("twofa.db"), play.path("theirs.db")).unwrap();
    let copied =
        "project, user_id, seq, at, event, reason, actor, detail, generation, notice, key_id, mac";
    let statements = format!(
        "ATTACH '{}' AS theirs; \
         DELETE FROM main.twofa_factor WHERE user_id = 'ann'; \
         INSERT INTO main.twofa_factor SELECT * FROM theirs.twofa_factor WHERE user_id = 'ann'; \
         DELETE FROM main.twofa_event WHERE user_id = 'ann'; \
         INSERT INTO main.twofa_event ({copied}) SELECT {} FROM theirs.twofa_event WHERE user_id = 'ann'",
        play.path("theirs.db").display(),
        copied.replace("notice", "notice + 100"),
    );
    execute(&play.path("twofa.db"), &statements);
    let refused = play.json(MANDATE + 60, &["login", "acme", "ann"]);
    assert_eq!(refused.reason(), "record-unreadable");
    let found = play.run(&["audit", "verify", "--json"]).unverified();
    assert_eq!(found["first_bad"]["user"], "ann", "{found}");
    // Their whole store under the owner's name: another store's keys.
    let error = play
        .run(&[
            "login",
            "acme",
            "ann",
            "--json",
            "--store",
            "theirs.db",
            "--key-file",
            "twofa.db.key",
        ])
        .error(3);
    assert!(
        ["keyring-mismatch", "key-missing", "record-unreadable"]
            .contains(&error["error"].as_str().unwrap()),
        "{error}"
    );
}

#[test]
fn keys_come_from_the_environment() {
    let play = Play::new();
    let ann = enrolled(&play);
    let text = fs::read_to_string(play.path("twofa.db.key")).unwrap();
    let id = listed(&play)[0].0.clone();
    fs::remove_file(play.path("twofa.db.key")).unwrap();
    let run = |text: &str, args: &[&str]| {
        let mut program = crate::play::program(play.folder());
        let child = program.env("TWOFA_KEY", text).args(args).spawn().unwrap();
        play.end(child, args)
    };
    let at = crate::play::at(MANDATE + 60);
    let begun = run(&text, &["login", "acme", "ann", "--json", "--at", &at]).done();
    let (login, code) = (begun["login"].as_str().unwrap(), ann.code(MANDATE + 60));
    run(&text, &["answer", login, &code, "--json", "--at", &at]).done();
    run(&text, &["audit", "verify", "--json"]).done();
    run(&text, &["keys", "reseal", "--json"]).done();
    run(&text, &["keys", "activate", &id, "--json"]).done();
    for change in [
        &["keys", "add", "--json"][..],
        &["keys", "rotate", "--json"],
    ] {
        assert_error(
            &run(&text, change).error(2),
            "keys-in-environment",
            "TWOFA_KEY",
        );
    }
    for wrong in ["", "garbage", "twofa-keyring 2\n"] {
        let error = run(wrong, &["keys", "list", "--json"]).error(3);
        assert_error(&error, "keyring", "TWOFA_KEY");
    }
    assert!(!play.path("twofa.db.key").exists());
}

/// As clusters mount a secret: root's, readable by a group of the process, behind a link in a folder that cannot be
/// written; the process is neither root nor the owner.
#[test]
fn a_key_that_a_cluster_mounts_is_used() {
    let play = Play::new();
    enrolled(&play);
    let id = Command::new("id").arg("-u").output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&id.stdout).trim(),
        "0",
        "this test gives files to another user: run it as root"
    );
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mount = play.path("mount");
    fs::create_dir_all(mount.join("..data")).unwrap();
    fs::rename(play.path("twofa.db.key"), mount.join("..data/key")).unwrap();
    std::os::unix::fs::symlink("..data/key", mount.join("key")).unwrap();
    std::os::unix::fs::chown(mount.join("..data/key"), Some(0), Some(4242)).unwrap();
    open(&mount.join("..data/key"), 0o440);
    open(&mount.join("..data"), 0o555);
    open(&mount, 0o555);
    open(play.folder(), 0o755);
    fs::copy(env!("CARGO_BIN_EXE_twofa"), play.path("program")).unwrap();
    fs::create_dir(play.path("data")).unwrap();
    fs::rename(play.path("twofa.db"), play.path("data/twofa.db")).unwrap();
    for path in ["data", "data/twofa.db"] {
        std::os::unix::fs::chown(play.path(path), Some(65534), Some(65534)).unwrap();
    }
    let run = |groups: &str, args: &[&str]| {
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", groups, "--"])
            .arg(play.path("program"))
            .args([
                "--store",
                "data/twofa.db",
                "--key-file",
                "mount/key",
                "--json",
            ])
            .args(args)
            .env_remove("TWOFA_KEY")
            .current_dir(play.folder())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let login = run("--groups=4242", &["keys", "list"]);
    let said = String::from_utf8_lossy(&login.stderr).into_owned();
    assert!(login.status.success(), "{said}");
    let refused = run("--clear-groups", &["keys", "list"]);
    assert_eq!(refused.status.code(), Some(3));
}

#[test]
fn a_rotation_through_a_link_is_in_the_file_that_it_leads_to() {
    let play = Play::new();
    play.project("acme", &[], &["ann"]);
    let app = play.enrol(MANDATE, "acme", "ann");
    fs::create_dir(play.path("secure")).unwrap();
    fs::rename(play.path("twofa.db.key"), play.path("secure/key")).unwrap();
    std::os::unix::fs::symlink("secure/key", play.path("twofa.db.key")).unwrap();
    // What a file of this name for the lock would have emptied.
    fs::write(play.path("precious"), "precious").unwrap();
    std::os::unix::fs::symlink("precious", play.path("twofa.db.key.lock")).unwrap();
    play.run(&["keys", "rotate", "--json"]).done();

    let link = fs::symlink_metadata(play.path("twofa.db.key")).unwrap();
    assert!(link.is_symlink());
    let secure = fs::read_dir(play.path("secure")).unwrap().count();
    assert_eq!(secure, 1, "nothing beside the keys");
    assert_eq!(fs::read(play.path("precious")).unwrap(), b"precious");
    // Who has the file itself can sign in, since the new key is in it.
    fs::remove_file(play.path("twofa.db.key")).unwrap();
    fs::rename(play.path("secure/key"), play.path("twofa.db.key")).unwrap();
    play.sign_in(MANDATE + 60, "acme", "ann", &app.code(MANDATE + 60))
        .done();
}

#[test]
fn two_rotations_of_one_key_file_wait_for_each_other_by_whatever_name() {
    let play = Play::new();
    play.project("acme", &[], &["ann"]);
    let before = fs::read(play.path("twofa.db.key")).unwrap();
    std::os::unix::fs::symlink("twofa.db.key", play.path("link")).unwrap();
    let held = twofa::KeyFile::lock(&play.path("link")).unwrap();
    let error = play.run(&["keys", "rotate", "--json"]).error(3);
    assert_error(&error, "contended", "wait for it to end");
    assert_eq!(fs::read(play.path("twofa.db.key")).unwrap(), before);
    drop(held);
    play.run(&["keys", "rotate", "--json"]).done();
}
