//! What to do when nobody can get in.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::page::{Frame, Trouble, draw};
use crate::visit::Person;

#[derive(Template)]
#[template(path = "support.html")]
struct SupportPage {
    frame: Frame,
}

/// The page, for everybody.
///
/// # Errors
///
/// When the session store fails.
pub async fn show(person: Option<Person>) -> Result<Response, Trouble> {
    let frame = match &person {
        Some(person) => Frame::inside(person).await?,
        None => Frame::without_forms(),
    };
    draw(StatusCode::OK, &SupportPage { frame })
}
