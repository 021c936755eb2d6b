//! `audit` and `notices`: what happened.

use serde_json::{Value, json};
use twofa::types::ProjectId;
use twofa::{BadPlace, Check, Error, Events, SubjectEvent};

use crate::args::{self, Since, Whose};
use crate::exported::{self, NewFile, key};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, printable, push};
use crate::store::Opened;

/// How many events are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn audit(out: Output, opened: &Opened, command: &args::Audit) -> Outcome {
    match command {
        args::Audit::List { of, since, limit } => list(out, opened, of, since, *limit).await,
        args::Audit::Export { of, since, output } => {
            let mut file = NewFile::create(output)?;
            let mut last = since.cursor;
            let count = follow(opened, of, since, None, |event| {
                last = event.cursor;
                file.line(&event_object(event).to_string())
            });
            let count = count.await?;
            file.finish()?;
            out.result(
                || json!({"exported": count, "cursor": last}),
                || format!("{count} events; go on with --since {last}"),
            )?;
            Ok(Exit::Done)
        }
        args::Audit::Head => head(out, opened).await,
        args::Audit::Verify {
            project,
            from,
            against,
            strict,
        } => {
            let exported = against.as_deref().map(exported::read).transpose()?;
            let check = Check {
                project: project.as_ref(),
                from: from.as_ref(),
            };
            verify(out, opened, check, exported.unwrap_or_default(), *strict).await
        }
    }
}

fn events(of: &Whose) -> Events<'_> {
    match (&of.project, &of.user) {
        (None, _) => Events::All,
        (Some(project), None) => Events::Project(project),
        (Some(project), Some(user)) => Events::Person(project, user),
    }
}

/// Reads page by page, and says how many events there were.
async fn follow(
    opened: &Opened,
    of: &Whose,
    since: &Since,
    limit: Option<u64>,
    mut each: impl FnMut(&SubjectEvent) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let (mut after, mut count) = (since.cursor, 0);
    loop {
        let left = limit.map_or(u64::from(PAGE), |limit| limit.saturating_sub(count));
        let most = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        if most == 0 {
            return Ok(count);
        }
        let page = opened.service.events(events(of), after, most).await?;
        for event in &page {
            each(event)?;
            count += 1;
        }
        match page.last() {
            Some(last) if u32::try_from(page.len()).is_ok_and(|read| read >= most) => {
                after = last.cursor;
            }
            _ => return Ok(count),
        }
    }
}

async fn list(
    out: Output,
    opened: &Opened,
    of: &Whose,
    since: &Since,
    limit: Option<u64>,
) -> Outcome {
    let print = |event: &SubjectEvent| out.result(|| event_object(event), || event_text(event));
    let count = follow(opened, of, since, limit, print).await?;
    if let (0, 0, Some(project), Some(user)) = (count, since.cursor, &of.project, &of.user) {
        // Nothing happened to a member; of a stranger there is nothing to know.
        if limit != Some(0) && !opened.is_member(project, user).await? {
            let subject = twofa::Subject::member(project, user);
            return Err(Error::UnknownMember(Box::new(subject)).into());
        }
    }
    Ok(Exit::Done)
}

fn event_object(event: &SubjectEvent) -> Value {
    let (subject, row) = (&event.subject, &event.row);
    json!({
        "at": row.at.to_string(),
        "event": row.event,
        "project": key(subject.project_key()),
        "user": key(subject.user_key()),
        "actor": row.actor,
        "reason": row.reason,
        "detail": row.detail,
        "generation": row.generation,
        "cursor": event.cursor,
        "seq": row.seq,
        "key": twofa::KeyId::from_number(row.key_id).to_string(),
        "mac": exported::hex(&row.mac),
    })
}

fn event_text(event: &SubjectEvent) -> String {
    let (subject, row) = (&event.subject, &event.row);
    let who = match (subject.project_key(), subject.user_key()) {
        ("", "") => "(the store)",
        (_, "") => "(the project)",
        (_, user) => user,
    };
    // None of these texts is to be trusted before `audit verify` has said so.
    let (who, event) = (printable(who), printable(&row.event));
    let mut text = format!("{:<20}  {event:<19} {who}", row.at.to_string());
    if let Some(actor) = &row.actor {
        push!(text, ", by {}", printable(actor));
    }
    if let Some(detail) = &row.detail {
        push!(text, ", {}", printable(detail));
    }
    if let Some(reason) = &row.reason {
        push!(text, " [{}]", printable(reason));
    }
    text
}

/// Whether there is anything at all: an empty store is not called verified.
async fn something(opened: &Opened) -> Result<(), Failure> {
    if opened.is_empty().await? {
        return Err(Failure::store(
            "no-store",
            "there is nothing in this store, so there is nothing to verify; name the right one with --store",
        ));
    }
    Ok(())
}

async fn head(out: Output, opened: &Opened) -> Outcome {
    something(opened).await?;
    let head = opened.service.audit_head().await?;
    let (subjects, events) = (head.subjects(), head.events());
    out.result(
        || json!({"head": head.to_string(), "subjects": subjects, "events": events}),
        || format!("{head}\n{subjects} chains, {events} events. Keep this text elsewhere: `audit verify --from` compares."),
    )?;
    Ok(Exit::Done)
}

async fn verify(
    out: Output,
    opened: &Opened,
    check: Check<'_>,
    exported: Vec<exported::Line>,
    strict: bool,
) -> Outcome {
    match check.project {
        None => something(opened).await?,
        Some(project) => drop(opened.project(project).await?),
    }
    let mut trouble = None;
    let mut told = |bad: &BadPlace| {
        let what = if bad.acknowledged.is_some() {
            "acknowledged"
        } else {
            "bad"
        };
        let line = out.result(|| json!({what: bad_object(bad)}), || bad_text(what, bad));
        trouble = trouble.take().or(line.err());
    };
    let mut found = opened.service.audit_check(&check, &mut told).await?;
    opened
        .service
        .audit_compare(exported, &mut found, &mut told)
        .await?;
    if let Some(failure) = trouble {
        return Err(failure);
    }
    let (factors, events, acknowledged) = (found.factors, found.events, found.acknowledged);
    let Some(first) = &found.first_bad else {
        out.result(
            || {
                let mut object = json!({"verified": true, "factors": factors, "events": events});
                if let Some(object) = object.as_object_mut().filter(|_| acknowledged > 0) {
                    object.insert("acknowledged".to_owned(), json!(acknowledged));
                }
                object
            },
            || {
                let all = match acknowledged {
                    0 => "all as they were written".to_owned(),
                    places => format!("all as they were written, or answered for: {places} places"),
                };
                format!("verified: {factors} chains, {events} events, {all}")
            },
        )?;
        return Ok(if strict && acknowledged > 0 {
            Exit::Refused
        } else {
            Exit::Done
        });
    };
    out.result(
        || {
            json!({
                "verified": false,
                "bad": found.bad,
                "acknowledged": acknowledged,
                "first_bad": bad_object(first),
                "factors": factors,
                "events": events,
            })
        },
        || {
            format!(
                "NOT verified. Places that are not as they were written: {}. {factors} chains are whole; {events} events were looked at.",
                found.bad
            )
        },
    )?;
    Ok(Exit::Refused)
}

fn bad_object(bad: &BadPlace) -> Value {
    let mut object = json!({
        "project": key(bad.subject.project_key()),
        "user": key(bad.subject.user_key()),
        "seq": bad.seq,
        "fault": bad.fault.code(),
    });
    if let (Some(object), Some(answered)) = (object.as_object_mut(), &bad.acknowledged) {
        object.insert("by".to_owned(), json!(answered.by));
        object.insert("at".to_owned(), json!(answered.at.to_string()));
        object.insert("ticket".to_owned(), json!(answered.ticket));
    }
    object
}

fn bad_text(what: &str, bad: &BadPlace) -> String {
    let who = exported::whose(&bad.subject);
    let mut text = format!("{what}: {who}");
    if let Some(seq) = bad.seq {
        push!(text, ", event {seq}");
    }
    push!(text, " [{}]", bad.fault.code());
    if let Some(answered) = &bad.acknowledged {
        let by = answered.by.as_deref().unwrap_or("nobody");
        push!(text, ", by {by} at {}", answered.at);
        if let Some(ticket) = &answered.ticket {
            push!(text, ", ticket {ticket}");
        }
    }
    printable(&text)
}

/// What people must be told of, with the cursor to go on from.
pub(crate) async fn notices(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    since: &Since,
) -> Outcome {
    let mut after = since.cursor;
    loop {
        let page = opened.service.notices(project, after, PAGE).await?;
        for event in &page {
            let cursor = event.notice.unwrap_or_default();
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
        match page.last().and_then(|event| event.notice) {
            Some(last) if u32::try_from(page.len()).is_ok_and(|read| read >= PAGE) => after = last,
            _ => return Ok(Exit::Done),
        }
    }
}
