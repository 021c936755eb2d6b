//! What a person sees: the QR code, the questions, and how they end. Answers are piped in, as a script would.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Child;

use crate::play::{App, MANDATE, Play, at, program, tool};

/// The lines of standard output up to the one that holds `text`.
fn read_until(child: &mut Child, text: &str) -> (String, BufReader<std::process::ChildStdout>) {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.lines().last().is_some_and(|line| line.contains(text)) {
        assert_ne!(
            out.read_line(&mut seen).unwrap(),
            0,
            "{text} is not in {seen}"
        );
    }
    (seen, out)
}

/// Pixels to a module.
const SCALE: usize = 6;

/// Turns half blocks back into modules and these into an image, and reads it as a phone would.
fn scan(play: &Play, drawn: &str) -> String {
    let lines = drawn
        .lines()
        .filter(|line| line.contains("\x1b[38;5;16;48;5;231m"));
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in lines {
        let cells = line.split_once('m').unwrap().1.trim_end_matches("\x1b[0m");
        let modules = |dark: [char; 2]| cells.chars().map(|c| dark.contains(&c)).collect();
        rows.push(modules(['█', '▀']));
        rows.push(modules(['█', '▄']));
    }
    assert!(!rows.is_empty(), "no QR code in {drawn}");
    let (width, height) = (rows[0].len() * SCALE, rows.len() * SCALE);
    let mut image = format!("P5 {width} {height} 255\n").into_bytes();
    for row in &rows {
        for _ in 0..SCALE {
            for dark in row {
                image.extend([if *dark { 0 } else { 255 }; SCALE]);
            }
        }
    }
    let path = play.path("qr.pgm");
    std::fs::write(&path, image).unwrap();
    let read = tool(
        "zbarimg",
        "zbar-tools",
        &["--raw", "-q", path.to_str().unwrap()],
    );
    assert!(!read.is_empty(), "zbarimg reads nothing from\n{drawn}");
    std::fs::remove_file(path).unwrap();
    read
}

/// The key that is shown for typing.
fn manual_key(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.contains("type the key"))
        .unwrap();
    line.split_once(": ").unwrap().1.replace(' ', "")
}

#[test]
fn the_first_run_draws_a_code_that_scans_and_the_second_asks_for_a_code_alone() {
    let play = Play::new();
    let now = MANDATE + 1_000_000;
    let args = ["demo", "--at", &at(now)];
    let mut child = play.start(&args);
    let (seen, mut rest) = read_until(&mut child, "shown this once");
    let uri = scan(&play, &seen);
    assert!(
        uri.starts_with("otpauth://totp/twofa%20demo:you@example.com?secret="),
        "{uri}"
    );
    let app = App::scan(&uri);
    assert_eq!(manual_key(&seen), app.secret);
    assert!(seen.contains("[mandatory]"), "{seen}");

    let typed = format!("{}\n{}\n", app.wrong(now), app.code(now));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let mut end = String::new();
    rest.read_to_string(&mut end).unwrap();
    assert!(
        end.contains("[wrong-code]") && end.contains("Welcome, you@example.com."),
        "{end}"
    );
    let ran = play.end(child, &args).exits(0);
    assert_eq!(ran.stderr.matches("Code: ").count(), 2);

    let later = ["demo", "--at", &at(now + 60)];
    let ran = play
        .run_with(&later, format!("{}\n", app.code(now + 60)).as_bytes())
        .exits(0);
    assert!(
        ran.stdout.contains("Welcome, you@example.com."),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("\x1b[") && !ran.stdout.contains(&app.secret[..4]),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "Code: ");

    // For programs, the same without a question.
    let begun = play.json(now + 90, &["demo"]).done();
    assert_eq!(begun["next"], "challenge");
    play.answer(now + 90, &begun, &app.code(now + 90)).done();
}

#[test]
fn what_is_drawn_is_what_json_says_and_what_qr_draws() {
    let play = Play::new();
    play.project("acme", &[], &["zoë@example.com"]);
    let begun = play
        .json(MANDATE, &["login", "acme", "zoë@example.com"])
        .done();
    let uri = begun["uri"].as_str().unwrap();
    let drawn = play.run_with(&["qr"], uri.as_bytes()).exits(0);
    assert_eq!(scan(&play, &drawn.stdout), uri);
    assert_eq!(
        begun["manual_key"].as_str().unwrap().replace(' ', ""),
        App::scan(uri).secret
    );
    for format in ["png", "svg"] {
        let file = format!("qr.{format}");
        play.run_with(&["qr", "--format", format, "-o", &file], uri.as_bytes())
            .exits(0);
        let png = play.path("seen.png");
        if format == "svg" {
            let (svg, png) = (play.path(&file), png.to_str().unwrap());
            tool(
                "rsvg-convert",
                "librsvg2-bin",
                &[svg.to_str().unwrap(), "-o", png],
            );
        } else {
            std::fs::copy(play.path(&file), &png).unwrap();
        }
        let read = tool(
            "zbarimg",
            "zbar-tools",
            &["--raw", "-q", png.to_str().unwrap()],
        );
        assert_eq!(read, uri, "{format}");
    }
}

#[test]
fn the_end_of_input_loses_nothing() {
    let play = Play::new();
    let now = at(MANDATE);
    let ran = play.run(&["demo", "--at", &now]).exits(2);
    assert!(
        ran.stderr.contains("no code was typed") && ran.stderr.contains("[no-code]"),
        "{}",
        ran.stderr
    );
    let begun = play.json(MANDATE + 1, &["demo"]).done();
    assert_eq!(begun["next"], "enrol", "nothing was set up");
    let app = App::scan(begun["uri"].as_str().unwrap());
    play.answer(MANDATE + 1, &begun, &app.code(MANDATE + 1))
        .done();
    // The last line needs no end.
    let later = at(MANDATE + 60);
    play.run_with(&["demo", "--at", &later], app.code(MANDATE + 60).as_bytes())
        .exits(0);
}

#[test]
fn an_interrupt_leaves_nothing_half_done() {
    let play = Play::new();
    let args = ["demo", "--at", &at(MANDATE)];
    let mut child = play.start(&args);
    let (_, rest) = read_until(&mut child, "shown this once");
    let mut prompt = [0; 6];
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut prompt)
        .unwrap();
    assert_eq!(&prompt, b"Code: ");
    tool("kill", "procps", &["-INT", &child.id().to_string()]);
    drop(rest);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(play.json(MANDATE + 1, &["demo"]).done()["next"], "enrol");
    assert_eq!(
        play.run(&["audit", "verify", "--json"]).done()["verified"],
        true
    );
}

#[test]
fn wrong_codes_end_the_conversation() {
    let play = Play::new();
    play.project("acme", &["ann"], &[]);
    let ann = play.enrol(MANDATE, "acme", "ann");
    let now = MANDATE + 600;
    let typed = format!("{}\n", ann.wrong(now)).repeat(9);
    let ran = play
        .run_with(
            &["login", "acme", "ann", "--at", &at(now)],
            typed.as_bytes(),
        )
        .exits(1);
    assert!(ran.stdout.contains("in 30 seconds"), "{}", ran.stdout);
    assert!(ran.stdout.contains("[locked]"), "{}", ran.stdout);
    // Nonsense without end is no endless loop.
    let nonsense = "y\n".repeat(1000);
    let ran = play
        .run_with(
            &["login", "acme", "ann", "--at", &at(now + 60)],
            nonsense.as_bytes(),
        )
        .exits(1);
    assert!(ran.stdout.lines().count() < 50, "{}", ran.stdout);
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let play = Play::new();
    play.project("acme", &["ann"], &["bob"]);
    play.enrol(MANDATE, "acme", "ann");
    for args in [
        &["audit", "list", "acme"][..],
        &["member", "list", "acme"],
        &["--help"],
        &["demo"],
    ] {
        let mut child = program(play.folder()).args(args).spawn().unwrap();
        // Closed before anything is written.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            (child.wait().unwrap().code(), stderr.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}
