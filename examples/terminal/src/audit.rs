//! `audit` and `notices`: what happened.

use serde_json::{Value, json};
use twofa::types::{ProjectId, UserId};
use twofa::{Error, SubjectEvent, Verification};

use crate::args;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, push};
use crate::store::Opened;

/// How many events are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn audit(out: Output, opened: &Opened, command: &args::Audit) -> Outcome {
    match command {
        args::Audit::List { project, user } => list(out, opened, project, user.as_ref()).await,
        args::Audit::Verify { project } => verify(out, opened, project.as_ref()).await,
    }
}

async fn list(out: Output, opened: &Opened, project: &ProjectId, user: Option<&UserId>) -> Outcome {
    let mut after = 0;
    loop {
        let page = opened.service.audit(project, user, after, PAGE).await?;
        if let (0, true, Some(user)) = (after, page.is_empty(), user) {
            // Nothing happened to a member; of a stranger there is nothing to know.
            if !opened.is_member(project, user).await? {
                let subject = twofa::Subject::member(project, user);
                return Err(Error::UnknownMember(Box::new(subject)).into());
            }
        }
        for (_, event) in &page {
            out.result(|| event_object(event), || event_text(event))?;
        }
        match page.last() {
            Some((cursor, _)) if u32::try_from(page.len()).is_ok_and(|read| read >= PAGE) => {
                after = *cursor;
            }
            _ => return Ok(Exit::Done),
        }
    }
}

fn event_object(event: &SubjectEvent) -> Value {
    let (subject, row) = (&event.subject, &event.row);
    json!({
        "at": row.at.to_string(),
        "event": row.event,
        "project": subject.project_key(),
        "user": subject.user().map(UserId::as_str),
        "actor": row.actor,
        "reason": row.reason,
        "detail": row.detail,
        "generation": row.generation,
    })
}

fn event_text(event: &SubjectEvent) -> String {
    let (subject, row) = (&event.subject, &event.row);
    let who = subject.user().map_or("(the project)", UserId::as_str);
    let mut text = format!("{:<20}  {:<19} {who}", row.at.to_string(), row.event);
    if let Some(actor) = &row.actor {
        push!(text, ", by {actor}");
    }
    if let Some(detail) = &row.detail {
        push!(text, ", {detail}");
    }
    if let Some(reason) = &row.reason {
        push!(text, " [{reason}]");
    }
    text
}

async fn verify(out: Output, opened: &Opened, project: Option<&ProjectId>) -> Outcome {
    if project.is_none() && opened.is_empty().await? {
        return Err(Failure::store(
            "no-store",
            "there is nothing in this store, so there is nothing to verify; name the right one with --store",
        ));
    }
    if let Some(project) = project {
        opened.project(project).await?;
    }
    let found = opened.service.audit_verify(project).await?;
    print_verification(out, &found)?;
    Ok(if found.first_bad.is_none() {
        Exit::Done
    } else {
        Exit::Refused
    })
}

fn print_verification(out: Output, found: &Verification) -> Result<(), Failure> {
    let (factors, events) = (found.factors, found.events);
    let Some(bad) = &found.first_bad else {
        return out.result(
            || json!({"verified": true, "factors": factors, "events": events}),
            || format!("verified: {factors} chains, {events} events, all as they were written"),
        );
    };
    let (project, user) = (bad.subject.project(), bad.subject.user());
    let project = project.map(ProjectId::as_str);
    out.result(
        || {
            json!({
                "verified": false,
                "factors": factors,
                "events": events,
                "first_bad": {
                    "project": project,
                    "user": user.map(UserId::as_str),
                    "seq": bad.seq,
                    "fault": bad.fault.code(),
                },
            })
        },
        || {
            let who = match (project, user) {
                (Some(project), Some(user)) => format!("{user} in {project}"),
                (Some(project), None) => format!("the project {project} itself"),
                (None, _) => "the store's record of its keys".to_owned(),
            };
            let place = bad.seq.map_or_else(String::new, |seq| format!(", event {seq}"));
            format!(
                "NOT verified. The first bad place: {who}{place} [{}]\n{factors} chains and {events} events before it are as they were written.{}",
                bad.fault.code(),
                if events == 0 {
                    "\nWhere nothing can be read at all, the keys may be another store's: see --key-file."
                } else {
                    ""
                }
            )
        },
    )
}

/// What people must be told of, with the cursor to go on from.
pub(crate) async fn notices(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    since: u64,
) -> Outcome {
    let mut after = since;
    loop {
        let page = opened.service.notices(project, after, PAGE).await?;
        for (cursor, event) in &page {
            out.result(
                || {
                    let mut object = event_object(event);
                    if let Some(object) = object.as_object_mut() {
                        object.insert("cursor".to_owned(), json!(cursor));
                    }
                    object
                },
                || format!("{cursor:>6}  {}", event_text(event)),
            )?;
        }
        match page.last() {
            Some((cursor, _)) if u32::try_from(page.len()).is_ok_and(|read| read >= PAGE) => {
                after = *cursor;
            }
            _ => return Ok(Exit::Done),
        }
    }
}
