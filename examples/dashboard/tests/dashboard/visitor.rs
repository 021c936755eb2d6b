//! Somebody who speaks HTTP by hand: sends what no browser would, and sees every header.

use std::sync::{Arc, Mutex};

use openidconnect::reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use openidconnect::reqwest::{Client, Method, RequestBuilder, StatusCode, redirect::Policy};

use crate::phone::Phone;
use crate::server::Server;

/// A client with a session of its own. It follows no redirect.
#[derive(Clone)]
pub(crate) struct Visitor {
    http: Client,
    address: String,
    said: Arc<Mutex<Vec<String>>>,
    /// The session cookie as sent back, such as `twofa=...`.
    pub(crate) cookie: Option<String>,
    /// The token of the last page that had a form.
    pub(crate) csrf: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// Where it sends to; empty when it does not.
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |place| place.to_str().unwrap())
    }

    /// The reason code of its notice.
    pub(crate) fn notice(&self) -> &str {
        let after = self.body.split_once("data-code=\"");
        after.map_or("", |(_, rest)| rest.split_once('"').unwrap().0)
    }
}

impl Visitor {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            // A connection a request: one that the server closes after a refusal is not taken up again.
            http: Client::builder()
                .redirect(Policy::none())
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            address: server.listening.clone(),
            said: Arc::clone(&server.said),
            cookie: None,
            csrf: String::new(),
        }
    }

    /// The same session over connections that are kept.
    pub(crate) fn kept_alive(&self) -> Self {
        Self {
            http: Client::builder().redirect(Policy::none()).build().unwrap(),
            ..self.clone()
        }
    }

    /// A request to be added to; it carries the session.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.address));
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Sends it, and keeps the session and the token that come back.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Page {
        let answer = request.send().await;
        let answer = answer.unwrap_or_else(|e| panic!("{e:?}: {:?}", self.said.lock().unwrap()));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.unwrap();
        if let Some(cookie) = headers.get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned());
        }
        if let Some((_, rest)) = body.split_once("name=\"csrf\" value=\"") {
            rest.split_once('"').unwrap().0.clone_into(&mut self.csrf);
        }
        Page {
            status,
            headers,
            body,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts a form with the token of the last page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.csrf.clone();
        let fields = [&[("csrf", token.as_str())], fields].concat();
        self.post_as_is(path, &fields).await
    }

    /// Posts a form with what is given and nothing else.
    pub(crate) async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.request(Method::POST, path).form(fields))
            .await
    }

    /// E-mail address and password.
    pub(crate) async fn sign_in(&mut self, server: &Server, email: &str) -> Page {
        self.get("/login").await;
        let fields = [("email", email), ("password", server.password(email))];
        self.post("/login", &fields).await
    }

    /// Signs in, up to the question for a code.
    pub(crate) async fn is_asked(&mut self, server: &Server, email: &str) {
        let page = self.sign_in(server, email).await;
        assert_eq!(page.location(), "/two-factor/verify", "{page:?}");
        self.get("/two-factor/verify").await;
    }

    /// Answers the question for a code.
    pub(crate) async fn answer(&mut self, code: &str) -> Page {
        self.post("/two-factor/verify", &[("code", code)]).await
    }

    /// Signs in for the first time and sets up.
    pub(crate) async fn set_up(&mut self, server: &Server, email: &str) -> Phone {
        let page = self.sign_in(server, email).await;
        assert_eq!(page.location(), "/two-factor/setup", "{page:?}");
        let page = self.get("/two-factor/setup").await;
        let (_, rest) = page.body.split_once("id=\"manual-key\"").unwrap();
        let key = rest.split(['<', '>']).nth(1).unwrap();
        let phone = Phone::typed(key);
        let code = phone.code(server.now());
        let page = self.post("/two-factor/setup", &[("code", &code)]).await;
        assert_eq!(page.location(), "/", "{page:?}");
        self.get("/").await;
        phone
    }

    /// Whether this session is somebody who is in.
    pub(crate) async fn is_in(&mut self) -> bool {
        self.get("/").await.status == StatusCode::OK
    }
}
