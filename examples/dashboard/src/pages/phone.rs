//! "I have a new phone", while the old one is still at hand.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use twofa::{Answer, Attempt, Authorized};

use crate::app::App;
use crate::forms::Posted;
use crate::page::{Frame, Notice, Trouble, draw};
use crate::pages::two_factor::{KeyShown, notice_of, step_up};
use crate::visit::{self, Person};

#[derive(Template)]
#[template(path = "phone.html")]
struct PhonePage {
    frame: Frame,
    key: Option<KeyShown>,
    done: bool,
    notice: Option<Notice>,
}

/// A code as typed.
#[derive(Deserialize)]
pub struct Typed {
    code: String,
}

async fn page(
    app: &App,
    person: &Person,
    status: StatusCode,
    done: bool,
    notice: Option<Notice>,
) -> Result<Response, Trouble> {
    let key = person
        .replacement()
        .and_then(|login| app.set_ups.with(&login, KeyShown::of));
    let frame = Frame::inside(person).await?;
    draw(
        status,
        &PhonePage {
            frame,
            key: key.filter(|_| !done),
            done,
            notice,
        },
    )
}

/// The page: the question for the old phone's code, or the new key.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn show(State(app): State<App>, person: Person) -> Result<Response, Trouble> {
    page(&app, &person, StatusCode::OK, false, None).await
}

/// The old phone's code: begin.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn begin(
    State(app): State<App>,
    mut person: Person,
    Posted(Typed { code }): Posted<Typed>,
) -> Result<Response, Trouble> {
    if let Some(notice) = step_up(&app, &mut person, &code).await? {
        return page(&app, &person, StatusCode::UNAUTHORIZED, false, Some(notice)).await;
    }
    match app.twofa.replace(&person.proof).await? {
        Authorized::Granted(set_up) => {
            let login = set_up.login().clone();
            app.set_ups.remember(set_up, app.twofa.now());
            person.replacing(Some(&login)).await?;
            let key = app.set_ups.with(&login, KeyShown::of);
            let frame = Frame::inside(&person).await?;
            draw(
                StatusCode::OK,
                &PhonePage {
                    frame,
                    key,
                    done: false,
                    notice: None,
                },
            )
        }
        Authorized::Refused(refusal) => {
            let notice = Notice::of(refusal.reason()).with_ways(refusal.remedies());
            page(&app, &person, StatusCode::FORBIDDEN, false, Some(notice)).await
        }
    }
}

/// The new phone's first code: from now on it counts, and the old one does not.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn confirm(
    State(app): State<App>,
    mut person: Person,
    Posted(Typed { code }): Posted<Typed>,
) -> Result<Response, Trouble> {
    let Some(login) = person.replacement() else {
        return Err(Trouble::BadForm);
    };
    match app.twofa.answer(Attempt::new(&login, &code)).await? {
        Answer::Accepted(pass) => {
            app.set_ups.forget(&login);
            visit::enter(&app, &person.session, pass).await?;
            page(&app, &person, StatusCode::OK, true, None).await
        }
        Answer::Rejected(why) => {
            if why.login_ended() {
                app.set_ups.forget(&login);
                person.replacing(None).await?;
            }
            let notice = Some(notice_of(&why));
            page(&app, &person, StatusCode::UNAUTHORIZED, false, notice).await
        }
    }
}
