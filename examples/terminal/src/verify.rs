//! `audit verify`: whether the record is as it was written.

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use twofa::types::ProjectId;
use twofa::{BadPlace, Check, Head, Looks, Verification, Watch};

use crate::archive::Archives;
use crate::audit::something;
use crate::exported::{self, key};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, printable, push};
use crate::progress;
use crate::store::Opened;

/// What is to be verified, and with what.
pub(crate) struct Asked<'a> {
    pub(crate) project: Option<&'a ProjectId>,
    pub(crate) from: Option<&'a Head>,
    pub(crate) against: Option<&'a Path>,
    pub(crate) all: bool,
    pub(crate) archives: &'a [PathBuf],
    pub(crate) limit: Option<u64>,
    /// Whether what was answered for counts as well.
    pub(crate) strict: bool,
}

pub(crate) async fn verify(out: Output, opened: &Opened, asked: &Asked<'_>) -> Outcome {
    match asked.project {
        None => something(opened).await?,
        Some(project) => drop(opened.project(project).await?),
    }
    let exported = asked.against.map(exported::read).transpose()?;
    let mut archives = Archives::open(out, asked.archives, exported.unwrap_or_default())?;
    let mut teller = Teller {
        out,
        bar: progress::bar(out, 0),
        // How many records there are is known of a head, and how many events of the store.
        by_records: asked.from.filter(|_| !asked.all).map(Head::subjects),
        left: asked.limit,
        trouble: None,
    };
    let check = Check {
        project: asked.project,
        from: asked.from,
        all: asked.all,
    };
    let read = !asked.archives.is_empty();
    let found = {
        let mut lines = archives.lines();
        let files = read.then_some(&mut lines as &mut twofa::ArchivedEvents<'_>);
        let checked = opened.service.audit_check_with(&check, files, &mut teller);
        checked.await
    };
    let mut found = found?;
    let compared = opened
        .service
        .audit_compare(archives.not_seen(), &mut found, &mut |bad| teller.bad(bad))
        .await;
    teller.bar.finish_and_clear();
    compared?;
    match teller.trouble {
        Some(failure) => Err(failure),
        None => tell(out, &found, read, asked.strict),
    }
}

/// Says each bad place as it is found, and how far the check has come.
struct Teller {
    out: Output,
    bar: ProgressBar,
    by_records: Option<u64>,
    left: Option<u64>,
    trouble: Option<Failure>,
}

impl Watch for Teller {
    fn bad(&mut self, place: &BadPlace) {
        if self.left == Some(0) {
            return;
        }
        self.left = self.left.map(|left| left - 1);
        let what = if place.acknowledged.is_some() {
            "acknowledged"
        } else {
            "bad"
        };
        let line = self.bar.suspend(|| {
            let object = || json!({what: bad_object(place)});
            self.out.result(object, || bad_text(what, place))
        });
        self.trouble = self.trouble.take().or(line.err());
    }

    fn looked(&mut self, so_far: Looks) {
        let (at, of) = match self.by_records {
            Some(records) => (so_far.chains, records),
            None => (so_far.events, so_far.of_events),
        };
        self.bar.set_length(of.max(at));
        self.bar.set_position(at);
    }
}

fn tell(out: Output, found: &Verification, read: bool, strict: bool) -> Outcome {
    let (factors, events, archived) = (found.factors, found.events, found.archived);
    let acknowledged = found.acknowledged;
    let with_archived = |mut object: Value| {
        if let Some(object) = object.as_object_mut().filter(|_| read) {
            object.insert("archived".to_owned(), json!(archived));
        }
        if let Some(object) = object.as_object_mut().filter(|_| acknowledged > 0) {
            object.insert("acknowledged".to_owned(), json!(acknowledged));
        }
        object
    };
    let and_archived = if read {
        format!(", {archived} archived ones")
    } else {
        String::new()
    };
    let Some(first) = &found.first_bad else {
        out.result(
            || with_archived(json!({"verified": true, "factors": factors, "events": events})),
            || {
                let all = match acknowledged {
                    0 => "all as they were written".to_owned(),
                    places => format!("all as they were written, or answered for: {places} places"),
                };
                format!("verified: {factors} chains, {events} events{and_archived}, {all}")
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
            with_archived(json!({
                "verified": false,
                "bad": found.bad,
                "first_bad": bad_object(first),
                "factors": factors,
                "events": events,
            }))
        },
        || {
            format!(
                "NOT verified. Places that are not as they were written: {}. {factors} chains are whole; {events} events{and_archived} were looked at.",
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
