//! Chromium, driven as a person does: by clicks and keys.

use std::future::Future;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::phone::Phone;
use crate::server::{Server, needs};

/// How long a page may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// How a browser is set.
#[derive(Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) no_javascript: bool,
}

/// The browsers of one test; all are closed at its end, however it ends.
pub(crate) struct Desk {
    driver: Mutex<Child>,
    port: u16,
    open: Mutex<Vec<(WebDriver, TempDir)>>,
}

/// One browser, with a profile of its own, at one server.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    address: String,
}

/// Plays a test with browsers.
pub(crate) async fn with_browsers<F>(test: impl FnOnce(Arc<Desk>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let desk = Arc::new(Desk::open().await);
    let outcome = tokio::spawn(test(Arc::clone(&desk))).await;
    let open = std::mem::take(&mut *desk.open.lock().unwrap());
    for (browser, profile) in open {
        // Whether it closes in good order is not what is tested.
        let _ = browser.quit().await;
        drop(profile);
    }
    let mut driver = desk.driver.lock().unwrap();
    let _ = driver.kill();
    let _ = driver.wait();
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

impl Desk {
    async fn open() -> Self {
        // Between the looking and the taking another program may take the port; then another is tried.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut driver = Command::new(needs("chromedriver", "chromium-driver"))
                .arg(format!("--port={port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let begun = Instant::now();
            while driver.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self {
                        driver: Mutex::new(driver),
                        port,
                        open: Mutex::default(),
                    };
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let _ = driver.kill();
            let _ = driver.wait();
        }
        panic!("chromedriver does not start");
    }

    /// A new browser at this server.
    pub(crate) async fn browser(&self, server: &Server) -> Browser {
        self.browser_with(server, Settings::default()).await
    }

    pub(crate) async fn browser_with(&self, server: &Server, settings: Settings) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        let chromium = needs("chromium", "chromium");
        wanted.set_binary(chromium.to_str().unwrap()).unwrap();
        for flag in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1100,900",
        ] {
            wanted.add_arg(flag).unwrap();
        }
        let folder = format!("--user-data-dir={}", profile.path().display());
        wanted.add_arg(&folder).unwrap();
        if settings.no_javascript {
            let prefs = json!({"profile.managed_default_content_settings.javascript": 2});
            wanted.add_experimental_option("prefs", prefs).unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", self.port), wanted)
            .await
            .expect("chromium starts");
        self.open.lock().unwrap().push((driver.clone(), profile));
        Browser {
            driver,
            address: server.address.clone(),
        }
    }
}

impl Browser {
    /// Types an address.
    pub(crate) async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.address);
        self.driver.goto(url).await.unwrap();
    }

    /// The path and query of the page.
    pub(crate) async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        let query = url.query().map_or_else(String::new, |q| format!("?{q}"));
        format!("{}{query}", url.path())
    }

    /// Waits until it is at this page.
    pub(crate) async fn is_at(&self, path: &str) {
        let begun = Instant::now();
        loop {
            let at = self.path().await;
            if at == path {
                return;
            }
            let text = self.text().await;
            assert!(begun.elapsed() < PATIENCE, "at {at}, not at {path}: {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        let begun = Instant::now();
        loop {
            match self.driver.find(By::Css(selector)).await {
                Ok(found) => return found,
                Err(why) if begun.elapsed() > PATIENCE => {
                    panic!("no {selector}: {why} in {}", self.text().await)
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether the page holds an element now.
    pub(crate) async fn has(&self, selector: &str) -> bool {
        let found = self.driver.find_all(By::Css(selector)).await.unwrap();
        !found.is_empty()
    }

    /// What the page says.
    pub(crate) async fn text(&self) -> String {
        let body = self.driver.find(By::Css("body")).await.unwrap();
        body.text().await.unwrap()
    }

    /// Waits until the page says this.
    pub(crate) async fn says(&self, part: &str) {
        let begun = Instant::now();
        loop {
            // The page may be changing under the question.
            let text = match self.driver.find(By::Css("body")).await {
                Ok(body) => body.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if text.contains(part) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no {part:?} in {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for a notice with this reason code, which screen readers say at once.
    pub(crate) async fn is_told(&self, code: &str) {
        self.find(&format!("[role=alert][data-code={code}]")).await;
    }

    /// Types into a field, in place of what is in it.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks a button or a link by what is written on it.
    pub(crate) async fn click(&self, words: &str) {
        let begun = Instant::now();
        let path =
            format!("//button[normalize-space()='{words}'] | //a[normalize-space()='{words}']");
        loop {
            match self.driver.find(By::XPath(path.as_str())).await {
                Ok(found) => return found.click().await.unwrap(),
                Err(why) if begun.elapsed() > PATIENCE => {
                    panic!("no {words:?}: {why} in {}", self.text().await)
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks, and waits until the page has made way for another.
    pub(crate) async fn press(&self, words: &str) {
        let page = self.find("html").await;
        self.click(words).await;
        let begun = Instant::now();
        while page.tag_name().await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "{words:?} leads nowhere");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Types e-mail address and password.
    pub(crate) async fn sign_in(&self, server: &Server, email: &str) {
        self.go("/login").await;
        self.fill("#email", email).await;
        self.fill("#password", server.password(email)).await;
        self.press("Sign in").await;
    }

    /// Types a code.
    pub(crate) async fn answer(&self, code: &str) {
        self.fill("#code", code).await;
        self.press("Continue").await;
    }

    /// Scans the QR code off the page.
    pub(crate) async fn scan(&self) -> Phone {
        let qr = self.find("#qr").await;
        Phone::scan(&qr.screenshot_as_png().await.unwrap())
    }

    /// Signs in for the first time and scans the QR code on the page.
    pub(crate) async fn begins_set_up(&self, server: &Server, email: &str) -> Phone {
        self.sign_in(server, email).await;
        self.is_at("/two-factor/setup").await;
        self.scan().await
    }

    /// Signs in for the first time and sets up.
    pub(crate) async fn sets_up(&self, server: &Server, email: &str) -> Phone {
        let phone = self.begins_set_up(server, email).await;
        self.answer(&phone.code(server.now())).await;
        self.is_at("/").await;
        phone
    }

    /// Signs in, half a minute after the last code was used, up to the question for the next one.
    pub(crate) async fn is_asked(&self, server: &Server, email: &str) {
        server.pass(30);
        self.sign_in(server, email).await;
        self.is_at("/two-factor/verify").await;
    }

    /// Signs in with a code, half a minute after the last one was used.
    pub(crate) async fn signs_in(&self, server: &Server, email: &str, phone: &Phone) {
        self.is_asked(server, email).await;
        self.answer(&phone.code(server.now())).await;
        self.is_at("/").await;
    }

    /// A command of the developer tools: dark colours, a narrow screen.
    pub(crate) async fn devtools(&self, command: &str, parameters: serde_json::Value) {
        let done = self.driver.cdp().send_raw(command, parameters).await;
        done.unwrap();
    }
}
