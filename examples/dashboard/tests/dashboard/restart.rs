//! What survives when the program is killed and started again.

use std::time::Duration;

use crate::server::{Server, real_now};
use crate::visitor::Visitor;

const ANN: &str = "ann@acme.example";

#[tokio::test]
async fn nothing_is_forgotten_and_nothing_is_told_twice() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    server.hears("mail to ann@acme.example: enrolment-confirmed");
    let mut half = Visitor::new(&server);
    half.is_asked(&server, ANN).await;
    let wrong = phone.wrong_code(server.now());
    for _ in 0..4 {
        half.answer(&wrong).await;
    }
    // The mail's place is kept after it is said.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let server = server.again();
    let mut there = Visitor::new(&server);
    there.cookie.clone_from(&ann.cookie);
    assert!(there.is_in().await, "an open session goes on");
    // A login half way goes on too, and so does the wait that the guesses cost.
    let cookie = half.cookie;
    let mut half = Visitor::new(&server);
    half.cookie = cookie;
    half.get("/two-factor/verify").await;
    let code = phone.code(server.now());
    let page = half.answer(&code).await;
    assert_eq!(page.notice(), "locked", "{page:?}");
    server.pass(60);
    half.get("/two-factor/verify").await;
    let code = phone.code(server.now());
    let page = half.answer(&code).await;
    assert_eq!(page.location(), "/", "{page:?}");

    // One more thing to tell; by then the old ones would have been told again.
    let mut ben = Visitor::new(&server);
    ben.set_up(&server, "ben@acme.example").await;
    server.hears("mail to ben@acme.example");
    assert!(!server.said().contains("mail to ann"), "{}", server.said());
}

#[tokio::test]
async fn the_keys_lie_beside_the_file_however_it_is_named() {
    for store in ["shop.db", "sqlite:shop.db", "sqlite://shop.db?mode=rwc"] {
        let server = Server::start_at(real_now(), &["--store", store]);
        assert!(
            server.has("shop.db") && server.has("shop.db.key"),
            "{store}"
        );
    }
}
