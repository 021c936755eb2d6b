//! What browsers do to a login: two at once, back, refresh, a page left open too long, no scripts, no mouse.

use thirtyfour::Key;

use crate::browser::{Browser, Settings, with_browsers};
use crate::phone::Phone;
use crate::server::Server;

/// Somebody who took the cookie of a login that waits for its code has a login that waits for its code.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_half_login_opens_nothing_and_dies_with_its_owners() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let phone = ann.sets_up(&server, "ann@acme.example").await;
        ann.press("Sign out").await;
        ann.is_asked(&server, "ann@acme.example").await;
        let cookie = ann.driver.get_named_cookie("twofa").await.unwrap();
        assert_eq!(cookie.http_only, Some(true));

        let thief = desk.browser(&server).await;
        thief.go("/support").await;
        thief.driver.delete_all_cookies().await.unwrap();
        thief.driver.add_cookie(cookie).await.unwrap();
        for page in [
            "/",
            "/settings/security/two-factor",
            "/two-factor/new-phone",
            "/two-factor/setup",
        ] {
            thief.go(page).await;
            thief.is_at("/two-factor/verify").await;
        }
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
        // The login went on under another session id; the stolen one stands for nobody.
        thief.go("/").await;
        thief.is_at("/login").await;
    })
    .await;
}

/// The latest set-up is the one that counts, and an older page says so.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_set_ups_at_once_only_the_later_counts() {
    with_browsers(async |desk| {
        let server = Server::start();
        let first = desk.browser(&server).await;
        let older = first.begins_set_up(&server, "ann@acme.example").await;
        let second = desk.browser(&server).await;
        let newer = second.begins_set_up(&server, "ann@acme.example").await;
        assert_ne!(older.uri, newer.uri);
        first.answer(&older.code(server.now())).await;
        first.is_told("superseded").await;
        first.is_at("/two-factor/setup").await;
        first.says("Sign in again").await;
        second.answer(&newer.code(server.now())).await;
        second.is_at("/").await;
    })
    .await;
}

/// Back and refresh neither repeat a step nor show a page that is over.
#[tokio::test(flavor = "multi_thread")]
async fn back_and_refresh_change_nothing() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let phone = ann.begins_set_up(&server, "ann@acme.example").await;
        ann.driver.refresh().await.unwrap();
        assert_eq!(
            ann.scan().await.uri,
            phone.uri,
            "a refresh shows the same QR code"
        );
        // Back to the login page and forward again: still half way, still the same key.
        ann.driver.back().await.unwrap();
        ann.is_at("/login").await;
        ann.driver.forward().await.unwrap();
        assert_eq!(ann.scan().await.uri, phone.uri);
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
        // The QR code is not kept for the back button.
        ann.driver.back().await.unwrap();
        ann.is_at("/").await;
        assert!(!ann.has("#qr").await);
        ann.driver.refresh().await.unwrap();
        ann.is_at("/").await;

        // A wrong answer, posted again by a refresh, is another attempt and no more than that.
        ann.press("Sign out").await;
        ann.is_at("/login").await;
        ann.driver.back().await.unwrap();
        ann.is_at("/login").await;
        ann.signs_in(&server, "ann@acme.example", &phone).await;
    })
    .await;
}

/// A new QR code on demand makes the old one void.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_qr_code_voids_the_old_one() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let old = ann.begins_set_up(&server, "ann@acme.example").await;
        ann.press("Show a new QR code").await;
        ann.is_at("/two-factor/setup").await;
        let new = ann.scan().await;
        assert_ne!(new.uri, old.uri);
        ann.answer(&old.code(server.now())).await;
        ann.is_told("wrong-code").await;
        // Left half way: nothing is protected, nothing unlocked, and it is offered again.
        ann.press("Cancel").await;
        ann.is_at("/login").await;
        ann.sets_up(&server, "ann@acme.example").await;
    })
    .await;
}

/// Pages that were left open too long.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_lapsed_says_so_and_begins_again() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let late = ann.begins_set_up(&server, "ann@acme.example").await;
        server.pass(11 * 60);
        ann.answer(&late.code(server.now())).await;
        ann.says("Sign in again").await;
        assert!(!ann.has("#qr").await);
        let phone = ann.sets_up(&server, "ann@acme.example").await;
        // A login that waited for its code.
        ann.press("Sign out").await;
        ann.is_asked(&server, "ann@acme.example").await;
        server.pass(30 * 60);
        ann.answer(&phone.code(server.now())).await;
        ann.says("Sign in again").await;
        ann.signs_in(&server, "ann@acme.example", &phone).await;
        // An hour away from the keyboard.
        server.pass(3601);
        ann.go("/").await;
        ann.is_at("/login").await;
    })
    .await;
}

/// Guesses cost time, then the login; a right password gives none of them back.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_run_into_a_wait() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let phone = ann.sets_up(&server, "ann@acme.example").await;
        ann.press("Sign out").await;
        server.pass(30);
        ann.sign_in(&server, "ann@acme.example").await;
        let wrong = phone.wrong_code(server.now());
        for _ in 0..4 {
            ann.answer(&wrong).await;
            ann.is_told("wrong-code").await;
        }
        ann.says("looked at from").await;
        ann.answer(&phone.code(server.now())).await;
        ann.is_told("locked").await;
        ann.press("Cancel").await;
        ann.sign_in(&server, "ann@acme.example").await;
        ann.is_told("locked").await;
        server.pass(35);
        ann.signs_in(&server, "ann@acme.example", &phone).await;
    })
    .await;
}

/// The whole story without a script.
#[tokio::test(flavor = "multi_thread")]
async fn it_works_without_javascript() {
    with_browsers(async |desk| {
        let server = Server::start();
        let settings = Settings {
            no_javascript: true,
        };
        let admin = desk.browser_with(&server, settings).await;
        admin.sign_in(&server, "admin@acme.example").await;
        admin.is_at("/two-factor/setup").await;
        // The button that needs a script is not there, and the key can be typed.
        admin.find("summary").await.click().await.unwrap();
        let copy = admin.find("#copy").await;
        assert!(
            !copy.is_displayed().await.unwrap(),
            "no script, no button for it"
        );
        let key = admin.find("#manual-key").await.text().await.unwrap();
        let phone = Phone::typed(&key);
        admin.answer(&phone.code(server.now())).await;
        admin.is_at("/").await;
        admin.press("Sign out").await;
        admin.signs_in(&server, "admin@acme.example", &phone).await;
        admin.press("Two-factor settings").await;
        admin.find("a.icon").await.click().await.unwrap();
        server.pass(30);
        admin.fill("#code", &phone.code(server.now())).await;
        admin.press("Reset").await;
        // Themselves: the rules say no.
        admin.is_told("self-reset").await;
    })
    .await;
}

/// Where scripts run, the button copies the key.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_can_be_copied() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let grant = serde_json::json!({
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
            "origin": server.address,
        });
        ann.devtools("Browser.grantPermissions", grant).await;
        ann.sign_in(&server, "ann@acme.example").await;
        ann.is_at("/two-factor/setup").await;
        ann.find("summary").await.click().await.unwrap();
        ann.click("Copy").await;
        ann.says("Copied.").await;
        let script = "navigator.clipboard.readText().then(arguments[0])";
        let copied = ann.driver.execute_async(script, Vec::new()).await.unwrap();
        let phone = Phone::typed(copied.json().as_str().unwrap());
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
    })
    .await;
}

/// Presses Tab until the thing with these words, or this id, has the focus; and it must be seen to have it.
async fn tab_to(browser: &Browser, wanted: &str) {
    for _ in 0..40 {
        browser
            .driver
            .action_chain()
            .send_keys(Key::Tab)
            .perform()
            .await
            .unwrap();
        let focused = browser.driver.active_element().await.unwrap();
        let id = focused.id().await.unwrap().unwrap_or_default();
        let label = focused
            .attr("aria-label")
            .await
            .unwrap()
            .unwrap_or_default();
        if id == wanted || label == wanted || focused.text().await.unwrap() == wanted {
            let outline = focused.css_value("outline-style").await.unwrap();
            assert_eq!(outline, "solid", "{wanted} does not show its focus");
            return;
        }
    }
    panic!("the keyboard does not reach {wanted}");
}

async fn keys(browser: &Browser, keys: &str) {
    browser
        .driver
        .action_chain()
        .send_keys(keys)
        .perform()
        .await
        .unwrap();
}

async fn enter(browser: &Browser) {
    browser
        .driver
        .action_chain()
        .send_keys(Key::Enter)
        .perform()
        .await
        .unwrap();
}

/// Sign in, set up, reset a colleague: without touching the mouse.
#[tokio::test(flavor = "multi_thread")]
async fn it_works_with_the_keyboard_alone() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        ann.sets_up(&server, "ann@acme.example").await;

        let admin = desk.browser(&server).await;
        admin.go("/login").await;
        tab_to(&admin, "email").await;
        keys(&admin, "admin@acme.example").await;
        tab_to(&admin, "password").await;
        keys(&admin, server.password("admin@acme.example")).await;
        enter(&admin).await;
        admin.is_at("/two-factor/setup").await;
        let phone = admin.scan().await;
        tab_to(&admin, "I cannot scan it").await;
        enter(&admin).await;
        assert!(
            admin
                .find("#manual-key")
                .await
                .is_displayed()
                .await
                .unwrap()
        );
        tab_to(&admin, "code").await;
        keys(&admin, &phone.code(server.now())).await;
        tab_to(&admin, "Continue").await;
        enter(&admin).await;
        admin.is_at("/").await;
        tab_to(&admin, "Two-factor settings").await;
        enter(&admin).await;
        admin.is_at("/settings/security/two-factor").await;
        tab_to(
            &admin,
            "Reset two-factor authentication of ann@acme.example",
        )
        .await;
        enter(&admin).await;
        admin.says("will be erased").await;
        server.pass(30);
        tab_to(&admin, "code").await;
        keys(&admin, &phone.code(server.now())).await;
        tab_to(&admin, "Reset").await;
        enter(&admin).await;
        admin.says("Reset done").await;
        // The first Tab of a page is a way past its navigation.
        admin.go("/").await;
        tab_to(&admin, "Skip to content").await;
    })
    .await;
}
