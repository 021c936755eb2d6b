//! The audit of a project, and what a mandate would mean before it is set.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::{Date, Month};
use twofa::policy::{Mandate, Refusal, SignInMethod};
use twofa::types::{UnixTime, UserId};
use twofa::{Authorized, Directory as _, EventQuery, Verification};

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
    actor: Option<String>,
    reason: Option<String>,
    detail: Option<String>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    lines: Vec<Line>,
    /// What was looked for, to be shown again.
    wanted: Wanted,
    /// Where the earlier ones are.
    next: Option<String>,
    verified: Option<String>,
    notice: Option<Notice>,
}

/// Which events are looked for, as the form gives it: nothing is said with an empty text.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct Wanted {
    #[serde(default)]
    user: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    /// The cursor of the last event of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    #[serde(default, skip_serializing)]
    verify: bool,
}

/// The beginning of a day, as a date field gives it, in UTC.
fn day(text: &str) -> Option<UnixTime> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse::<u8>().ok()?;
    let date = parts.next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, date).ok()?;
    let seconds = date.midnight().assume_utc().unix_timestamp();
    u64::try_from(seconds).ok().map(UnixTime::from_secs)
}

const DAY: u64 = 24 * 60 * 60;

/// The audit, the latest events first.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn audit(
    State(app): State<App>,
    person: Person,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let user = UserId::new(&wanted.user.trim().to_lowercase()).ok();
    let which = EventQuery {
        user: user.as_ref(),
        event: Some(wanted.event.trim()).filter(|event| !event.is_empty()),
        from: day(&wanted.from),
        until: day(&wanted.until).map(|day| day.saturating_add(DAY)),
        before: wanted.before,
    };
    let mut page = AuditPage {
        frame: Frame::inside(&person).await?,
        lines: Vec::new(),
        wanted: wanted.clone(),
        next: None,
        verified: None,
        notice: None,
    };
    let events = match app.twofa.audit(&person.proof, &which, PAGE).await? {
        Authorized::Granted(events) => events,
        Authorized::Refused(refusal) => return refused(page, &refusal),
    };
    let full = events.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    if let Some(last) = events.last().filter(|_| full) {
        let before = Some(last.cursor);
        let earlier = Wanted {
            before,
            ..wanted.clone()
        };
        page.next = serde_urlencoded::to_string(earlier).ok();
    }
    if wanted.verify {
        match app.twofa.verify_audit(&person.proof).await? {
            Authorized::Granted(found) => page.verified = Some(verification(&found)),
            Authorized::Refused(refusal) => return refused(page, &refusal),
        }
    }
    let lines = events.into_iter().map(|event| Line {
        at: when(event.row.at),
        user: event.subject.user_key().to_owned(),
        event: event.row.event,
        actor: event.row.actor,
        reason: event.row.reason,
        detail: event.row.detail,
    });
    page.lines = lines.collect();
    draw(StatusCode::OK, &page)
}

fn refused(mut page: AuditPage, refusal: &Refusal) -> Result<Response, Trouble> {
    page.notice = Some(Notice::of(refusal.reason()).with_ways(refusal.remedies()));
    draw(StatusCode::FORBIDDEN, &page)
}

fn verification(found: &Verification) -> String {
    let Some(bad) = &found.first_bad else {
        let (events, chains) = (found.events, found.factors);
        return format!("All {events} events of {chains} chains are as they were written.");
    };
    let seq = bad
        .seq
        .map_or_else(|| "?".to_owned(), |seq| seq.to_string());
    format!(
        "Not as written, in {} places. The first: {} at event {seq} of {}.",
        found.bad,
        bad.fault.code(),
        bad.subject.user_key()
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
    let (proof, method) = (&person.proof, SignInMethod::Password);
    let impact = match app.twofa.preview(proof, &then, method, each).await? {
        Authorized::Granted(impact) => impact,
        Authorized::Refused(refusal) => {
            page.notice = Some(Notice::of(refusal.reason()).with_ways(refusal.remedies()));
            return draw(StatusCode::FORBIDDEN, &page);
        }
    };
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
