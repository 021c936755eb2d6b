//! The identity provider: the certified `oidc-provider` from npm, on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use openidconnect::reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use openidconnect::reqwest::{Client, redirect::Policy};
use serde_json::json;

use crate::looks::node_module;
use crate::server::{Server, needs, real_now};
use crate::visitor::Visitor;

/// A provider and the dashboard that relies on it.
pub(crate) struct Pair {
    pub(crate) server: Server,
    /// The provider's address, which is its issuer.
    pub(crate) issuer: String,
    provider: Child,
}

impl Pair {
    /// One that puts the e-mail address in the id token.
    pub(crate) fn start() -> Self {
        Self::start_with(true)
    }

    /// `email_in_token`: whether the id token holds the address, or only whoever asks for it learns it.
    pub(crate) fn start_with(email_in_token: bool) -> Self {
        node_module("oidc-provider/package.json");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");
        let mut provider = Command::new(needs("node", "nodejs"))
            .arg("provider.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(provider.stdout.take().unwrap()).lines();
        let issuer = lines.next().expect("the provider starts").unwrap();
        let server = Server::start_at(
            real_now(),
            &[
                "--oidc-issuer",
                &issuer,
                "--oidc-client-id",
                "dashboard",
                "--oidc-client-secret-file",
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/client-secret"),
            ],
        );
        let about = json!({
            "redirect": format!("{}/login/sso/callback", server.address),
            "emailInToken": email_in_token,
        });
        // Kept open: the provider ends when it closes.
        let stdin = provider.stdin.as_mut().unwrap();
        writeln!(stdin, "{about}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Self {
            server,
            issuer,
            provider,
        }
    }

    /// From now on the provider's id tokens have this fault.
    pub(crate) async fn fault(&self, name: &str) {
        let url = format!("{}/fault?name={name}", self.issuer);
        let answer = Client::new().get(url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "yes", "{name}");
    }

    /// Presses "Sign in with SSO" and says at the provider who it is; back comes the address that the
    /// provider sends the browser to.
    pub(crate) async fn vouches(&self, visitor: &mut Visitor, email: &str) -> String {
        visitor.get("/login").await;
        let page = visitor.post("/login/sso", &[]).await;
        let mut place = page.location().to_owned();
        assert!(place.starts_with(&self.issuer), "{page:?}");
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..10 {
            if let Some(path) = place.strip_prefix(&self.server.address) {
                return path.to_owned();
            }
            if place.starts_with('/') {
                place = format!("{}{place}", self.issuer);
            }
            let jar: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let request = if place.contains("/interaction/") {
                http.post(&place).form(&[("email", email)])
            } else {
                http.get(&place)
            };
            let answer = request.header(COOKIE, jar.join("; ")).send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let to = answer
                .headers()
                .get(LOCATION)
                .map(|to| to.to_str().unwrap().to_owned());
            place = match to {
                Some(to) => to,
                None => panic!("{place}: {}", answer.text().await.unwrap()),
            };
        }
        panic!("the provider goes in circles: {place}");
    }

    /// Signs in through the provider.
    pub(crate) async fn sign_in(&self, email: &str) -> (Visitor, crate::visitor::Page) {
        let mut visitor = Visitor::new(&self.server);
        let back = self.vouches(&mut visitor, email).await;
        let page = visitor.get(&back).await;
        (visitor, page)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.provider.kill();
        let _ = self.provider.wait();
    }
}
