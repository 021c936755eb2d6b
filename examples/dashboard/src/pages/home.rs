//! The page behind the login.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use twofa::SignIn;
use twofa::policy::{Mandate, Reason};

use crate::app::App;
use crate::page::{Frame, Trouble, draw, when};
use crate::visit::Person;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    by_sso: bool,
    /// The date from which two-factor authentication is required, where it lies ahead.
    soon: Option<String>,
    has_factor: bool,
}

/// The page.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn show(State(app): State<App>, person: Person) -> Result<Response, Trouble> {
    let sign_in = SignIn::password(&person.project, &person.user);
    let decision = app.twofa.explain(&sign_in).await?;
    let ahead = decision.reason() == Reason::NotYetMandatory;
    let page = HomePage {
        frame: Frame::inside(&person).await?,
        by_sso: person.by_sso,
        soon: decision.until().filter(|_| ahead).map(when),
        has_factor: decision.reason() == Reason::FactorActive,
    };
    draw(StatusCode::OK, &page)
}

/// A mandate in words.
pub fn mandate_text(mandate: Mandate) -> String {
    match mandate {
        Mandate::Optional => "optional".to_owned(),
        Mandate::From(from) => format!("required from {}", when(from)),
    }
}
