//! Settings > Security > Two-Factor Authentication: who has it, and the administrator's reset.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use twofa::types::UserId;
use twofa::{Authorized, FactorRow};

use crate::app::App;
use crate::forms::Posted;
use crate::page::{Frame, Notice, Trouble, draw, when};
use crate::pages::two_factor::step_up;
use crate::visit::Person;

/// How many are shown on a page, and how many are looked through for one search.
const PAGE: usize = 25;
const LOOKED_THROUGH: u32 = 500;

/// One line of the list.
struct Line {
    user: String,
    state: &'static str,
    since: String,
    last_used: String,
    own: bool,
}

#[derive(Template)]
#[template(path = "factors.html")]
struct FactorsPage {
    frame: Frame,
    lines: Vec<Line>,
    search: String,
    next: Option<String>,
    notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    frame: Frame,
    subject: String,
    by_sso: bool,
    notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "reset_done.html")]
struct ResetDonePage {
    frame: Frame,
    subject: String,
    handover: Option<String>,
}

/// What part of the list.
#[derive(Deserialize)]
pub struct Part {
    #[serde(default)]
    search: String,
    after: Option<String>,
}

/// The list.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn list(
    State(app): State<App>,
    person: Person,
    Query(Part { search, after }): Query<Part>,
) -> Result<Response, Trouble> {
    let mut after: Option<UserId> = after.and_then(|after| after.parse().ok());
    let wanted = search.trim().to_lowercase();
    let mut lines = Vec::new();
    let mut next = None;
    'pages: loop {
        let rows = match app
            .twofa
            .factors(&person.proof, after.as_ref(), LOOKED_THROUGH)
            .await?
        {
            Authorized::Granted(rows) => rows,
            Authorized::Refused(refusal) => {
                let notice = Notice::of(refusal.reason()).with_ways(refusal.remedies());
                let frame = Frame::inside(&person).await?;
                let page = FactorsPage {
                    frame,
                    lines,
                    search,
                    next: None,
                    notice: Some(notice),
                };
                return draw(StatusCode::FORBIDDEN, &page);
            }
        };
        let more = rows.len() == usize::try_from(LOOKED_THROUGH).unwrap_or(usize::MAX);
        for row in rows {
            if lines.len() == PAGE {
                next = after.map(|after| after.to_string());
                break 'pages;
            }
            after = Some(row.user.clone());
            if row.user.as_str().to_lowercase().contains(&wanted) {
                lines.push(line(&row, &person));
            }
        }
        if !more {
            break;
        }
    }
    let frame = Frame::inside(&person).await?;
    draw(
        StatusCode::OK,
        &FactorsPage {
            frame,
            lines,
            search,
            next,
            notice: None,
        },
    )
}

fn line(row: &FactorRow, person: &Person) -> Line {
    let text = |time: Option<twofa::types::UnixTime>| time.map_or_else(|| "never".to_owned(), when);
    Line {
        user: row.user.to_string(),
        state: row.summary.state.code(),
        since: text(row.summary.since),
        last_used: text(row.summary.last_used),
        own: row.user == person.user,
    }
}

/// Whose factor.
#[derive(Deserialize)]
pub struct Whose {
    user: String,
}

/// Are you sure?
///
/// # Errors
///
/// When something behind the page fails.
pub async fn ask(person: Person, Query(Whose { user }): Query<Whose>) -> Result<Response, Trouble> {
    let (status, notice) = if person.is_administrator() {
        (StatusCode::OK, None)
    } else {
        let notice = Notice::of(twofa::policy::Reason::NotAnAdministrator);
        (StatusCode::FORBIDDEN, Some(notice))
    };
    let frame = Frame::inside(&person).await?;
    draw(
        status,
        &ResetPage {
            frame,
            subject: user,
            by_sso: person.by_sso,
            notice,
        },
    )
}

/// The decision, and the administrator's own code.
#[derive(Deserialize)]
pub struct Reset {
    user: String,
    #[serde(default)]
    code: String,
}

/// Yes: reset them.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn reset(
    State(app): State<App>,
    mut person: Person,
    Posted(Reset { user, code }): Posted<Reset>,
) -> Result<Response, Trouble> {
    let Ok(subject) = user.parse::<UserId>() else {
        return Err(Trouble::BadForm);
    };
    let mut notice = None;
    // Whoever came through single sign-on has no code of ours; the rules then ask how fresh that sign-in is.
    // For someone who is no administrator the rules refuse either way, and no code of theirs is spent on it.
    if person.is_administrator() && !person.by_sso {
        notice = step_up(&app, &mut person, &code).await?;
    }
    if notice.is_none() {
        match app.twofa.reset(&person.proof, &subject).await? {
            Authorized::Granted(done) => {
                let handover = done.handover().map(|code| code.expose_secret().to_owned());
                let frame = Frame::inside(&person).await?;
                return draw(
                    StatusCode::OK,
                    &ResetDonePage {
                        frame,
                        subject: user,
                        handover,
                    },
                );
            }
            Authorized::Refused(refusal) => {
                notice = Some(Notice::of(refusal.reason()).with_ways(refusal.remedies()));
            }
        }
    }
    let frame = Frame::inside(&person).await?;
    let page = ResetPage {
        frame,
        subject: user,
        by_sso: person.by_sso,
        notice,
    };
    draw(StatusCode::FORBIDDEN, &page)
}
