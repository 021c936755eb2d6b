//! The seven things the product promises, by clicks and typing.

use crate::browser::with_browsers;
use crate::server::{MANDATE, Server};

/// Promises 1 to 3: from the date on everybody sets up, scans, types, continues; later logins ask for the code;
/// and nobody inside the project can switch it off.
#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_begins_and_everybody_sets_up() {
    with_browsers(async |desk| {
        let server = Server::start_at(MANDATE - 1800, &[]);
        let ann = desk.browser(&server).await;

        // Half an hour before: in with the password alone, and told what comes.
        ann.sign_in(&server, "ann@acme.example").await;
        ann.is_at("/").await;
        ann.says("required from 2022-12-01").await;

        // It begins while she is in: her open session is asked to set up.
        server.pass(1800);
        ann.driver.refresh().await.unwrap();
        ann.is_at("/login?why=mandatory").await;
        ann.is_told("mandatory").await;
        ann.sign_in(&server, "ann@acme.example").await;
        ann.is_at("/two-factor/setup").await;
        ann.says("sets its time automatically").await;
        let phone = ann.scan().await;
        assert!(phone.uri.contains("issuer=Acme"), "{}", phone.uri);
        assert!(phone.uri.contains("Acme:ann@acme.example"), "{}", phone.uri);

        // Seeing the QR code unlocks nothing.
        for page in [
            "/",
            "/settings/security/two-factor",
            "/two-factor/new-phone",
        ] {
            ann.go(page).await;
            ann.is_at("/two-factor/setup").await;
        }
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
        ann.says("protected by two-factor authentication").await;

        // The next login asks for the code and shows no QR code.
        ann.press("Sign out").await;
        ann.is_at("/login").await;
        ann.signs_in(&server, "ann@acme.example", &phone).await;

        // An administrator finds no switch, only what it means.
        let admin = desk.browser(&server).await;
        admin.sets_up(&server, "admin@acme.example").await;
        admin.press("Impact").await;
        admin.says("Only support can change that").await;
        assert!(!admin.has("main form").await);
    })
    .await;
}

/// Promise 4: a phone whose clock is off is told so, which way and how far; and a typo is a typo.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_with_a_wrong_clock_is_told_so() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let phone = ann.begins_set_up(&server, "ann@acme.example").await;
        ann.answer(&phone.code(server.now() - 240)).await;
        ann.is_told("clock-off").await;
        ann.says("seconds behind").await;
        ann.answer(&phone.code(server.now() + 240)).await;
        ann.is_told("clock-off").await;
        ann.says("seconds ahead").await;
        ann.answer("12a456").await;
        ann.is_told("malformed").await;
        assert_eq!(ann.scan().await.uri, phone.uri, "the same QR code stays");
        // Spaces, as the app shows them.
        let code = phone.code(server.now());
        ann.answer(&format!("{} {}", &code[..3], &code[3..])).await;
        ann.is_at("/").await;

        // Later, the same code again.
        ann.press("Sign out").await;
        ann.sign_in(&server, "ann@acme.example").await;
        ann.answer(&code).await;
        ann.is_told("code-already-used").await;
        server.pass(300);
        ann.answer(&phone.code(server.now() - 240)).await;
        ann.is_told("clock-off").await;
        // A code that is still to come says nothing: it would help a guesser.
        ann.answer(&phone.code(server.now() + 240)).await;
        ann.is_told("wrong-code").await;
    })
    .await;
}

/// Promise 5: the administrator's list, the reset with their own code, the set-up anew; and what it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_phone_is_reset_by_the_projects_administrator() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let lost = ann.sets_up(&server, "ann@acme.example").await;
        let admin = desk.browser(&server).await;
        let own = admin.sets_up(&server, "admin@acme.example").await;

        admin.press("Two-factor settings").await;
        admin.says("ann@acme.example").await;
        let icon = admin.find("a.icon[href$='user=ann%40acme.example']").await;
        let name = icon.attr("aria-label").await.unwrap().unwrap();
        assert_eq!(name, "Reset two-factor authentication of ann@acme.example");
        assert!(
            !admin.text().await.contains("ben@acme.example"),
            "he has none"
        );
        icon.click().await.unwrap();
        admin.says("will be erased").await;

        // The administrator's own code, wrong and right.
        admin.fill("#code", &own.wrong_code(server.now())).await;
        admin.press("Reset").await;
        admin.is_told("wrong-code").await;
        server.pass(30);
        admin.fill("#code", &own.code(server.now())).await;
        admin.press("Reset").await;
        admin.says("Reset done").await;

        // Her open session ends, the old phone is worth nothing, and she sets up anew.
        ann.driver.refresh().await.unwrap();
        ann.is_at("/login?why=reset-by-admin").await;
        let new = ann.begins_set_up(&server, "ann@acme.example").await;
        assert_ne!(new.uri, lost.uri);
        ann.answer(&lost.code(server.now())).await;
        ann.is_told("wrong-code").await;
        ann.answer(&new.code(server.now())).await;
        ann.is_at("/").await;

        // It is on the record, nothing was tampered with, and she is told by mail.
        admin.press("Audit").await;
        admin.says("reset").await;
        admin.press("Check that nothing was changed").await;
        admin.says("are as they were written").await;
        let mail = server.hears("mail to ann@acme.example: reset");
        assert!(mail.contains("by admin@acme.example"), "{mail}");
        let said = server.said();
        for secret in [&lost, &new, &own] {
            let secret = secret
                .uri
                .split(['?', '&'])
                .find(|p| p.starts_with("secret="));
            assert!(!said.contains(&secret.unwrap()["secret=".len()..]));
        }
    })
    .await;
}

/// Promise 5, where the project asks that the reset be handed over by other means.
#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_code_is_asked_for_after_a_reset() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        ann.sets_up(&server, "ann@harbor.example").await;
        let admin = desk.browser(&server).await;
        let own = admin.sets_up(&server, "admin@harbor.example").await;
        server.pass(30);
        admin
            .go("/settings/security/two-factor/reset?user=ann@harbor.example")
            .await;
        admin.fill("#code", &own.code(server.now())).await;
        admin.press("Reset").await;
        let handover = admin.find("#handover-code").await.text().await.unwrap();

        let phone = ann.begins_set_up(&server, "ann@harbor.example").await;
        ann.fill("#handover", "AAAA-BBBB").await;
        ann.answer(&phone.code(server.now())).await;
        ann.is_told("handover-code").await;
        ann.fill("#handover", &handover).await;
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
    })
    .await;
}

/// Promise 6: when no administrator can get in, the page says what to do, and support's reset works.
#[tokio::test(flavor = "multi_thread")]
async fn when_no_administrator_can_get_in_support_resets() {
    with_browsers(async |desk| {
        let server = Server::start();
        let admin = desk.browser(&server).await;
        admin.sets_up(&server, "admin@acme.example").await;
        admin.press("Sign out").await;
        admin.press("I cannot get in").await;
        admin.says("Open a support ticket").await;
        support_resets(&server, "admin@acme.example").await;
        let phone = admin.begins_set_up(&server, "admin@acme.example").await;
        admin.answer(&phone.code(server.now())).await;
        admin.is_at("/").await;
        admin.press("Audit").await;
        admin.says("T-1234").await;
        admin.says("Sam").await;
    })
    .await;
}

/// What an operator's tool does, beside the running dashboard.
async fn support_resets(server: &Server, email: &str) {
    let service = server.service().await;
    let project = "acme".parse().unwrap();
    let done = service
        .support_reset(&project, &email.parse().unwrap(), "Sam", "T-1234")
        .await
        .unwrap();
    assert!(matches!(done, twofa::Authorized::Granted(_)));
    service.store().close().await;
}

/// A new phone while the old one is at hand: the old one works until the new one has shown a code.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_phone_takes_over_from_the_old_one() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let old = ann.sets_up(&server, "ann@acme.example").await;
        server.pass(30);
        ann.press("New phone").await;
        ann.answer(&old.code(server.now())).await;
        let new = ann.scan().await;
        assert_ne!(new.uri, old.uri);
        // A refresh asks nothing again and changes nothing.
        ann.go("/two-factor/new-phone").await;
        assert_eq!(ann.scan().await.uri, new.uri);
        // Left here, the old phone is the one that counts.
        let other = desk.browser(&server).await;
        other.signs_in(&server, "ann@acme.example", &old).await;
        ann.answer(&new.wrong_code(server.now())).await;
        ann.is_told("wrong-code").await;
        ann.answer(&new.code(server.now())).await;
        ann.says("only the new phone's codes count").await;
        other.press("Sign out").await;
        server.pass(30);
        other.sign_in(&server, "ann@acme.example").await;
        other.answer(&old.code(server.now())).await;
        other.is_told("wrong-code").await;
        other.answer(&new.code(server.now())).await;
        other.is_at("/").await;
    })
    .await;
}
