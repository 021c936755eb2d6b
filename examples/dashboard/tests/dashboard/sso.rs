//! Single sign-on for real: the code flow against a certified provider, and everything about it that can be
//! forged.

use openidconnect::reqwest::StatusCode;
use twofa::Project;
use twofa::policy::{PasswordUnderSso, ProjectSettings, Sso};
use twofa::types::UnixTime;

use crate::browser::with_browsers;
use crate::provider::Pair;
use crate::server::{MANDATE, Server, operator};
use crate::visitor::Visitor;

const ANN: &str = "ann@globex.example";
const ADMIN: &str = "admin@globex.example";

/// What an operator does beside the running dashboard.
async fn set_sso(server: &Server, sso: Sso) {
    let service = server.service().await;
    let mandate = UnixTime::from_secs(MANDATE.cast_unsigned());
    let project = Project {
        settings: ProjectSettings::mandatory_from(mandate).with_sso(sso),
        issuer: None,
    };
    let globex = "globex".parse().unwrap();
    let set = service.set_project(&globex, &project, &operator()).await;
    set.unwrap();
    service.store().close().await;
}

/// Promise 7, by clicks: through the provider and in, with no code asked for.
#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_takes_the_place_of_a_code() {
    with_browsers(async |desk| {
        let pair = Pair::start();
        let ann = desk.browser(&pair.server).await;
        ann.go("/login").await;
        ann.press("Sign in with SSO").await;
        ann.says("Who are you?").await;
        ann.fill("#email", ANN).await;
        ann.press("It is me").await;
        ann.is_at("/").await;
        ann.says("You signed in through SSO").await;

        // The decision's reason, and that nothing of hers was asked or stored.
        let service = pair.server.service().await;
        let (globex, user) = ("globex".parse().unwrap(), ANN.parse().unwrap());
        let sign_in = twofa::SignIn::sso(&globex, &user);
        let decision = service.explain(&sign_in).await.unwrap();
        assert_eq!(decision.reason().code(), "sso-supersedes");
        service.store().close().await;

        // Single sign-on ends for the project: her open session does too.
        set_sso(&pair.server, Sso::Off).await;
        ann.driver.refresh().await.unwrap();
        ann.says("Sign in").await;
        ann.sign_in(&pair.server, ANN).await;
        ann.is_at("/two-factor/setup").await;
    })
    .await;
}

/// A provider that keeps the address out of the id token is asked for it.
#[tokio::test]
async fn the_address_may_come_from_userinfo() {
    let pair = Pair::start_with(false);
    let (mut ann, page) = pair.sign_in(ANN).await;
    assert_eq!(page.location(), "/", "{page:?}");
    assert!(ann.is_in().await);
}

/// What a password is worth in a project with single sign-on, setting by setting.
#[tokio::test]
async fn a_password_under_single_sign_on_is_worth_what_the_project_says() {
    let pair = Pair::start();
    let password = async || {
        let mut ann = Visitor::new(&pair.server);
        let page = ann.sign_in(&pair.server, ANN).await;
        (ann, page)
    };
    // As it is seeded: asked for a second factor.
    let (mut ann, page) = password().await;
    assert_eq!(page.location(), "/two-factor/setup");
    let page = ann.get("/two-factor/setup").await;
    let sentence = twofa::policy::Reason::SsoPasswordChallenged.sentence();
    assert!(page.body.contains(sentence), "{}", page.body);

    set_sso(&pair.server, Sso::On(PasswordUnderSso::Exempt)).await;
    let (mut ann, page) = password().await;
    assert_eq!(page.location(), "/");
    assert!(ann.is_in().await);

    set_sso(&pair.server, Sso::On(PasswordUnderSso::Refuse)).await;
    assert!(!ann.is_in().await, "the session that a password opened");
    let (mut ann, page) = password().await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "sso-required")
    );
    assert!(!ann.is_in().await);
    let (mut ann, _) = pair.sign_in(ANN).await;
    assert!(ann.is_in().await);

    set_sso(&pair.server, Sso::Off).await;
    assert!(!ann.is_in().await);
    let (mut ann, page) = pair.sign_in(ANN).await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "sso-not-enabled")
    );
    assert!(!ann.is_in().await);
}

/// Whoever the provider vouches for still has to have an account, in a project that has single sign-on.
#[tokio::test]
async fn a_provider_vouches_for_its_own_project_only() {
    let pair = Pair::start();
    let (mut acme, page) = pair.sign_in("admin@acme.example").await;
    assert_eq!(page.notice(), "sso-not-enabled");
    assert!(!acme.is_in().await);
    let (mut nobody, page) = pair.sign_in("nobody@globex.example").await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::UNAUTHORIZED, "sso-failed")
    );
    assert!(!nobody.is_in().await);
}

/// Tokens that are not what they should be, one fault at a time; without a fault it is accepted.
#[tokio::test]
async fn a_forged_identity_is_refused() {
    let pair = Pair::start();
    for (fault, why) in [
        ("issuer", "issuer"),
        ("audience", "audience"),
        ("nonce", "nonce"),
        ("no-nonce", "nonce"),
        ("expired", "expired"),
        ("stranger", "ignature"),
        ("unsigned", "ignature"),
        ("unverified", "no verified e-mail"),
        ("at-hash", "access token"),
    ] {
        pair.fault(fault).await;
        let before = pair.server.said().lines().count();
        let (mut ann, page) = pair.sign_in(ANN).await;
        assert_eq!(
            (page.status, page.notice()),
            (StatusCode::UNAUTHORIZED, "sso-failed"),
            "{fault}"
        );
        assert!(!ann.is_in().await, "{fault}");
        pair.server.hears("single sign-on");
        let said = pair.server.said();
        let told: Vec<_> = said
            .lines()
            .skip(before)
            .filter(|line| line.contains("single sign-on"))
            .collect();
        assert!(
            told.iter().any(|line| line.contains(why)),
            "{fault}: {told:?}"
        );
    }
    pair.fault("").await;
    let (mut ann, page) = pair.sign_in(ANN).await;
    assert_eq!(page.location(), "/");
    assert!(ann.is_in().await);
    // A right token that arrives when it has long expired: this side's clock decides.
    let mut late = Visitor::new(&pair.server);
    let back = pair.vouches(&mut late, ANN).await;
    pair.server.pass(30 * 60);
    assert_eq!(late.get(&back).await.notice(), "sso-failed");
    assert!(!late.is_in().await);
}

/// An answer that was played before, that belongs to another browser, or whose state was changed.
#[tokio::test]
async fn an_answer_works_once_in_the_browser_that_asked() {
    let pair = Pair::start();
    let mut ann = Visitor::new(&pair.server);
    let back = pair.vouches(&mut ann, ANN).await;
    // Somebody lures another browser to it.
    let mut victim = Visitor::new(&pair.server);
    victim.get("/login").await;
    assert_eq!(victim.get(&back).await.notice(), "sso-failed");
    assert!(!victim.is_in().await);
    // One that has a sign-in of its own under way.
    pair.vouches(&mut victim, ANN).await;
    assert_eq!(victim.get(&back).await.notice(), "sso-failed");
    assert!(!victim.is_in().await);
    assert_eq!(ann.get(&back).await.location(), "/", "hers all the same");
    assert!(ann.is_in().await);
    // Again: in the same browser, signed out, and in another one.
    ann.get("/").await;
    ann.post("/logout", &[]).await;
    assert_eq!(ann.get(&back).await.notice(), "sso-failed");
    assert!(!ann.is_in().await);

    for change in [
        |back: &str| back.replace("state=", "state=x"),
        |back: &str| back.replace("iss=http", "iss=https"),
        |back: &str| {
            back.split_once("&state=")
                .map_or(String::new(), |(a, _)| a.to_owned())
        },
        |_: &str| "/login/sso/callback?error=access_denied".to_owned(),
        |_: &str| "/login/sso/callback".to_owned(),
    ] {
        let mut odd = Visitor::new(&pair.server);
        let back = pair.vouches(&mut odd, ANN).await;
        let changed = change(&back);
        assert_ne!(changed, back);
        assert_eq!(odd.get(&changed).await.notice(), "sso-failed", "{changed}");
        // And the true one after it: the sign-in was used up.
        assert_eq!(odd.get(&back).await.notice(), "sso-failed");
        assert!(!odd.is_in().await);
    }
}

/// An administrator who came through the provider resets while that sign-in is fresh, and not later.
#[tokio::test]
async fn an_administrators_single_sign_on_must_be_fresh_for_a_reset() {
    let pair = Pair::start();
    let mut ann = Visitor::new(&pair.server);
    ann.set_up(&pair.server, ANN).await;
    let reset = "/settings/security/two-factor/reset";
    let (mut admin, _) = pair.sign_in(ADMIN).await;
    admin.get("/").await;
    pair.server.pass(301);
    let page = admin.post(reset, &[("user", ANN)]).await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "proof-too-old")
    );
    assert!(ann.is_in().await);
    let (mut admin, _) = pair.sign_in(ADMIN).await;
    admin.get("/").await;
    let page = admin.post(reset, &[("user", ANN)]).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(!ann.is_in().await);
}

/// Without its provider the dashboard says so, and passwords work.
#[tokio::test]
async fn a_provider_that_is_gone_or_is_another_is_no_way_in() {
    let pair = Pair::start();
    // The same provider under a name that is not its own.
    let other = pair.issuer.replace("127.0.0.1", "localhost");
    for issuer in [other.as_str(), "http://127.0.0.1:9"] {
        let options = ["--oidc-issuer", issuer, "--oidc-client-id", "dashboard"];
        let server = Server::start_at(pair.server.now(), &options);
        let mut ann = Visitor::new(&server);
        ann.get("/login").await;
        let page = ann.post("/login/sso", &[]).await;
        assert_eq!(
            (page.status, page.notice()),
            (StatusCode::UNAUTHORIZED, "sso-failed")
        );
        let page = ann.sign_in(&server, ANN).await;
        assert_eq!(page.location(), "/two-factor/setup");
    }
}
