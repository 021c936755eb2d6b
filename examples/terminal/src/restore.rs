//! `restore-check`: after a backup was restored.

use std::path::Path;

use serde_json::json;
use twofa::types::Name;
use twofa::{Authorized, Behind};

use crate::exported::{self, key, whose};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, printable};
use crate::store::Opened;

/// Names everyone whose events went further than the store knows. With an operator and a ticket, voids every proof
/// from before and resets them.
pub(crate) async fn check(
    out: Output,
    opened: &Opened,
    events: &Path,
    by: Option<(&Name, &Name)>,
) -> Outcome {
    let exported = exported::read(events)?;
    let behind = opened.service.restore_check(exported).await?;
    for found in &behind {
        print(out, found)?;
    }
    let mut reset: u64 = 0;
    if let Some((operator, ticket)) = by {
        // First: whoever comes in by a proof from before could undo the rest.
        opened.service.void_proofs(operator, ticket).await?;
        for found in &behind {
            reset += u64::from(reset_one(out, opened, found, operator, ticket).await?);
        }
    }
    let count = behind.len();
    let voided = by.is_some();
    out.result(
        || json!({"behind": count, "reset": reset, "proofs_voided": voided}),
        || match (count, voided) {
            (0, false) => "Nobody went further since.".to_owned(),
            (_, false) => format!(
                "{count} went further since the backup was made. Reset them before they sign in: --reset --operator NAME --ticket T"
            ),
            (_, true) => format!("{reset} of {count} reset. Every proof from before is void."),
        },
    )?;
    Ok(if count == 0 || voided {
        Exit::Done
    } else {
        Exit::Refused
    })
}

fn print(out: Output, found: &Behind) -> Result<(), Failure> {
    let Behind {
        subject,
        exported,
        stored,
    } = found;
    out.result(
        || {
            json!({"behind": {
                "project": key(subject.project_key()),
                "user": key(subject.user_key()),
                "exported": exported,
                "stored": stored,
            }})
        },
        || {
            let who = whose(subject);
            printable(&format!(
                "{who}: {exported} events were exported, {stored} are there"
            ))
        },
    )
}

/// Whether there was something to reset, and it was.
async fn reset_one(
    out: Output,
    opened: &Opened,
    found: &Behind,
    operator: &Name,
    ticket: &Name,
) -> Result<bool, Failure> {
    let (Some(project), Some(user)) = (found.subject.project(), found.subject.user()) else {
        return Ok(false);
    };
    let (operator, ticket) = (operator.as_str(), ticket.as_str());
    let done = opened
        .service
        .support_reset(project, user, operator, ticket)
        .await?;
    let (project, user) = (project.as_str(), user.as_str());
    match done {
        Authorized::Granted(done) => {
            let handover = done
                .handover()
                .map(twofa::lifecycle::HandoverCode::expose_secret);
            out.result(
                || {
                    let mut object = json!({"reset": true, "project": project, "user": user});
                    if let (Some(object), Some(code)) = (object.as_object_mut(), handover) {
                        object.insert("handover_code".to_owned(), json!(code));
                    }
                    object
                },
                || {
                    let code = handover.map_or_else(String::new, |code| {
                        format!("; their hand-over code, shown this once: {code}")
                    });
                    format!("{user} is reset in {project}{code}")
                },
            )?;
            Ok(true)
        }
        Authorized::Refused(refusal) => {
            let reason = refusal.reason();
            out.result(
                || json!({"reset": false, "project": project, "user": user, "reason": reason.code()}),
                || format!("{user} in {project}: {} [{}]", reason.sentence(), reason.code()),
            )?;
            Ok(false)
        }
    }
}
