//! Many guesses at once, and one right code many times at once.

use std::collections::BTreeMap;
use std::time::Instant;

use openidconnect::reqwest::StatusCode;

use crate::server::Server;
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";
const CONNECTIONS: usize = 100;

/// Guesses from a hundred connections, each in a login of its own: four are looked at, the rest wait, none is
/// accepted. `TWOFA_GUESSES` says how many there are.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_a_hundred_connections_are_four_guesses() {
    let guesses: usize = std::env::var("TWOFA_GUESSES").map_or(2_000, |n| n.parse().unwrap());
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    server.pass(60);
    let mut logins = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut half = Visitor::new(&server);
        half.is_asked(&server, ANN).await;
        logins.push(half);
    }
    let right: Vec<_> = (-2..20)
        .map(|s| phone.code(server.now() + 30 * s))
        .collect();
    let wrong: Vec<String> = (0..)
        .map(|number: u32| format!("{:06}", number * 7919 % 1_000_000))
        .filter(|code| !right.contains(code))
        .take(guesses)
        .collect();
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for (mut half, share) in logins
        .iter()
        .cloned()
        .zip(wrong.chunks(guesses.div_ceil(CONNECTIONS)))
    {
        let share = share.to_vec();
        tasks.push(tokio::spawn(async move {
            let mut told: BTreeMap<String, usize> = BTreeMap::new();
            for code in share {
                let page = half.answer(&code).await;
                assert_ne!(page.location(), "/", "a guess was accepted");
                let notice = if page.status == StatusCode::UNAUTHORIZED {
                    page.notice()
                } else {
                    page.status.as_str()
                };
                *told.entry(notice.to_owned()).or_default() += 1;
            }
            told
        }));
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for task in tasks {
        for (notice, times) in task.await.unwrap() {
            *told.entry(notice).or_default() += times;
        }
    }
    println!("{guesses} guesses in {:.1?}: {told:?}", begun.elapsed());
    let looked_at = told.remove("wrong-code").unwrap_or_default();
    assert_eq!(looked_at, 4, "{told:?}");
    assert_eq!(told.remove("locked"), Some(guesses - 4), "{told:?}");
    assert!(told.is_empty(), "{told:?}");

    // The record agrees, and its chain holds.
    let service = server.service().await;
    let acme = "acme".parse().unwrap();
    let of = twofa::Events::Project(&acme);
    let events = service.events(of, 0, 100).await.unwrap();
    let failed = events.iter().filter(|e| e.row.event == "failed").count();
    assert_eq!(
        failed,
        4,
        "{:?}",
        events.iter().map(|e| &e.row.event).collect::<Vec<_>>()
    );
    service.store().close().await;
    // The wait over, the person comes in.
    server.pass(60);
    let mut ann = Visitor::new(&server);
    ann.is_asked(&server, ANN).await;
    let code = phone.code(server.now());
    let page = ann.answer(&code).await;
    assert_eq!(page.location(), "/", "{}", page.body);
}

/// One right code, posted in fifty logins at the same moment, opens one of them.
#[tokio::test(flavor = "multi_thread")]
async fn one_code_opens_one_login() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    server.pass(60);
    let mut logins = Vec::new();
    for _ in 0..50 {
        let mut half = Visitor::new(&server);
        half.is_asked(&server, ANN).await;
        logins.push(half);
    }
    let code = phone.code(server.now());
    let tasks: Vec<_> = logins
        .into_iter()
        .map(|mut half| {
            let code = code.clone();
            tokio::spawn(async move {
                let page = half.answer(&code).await;
                (page.location() == "/").then_some(half)
            })
        })
        .collect();
    let mut inside = 0;
    for task in tasks {
        if let Some(mut opened) = task.await.unwrap() {
            assert!(opened.is_in().await);
            inside += 1;
        }
    }
    assert_eq!(inside, 1);
}
