//! Somebody inside who asks, as fast as they can, for what they are refused: nobody else is kept from signing in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use openidconnect::reqwest::StatusCode;
use twofa::Store as _;
use twofa::Subject;

use crate::server::Server;
use crate::visitor::Visitor;

const ADMIN: &str = "admin@acme.example";
const BEN: &str = "ben@acme.example";
const LIST: &str = "/settings/security/two-factor";
const RESET: &str = "/settings/security/two-factor/reset";

/// How many connections the member has open, and how often the administrator signs in meanwhile.
const CONNECTIONS: u64 = 48;
const SIGN_INS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_stops_no_sign_in() {
    let server = Server::start();
    let phone = Visitor::new(&server).set_up(&server, ADMIN).await;
    let mut ben = Visitor::new(&server);
    ben.set_up(&server, BEN).await;
    ben.get("/").await;
    let (over, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let flood: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (mut ben, over, asked) = (ben.kept_alive(), Arc::clone(&over), Arc::clone(&asked));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let page = if number.is_multiple_of(2) {
                        ben.get(LIST).await
                    } else {
                        ben.post(RESET, &[("user", ADMIN), ("code", "")]).await
                    };
                    assert_ne!(page.status, StatusCode::OK, "a member is refused");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while asked.load(Ordering::Relaxed) < CONNECTIONS {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut took = Vec::new();
    for _ in 0..SIGN_INS {
        server.pass(30);
        let mut admin = Visitor::new(&server);
        let begun = Instant::now();
        admin.is_asked(&server, ADMIN).await;
        let page = admin.answer(&phone.code(server.now())).await;
        took.push(begun.elapsed());
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert!(admin.is_in().await);
    }
    over.store(true, Ordering::Relaxed);
    for task in flood {
        task.await.unwrap();
    }
    took.sort_unstable();
    let (slowest, asked) = (took.last().unwrap(), asked.load(Ordering::Relaxed));
    println!("{asked} refusals beside {SIGN_INS} sign-ins, of which the slowest took {slowest:?}");

    let database = server.database().await;
    let events = async |email: &str| {
        let subject = Subject::member(&"acme".parse().unwrap(), &email.parse().unwrap());
        let chain = database.chain(&subject, 0, 1_000).await.unwrap();
        chain
            .into_iter()
            .map(|event| event.row.event)
            .collect::<Vec<_>>()
    };
    let refusals = |events: &[String]| events.iter().filter(|e| e.ends_with("-refused")).count();
    let (bens, admins) = (events(BEN).await, events(ADMIN).await);
    // One of each kind a minute, and each process that was asked at the turn of one may write its own.
    let minutes = SIGN_INS / 2 + 1;
    assert!((1..=4 * minutes).contains(&refusals(&bens)), "{bens:?}");
    assert_eq!(refusals(&admins), 0, "they are not about the administrator");
    database.close().await;
}
