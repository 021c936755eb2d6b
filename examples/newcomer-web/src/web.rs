//! The pages: password, set-up, code, and one that only sessions see.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use twofa::policy::Recheck;
use twofa::types::{ProjectId, UserId};
use twofa::{Answer, Attempt, Begin, KeySource, LoginId, LoginPass, Proof, SignIn, TwoFactor};
use twofa_sqlx::{SqliteStore, sqlx::SqlitePool};

use crate::people::People;

const LOGIN: &str = "<form method=post action=/login>Team <input name=team> E-mail <input name=email> \
    Password <input name=password type=password> <button>Sign in</button></form>";

struct Site {
    people: People,
    twofa: TwoFactor<SqliteStore, People>,
    sessions: Mutex<HashMap<String, (UserId, Proof)>>,
}

/// Trouble is never a wrong code, and lets nobody in.
struct Trouble(BoxError);

type BoxError = Box<dyn Error + Send + Sync>;

type Page = Result<Response, Trouble>;

/// The application over a database, with the keys that everybody's second factor rests under.
pub(crate) async fn app(pool: SqlitePool, keys: impl Into<KeySource>) -> Result<Router, BoxError> {
    let people = People::new(pool.clone()).await?;
    let store = SqliteStore::from_pool(pool).await?;
    let twofa = TwoFactor::builder(store, people.clone(), keys)
        .issuer("Newcomer")
        .build()?;
    // Keys of another store are said now, and not to the first person who signs in.
    twofa.check_keyring().await?;
    let site = Arc::new(Site {
        people,
        twofa,
        sessions: Mutex::default(),
    });
    let login = get(async || page(StatusCode::OK, LOGIN)).post(password);
    let router = Router::new().route("/", get(home)).route("/login", login);
    Ok(router.route("/code", post(code)).with_state(site))
}

async fn password(
    State(site): State<Arc<Site>>,
    Form(typed): Form<HashMap<String, String>>,
) -> Page {
    let typed = |name| typed.get(name).map_or("", String::as_str);
    let (team, user) = (
        typed("team").parse::<ProjectId>(),
        typed("email").parse::<UserId>(),
    );
    let (Ok(team), Ok(user)) = (team, user) else {
        return Ok(unknown());
    };
    if !site.people.knows(&team, &user, typed("password")).await? {
        return Ok(unknown());
    }
    Ok(
        match site.twofa.begin(SignIn::password(&team, &user)).await? {
            Begin::Allowed(pass) => site.open_session(pass)?,
            Begin::Enrol(set_up) => {
                let (why, form) = (
                    set_up.reason().sentence(),
                    ask(set_up.login(), set_up.handover_required()),
                );
                let (picture, key) = (set_up.qr()?.svg("QR code"), set_up.manual_key());
                let (picture, key) = (picture.expose_secret(), key.expose_secret());
                page(
                    StatusCode::OK,
                    &format!("<p>{why}</p>{picture}<p>Or type the key: {key}</p>{form}"),
                )
            }
            Begin::Challenge(asked) => {
                let (why, form) = (asked.reason().sentence(), ask(asked.login(), false));
                page(StatusCode::OK, &format!("<p>{why}</p>{form}"))
            }
            Begin::Refused(why) => page(StatusCode::FORBIDDEN, why.reason().sentence()),
        },
    )
}

async fn code(State(site): State<Arc<Site>>, Form(typed): Form<HashMap<String, String>>) -> Page {
    let text = |name| typed.get(name).map_or("", String::as_str);
    let Ok(login) = text("login").parse::<LoginId>() else {
        return Ok(unknown());
    };
    let handover = typed.contains_key("handover");
    let attempt = Attempt::new(&login, text("code")).with_handover(text("handover"));
    let why = match site.twofa.answer(attempt).await? {
        Answer::Accepted(pass) => return site.open_session(pass),
        Answer::Rejected(why) => why,
    };
    let again = if why.login_ended() {
        LOGIN.to_owned()
    } else {
        ask(&login, handover)
    };
    let wait = why
        .retry_at()
        .map(|at| format!(" Not before {at}."))
        .unwrap_or_default();
    let said = format!("<p>{}{wait}</p>{again}", why.reason().sentence());
    Ok(page(StatusCode::UNAUTHORIZED, &said))
}

async fn home(State(site): State<Arc<Site>>, headers: HeaderMap) -> Page {
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let id = cookies
        .split("; ")
        .find_map(|cookie| cookie.strip_prefix("__Host-session="))
        .unwrap_or("");
    let found = site.sessions().get(id).cloned();
    let Some((user, proof)) = found else {
        return Ok(Redirect::to("/login").into_response());
    };
    // A mandate that began since, a reset, leaving the team: all of them end the session here.
    match site.twofa.recheck(&proof).await {
        Ok(Recheck::Continue) => {
            // After a rotation of keys, for a session that goes on.
            if let Some(renewed) = site.twofa.renew(&proof).await?
                && let Some(session) = site.sessions().get_mut(id)
            {
                session.1 = renewed;
            }
            let user = user.as_str().replace('&', "&amp;").replace('<', "&lt;");
            Ok(page(StatusCode::OK, &format!("<p>Hello, {user}.</p>")))
        }
        Ok(Recheck::SignInAgain(_))
        | Err(twofa::Error::UnknownMember(_) | twofa::Error::ProofInvalid) => {
            site.sessions().remove(id);
            Ok(Redirect::to("/login").into_response())
        }
        Err(why) => Err(why.into()),
    }
}

impl Site {
    #[expect(clippy::needless_pass_by_value, reason = "a pass opens one session")]
    fn open_session(&self, pass: LoginPass) -> Page {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let id = format!("{:032x}", u128::from_be_bytes(id));
        let cookie = format!("__Host-session={id}; Path=/; Secure; HttpOnly; SameSite=Lax");
        // Good in this session alone: a copy of it is worth nothing without the cookie.
        let proof = self.twofa.proof_bound(&pass, id.as_bytes())?;
        self.sessions().insert(id, (pass.user().clone(), proof));
        Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, (UserId, Proof)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some pages carry a secret: none is to be kept.
fn page(status: StatusCode, body: &str) -> Response {
    let page = Html(format!("<!doctype html><title>Newcomer</title>{body}"));
    (status, [(header::CACHE_CONTROL, "no-store")], page).into_response()
}

fn unknown() -> Response {
    page(
        StatusCode::UNAUTHORIZED,
        &format!("<p>That is not right.</p>{LOGIN}"),
    )
}

fn ask(login: &LoginId, handover: bool) -> String {
    let handover = if handover {
        "Code of your administrator <input name=handover>"
    } else {
        ""
    };
    format!(
        "<form method=post action=/code><input type=hidden name=login value={login}>{handover} \
         Code <input name=code autocomplete=one-time-code> <button>Continue</button></form>"
    )
}

impl<E: Into<BoxError>> From<E> for Trouble {
    fn from(why: E) -> Self {
        Self(why.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        eprintln!("{}", self.0);
        page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "<p>Something went wrong here. Try again.</p>",
        )
    }
}
