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
use crate::output::{Output, printable};
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
        None => tell(out, &found, read),
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
        let line = self.bar.suspend(|| {
            self.out
                .result(|| json!({"bad": bad_object(place)}), || bad_text(place))
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

fn tell(out: Output, found: &Verification, read: bool) -> Outcome {
    let (factors, events, archived) = (found.factors, found.events, found.archived);
    let with_archived = |mut object: Value| {
        if let Some(object) = object.as_object_mut().filter(|_| read) {
            object.insert("archived".to_owned(), json!(archived));
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
            || format!("verified: {factors} chains, {events} events{and_archived}, all as they were written"),
        )?;
        return Ok(Exit::Done);
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
    json!({
        "project": key(bad.subject.project_key()),
        "user": key(bad.subject.user_key()),
        "seq": bad.seq,
        "fault": bad.fault.code(),
    })
}

fn bad_text(bad: &BadPlace) -> String {
    let who = exported::whose(&bad.subject);
    let place = bad
        .seq
        .map_or_else(String::new, |seq| format!(", event {seq}"));
    printable(&format!("bad: {who}{place} [{}]", bad.fault.code()))
}
