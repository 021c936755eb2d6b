//! The audit of a project, and what a mandate would mean before it is set.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use twofa::Directory as _;
use twofa::policy::{Mandate, Reason, SignInMethod};

use crate::app::App;
use crate::page::{Frame, Notice, Trouble, draw, when};
use crate::pages::home::mandate_text;
use crate::visit::Person;

/// How many events are shown on a page.
const PAGE: u32 = 50;
/// How many members are named on the impact page; the counts are of all.
const NAMED: usize = 200;

struct Line {
    at: String,
    event: String,
    user: String,
    actor: String,
    reason: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    lines: Vec<Line>,
    next: Option<u64>,
    verified: Option<String>,
    notice: Option<Notice>,
}

/// Where to begin, and whether to check the chains.
#[derive(Deserialize)]
pub struct Part {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    verify: bool,
}

/// The audit.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn audit(
    State(app): State<App>,
    person: Person,
    Query(Part { after, verify }): Query<Part>,
) -> Result<Response, Trouble> {
    if !person.is_administrator() {
        let notice = Some(Notice::of(Reason::NotAnAdministrator));
        let frame = Frame::inside(&person).await?;
        let page = AuditPage {
            frame,
            lines: Vec::new(),
            next: None,
            verified: None,
            notice,
        };
        return draw(StatusCode::FORBIDDEN, &page);
    }
    let rows = app.twofa.audit(&person.project, None, after, PAGE).await?;
    let full = rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = rows.last().map(|(cursor, _)| *cursor).filter(|_| full);
    let verified = if verify {
        let found = app.twofa.audit_verify(Some(&person.project)).await?;
        Some(match found.first_bad {
            None => format!(
                "All {} events of {} chains are as they were written.",
                found.events, found.factors
            ),
            Some(bad) => format!(
                "Not as written: {} at event {} of {}.",
                bad.fault.code(),
                bad.seq
                    .map_or_else(|| "?".to_owned(), |seq| seq.to_string()),
                bad.subject.user_key()
            ),
        })
    } else {
        None
    };
    let lines = rows
        .into_iter()
        .map(|(_, event)| Line {
            at: when(event.row.at),
            user: event.subject.user_key().to_owned(),
            event: event.row.event,
            actor: event.row.actor.unwrap_or_default(),
            reason: event.row.reason.unwrap_or_default(),
            detail: event.row.detail.unwrap_or_default(),
        })
        .collect();
    let frame = Frame::inside(&person).await?;
    draw(
        StatusCode::OK,
        &AuditPage {
            frame,
            lines,
            next,
            verified,
            notice: None,
        },
    )
}

struct Effect {
    user: String,
    now: &'static str,
    then: &'static str,
    reason: &'static str,
}

#[derive(Template)]
#[template(path = "impact.html")]
struct ImpactPage {
    frame: Frame,
    setting: String,
    effects: Vec<Effect>,
    members: u64,
    enrol: u64,
    challenge: u64,
    allow: u64,
    refuse: u64,
    warnings: Vec<&'static str>,
    notice: Option<Notice>,
}

/// What a mandate from now on would mean, member by member. Changing it is an operator's.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn impact(State(app): State<App>, person: Person) -> Result<Response, Trouble> {
    let project = app.twofa.directory().project(&person.project).await?;
    let Some(project) = project else {
        return Err(Trouble::SignInAgain);
    };
    let mut page = ImpactPage {
        frame: Frame::inside(&person).await?,
        setting: mandate_text(project.settings.mandate()),
        effects: Vec::new(),
        members: 0,
        enrol: 0,
        challenge: 0,
        allow: 0,
        refuse: 0,
        warnings: Vec::new(),
        notice: None,
    };
    if !person.is_administrator() {
        page.notice = Some(Notice::of(Reason::NotAnAdministrator));
        return draw(StatusCode::FORBIDDEN, &page);
    }
    let then = project
        .settings
        .with_mandate(Mandate::From(app.twofa.now()));
    let mut effects = Vec::new();
    let each = |member: twofa::MemberImpact| {
        if effects.len() < NAMED {
            effects.push(Effect {
                user: member.user.to_string(),
                now: member.now.next().code(),
                then: member.then.next().code(),
                reason: member.then.reason().code(),
            });
        }
    };
    let impact = app
        .twofa
        .impact(&person.project, &then, SignInMethod::Password, each)
        .await?;
    let counts = impact.summary.then();
    page.effects = effects;
    page.members = impact.summary.members();
    (page.enrol, page.challenge) = (counts.enrol, counts.challenge);
    (page.allow, page.refuse) = (counts.allow, counts.refuse);
    page.warnings = impact
        .warnings
        .iter()
        .map(twofa::policy::Warning::sentence)
        .collect();
    draw(StatusCode::OK, &page)
}
