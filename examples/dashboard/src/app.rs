//! The routes, what every response carries, and how it all starts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use twofa::types::UnixTime;
use twofa::{Enrolment, Keyring, LoginId, TwoFactor};
use twofa_sqlx::{Database, Location};

use crate::accounts::Accounts;
use crate::options::Options;
use crate::page::Trouble;
use crate::pages::{factors, home, login, phone, reports, sso, support, two_factor};
use crate::sessions::Sessions;
use crate::{mail, say, seed};

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
    #[error(transparent)]
    Keyring(#[from] twofa::KeyringError),
    #[error(transparent)]
    Accounts(#[from] crate::accounts::AccountError),
    #[error("a table of this application cannot be opened: {0}")]
    Table(#[from] twofa_sqlx::sqlx::Error),
    #[error("{address}: {source}; choose another address with --listen")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error("the store is PostgreSQL, so say with --key-file where the keyring lies")]
    NoKeyFile,
    #[error("{} holds accounts but its key file {} is missing; put it back", store, key.display())]
    KeyFileGone { store: String, key: PathBuf },
    #[error("the server stopped: {0}")]
    Serve(std::io::Error),
    #[error(transparent)]
    Sso(#[from] sso::SsoError),
    #[error("a seed name is not accepted: {0}")]
    Name(#[from] twofa::types::NameError),
}

/// Starts everything and serves until Ctrl-C.
///
/// # Errors
///
/// [`StartError`] says what is in the way and what to do.
pub async fn run(options: Options) -> Result<(), StartError> {
    let database = Database::create(&options.store).await?.0;
    let accounts = Accounts::open(database.clone()).await?;
    let sessions = Sessions::open(database.clone()).await?;
    mail::open(&database).await?;
    let keyring = keyring(&options, accounts.is_empty().await?)?;

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

    let provider = sso::Provider::from_options(&options, &public)?;
    let twofa = TwoFactor::builder(database.clone(), database.clone(), keyring)
        .issuer("twofa dashboard")
        .build()?;
    let app = App {
        twofa: Arc::new(twofa),
        accounts,
        sso: provider.map(Arc::new),
        set_ups: Arc::new(SetUps::default()),
    };
    seed::if_empty(&app, &database).await?;
    say(&format!("Listening on http://{address} for {public}"));
    say(&format!("Open {public} in a browser. Ctrl-C stops it."));

    let upkeep = tokio::spawn(mail::and_upkeep(
        app.clone(),
        database.clone(),
        sessions.clone(),
    ));
    let router = router(app, sessions, &public);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async {
            // Without a signal handler there is no Ctrl-C to wait for, and the process ends the hard way.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
    upkeep.abort();
    database.close().await;
    served.map_err(StartError::Serve)
}

fn keyring(options: &Options, empty: bool) -> Result<Keyring, StartError> {
    let beside = || match Location::parse(&options.store) {
        Ok(Location::File(file)) => {
            let mut beside = file.as_os_str().to_owned();
            beside.push(".key");
            Some(PathBuf::from(beside))
        }
        _ => None,
    };
    let path = options
        .key_file
        .clone()
        .or_else(beside)
        .ok_or(StartError::NoKeyFile)?;
    if Path::new(&path).exists() {
        return Ok(Keyring::load_file(&path)?);
    }
    if !empty {
        return Err(StartError::KeyFileGone {
            store: options.store.clone(),
            key: path,
        });
    }
    let keyring = Keyring::generate()?;
    keyring.create_file(&path)?;
    Ok(keyring)
}

/// Longer than any form here; a body past it is refused before it is read.
const MAX_BODY_BYTES: usize = 16 * 1024;
const LONGEST_REQUEST: Duration = Duration::from_secs(20);

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
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            LONGEST_REQUEST,
        ));
    headers(&policy)
        .into_iter()
        .fold(routes, |routes, (name, value)| {
            routes.layer(SetResponseHeaderLayer::overriding(name, value))
        })
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
