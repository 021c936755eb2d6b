//! `audit archive`: old events in a file, killed at any moment, and read along.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;
use twofa::types::UnixTime;
use twofa::{Begin, Keyring, SignIn, TwoFactor};
use twofa_sqlx::Database;

use crate::play::{MANDATE, Play, at};
use crate::postgres;

const DAY: u64 = 86_400;

/// Each person begins to set up once a day, so that every chain has an event of each day.
fn history(play: &Play, people: usize, days: u64) {
    let names: Vec<_> = (0..people).map(|n| format!("u{n:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    play.project("acme", &["ann"], &names);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (store, keys) = play.names();
        let database = Database::open(&store).await.unwrap();
        let acme = "acme".parse().unwrap();
        for day in 0..days {
            let ring = Keyring::load_file(&keys).unwrap();
            let now = UnixTime::from_secs(MANDATE + day * DAY);
            let builder = TwoFactor::builder(database.clone(), database.clone(), ring);
            let service = builder.clock(move || now).build().unwrap();
            for name in &names {
                let user = name.parse().unwrap();
                let begun = service.begin(SignIn::password(&acme, &user)).await;
                assert!(matches!(begun, Ok(Begin::Enrol(_))));
            }
        }
        database.close().await;
    });
}

fn archive(before: u64) -> [String; 7] {
    let args = [
        "audit",
        "archive",
        "--json",
        "--before",
        &at(before),
        "-o",
        "old.jsonl",
    ];
    args.map(ToOwned::to_owned)
}

fn run(play: &Play, before: u64) -> Value {
    let args = archive(before);
    play.run(&args.each_ref().map(String::as_str)).done()
}

fn whole(play: &Play, more: &[&str]) -> Value {
    let ran = play.run(&[&["audit", "verify", "--json"], more].concat());
    let done = ran.done();
    assert_eq!(done["verified"], true, "{done}");
    done
}

const WITH: [&str; 2] = ["--archive", "old.jsonl"];

/// How many events there are, in the store and in the file.
fn all(play: &Play) -> u64 {
    let found = whole(play, &WITH);
    found["events"].as_u64().unwrap() + found["archived"].as_u64().unwrap()
}

fn lines(play: &Play) -> Vec<String> {
    let text = fs::read_to_string(play.path("old.jsonl")).unwrap();
    text.lines().map(ToOwned::to_owned).collect()
}

/// The faults that `verify` lists, and that it says how many there are.
fn faults(play: &Play, more: &[&str]) -> Vec<String> {
    let ran = play
        .run(&[&["audit", "verify", "--json"], more].concat())
        .exits(1);
    let objects = ran.objects();
    let faults = objects
        .iter()
        .filter_map(|line| line["bad"]["fault"].as_str());
    faults.map(ToOwned::to_owned).collect()
}

#[test]
fn an_archive_is_read_along_and_its_edits_are_found() {
    for play in [Play::new(), postgres::play()] {
        history(&play, 3, 6);
        let head = play.run(&["audit", "head", "--json"]).done();
        play.run(&["audit", "export", "--json", "-o", "all.jsonl"])
            .done();
        let before = whole(&play, &[])["events"].as_u64().unwrap();
        // Days 0 and 1 of three people; and of the project and the store, all but the last event.
        let done = run(&play, MANDATE + 2 * DAY);
        assert_eq!(done["left"], 0, "{done}");
        assert_eq!(
            lines(&play).len() as u64,
            done["archived"].as_u64().unwrap()
        );
        assert_eq!(play.run(&["audit", "head", "--json"]).done(), head);
        let from = head["head"].as_str().unwrap();
        for more in [
            &[][..],
            &["--from", from],
            &["--from", from, "--all"],
            &["acme"],
        ] {
            whole(&play, more);
            whole(&play, &[more, &WITH].concat());
        }
        let left = whole(&play, &[])["events"].as_u64().unwrap();
        assert!(left < before, "{left} of {before}");
        whole(&play, &["--against", "all.jsonl"]);
        let check = ["restore-check", "--events", "all.jsonl", "--json"];
        assert_eq!(play.run(&check).done()["behind"], 0);
        // A file of archived events is one of exported events as well.
        let check = ["restore-check", "--events", "old.jsonl", "--json"];
        assert_eq!(play.run(&check).done()["behind"], 0);
        let mode = [&WITH[..], &["--against", "old.jsonl"]].concat();
        whole(&play, &mode);

        // Events that were exported and then archived, beyond which the chain went on.
        let export = lines(&play);
        fs::write(
            play.path("early.jsonl"),
            format!("{}\n", export[export.len() - 2]),
        )
        .unwrap();
        let error = play.run(&["audit", "verify", "--json", "--against", "early.jsonl"]);
        assert_eq!(error.error(2)["error"], "archive-needed");
        whole(&play, &[&WITH[..], &["--against", "early.jsonl"]].concat());

        let text = export.join("\n") + "\n";
        let altered = |text: String| {
            fs::write(play.path("old.jsonl"), text).unwrap();
            faults(&play, &WITH)
        };
        let one = |line: usize, edit: &dyn Fn(&str) -> String| {
            let mut lines = export.clone();
            lines[line] = edit(&lines[line]);
            lines.retain(|line| !line.is_empty());
            altered(lines.join("\n") + "\n")
        };
        let last = export.len() - 1;
        assert_eq!(
            one(last, &|line| line
                .replace("\"event\":\"", "\"event\":\"not-")),
            ["archive-altered"]
        );
        assert_eq!(one(last, &|_| String::new()), ["archive-cut"]);
        assert_eq!(one(last - 1, &|_| String::new()), ["archive-altered"]);
        assert_eq!(one(last, &|line| line.replace('{', "")), ["archive-cut"]);
        let mut swapped = export.clone();
        swapped.swap(last, last - 1);
        assert_eq!(altered(swapped.join("\n") + "\n"), ["archive-altered"]);
        let many = altered("{}\n".to_owned()).len();
        assert!(many >= 3, "{many}");
        let limited = [&WITH[..], &["--limit", "2"]].concat();
        let ran = play.run(&[&["audit", "verify", "--json"], &limited[..]].concat());
        assert_eq!(ran.objects().len(), 3, "two bad places and the last line");
        assert_eq!(ran.objects()[2]["bad"], many);
        altered_back(&play, &text);

        // And in the store: the place of what was archived, and the events behind it.
        play.alter(
            "CREATE TABLE kept AS SELECT * FROM twofa_checkpoint; UPDATE kept SET seq = seq",
        );
        play.alter("DELETE FROM twofa_checkpoint WHERE user_id = 'u01'");
        assert_eq!(faults(&play, &[]), ["event-missing"]);
        play.alter("INSERT INTO twofa_checkpoint SELECT * FROM kept WHERE user_id = 'u01'");
        play.alter("DELETE FROM twofa_event WHERE user_id = 'u01' AND seq = (SELECT min(seq) FROM twofa_event WHERE user_id = 'u01')");
        assert_eq!(faults(&play, &[]), ["event-missing"]);
    }
}

fn altered_back(play: &Play, text: &str) {
    fs::write(play.path("old.jsonl"), text).unwrap();
    whole(play, &WITH);
}

#[test]
fn a_file_that_is_no_archive_is_left_as_it_is() {
    let play = Play::new();
    history(&play, 1, 3);
    play.run(&["audit", "export", "--json", "-o", "old.jsonl"])
        .done();
    let args = archive(MANDATE + DAY);
    let args = args.each_ref().map(String::as_str);
    for text in [
        fs::read_to_string(play.path("old.jsonl")).unwrap(),
        "notes".to_owned(),
        "{}\n".to_owned(),
    ] {
        fs::write(play.path("old.jsonl"), &text).unwrap();
        assert_eq!(play.run(&args).error(2)["error"], "not-an-archive");
        assert_eq!(fs::read_to_string(play.path("old.jsonl")).unwrap(), text);
    }
    fs::remove_file(play.path("old.jsonl")).unwrap();
    play.run(&args).done();
    let mode = fs::metadata(play.path("old.jsonl")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    // A run that was killed while it wrote leaves a line that ends nowhere.
    let text = fs::read_to_string(play.path("old.jsonl")).unwrap();
    fs::write(play.path("old.jsonl"), format!("{text}{}", &text[..90])).unwrap();
    whole(&play, &WITH);
    run(&play, MANDATE + 2 * DAY);
    whole(&play, &WITH);
    assert!(play.run(&["audit", "verify", "--all", "--json"]).error(2)["message"].is_string());
}

/// Thirty times killed on each store: nothing is lost, nothing is twice, and what is left verifies at any moment.
#[test]
fn an_archive_that_is_killed_loses_nothing() {
    for play in [Play::new(), postgres::play()] {
        let (people, days) = (12, 40);
        history(&play, people, days);
        let total = whole(&play, &[])["events"].as_u64().unwrap();
        let installation = play.run(&["audit", "list", "--json"]).exits(0).objects();
        let installation = installation
            .iter()
            .filter(|event| event["project"].is_null())
            .count();
        let installation = u64::try_from(installation).unwrap();
        let mut killed = 0;
        for round in 0..30_u64 {
            let args = archive(MANDATE + (round + 2) * DAY);
            let mut child = play.start(&args.each_ref().map(String::as_str));
            std::thread::sleep(Duration::from_millis(round * 7 % 61));
            child.kill().unwrap();
            killed += u32::from(child.wait().unwrap().code().is_none());
            whole(&play, &[]);
        }
        assert!(killed > 3, "only {killed} were still running");
        let done = run(&play, MANDATE + 35 * DAY);
        assert_eq!(done["left"], 0, "{done}");
        whole(&play, &WITH);
        let rows = play.run(&["audit", "list", "--json"]).exits(0).objects();
        let day = UnixTime::from_secs(MANDATE + 35 * DAY).to_string();
        let old = rows.iter().filter(|row| row["at"].as_str() < Some(&day));
        assert!(
            old.count() <= 2,
            "the last ones of the project and of the store"
        );
        // Those of the store itself are counted as nobody's, and parts that were written twice are read twice.
        let mut seen: Vec<_> = lines(&play)
            .iter()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["cursor"]
                    .as_u64()
                    .unwrap()
            })
            .collect();
        seen.sort_unstable();
        seen.dedup();
        let mut cursors: Vec<_> = rows
            .iter()
            .map(|row| row["cursor"].as_u64().unwrap())
            .collect();
        cursors.extend(seen);
        cursors.sort_unstable();
        cursors.dedup();
        assert_eq!(
            u64::try_from(cursors.len()).unwrap(),
            total + installation,
            "no event is lost"
        );
        assert!(all(&play) >= total);
    }
}
