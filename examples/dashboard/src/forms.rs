//! Forms, each with a token that only a page of this session carries.

use axum::extract::{FromRequest, FromRequestParts, RawForm, Request};
use axum::http::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;
use tower_sessions::Session;

use crate::app::App;
use crate::page::Trouble;

const TOKEN: &str = "csrf";

/// The token of a session, made at its first page.
///
/// # Errors
///
/// When the session store fails.
pub async fn token(session: &Session) -> Result<String, Trouble> {
    if let Some(token) = session.get::<String>(TOKEN).await? {
        return Ok(token);
    }
    let mut random = [0_u8; 32];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut random)
        .map_err(|_| Trouble::NoSession)?;
    let token = base16ct::lower::encode_string(&random);
    session.insert(TOKEN, &token).await?;
    Ok(token)
}

/// Makes the token of every page so far worth nothing.
///
/// # Errors
///
/// When the session store fails.
pub async fn forget_token(session: &Session) -> Result<(), Trouble> {
    session.remove::<String>(TOKEN).await?;
    Ok(())
}

/// A form that was posted from a page of this session.
pub struct Posted<T>(pub T);

#[derive(serde::Deserialize)]
struct Token {
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, app: &App) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        if parts.method != Method::POST || from_elsewhere(&parts.headers) {
            return Err(Trouble::NotFromHere);
        }
        let session = <Session as FromRequestParts<App>>::from_request_parts(&mut parts, app)
            .await
            .map_err(|_| Trouble::NoSession)?;
        let expected: Option<String> = session.get(TOKEN).await?;
        let request = Request::from_parts(parts, body);
        let RawForm(bytes) = RawForm::from_request(request, app)
            .await
            .map_err(|_| Trouble::BadForm)?;
        let token: Token =
            serde_urlencoded::from_bytes(&bytes).map_err(|_| Trouble::NotFromHere)?;
        let expected = expected.ok_or(Trouble::NotFromHere)?;
        if !bool::from(expected.as_bytes().ct_eq(token.csrf.as_bytes())) {
            return Err(Trouble::NotFromHere);
        }
        serde_urlencoded::from_bytes(&bytes)
            .map(Posted)
            .map_err(|_| Trouble::BadForm)
    }
}

/// Whether the browser says that another site posts this. Browsers that say nothing are told by the token.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_none_or(|(_, authority)| authority != host),
        _ => false,
    }
}

/// A form with nothing in it but its token.
#[derive(serde::Deserialize)]
pub struct Empty {}
