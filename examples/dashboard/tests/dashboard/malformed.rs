//! Requests that no browser sends: torn, too long, of another kind, full of odd texts.

use openidconnect::reqwest::{Method, StatusCode};

use crate::attacks::{ANN, CHANGES};
use crate::server::Server;
use crate::visitor::Visitor;

/// Bodies that are too long, torn, or of another kind, each with a token that is good.
#[tokio::test]
async fn malformed_bodies_are_refused() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let long = "x".repeat(64 * 1024);
    for (kind, body) in [
        (FORM, format!("csrf=TOKEN&email={long}&code={long}")),
        (FORM, format!("{long}=&csrf=TOKEN")),
        (
            FORM,
            "csrf=TOKEN&csrf=TOKEN&email=a&password=b&code=1&user=u".to_owned(),
        ),
        (FORM, "%".to_owned()),
        (FORM, String::new()),
        (
            "application/json",
            r#"{"csrf":"TOKEN","email":"a","password":"b"}"#.to_owned(),
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\n\r\nTOKEN\r\n--b--".to_owned(),
        ),
        ("text/plain", "csrf=TOKEN&email=a&password=b".to_owned()),
        ("", "csrf=TOKEN&email=a&password=b".to_owned()),
    ] {
        for path in CHANGES {
            ann.get("/login").await;
            let body = body.replace("TOKEN", &ann.csrf);
            let request = ann.request(Method::POST, path);
            let page = ann
                .send(request.header("content-type", kind).body(body))
                .await;
            let sent_away = path.contains("two-factor") && page.location() == "/login";
            assert!(
                page.status.is_client_error() || sent_away,
                "{path} {kind}: {page:?}"
            );
        }
    }
    // Something lacks.
    ann.get("/login").await;
    let page = ann.post("/login", &[("email", ANN)]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    // Megabytes are not read to their end; the connection may be closed meanwhile.
    let huge = "y".repeat(8 * 1024 * 1024);
    let request = ann.request(Method::POST, "/login").body(huge);
    if let Ok(answer) = request.send().await {
        assert!(answer.status().is_client_error());
    }
    assert_eq!(ann.get("/login").await.status, StatusCode::OK);
}

/// Texts, cookies and queries that no honest browser sends.
#[tokio::test]
async fn odd_texts_break_nothing() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let long = "p".repeat(2000);
    for text in [
        "\0",
        "\u{202e}",
        "'; DROP TABLE twofa_factor; --",
        "%s%n",
        "\u{fffd}",
        "ﷺ",
        &long,
    ] {
        ann.get("/login").await;
        for fields in [
            [("email", text), ("password", text)],
            [("email", ANN), ("password", text)],
        ] {
            let page = ann.post("/login", &fields).await;
            assert_eq!(page.notice(), "wrong-credentials", "{text:?}");
        }
    }
    for cookie in [
        "twofa=",
        "twofa=!!",
        "twofa=%00",
        &format!("twofa={}", "B".repeat(4000)),
    ] {
        let mut odd = Visitor::new(&server);
        odd.cookie = Some(cookie.to_owned());
        assert_eq!(odd.get("/login").await.status, StatusCode::OK, "{cookie}");
        assert!(!odd.is_in().await);
    }
    for query in [
        "/login?why=%ff",
        "/settings/security/audit?before=x",
        "/settings/security/audit?from=2026-13-99&until=x&user=%00&event=%ff",
        "/login?why=a&why=b",
    ] {
        assert!(!ann.get(query).await.status.is_server_error(), "{query}");
    }
    assert!(!server.said().contains("panicked"));
}

/// What is no code is told so, and costs no attempt: the right one is taken after thirty of them.
#[tokio::test]
async fn codes_that_are_none_cost_nothing() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    ann.post("/logout", &[]).await;
    server.pass(30);
    ann.is_asked(&server, ANN).await;
    let long = "9".repeat(9000);
    for _ in 0..4 {
        for code in [
            "",
            "123",
            "1234567890",
            "123456x",
            "abcdef",
            "12\u{0}3456",
            "1e5",
            &long,
        ] {
            let page = ann.answer(code).await;
            assert_eq!(page.notice(), "malformed", "{code:?}");
        }
    }
    // Full-width digits are digits.
    let code: String = phone
        .code(server.now())
        .chars()
        .map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap())
        .collect();
    let page = ann.answer(&code).await;
    assert_eq!(page.location(), "/");
    assert!(!server.said().contains("panicked"));
}
