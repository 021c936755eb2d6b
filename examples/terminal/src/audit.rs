//! `audit` and `notices`: what happened.

use serde_json::{Value, json};
use twofa::types::ProjectId;
use twofa::{Error, Events, SubjectEvent};

use crate::archive;
use crate::args::{self, Since, Whose};
use crate::exported::{self, NewFile, key};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, printable, push};
use crate::store::Opened;
use crate::verify;

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
        args::Audit::Archive { before, output } => {
            archive::archive(out, opened, *before, output).await
        }
        args::Audit::Verify {
            project,
            from,
            against,
            all,
            archives,
            limit,
            strict,
        } => {
            let asked = verify::Asked {
                project: project.as_ref(),
                from: from.as_ref(),
                against: against.as_deref(),
                all: *all,
                archives,
                limit: *limit,
                strict: *strict,
            };
            verify::verify(out, opened, &asked).await
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

pub(crate) fn event_object(event: &SubjectEvent) -> Value {
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
pub(crate) async fn something(opened: &Opened) -> Result<(), Failure> {
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
