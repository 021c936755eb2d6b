//! `factors`, `reset`, `support-reset`, `repair`: what administrators, support and operators do.

use serde_json::json;
use twofa::policy::{not_an_administrator, unknown_project};
use twofa::types::{Name, ProjectId, UserId};
use twofa::{Authorized, FactorRow, ResetDone, SignIn};

use crate::args::{Admin, Person};
use crate::codes::{clock_object, sentence};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, complain, maybe, push, remedy_lines, warning_codes};
use crate::prove::{Denied, Proven, prove};
use crate::store::Opened;
use crate::times;

/// How many factors are read at a time.
const PAGE: u32 = 500;

/// Every factor of a project, a line each.
pub(crate) async fn factors(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    admin: &Admin,
) -> Outcome {
    let proof = match sign_in(out, opened, project, admin).await? {
        Proven::Proof(proof) => proof,
        Proven::Denied(why) => {
            let service = &opened.service;
            service
                .factors_refused(project, &admin.who, why.reason)
                .await?;
            return deny(out, opened, "factors", &why);
        }
    };
    let mut after: Option<UserId> = None;
    loop {
        let page = opened.service.factors(&proof, after.as_ref(), PAGE).await?;
        let rows = match page {
            Authorized::Granted(rows) => rows,
            Authorized::Refused(refusal) => return deny(out, opened, "factors", &refusal.into()),
        };
        if rows.is_empty() && after.is_none() && !out.json {
            complain(&format!(
                "Nobody in {project} has set up two-factor authentication."
            ));
        }
        for row in &rows {
            print_factor(out, row)?;
        }
        match rows.last() {
            Some(row) if u32::try_from(rows.len()).is_ok_and(|read| read >= PAGE) => {
                after = Some(row.user.clone());
            }
            _ => return Ok(Exit::Done),
        }
    }
}

fn print_factor(out: Output, row: &FactorRow) -> Result<(), Failure> {
    let summary = &row.summary;
    out.result(
        || {
            json!({
                "user": row.user.as_str(),
                "state": summary.state.code(),
                "since": maybe(summary.since),
                "last_used": maybe(summary.last_used),
            })
        },
        || {
            let time = |t: Option<_>| t.map_or_else(|| "-".to_owned(), |t| format!("{t}"));
            format!(
                "{:<32} {:<8} since {:<20}  last used {}",
                row.user.as_str(),
                summary.state.code(),
                time(summary.since),
                time(summary.last_used)
            )
        },
    )
}

/// An administrator resets a member.
pub(crate) async fn reset(out: Output, opened: &Opened, person: &Person, admin: &Admin) -> Outcome {
    let proof = match sign_in(out, opened, &person.project, admin).await? {
        Proven::Proof(proof) => proof,
        Proven::Denied(why) => {
            let (project, user) = (&person.project, &person.user);
            let service = &opened.service;
            service
                .reset_refused(project, &admin.who, user, why.reason)
                .await?;
            return deny(out, opened, "reset", &why);
        }
    };
    match opened.service.reset(&proof, &person.user).await? {
        Authorized::Granted(done) => granted(out, person, admin.who.as_str(), None, &done),
        Authorized::Refused(refusal) => deny(out, opened, "reset", &refusal.into()),
    }
}

/// Support resets someone on a ticket.
pub(crate) async fn support_reset(
    out: Output,
    opened: &Opened,
    person: &Person,
    (operator, ticket): (&str, &str),
    key_lost: bool,
) -> Outcome {
    let (service, project, user) = (&opened.service, &person.project, &person.user);
    let reset = if key_lost {
        service
            .support_reset_even_though_the_key_is_missing(project, user, operator, ticket)
            .await
    } else {
        service.support_reset(project, user, operator, ticket).await
    };
    match reset? {
        Authorized::Granted(done) => {
            granted(out, person, operator.trim(), Some(ticket.trim()), &done)
        }
        Authorized::Refused(refusal) => deny(out, opened, "reset", &refusal.into()),
    }
}

/// An operator repairs the project's own record.
pub(crate) async fn repair(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    operator: &Name,
    ticket: &Name,
) -> Outcome {
    let repaired = opened.service.repair_project(project, operator, ticket);
    let Some(fault) = repaired.await? else {
        out.result(
            || json!({"recovered": false, "project": project.as_str(), "reason": "record-readable"}),
            || format!("There is nothing to repair: the record of {project} can be read. [record-readable]"),
        )?;
        return Ok(Exit::Refused);
    };
    let (by, ticket, fault) = (operator.as_str(), ticket.as_str(), fault.code());
    out.result(
        || json!({"recovered": true, "fault": fault, "project": project.as_str(), "by": by, "ticket": ticket}),
        || format!("The record of {project} is repaired [{fault}]. What was found is kept, and on the record."),
    )?;
    Ok(Exit::Done)
}

/// Signs the administrator in. A stranger to the project is no administrator of it.
async fn sign_in(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    admin: &Admin,
) -> Result<Proven, Failure> {
    let who = if admin.sso {
        SignIn::sso(project, &admin.who)
    } else {
        SignIn::password(project, &admin.who)
    };
    match prove(out, &opened.service, who, admin.code.as_deref()).await {
        Err(failure) => {
            let refusal = match failure.code() {
                "unknown-member" => not_an_administrator(),
                "unknown-project" => unknown_project(),
                _ => return Err(failure),
            };
            Ok(Proven::Denied(refusal.into()))
        }
        proven => proven,
    }
}

fn granted(
    out: Output,
    person: &Person,
    by: &str,
    ticket: Option<&str>,
    done: &ResetDone,
) -> Outcome {
    let (project, user) = (person.project.as_str(), person.user.as_str());
    let handover = done
        .handover()
        .map(twofa::lifecycle::HandoverCode::expose_secret);
    out.result(
        || {
            let mut object = json!({"reset": true, "project": project, "user": user, "by": by});
            if let Some(object) = object.as_object_mut() {
                if let Some(ticket) = ticket {
                    object.insert("ticket".to_owned(), json!(ticket));
                }
                if let Some(fault) = done.recovered() {
                    object.insert("recovered".to_owned(), json!(true));
                    object.insert("fault".to_owned(), json!(fault.code()));
                }
                if let Some(handover) = handover {
                    object.insert("handover_code".to_owned(), json!(handover));
                }
                object.insert("warnings".to_owned(), json!(warning_codes(done.warnings())));
            }
            object
        },
        || {
            let mut text = format!("{user} is reset in {project}, and sets up anew at the next login.");
            if let Some(fault) = done.recovered() {
                push!(text, "\nTheir record could not be read and is made anew [{}]. What was found is kept, and on the record.", fault.code());
            }
            if let Some(handover) = handover {
                push!(text,
                    "\nThey will need this hand-over code, shown this once: {handover}\nPass it on by other means than the password would take."
                );
            }
            for warning in done.warnings() {
                push!(text, "\nwarning: {} [{}]", warning.sentence(), warning.code());
            }
            text
        },
    )?;
    Ok(Exit::Done)
}

/// A refusal, as the result of `what`.
fn deny(out: Output, opened: &Opened, what: &str, why: &Denied) -> Outcome {
    let now = opened.service.now();
    out.result(
        || {
            let mut object = json!({what: false, "reason": why.reason.code()});
            if let Some(object) = object.as_object_mut() {
                if why.retry_at.is_some() {
                    object.insert("retry_at".to_owned(), maybe(why.retry_at));
                }
                if let Some(off) = why.clock_off {
                    object.insert("clock_off".to_owned(), clock_object(off));
                }
            }
            object
        },
        || {
            let mut text = format!("Refused. {}", sentence(why.reason, why.clock_off));
            if let Some(at) = why.retry_at {
                push!(
                    text,
                    "\nThe next code is looked at in {}, at {at}.",
                    times::wait(at, now)
                );
            }
            if let Some(remedies) = why.remedies {
                text += &remedy_lines(remedies, now);
            }
            text
        },
    )?;
    Ok(Exit::Refused)
}
