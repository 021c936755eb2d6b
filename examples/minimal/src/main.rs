//! The smallest web application with a mandatory second factor, in actix-web: one page, four addresses.
//!
//! What is missing for real life stands in the dashboard: a database and keys that last, CSRF tokens beside
//! `SameSite`, single sign-on, an administrator's reset, notices.

#![expect(unreachable_pub, reason = "a program has no outside")]

mod users;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;
use twofa::policy::{Recheck, Role};
use twofa::{
    Answer, Attempt, Begin, Keyring, LoginId, LoginPass, MemoryStore, Proof, SignIn, TwoFactor,
};

use users::Users;

/// What a session stands for.
#[derive(Clone)]
enum Visit {
    Half(LoginId),
    In(Proof),
}

struct App {
    users: Users,
    twofa: TwoFactor<MemoryStore, Users>,
    visits: Mutex<HashMap<String, Visit>>,
}

impl App {
    fn new(users: Users) -> Result<Self, Box<dyn std::error::Error>> {
        // What is kept in memory may rest under keys that are; see `twofa::KeySource` for those that last.
        let keyring = Keyring::generate()?;
        let twofa = TwoFactor::builder(MemoryStore::new(), users.clone(), keyring)
            .issuer("Minimal")
            .build()?;
        Ok(Self {
            users,
            twofa,
            visits: Mutex::default(),
        })
    }

    /// What the request's session stands for.
    fn look(&self, request: &HttpRequest) -> Option<Visit> {
        let cookie = request.cookie("minimal")?;
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.get(cookie.value()).cloned()
    }

    /// The same, and ends it: every step ends one session and opens another.
    fn take(&self, request: &HttpRequest) -> Option<Visit> {
        let cookie = request.cookie("minimal")?;
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.remove(cookie.value())
    }

    /// A page, with a session for a login that waits for its code.
    fn wait(&self, login: LoginId, html: &str) -> HttpResponse {
        match new_id() {
            Some(id) => self.open(id, Visit::Half(login), html),
            None => page(StatusCode::SERVICE_UNAVAILABLE, "<p>Try again.</p>"),
        }
    }

    /// Lets somebody in. What is kept of their pass is good in this session alone.
    #[expect(clippy::needless_pass_by_value, reason = "a pass opens one session")]
    fn enter(&self, pass: LoginPass) -> HttpResponse {
        let Some(id) = new_id() else {
            return page(StatusCode::SERVICE_UNAVAILABLE, "<p>Try again.</p>");
        };
        match self.twofa.proof_bound(&pass, id.as_bytes()) {
            Ok(proof) => self.open(id, Visit::In(proof), INSIDE),
            Err(error) => trouble(error),
        }
    }

    /// Puts a proof in the place of the one that a session holds, if it is still open.
    fn renew(&self, request: &HttpRequest, renewed: Proof) {
        let Some(cookie) = request.cookie("minimal") else {
            return;
        };
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visit) = visits.get_mut(cookie.value()) {
            *visit = Visit::In(renewed);
        }
    }

    fn open(&self, id: String, visit: Visit, html: &str) -> HttpResponse {
        let cookie = Cookie::build("minimal", id.clone())
            .http_only(true)
            .same_site(SameSite::Strict)
            .path("/")
            .finish();
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.insert(id, visit);
        let mut response = page(StatusCode::OK, html);
        // A cookie of our own making is a header that can be sent.
        let _ = response.add_cookie(&cookie);
        response
    }
}

fn new_id() -> Option<String> {
    let mut id = [0_u8; 32];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut id).ok()?;
    Some(base16ct::lower::encode_string(&id))
}

const LOGIN: &str = "<form method=post action=/login><label>E-mail <input name=email></label>\
    <label>Password <input name=password type=password></label><button>Sign in</button></form>";
const CODE: &str = "<form method=post action=/code><label>Code <input name=code inputmode=numeric \
    autocomplete=one-time-code></label><button>Continue</button></form>";
const INSIDE: &str =
    "<p>You are in.</p><form method=post action=/logout><button>Sign out</button></form>";

fn page(status: StatusCode, html: &str) -> HttpResponse {
    let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    HttpResponse::build(status)
        .insert_header(("content-type", "text/html; charset=utf-8"))
        .insert_header(("content-security-policy", policy))
        .insert_header(("cache-control", "no-store"))
        .body(format!(
            "<!DOCTYPE html><html lang=en><title>Minimal</title>{html}"
        ))
}

fn trouble(_: twofa::Error) -> HttpResponse {
    page(
        StatusCode::SERVICE_UNAVAILABLE,
        "<p>Nothing was decided. Try again.</p>",
    )
}

async fn home(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    match app.look(&request) {
        None => page(StatusCode::OK, LOGIN),
        Some(Visit::Half(_)) => page(StatusCode::OK, CODE),
        // Asked at each request, so that a reset or a new rule reaches sessions that are open.
        Some(Visit::In(proof)) => match app.twofa.recheck(&proof).await {
            // After a rotation of keys, a session that goes on takes its proof anew.
            Ok(Recheck::Continue) => match app.twofa.renew(&proof).await {
                Ok(renewed) => {
                    if let Some(renewed) = renewed {
                        app.renew(&request, renewed);
                    }
                    page(StatusCode::OK, INSIDE)
                }
                Err(error) => trouble(error),
            },
            Ok(Recheck::SignInAgain(_))
            | Err(twofa::Error::ProofInvalid | twofa::Error::UnknownMember(_)) => {
                drop(app.take(&request));
                page(StatusCode::UNAUTHORIZED, LOGIN)
            }
            Err(error) => trouble(error),
        },
    }
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

async fn login(app: web::Data<App>, form: web::Form<Credentials>) -> HttpResponse {
    let (users, form) = (app.users.clone(), form.into_inner());
    let checked = web::block(move || users.check(&form.email, &form.password)).await;
    let Ok(Some(user)) = checked else {
        let html = format!("<p>E-mail address or password is wrong.</p>{LOGIN}");
        return page(StatusCode::UNAUTHORIZED, &html);
    };
    match app
        .twofa
        .begin(SignIn::password(&app.users.project, &user))
        .await
    {
        Ok(Begin::Allowed(pass)) => app.enter(pass),
        Ok(Begin::Enrol(set_up)) => {
            let qr = set_up.qr().map(|qr| qr.svg("QR code"));
            let (qr, key) = (
                qr.as_ref().map_or("", |qr| qr.expose_secret()),
                set_up.manual_key(),
            );
            let html = format!(
                "{qr}<p>Or type: <code>{}</code></p>{CODE}",
                key.expose_secret()
            );
            app.wait(set_up.login().clone(), &html)
        }
        Ok(Begin::Challenge(challenge)) => app.wait(challenge.login().clone(), CODE),
        Ok(Begin::Refused(decision)) => {
            let html = format!("<p>{}</p>{LOGIN}", decision.reason().sentence());
            page(StatusCode::FORBIDDEN, &html)
        }
        Err(error) => trouble(error),
    }
}

#[derive(Deserialize)]
struct Typed {
    code: String,
}

async fn code(app: web::Data<App>, request: HttpRequest, form: web::Form<Typed>) -> HttpResponse {
    let login = match app.look(&request) {
        Some(Visit::Half(login)) => login,
        Some(Visit::In(_)) => return page(StatusCode::OK, INSIDE),
        None => return page(StatusCode::UNAUTHORIZED, LOGIN),
    };
    drop(app.take(&request));
    match app.twofa.answer(Attempt::new(&login, &form.code)).await {
        Ok(Answer::Accepted(pass)) => app.enter(pass),
        Ok(Answer::Rejected(why)) => {
            let sentence = why.reason().sentence();
            if why.login_ended() {
                return page(
                    StatusCode::UNAUTHORIZED,
                    &format!("<p>{sentence}</p>{LOGIN}"),
                );
            }
            app.wait(login, &format!("<p>{sentence}</p>{CODE}"))
        }
        Err(error) => trouble(error),
    }
}

async fn logout(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    drop(app.take(&request));
    page(StatusCode::OK, LOGIN)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/login", web::post().to(login))
        .route("/code", web::post().to(code))
        .route("/logout", web::post().to(logout));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write as _;
    let mut random = [0_u8; 8];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut random)?;
    let password = base16ct::lower::encode_string(&random);
    let people = vec![(
        "ann@minimal.example".parse()?,
        Role::Administrator,
        password.as_str(),
    )];
    let users = Users::new("minimal".parse()?, people).map_err(|error| error.to_string())?;
    let app = web::Data::new(App::new(users)?);
    writeln!(
        std::io::stderr(),
        "Open http://127.0.0.1:8081 and sign in as ann@minimal.example with {password}"
    )?;
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .configure(routes)
    })
    .bind(("127.0.0.1", 8081))?;
    actix_web::rt::System::new().block_on(server.run())?;
    Ok(())
}
