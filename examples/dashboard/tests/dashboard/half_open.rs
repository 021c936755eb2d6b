//! A session that is half open, with the password right and no second factor yet, does not outlive that password.

use openidconnect::reqwest::StatusCode;

use crate::phone::Phone;
use crate::server::Server;
use crate::visitor::{Page, Visitor};

const BEN: &str = "ben@acme.example";

async fn begin_again(visitor: &mut Visitor) -> Page {
    visitor.get("/two-factor/setup").await;
    visitor.post("/two-factor/setup/again", &[]).await
}

/// Half open, with the QR code read.
async fn half_open(server: &Server) -> (Visitor, Phone) {
    let mut visitor = Visitor::new(server);
    visitor.sign_in(server, BEN).await;
    let page = visitor.get("/two-factor/setup").await;
    let (_, rest) = page.body.split_once("id=\"manual-key\"").unwrap();
    let phone = Phone::typed(rest.split(['<', '>']).nth(1).unwrap());
    (visitor, phone)
}

async fn is_dead(visitor: &mut Visitor, what: &str) {
    let page = begin_again(visitor).await;
    assert_ne!(
        page.location(),
        "/two-factor/setup",
        "a new QR code after {what}"
    );
    assert!(!page.body.contains("manual-key"), "{what}");
    assert_eq!(visitor.get("/two-factor/setup").await.location(), "/login");
    assert!(!visitor.is_in().await, "{what}");
}

#[tokio::test]
async fn it_is_dead_after_a_change_of_password() {
    let server = Server::start();
    let (mut thief, phone) = half_open(&server).await;
    let service = server.service().await;
    let (project, ben) = ("acme".parse().unwrap(), BEN.parse().unwrap());
    service.end_logins(&project, &ben).await.unwrap();
    let code = phone.code(server.now());
    let page = thief.post("/two-factor/setup", &[("code", &code)]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.notice(), "unknown-login");
    let (mut thief, _) = half_open(&server).await;
    service.end_sessions(&project, &ben).await.unwrap();
    is_dead(&mut thief, "a change of password").await;
}

#[tokio::test]
async fn it_is_dead_after_a_set_up_and_a_reset() {
    let server = Server::start();
    let (mut thief, _) = half_open(&server).await;
    let mut ben = Visitor::new(&server);
    ben.set_up(&server, BEN).await;
    let service = server.service().await;
    let (project, user) = ("acme".parse().unwrap(), BEN.parse().unwrap());
    let reset = service.support_reset(&project, &user, "op", "T-1").await;
    assert!(matches!(reset, Ok(twofa::Authorized::Granted(_))));
    is_dead(&mut thief, "a reset").await;
}

#[tokio::test]
async fn it_is_dead_after_ten_minutes_however_often_it_was_begun_again() {
    let server = Server::start();
    let (mut visitor, _) = half_open(&server).await;
    for _ in 0..2 {
        server.pass(250);
        let page = begin_again(&mut visitor).await;
        assert_eq!(page.location(), "/two-factor/setup", "{page:?}");
    }
    server.pass(110);
    is_dead(&mut visitor, "ten minutes").await;
}
