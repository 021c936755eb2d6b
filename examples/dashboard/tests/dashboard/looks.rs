//! How every page looks, in light, in dark and on a narrow phone: nothing runs out of the page, and axe-core
//! finds nothing wrong. The pictures stay in `target/dashboard-screenshots`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::Connection as _;

use crate::browser::{Browser, with_browsers};
use crate::server::{MANDATE, Server};

/// Name, colours, width; the last one is how a browser is left.
const LOOKS: [(&str, &str, u32); 3] = [
    ("phone", "light", 320),
    ("dark", "dark", 1000),
    ("light", "light", 1000),
];

/// A file of a package that the tests take from npm.
pub(crate) fn node_module(file: &str) -> PathBuf {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let path = node.join("node_modules").join(file);
    assert!(
        path.exists(),
        "missing {file}: npm ci --prefix examples/dashboard/tests/node (and before that: \
         apt-get install -y nodejs npm)"
    );
    path
}

/// Takes its pictures and has it checked.
async fn look(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("dashboard-screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let axe = std::fs::read_to_string(node_module("axe-core/axe.min.js")).unwrap();
    for (look, colours, width) in LOOKS {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        let screen = json!({
            "width": width, "height": 1100, "deviceScaleFactor": 1, "mobile": false,
        });
        let resize = "Emulation.setDeviceMetricsOverride";
        browser.devtools(resize, screen).await;
        let picture = folder.join(format!("{name}-{look}.png"));
        browser.driver.screenshot(&picture).await.unwrap();

        let page = "return [document.documentElement.scrollWidth, window.innerWidth];";
        let widths = browser.driver.execute(page, Vec::new()).await.unwrap();
        let (page, screen) = (&widths.json()[0], &widths.json()[1]);
        assert!(
            page.as_u64() <= screen.as_u64(),
            "{name}, {look}: {page} wide"
        );
        // Headings that lose their width break between any two letters, and stand as high as they have some.
        let heads =
            "return [...document.querySelectorAll('thead tr')].map(row => row.offsetHeight);";
        let heights = browser.driver.execute(heads, Vec::new()).await.unwrap();
        let high = heights.json().as_array().unwrap().clone();
        assert!(
            high.iter().all(|height| height.as_u64() < Some(80)),
            "{name}, {look}: headings of {high:?}"
        );

        let whats =
            "return [...document.querySelectorAll('.what')].map(what => what.offsetHeight);";
        let heights = browser.driver.execute(whats, Vec::new()).await.unwrap();
        let high = heights.json().as_array().unwrap().clone();
        assert!(
            high.iter().all(|height| height.as_u64() < Some(40)),
            "{name}, {look}: an event's name is broken: {high:?}"
        );

        browser
            .driver
            .execute(axe.as_str(), Vec::new())
            .await
            .unwrap();
        let run = "axe.run(document, {resultTypes: ['violations']}).then(arguments[0]);";
        let found = browser.driver.execute_async(run, Vec::new()).await.unwrap();
        let passed = found.json()["passes"].as_array().map_or(0, Vec::len);
        assert!(passed > 10, "{name}: axe looked at {passed} rules only");
        let violations = found.json()["violations"].as_array().unwrap().clone();
        let told: Vec<String> = violations.iter().map(told).collect();
        assert!(told.is_empty(), "{name}, {look}: {told:#?}");
    }
}

fn told(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().unwrap().iter();
    let places: Vec<_> = nodes.map(|node| node["html"].to_string()).collect();
    let (impact, help) = (&violation["impact"], &violation["help"]);
    format!("{impact}: {help}: {places:?}")
}

/// What people see while another process holds a lock in the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_looks_right() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        ann.go("/login").await;
        ann.fill("#email", "ann@acme.example").await;
        ann.fill("#password", server.password("ann@acme.example"))
            .await;
        let database = server.database().await;
        let Database::Sqlite(store) = &database else {
            panic!("the default store is SQLite");
        };
        let mut other = store.pool().acquire().await.unwrap();
        let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        ann.press("Sign in").await;
        let title = ann.find("h1").await.text().await.unwrap();
        assert_eq!(title, "This does not work right now");
        look(&ann, "locked").await;
        held.rollback().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_before_the_login_look_right() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        ann.go("/login").await;
        look(&ann, "login").await;
        ann.fill("#email", "ann@acme.example").await;
        ann.fill("#password", "guess").await;
        ann.press("Sign in").await;
        look(&ann, "login-refused").await;
        ann.go("/login?why=mandatory").await;
        look(&ann, "login-mandatory").await;
        ann.go("/support").await;
        look(&ann, "support").await;
        ann.go("/nowhere").await;
        look(&ann, "trouble").await;
        ann.sign_in(&server, "ann@acme.example").await;
        ann.is_at("/two-factor/setup").await;
        look(&ann, "setup").await;
        ann.find("summary").await.click().await.unwrap();
        look(&ann, "setup-key").await;
        let phone = ann.scan().await;
        ann.answer(&phone.code(server.now() - 240)).await;
        look(&ann, "setup-clock-off").await;
        ann.answer(&phone.code(server.now())).await;
        ann.is_at("/").await;
        look(&ann, "home").await;
        ann.press("Sign out").await;
        server.pass(30);
        ann.sign_in(&server, "ann@acme.example").await;
        look(&ann, "verify").await;
        let wrong = phone.wrong_code(server.now());
        for _ in 0..4 {
            ann.answer(&wrong).await;
        }
        look(&ann, "verify-refused").await;
        ann.press("Cancel").await;
        ann.sign_in(&server, "ann@acme.example").await;
        look(&ann, "login-locked").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_behind_the_login_look_right() {
    with_browsers(async |desk| {
        let server = Server::start();
        let ann = desk.browser(&server).await;
        let anns = ann.sets_up(&server, "ann@harbor.example").await;
        ann.go("/settings/security/two-factor").await;
        look(&ann, "not-an-administrator").await;
        ann.go("/two-factor/new-phone").await;
        look(&ann, "new-phone").await;
        server.pass(30);
        ann.answer(&anns.code(server.now())).await;
        look(&ann, "new-phone-key").await;
        let new = ann.scan().await;
        ann.answer(&new.code(server.now())).await;
        look(&ann, "new-phone-done").await;

        let admin = desk.browser(&server).await;
        let own = admin.sets_up(&server, "admin@harbor.example").await;
        admin.press("Two-factor settings").await;
        look(&admin, "factors").await;
        admin.fill("#search", "zzz").await;
        admin.press("Find").await;
        look(&admin, "factors-none").await;
        admin
            .go("/settings/security/two-factor/reset?user=ann@harbor.example")
            .await;
        look(&admin, "reset").await;
        server.pass(30);
        admin.fill("#code", &own.code(server.now())).await;
        admin.press("Reset").await;
        look(&admin, "reset-done").await;
        admin.press("Audit").await;
        admin.press("Check that nothing was changed").await;
        look(&admin, "audit").await;
        admin.press("Impact").await;
        look(&admin, "impact").await;
        ann.sign_in(&server, "ann@harbor.example").await;
        ann.is_at("/two-factor/setup").await;
        look(&ann, "setup-handover").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coming_mandate_looks_right() {
    with_browsers(async |desk| {
        let server = Server::start_at(MANDATE - 86_400, &[]);
        let admin = desk.browser(&server).await;
        admin.sign_in(&server, "admin@acme.example").await;
        admin.is_at("/").await;
        look(&admin, "home-banner").await;
        admin.press("Impact").await;
        admin.says("have not proven a second factor").await;
        look(&admin, "impact-before").await;
    })
    .await;
}

/// Names that run from right to left, and one as long as a name can be.
#[tokio::test(flavor = "multi_thread")]
async fn long_and_right_to_left_names_look_right() {
    with_browsers(async |desk| {
        let mut server = Server::start();
        let long = format!("{}@acme.example", "long.name-".repeat(24));
        let names = ["שלום.כהן@acme.example", "مستخدم.طويل@acme.example", &long];
        let mut phones = Vec::new();
        for name in names {
            server.add_like(name, "ann@acme.example").await;
            let person = desk.browser(&server).await;
            person.sign_in(&server, name).await;
            person.is_at("/two-factor/setup").await;
            let short = format!("name-{}", phones.len());
            look(&person, &format!("{short}-setup")).await;
            // However long the name, the QR code can still be read off the screen.
            let phone = person.scan().await;
            person.answer(&phone.code(server.now())).await;
            person.is_at("/").await;
            look(&person, &format!("{short}-home")).await;
            phones.push(phone);
        }
        let admin = desk.browser(&server).await;
        admin.sets_up(&server, "admin@acme.example").await;
        admin.press("Two-factor settings").await;
        look(&admin, "names-factors").await;
        admin
            .find("a.icon[aria-label*='long.name']")
            .await
            .click()
            .await
            .unwrap();
        admin.says("will be erased").await;
        look(&admin, "names-reset").await;
        admin.press("Audit").await;
        look(&admin, "names-audit").await;
        admin.press("Impact").await;
        look(&admin, "names-impact").await;
    })
    .await;
}
