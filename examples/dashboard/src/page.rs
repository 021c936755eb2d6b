//! How pages are drawn, and what is shown when one cannot be.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use tower_sessions::Session;
use twofa::policy::Reason;
use twofa::types::UnixTime;

use crate::accounts::AccountError;
use crate::forms;
use crate::visit::Person;

/// What every page has around it.
pub struct Frame {
    /// The token for this page's forms.
    pub csrf: String,
    /// Who is in.
    pub user: Option<String>,
    /// Their project.
    pub project: String,
    /// Whether they are an administrator.
    pub administrator: bool,
}

impl Frame {
    /// For a page that anybody sees.
    ///
    /// # Errors
    ///
    /// When the session store fails.
    pub async fn outside(session: &Session) -> Result<Self, Trouble> {
        let csrf = forms::token(session).await?;
        Ok(Self {
            csrf,
            user: None,
            project: String::new(),
            administrator: false,
        })
    }

    /// For a page that anybody sees and that asks nothing, so that there is no session to keep.
    pub const fn without_forms() -> Self {
        Self {
            csrf: String::new(),
            user: None,
            project: String::new(),
            administrator: false,
        }
    }

    /// For a page of somebody who is in.
    ///
    /// # Errors
    ///
    /// When the session store fails.
    pub async fn inside(person: &Person) -> Result<Self, Trouble> {
        Ok(Self {
            csrf: forms::token(&person.session).await?,
            user: Some(person.user.to_string()),
            project: person.project.to_string(),
            administrator: person.is_administrator(),
        })
    }
}

/// A time as people read it: `2022-12-01 00:00:00 UTC`.
pub fn when(time: UnixTime) -> String {
    time.to_string().replace('T', " ").replace('Z', " UTC")
}

/// Draws a page.
///
/// # Errors
///
/// [`Trouble::Drawing`] when the template cannot be filled in.
pub fn draw(status: StatusCode, page: &impl Template) -> Result<Response, Trouble> {
    let html = page.render().map_err(|_| Trouble::Drawing)?;
    // Pages differ from person to person and may carry a secret: none is kept by a browser or a proxy.
    Ok((status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

/// What to say about a reason, and what can be done.
pub struct Notice {
    /// Its stable code, for programs that look at pages.
    pub code: &'static str,
    /// What happened.
    pub text: String,
    /// What can be done about it.
    pub ways: Vec<String>,
}

impl Notice {
    /// Of a reason alone.
    pub fn of(reason: Reason) -> Self {
        Self {
            code: reason.code(),
            text: reason.sentence().to_owned(),
            ways: Vec::new(),
        }
    }

    /// With the ways out.
    pub fn with_ways(mut self, remedies: twofa::policy::Remedies) -> Self {
        self.ways = remedies
            .iter()
            .map(|remedy| remedy.sentence().to_owned())
            .collect();
        self
    }

    /// With something that belongs to this case alone.
    pub fn and(mut self, text: &str) -> Self {
        self.text.push(' ');
        self.text.push_str(text);
        self
    }
}

/// Why there is no page, or another one.
#[derive(Debug)]
pub enum Trouble {
    /// Go there instead.
    Elsewhere(Redirect),
    /// The session was ended, and why.
    Ended(Reason),
    /// Begin again from the sign-in.
    SignInAgain,
    /// A form from another site, from an old page, or made by hand.
    NotFromHere,
    /// A form that lacks something or is too long.
    BadForm,
    /// Sessions cannot be kept.
    NoSession,
    /// There is no such page.
    NotFound,
    /// A page could not be drawn.
    Drawing,
    /// The answer did not come in time.
    TooLong,
    /// Something behind the pages failed; the log says what.
    Behind(Box<dyn std::error::Error + Send + Sync>),
}

impl From<twofa::Error> for Trouble {
    fn from(error: twofa::Error) -> Self {
        Self::Behind(Box::new(error))
    }
}

impl From<twofa_sqlx::Error> for Trouble {
    fn from(error: twofa_sqlx::Error) -> Self {
        Self::Behind(Box::new(error))
    }
}

impl From<AccountError> for Trouble {
    fn from(error: AccountError) -> Self {
        Self::Behind(Box::new(error))
    }
}

impl From<tower_sessions::session::Error> for Trouble {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Behind(Box::new(error))
    }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, title, text) = match self {
            Self::Elsewhere(redirect) => return redirect.into_response(),
            Self::Ended(reason) => {
                let place = format!("/login?why={}", reason.code());
                return Redirect::to(&place).into_response();
            }
            Self::SignInAgain => return Redirect::to("/login").into_response(),
            Self::NotFromHere => (
                StatusCode::FORBIDDEN,
                "This form cannot be used",
                "It was not sent from a current page of this site. Nothing was changed. Go back, load the page again and repeat.",
            ),
            Self::BadForm => (
                StatusCode::BAD_REQUEST,
                "This form cannot be read",
                "Something is missing in it, or it is too long. Nothing was changed. Go back and fill it in again.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is no such page",
                "Check the address, or go to the start page.",
            ),
            Self::NoSession | Self::Drawing => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is broken here",
                "Nothing was changed. Try again in a moment.",
            ),
            Self::TooLong => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This takes too long right now",
                "Whether it was done is not known here. Try again in a moment; where a code is asked for, wait for the next one.",
            ),
            Self::Behind(error) => {
                crate::say(&format!("twofa-dashboard: {error}"));
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "This does not work right now",
                    "Nothing was decided and no attempt was counted. Try again in a moment.",
                )
            }
        };
        let frame = Frame::without_forms();
        let page = TroublePage { frame, title, text };
        let mut response = match page.render() {
            Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
            Err(_) => (status, text).into_response(),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("5");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
