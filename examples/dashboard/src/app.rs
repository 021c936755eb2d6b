//! The routes, what every response carries, and how it all starts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use twofa::types::UnixTime;
use twofa::{Enrolment, LoginId, Purpose, TwoFactor};
use twofa_sqlx::Database;

use crate::accounts::Accounts;
use crate::options::Options;
use crate::page::Trouble;
use crate::pages::{factors, home, login, phone, reports, sso, support, two_factor};
use crate::serve::{self, Stop};
use crate::sessions::Sessions;
use crate::tables::Tables;
use crate::{mail, opening, say, seed};

/// What every handler can reach.
#[derive(Clone)]
pub struct App {
    pub twofa: Arc<TwoFactor<Database, Database>>,
    pub accounts: Accounts,
    pub sso: Option<Arc<sso::Provider>>,
    pub set_ups: Arc<SetUps>,
}

/// Set-ups under way, for drawing their page again on a refresh. In memory only: a secret that lay in the
/// session table would lie there unsealed.
#[derive(Default)]
pub struct SetUps(Mutex<HashMap<String, Enrolment>>);

impl SetUps {
    /// More people than this setting up at the same moment begin again after a refresh.
    const MOST: usize = 10_000;

    /// Remembers one, and forgets those that have lapsed.
    pub fn remember(&self, set_up: Enrolment, now: UnixTime) {
        let mut set_ups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set_ups.retain(|_, known| known.expires() > now);
        if set_ups.len() < Self::MOST {
            set_ups.insert(set_up.login().to_string(), set_up);
        }
    }

    /// Looks at one.
    pub fn with<T>(&self, login: &LoginId, look: impl FnOnce(&Enrolment) -> T) -> Option<T> {
        let set_ups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set_ups.get(&login.to_string()).map(look)
    }

    /// Forgets one.
    pub fn forget(&self, login: &LoginId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&login.to_string());
    }
}

/// Why the program cannot start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] twofa_sqlx::Error),
    #[error(transparent)]
    Service(#[from] twofa::Error),
    #[error("{place}: {source}")]
    Keys {
        place: String,
        source: twofa::KeyringError,
    },
    #[error(transparent)]
    Accounts(#[from] crate::accounts::AccountError),
    #[error("a table of this application cannot be opened: {0}")]
    Table(#[from] twofa_sqlx::sqlx::Error),
    #[error("{address}: {source}; choose another address with --listen")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error(
        "the store is PostgreSQL, so say with --key-file where the keyring lies, or put its text into TWOFA_KEY"
    )]
    NoKeyFile,
    #[error(
        "no-store: there is no store {store}, although there is {keys}, so that there was one: put it back, mount the \
         volume that it lies on, or correct --store; or say --init, if this is the first start under these keys"
    )]
    StoreGone { store: String, keys: String },
    #[error(
        "{store} holds accounts or factors but its key file {} is missing; put it back, since without it no factor \
         can be read",
        key.display()
    )]
    KeyFileGone { store: String, key: PathBuf },
    #[error("the server stopped: {0}")]
    Serve(std::io::Error),
    #[error(transparent)]
    Sso(#[from] sso::SsoError),
    #[error("a seed name is not accepted: {0}")]
    Name(#[from] twofa::types::NameError),
}

/// Starts everything and serves until it is told to stop.
///
/// # Errors
///
/// [`StartError`] says what is in the way and what to do.
pub async fn run(options: Options) -> Result<(), StartError> {
    let mut stop = Stop::listen().map_err(StartError::Serve)?;
    let keys = opening::Keys::of(&options)?;
    let database = opening::store(&options, &keys).await?;
    let tables = Tables::beside(&database)?;
    let ended = over(&options, &keys, &database, &tables, &mut stop).await;
    // Whatever came in between, the store is left as a whole, without a log beside it.
    tokio::select! {
        () = async { tokio::join!(database.close(), tables.close()); } => {}
        () = tokio::time::sleep(CLOSING) => {}
        () = stop.told() => {}
    }
    ended
}

/// The same over a store that is open.
async fn over(
    options: &Options,
    keys: &opening::Keys,
    database: &Database,
    tables: &Tables,
    stop: &mut Stop,
) -> Result<(), StartError> {
    let keys = opening::keys_of(options, keys, database).await?;
    let twofa = TwoFactor::builder(database.clone(), database.clone(), keys)
        .issuer("twofa dashboard")
        .build()?;
    // Keys of another store are said now, and not to the first person who signs in.
    twofa.install(Purpose::Production).await?;
    if database.is_older() {
        say("The store's tables are one version behind; bring them up to date with: twofa migrate");
    }
    let accounts = Accounts::open(tables.clone()).await?;
    let sessions = Sessions::open(tables.clone()).await?;
    mail::open(tables).await?;

    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .map_err(|source| StartError::Listen {
            address: options.listen,
            source,
        })?;
    let address = listener.local_addr().map_err(StartError::Serve)?;
    let public = options
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let provider = sso::Provider::from_options(options, &public)?;
    let app = App {
        twofa: Arc::new(twofa),
        accounts,
        sso: provider.map(Arc::new),
        set_ups: Arc::new(SetUps::default()),
    };
    seed::if_empty(&app).await?;
    say(&format!("Listening on http://{address} for {public}"));
    say(&format!("Open {public} in a browser. Ctrl-C stops it."));

    let upkeep = tokio::spawn(mail::and_upkeep(
        app.clone(),
        database.clone(),
        tables.clone(),
        sessions.clone(),
    ));
    serve::until(stop, listener, router(app, sessions, &public)).await;
    upkeep.abort();
    Ok(())
}

/// Longer than any form here; a body past it is refused before it is read.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// What waits for a lock in the store gives up long before this, and says so on a page of its own.
const LONGEST_REQUEST: Duration = Duration::from_secs(20);
/// How long the connections to the store may take to close; nothing is lost with one that is cut.
const CLOSING: Duration = Duration::from_secs(2);

fn router(app: App, sessions: Sessions, public: &str) -> Router {
    let secure = public.starts_with("https://");
    let session_layer = SessionManagerLayer::new(sessions)
        .with_name(if secure { "__Host-twofa" } else { "twofa" })
        .with_secure(secure)
        .with_http_only(true)
        // Lax and not Strict: the provider's answer comes as a navigation from its own site.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::hours(1)));
    let form_targets = app
        .sso
        .as_ref()
        .map_or_else(String::new, |sso| format!(" {}", sso.origin()));
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         form-action 'self'{form_targets}; frame-ancestors 'none'; base-uri 'none'"
    );
    let routes = Router::new()
        .route("/", get(home::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/sso", post(sso::begin))
        .route("/login/sso/callback", get(sso::callback))
        .route("/logout", post(login::leave))
        .route(
            "/two-factor/setup",
            get(two_factor::show_set_up).post(two_factor::confirm),
        )
        .route("/two-factor/setup/again", post(two_factor::begin_again))
        .route(
            "/two-factor/verify",
            get(two_factor::show_verify).post(two_factor::verify),
        )
        .route("/two-factor/new-phone", get(phone::show).post(phone::begin))
        .route("/two-factor/new-phone/confirm", post(phone::confirm))
        .route("/settings/security/two-factor", get(factors::list))
        .route(
            "/settings/security/two-factor/reset",
            get(factors::ask).post(factors::reset),
        )
        .route("/settings/security/audit", get(reports::audit))
        .route("/settings/security/impact", get(reports::impact))
        .route("/support", get(support::show))
        .route(
            "/style.css",
            get(|| async { file("text/css", include_str!("../static/style.css")) }),
        )
        .route(
            "/copy.js",
            get(|| async { file("text/javascript", include_str!("../static/copy.js")) }),
        )
        .fallback(|| async { Trouble::NotFound })
        .with_state(app)
        .layer(session_layer)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(in_time));
    headers(&policy)
        .into_iter()
        .fold(routes, |routes, (name, value)| {
            routes.layer(SetResponseHeaderLayer::overriding(name, value))
        })
}

/// An answer in time, and never without a page.
async fn in_time(request: Request, next: Next) -> Response {
    let Ok(response) = tokio::time::timeout(LONGEST_REQUEST, next.run(request)).await else {
        return Trouble::TooLong.into_response();
    };
    // What the session layer says, when it cannot keep a session, is an empty response.
    let said = response.headers().contains_key(header::CONTENT_TYPE);
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && !said {
        return Trouble::Behind("the session could not be kept".into()).into_response();
    }
    response
}

fn headers(policy: &str) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
        ),
    ];
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.push((header::CONTENT_SECURITY_POLICY, policy));
    }
    headers
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "max-age=3600"),
        ],
        text,
    )
}
