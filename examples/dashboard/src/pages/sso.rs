//! "Sign in with SSO": `OpenID` Connect, code flow with PKCE, state and nonce.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, reqwest,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tower_sessions::Session;
use twofa::SignIn;

use crate::app::App;
use crate::forms::{Empty, Posted};
use crate::options::Options;
use crate::page::{Notice, Trouble};
use crate::pages::login;
use crate::say;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The identity provider.
pub struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    http: reqwest::Client,
    /// Read from the provider at the first sign-in, so that this starts without it.
    client: OnceCell<Client>,
}

/// What is wrong with how the provider is set up.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    #[error("--oidc-issuer and --public-url must be URLs: {0}")]
    Url(#[from] openidconnect::url::ParseError),
    #[error("the client secret file {path}: {source}")]
    Secret {
        path: String,
        source: std::io::Error,
    },
    #[error("no HTTP client can be made: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the provider cannot be reached or does not describe itself: {0}")]
    Discovery(String),
    #[error("the provider's answer is refused: {0}")]
    Answer(String),
}

/// Kept in the session between leaving for the provider and coming back; taken out at the first answer, so
/// that none can be played again.
#[derive(Serialize, Deserialize)]
struct Leaving {
    state: String,
    nonce: String,
    verifier: String,
}

const LEAVING: &str = "sso";

impl Provider {
    /// The provider that the command line names, if any.
    ///
    /// # Errors
    ///
    /// [`SsoError`] for an address or a file that cannot be used.
    pub fn from_options(options: &Options, public: &str) -> Result<Option<Self>, SsoError> {
        let (Some(issuer), Some(id)) = (&options.oidc_issuer, &options.oidc_client_id) else {
            return Ok(None);
        };
        let client_secret = match &options.oidc_client_secret_file {
            None => None,
            Some(path) => {
                let secret = std::fs::read_to_string(path).map_err(|source| SsoError::Secret {
                    path: path.display().to_string(),
                    source,
                })?;
                Some(ClientSecret::new(secret.trim().to_owned()))
            }
        };
        Ok(Some(Self {
            issuer: IssuerUrl::new(issuer.clone())?,
            client_id: ClientId::new(id.clone()),
            client_secret,
            redirect: RedirectUrl::new(format!("{public}/login/sso/callback"))?,
            // A provider that sends this server elsewhere is not followed.
            http: reqwest::ClientBuilder::new()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(10))
                .build()?,
            client: OnceCell::new(),
        }))
    }

    /// Scheme and authority, for the content security policy: browsers hold a form's redirect to it too.
    pub fn origin(&self) -> String {
        self.issuer.url().origin().ascii_serialization()
    }

    async fn client(&self) -> Result<&Client, SsoError> {
        self.client
            .get_or_try_init(|| async {
                let metadata =
                    CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
                        .await
                        .map_err(|error| SsoError::Discovery(chain(&error)))?;
                let (id, secret) = (self.client_id.clone(), self.client_secret.clone());
                Ok(CoreClient::from_provider_metadata(metadata, id, secret)
                    .set_redirect_uri(self.redirect.clone()))
            })
            .await
    }

    /// Trades the code for an identity, and checks it: signature, issuer, audience, lifetime, nonce.
    async fn identity(&self, code: String, leaving: Leaving) -> Result<String, SsoError> {
        let refused = |error: &dyn std::error::Error| SsoError::Answer(chain(error));
        let client = self.client().await?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| refused(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(leaving.verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| refused(&error))?;
        let token = openidconnect::TokenResponse::id_token(&tokens)
            .ok_or_else(|| SsoError::Answer("it holds no id token".to_owned()))?;
        let verifier = client.id_token_verifier();
        let claims = token
            .claims(&verifier, &Nonce::new(leaving.nonce))
            .map_err(|error| refused(&error))?;
        if let Some(expected) = claims.access_token_hash() {
            let key = token
                .signing_key(&verifier)
                .map_err(|error| refused(&error))?;
            let algorithm = token.signing_alg().map_err(|error| refused(&error))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|error| refused(&error))?;
            if actual != *expected {
                let why = "the access token belongs to another id token";
                return Err(SsoError::Answer(why.to_owned()));
            }
        }
        let (email, vouched) = if let Some(email) = claims.email() {
            (Some(email.clone()), claims.email_verified())
        } else {
            // Providers that keep to the letter give it to whoever holds the access token, and not before.
            let about: CoreUserInfoClaims = client
                .user_info(
                    tokens.access_token().clone(),
                    Some(claims.subject().clone()),
                )
                .map_err(|error| refused(&error))?
                .request_async(&self.http)
                .await
                .map_err(|error| refused(&error))?;
            (about.email().cloned(), about.email_verified())
        };
        match (email, vouched) {
            (Some(email), Some(true)) => Ok(email.to_string()),
            _ => Err(SsoError::Answer(
                "it vouches for no verified e-mail address".to_owned(),
            )),
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Off to the provider.
///
/// # Errors
///
/// When the session store fails.
pub async fn begin(
    State(app): State<App>,
    session: Session,
    _: Posted<Empty>,
) -> Result<Response, Trouble> {
    let Some(provider) = &app.sso else {
        return Err(Trouble::NotFound);
    };
    let client = match provider.client().await {
        Ok(client) => client,
        Err(error) => return failed(&app, &session, &error).await,
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let leaving = Leaving {
        state: state.secret().clone(),
        nonce: nonce.secret().clone(),
        verifier: verifier.secret().clone(),
    };
    session.insert(LEAVING, leaving).await?;
    Ok(Redirect::to(url.as_str()).into_response())
}

/// What the provider sends back.
#[derive(Deserialize)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
    /// Who answers, where the provider says so (RFC 9207).
    iss: Option<String>,
}

/// Back from the provider.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn callback(
    State(app): State<App>,
    session: Session,
    Query(Back { code, state, iss }): Query<Back>,
) -> Result<Response, Trouble> {
    let Some(provider) = &app.sso else {
        return Err(Trouble::NotFound);
    };
    let leaving: Option<Leaving> = session.remove(LEAVING).await?;
    let (Some(leaving), Some(code), Some(state)) = (leaving, code, state) else {
        let error = SsoError::Answer("nobody here asked for it".to_owned());
        return failed(&app, &session, &error).await;
    };
    if leaving.state != state {
        let error = SsoError::Answer("it belongs to another sign-in".to_owned());
        return failed(&app, &session, &error).await;
    }
    if iss.is_some_and(|iss| iss != *provider.issuer) {
        let error = SsoError::Answer("it comes from another provider".to_owned());
        return failed(&app, &session, &error).await;
    }
    let email = match provider.identity(code, leaving).await {
        Ok(email) => email,
        Err(error) => return failed(&app, &session, &error).await,
    };
    let Some(account) = app.accounts.of(&email).await? else {
        let error = SsoError::Answer("there is no account for this address".to_owned());
        return failed(&app, &session, &error).await;
    };
    let sign_in = SignIn::sso(&account.project, &account.user);
    login::after_credentials(&app, &session, sign_in).await
}

async fn failed(app: &App, session: &Session, error: &SsoError) -> Result<Response, Trouble> {
    // The terminal gets the cause; the page does not quote what came from outside.
    say(&format!("twofa-dashboard: single sign-on: {error}"));
    let notice = Notice {
        code: "sso-failed",
        text: "The sign-in with SSO did not succeed.".to_owned(),
        ways: vec!["Try again; if it goes on failing, tell your administrator.".to_owned()],
    };
    login::refuse(
        app,
        session,
        StatusCode::UNAUTHORIZED,
        notice,
        String::new(),
    )
    .await
}
