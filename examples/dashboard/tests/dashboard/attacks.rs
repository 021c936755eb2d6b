//! People who mean harm, one attack a test. Each must be refused and change nothing.

use openidconnect::reqwest::{Method, StatusCode};

use crate::server::{Server, operator};
use crate::visitor::Visitor;

pub(crate) const ANN: &str = "ann@acme.example";
const ADMIN: &str = "admin@acme.example";
const RESET: &str = "/settings/security/two-factor/reset";

/// Every address that changes something.
pub(crate) const CHANGES: [&str; 9] = [
    "/login",
    "/login/sso",
    "/logout",
    "/two-factor/setup",
    "/two-factor/setup/again",
    "/two-factor/verify",
    "/two-factor/new-phone",
    "/two-factor/new-phone/confirm",
    RESET,
];

/// Every page that only somebody who is in may see.
const INSIDE: [&str; 6] = [
    "/",
    "/settings/security/two-factor",
    "/settings/security/two-factor/reset?user=ann@acme.example",
    "/settings/security/audit",
    "/settings/security/impact",
    "/two-factor/new-phone",
];

/// Forms without the token, with a wrong one, with another session's, and from another site.
#[tokio::test]
async fn a_form_that_was_not_on_our_page_is_refused() {
    let server = Server::start();
    let mut admin = Visitor::new(&server);
    let phone = admin.set_up(&server, ADMIN).await;
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    server.pass(30);
    let code = phone.code(server.now());
    let (token, other) = (admin.csrf.clone(), ann.csrf.clone());
    assert_ne!(token, other);

    let rest = [("user", ANN), ("code", code.as_str())];
    let fields = |token: &'static str| [&[("csrf", token)], &rest[..]].concat();
    let mut waits_for_code = Visitor::new(&server);
    waits_for_code.is_asked(&server, ANN).await;
    let mut sets_up = Visitor::new(&server);
    sets_up.sign_in(&server, "ben@acme.example").await;
    sets_up.get("/two-factor/setup").await;
    for path in CHANGES {
        // Whoever the form is meant for.
        let visitor = match path {
            "/two-factor/verify" => &mut waits_for_code,
            "/two-factor/setup" | "/two-factor/setup/again" => &mut sets_up,
            _ => &mut admin,
        };
        for form in [rest.to_vec(), fields(""), fields("0123"), fields("é")] {
            let page = visitor.post_as_is(path, &form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {form:?}");
        }
        let with_other = [&[("csrf", other.as_str())], &rest[..]].concat();
        let page = visitor.post_as_is(path, &with_other).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        let own = visitor.csrf.clone();
        let with_own = [&[("csrf", own.as_str())], &rest[..]].concat();
        for (header, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = visitor.request(Method::POST, path).form(&with_own);
            let page = visitor.send(request.header(header, value)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {header}");
        }
    }
    assert!(ann.is_in().await, "nobody was reset");
    assert!(admin.is_in().await, "nobody was signed out");
    // The same form with its token does what it says: the refusals above were the token's.
    admin.get(&format!("{RESET}?user={ANN}")).await;
    let page = admin.post(RESET, &rest).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(!ann.is_in().await);
}

/// The session id of one step is worth nothing in the next, and one that was planted is never taken up.
#[tokio::test]
async fn a_session_id_is_renewed_at_each_step() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let planted = format!("twofa={}", "A".repeat(22));
    ann.cookie = Some(planted.clone());
    ann.get("/login").await;
    let mut seen = vec![planted, ann.cookie.clone().unwrap()];
    ann.sign_in(&server, ANN).await;
    seen.push(ann.cookie.clone().unwrap());
    ann.get("/logout").await;
    let mut fresh = Visitor::new(&server);
    let phone = fresh.set_up(&server, ANN).await;
    seen.push(fresh.cookie.clone().unwrap());

    server.pass(30);
    let mut again = fresh.clone();
    again.post("/logout", &[]).await;
    again.sign_in(&server, ANN).await;
    seen.push(again.cookie.clone().unwrap());
    let half_token = again.csrf.clone();
    again.get("/two-factor/verify").await;
    let code = phone.code(server.now());
    let page = again.answer(&code).await;
    assert_eq!(page.location(), "/");
    seen.push(again.cookie.clone().unwrap());

    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "an id was used for two steps");
    assert!(again.is_in().await);
    for old in &seen[..seen.len() - 1] {
        let mut thief = Visitor::new(&server);
        thief.cookie = Some(old.clone());
        assert!(!thief.is_in().await);
    }
    // A token that was read off a page before the sign-in opens no form after it.
    assert_ne!(half_token, again.csrf);
}

/// Half a login sees no page and moves nothing.
#[tokio::test]
async fn half_a_login_gets_nowhere() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let phone = ann.set_up(&server, ANN).await;
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, ADMIN).await;
    server.pass(30);
    for (email, place) in [
        (ADMIN, "/two-factor/verify"),
        ("second@acme.example", "/two-factor/setup"),
    ] {
        let mut half = Visitor::new(&server);
        half.sign_in(&server, email).await;
        for page in INSIDE {
            let answer = half.get(page).await;
            assert_eq!(answer.location(), place, "{page}");
            assert!(!answer.body.contains(ANN));
        }
        half.get(place).await;
        let code = phone.code(server.now());
        let answer = half.post(RESET, &[("user", ANN), ("code", &code)]).await;
        assert_eq!(answer.location(), place);
        for path in ["/two-factor/new-phone", "/two-factor/new-phone/confirm"] {
            let answer = half.post(path, &[("code", &code)]).await;
            assert_eq!(answer.location(), place);
        }
        // Somebody else's code, a code for the wrong page, and a new QR code where one is in use.
        for path in ["/two-factor/setup", "/two-factor/verify"] {
            let answer = half.post(path, &[("code", &code)]).await;
            assert_ne!(answer.location(), "/", "{path}");
        }
        if place == "/two-factor/verify" {
            half.get(place).await;
            let before = half.cookie.clone();
            let answer = half.post("/two-factor/setup/again", &[]).await;
            assert_eq!(answer.location(), place);
            assert_eq!(half.cookie, before, "no new login without the password");
            let answer = half.get("/two-factor/setup").await;
            assert_eq!(answer.location(), place);
        }
    }
    let mut nobody = Visitor::new(&server);
    for page in INSIDE {
        assert_eq!(nobody.get(page).await.location(), "/login", "{page}");
    }
    assert!(ann.is_in().await);
}

/// Only an administrator of that project, now, with a code of their own, by POST.
#[tokio::test]
async fn nobody_else_resets() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;

    // A colleague.
    let mut ben = Visitor::new(&server);
    let bens = ben.set_up(&server, "ben@acme.example").await;
    server.pass(30);
    let code = bens.code(server.now());
    let page = ben.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "not-an-administrator")
    );
    for page in &INSIDE[1..5] {
        let page = ben.get(page).await;
        assert_eq!(page.notice(), "not-an-administrator");
    }

    // Another project's administrator, with a code that is right.
    let mut foreign = Visitor::new(&server);
    let foreigns = foreign.set_up(&server, "admin@harbor.example").await;
    server.pass(30);
    let code = foreigns.code(server.now());
    let page = foreign.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.notice(), "nothing-to-reset", "of their own project");
    let page = foreign.get("/settings/security/two-factor").await;
    assert!(!page.body.contains(ANN));

    // An administrator without a code, with one that is used, with one of long ago.
    let mut admin = Visitor::new(&server);
    let admins = admin.set_up(&server, ADMIN).await;
    let used = admins.code(server.now());
    for (code, notice) in [("", "malformed"), (used.as_str(), "code-already-used")] {
        let page = admin.post(RESET, &[("user", ANN), ("code", code)]).await;
        assert_eq!(
            (page.status, page.notice()),
            (StatusCode::FORBIDDEN, notice)
        );
    }
    server.pass(400);
    let old = admins.code(server.now() - 300);
    let page = admin.post(RESET, &[("user", ANN), ("code", &old)]).await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "clock-off")
    );

    // By GET, and by methods that there are not.
    let code = admins.code(server.now());
    let page = admin.get(&format!("{RESET}?user={ANN}&code={code}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let page = admin.send(admin.request(method, RESET)).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    // Demoted a moment ago; the session is still open.
    let second = "second@acme.example";
    let mut admin = Visitor::new(&server);
    let seconds = admin.set_up(&server, second).await;
    server.pass(30);
    let code = seconds.code(server.now());
    let (service, by) = (server.service().await, operator());
    let (acme, demoted) = ("acme".parse().unwrap(), second.parse().unwrap());
    let member = twofa::policy::Role::Member;
    let set = service.set_role(&acme, &demoted, member, &by);
    set.await.unwrap();
    let page = admin.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(page.notice(), "not-an-administrator");
    let removed = service.remove_member(&acme, &demoted, &by);
    removed.await.unwrap();
    let page = admin.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(page.location(), "/login");
    service.store().close().await;

    assert!(ann.is_in().await, "after all of that");
}

/// A session from before its owner was reset is over, whatever it asks for.
#[tokio::test]
async fn a_session_from_before_a_reset_is_over() {
    let server = Server::start();
    let mut second = Visitor::new(&server);
    second.set_up(&server, "second@acme.example").await;
    let mut stale = second.clone();
    let mut ann = Visitor::new(&server);
    ann.set_up(&server, ANN).await;
    let mut admin = Visitor::new(&server);
    let phone = admin.set_up(&server, ADMIN).await;
    server.pass(30);
    let code = phone.code(server.now());
    let form = [("user", "second@acme.example"), ("code", code.as_str())];
    assert_eq!(admin.post(RESET, &form).await.status, StatusCode::OK);
    let page = stale
        .post(RESET, &[("user", ANN), ("code", "000000")])
        .await;
    assert_eq!(page.location(), "/login?why=reset-by-admin");
    assert_eq!(
        second.get("/settings/security/two-factor").await.location(),
        "/login"
    );
    assert!(ann.is_in().await);
}

/// No answer sends a browser to another site.
#[tokio::test]
async fn no_redirect_leaves_the_site() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let mut places = Vec::new();
    for path in [
        "/login?next=https://evil.example/",
        "/login?why=https://evil.example/",
        "/?redirect=//evil.example",
        "//evil.example/",
        "/%2f%2fevil.example/..",
        "/\\evil.example",
        "/two-factor/setup?return_to=//evil.example",
        "/login/sso/callback?state=x&code=y&redirect_uri=https://evil.example",
    ] {
        let request = ann.request(Method::GET, path);
        places.push(
            ann.send(request.header("x-forwarded-host", "evil.example"))
                .await,
        );
        let request = ann
            .request(Method::GET, path)
            .header("host", "evil.example");
        places.push(ann.send(request).await);
    }
    ann.get("/login?next=https://evil.example/").await;
    let fields = [
        ("email", ANN),
        ("password", server.password(ANN)),
        ("next", "https://evil.example/"),
    ];
    places.push(ann.post("/login?next=//evil.example", &fields).await);
    for page in places {
        let place = page.location();
        assert!(
            ["", "/login", "/two-factor/setup"].contains(&place),
            "{place}"
        );
        assert!(!page.body.contains("evil.example"), "{}", page.body);
    }
}

/// Names and searches that carry line ends or markup come out as text.
#[tokio::test]
async fn names_inject_neither_headers_nor_markup() {
    let mut server = Server::start();
    // Line ends are in no name.
    assert!(
        "a\r\nSet-Cookie: x=1"
            .parse::<twofa::types::UserId>()
            .is_err()
    );
    let odd = "<b>o'brien</b>&\"@acme.example";
    server.add_like(odd, ANN).await;
    let mut person = Visitor::new(&server);
    person.set_up(&server, odd).await;
    let mut admin = Visitor::new(&server);
    let phone = admin.set_up(&server, ADMIN).await;
    let broken = "%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<script>alert(1)</script>";
    for path in [
        "/settings/security/two-factor".to_owned(),
        "/settings/security/audit".to_owned(),
        "/settings/security/impact".to_owned(),
        format!("/settings/security/two-factor?search={broken}"),
        format!("/settings/security/two-factor?search=&after={broken}"),
        format!("{RESET}?user={broken}"),
        format!("/login?why={broken}"),
        format!("/{broken}"),
    ] {
        let page = admin.get(&path).await;
        assert!(!page.body.contains("<script>alert"), "{path}");
        assert!(!page.body.contains("<b>"), "{path}");
        assert!(
            page.headers
                .get_all("set-cookie")
                .iter()
                .all(|c| !c.to_str().unwrap().contains("x=1"))
        );
    }
    let page = person.get("/").await;
    assert!(page.body.contains("&#60;b&#62;o&#39;brien") || page.body.contains("&lt;b&gt;"));
    // The link beside a name leads to that name, whatever is in it.
    let list = admin.get("/settings/security/two-factor").await.body;
    let link = list
        .split("href=\"")
        .filter_map(|rest| rest.split_once('"'))
        .find(|(link, _)| link.contains("brien"));
    let page = admin.get(link.unwrap().0).await;
    assert_eq!(page.status, StatusCode::OK);
    server.pass(30);
    let code = phone.code(server.now());
    let page = admin.post(RESET, &[("user", odd), ("code", &code)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!person.is_in().await);
}

/// What every answer carries, and how the cookie is marked.
#[tokio::test]
async fn every_answer_carries_its_protections() {
    let server = Server::start();
    let mut ann = Visitor::new(&server);
    let first = ann.get("/login").await;
    let cookie = first.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    ann.sign_in(&server, ANN).await;
    for path in [
        "/",
        "/login",
        "/support",
        "/two-factor/setup",
        "/nowhere",
        "/style.css",
    ] {
        let page = ann.get(path).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        if path != "/style.css" && page.status != StatusCode::SEE_OTHER {
            assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        }
        assert!(!page.body.contains(" style=") && !page.body.contains(" onclick="));
    }
    let secure = Server::start_at(server.now(), &["--public-url", "https://two.example"]);
    let page = Visitor::new(&secure).get("/login").await;
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("Secure"),
        "{cookie}"
    );
    assert!(
        cookie.contains("Path=/") && !cookie.contains("Domain"),
        "{cookie}"
    );
}

/// An address that exists and one that does not get the same answer.
#[tokio::test]
async fn the_sign_in_tells_nobody_who_has_an_account() {
    let server = Server::start();
    let mut answers = Vec::new();
    for email in [ANN, "nob@acme.example"] {
        let mut visitor = Visitor::new(&server);
        visitor.get("/login").await;
        let page = visitor
            .post("/login", &[("email", email), ("password", "guess")])
            .await;
        let body = page.body.replace(&visitor.csrf, "").replace(email, "");
        answers.push((page.status, body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
}
