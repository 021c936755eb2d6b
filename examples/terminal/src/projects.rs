//! `project`: adding, changing and listing projects and their rules.

use serde_json::{Value, json};
use twofa::Project;
use twofa::policy::{Handover, Mandate, Passes, ProjectSettings};
use twofa::types::ProjectId;

use crate::args::{self, OnOff, RuleOptions};
use crate::failure::{Exit, Failure, Outcome};
use crate::operator::operator;
use crate::output::{Output, printable, push, warning_codes};
use crate::store::Opened;

/// How many projects are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn project(out: Output, opened: &Opened, command: &args::Project) -> Outcome {
    match command {
        args::Project::Add {
            project,
            rules,
            operator: by,
        } => {
            let added = Project {
                settings: rules.options.apply(ProjectSettings::new()),
                issuer: rules.issuer.clone(),
            };
            let by = operator(by.name.as_ref())?;
            opened.service.add_project(project, &added, &by).await?;
            print(out, project, &added)?;
        }
        args::Project::Set {
            project,
            rules,
            operator: by,
        } => {
            let before = opened.project(project).await?;
            let after = Project {
                settings: rules.options.apply(before.settings),
                issuer: rules.issuer.clone().or(before.issuer),
            };
            let by = operator(by.name.as_ref())?;
            opened.service.set_project(project, &after, &by).await?;
            print(out, project, &after)?;
        }
        args::Project::List => list(out, opened).await?,
    }
    Ok(Exit::Done)
}

async fn list(out: Output, opened: &Opened) -> Result<(), Failure> {
    let mut after: Option<ProjectId> = None;
    loop {
        let page = opened.database.list_projects(after.as_ref(), PAGE).await?;
        for (id, project) in &page {
            print(out, id, project)?;
        }
        match page.last() {
            Some((id, _)) if u32::try_from(page.len()).is_ok_and(|read| read >= PAGE) => {
                after = Some(id.clone());
            }
            _ => return Ok(()),
        }
    }
}

fn print(out: Output, id: &ProjectId, project: &Project) -> Result<(), Failure> {
    let settings = &project.settings;
    let from = match settings.mandate() {
        Mandate::Optional => None,
        Mandate::From(from) => Some(from),
    };
    let handover = settings.handover() == Handover::Required;
    let warnings = settings.warnings();
    out.result(
        || -> Value {
            json!({
                "project": id.as_str(),
                "mandatory_from": crate::output::maybe(from),
                "sso": settings.sso().code(),
                "issuer": project.issuer,
                "handover": handover,
                "warnings": warning_codes(warnings),
            })
        },
        || {
            let mut text = match from {
                Some(from) => format!("{id}: two-factor authentication mandatory from {from}"),
                None => format!("{id}: two-factor authentication optional"),
            };
            push!(text, ", single sign-on {}", settings.sso().code());
            if handover {
                text += ", hand-over code after a reset";
            }
            if let Some(issuer) = &project.issuer {
                push!(text, ", shown as \"{}\"", printable(issuer));
            }
            for warning in warnings {
                push!(
                    text,
                    "\n  warning: {} [{}]",
                    warning.sentence(),
                    warning.code()
                );
            }
            text
        },
    )
}

impl RuleOptions {
    /// Settings with those changed that were given.
    pub(crate) fn apply(&self, mut settings: ProjectSettings) -> ProjectSettings {
        if self.optional {
            settings = settings.with_mandate(Mandate::Optional);
        }
        if let Some(from) = self.mandatory_from {
            settings = settings.with_mandate(Mandate::From(from));
        }
        if let Some(sso) = self.sso {
            settings = settings.with_sso(sso.into());
        }
        if let Some(passed) = self.passed {
            settings = settings.with_passes(match passed {
                OnOff::On => Passes::Recorded,
                OnOff::Off => Passes::NotRecorded,
            });
        }
        if self.handover {
            settings = settings.with_handover(Handover::Required);
        }
        if self.no_handover {
            settings = settings.with_handover(Handover::NotRequired);
        }
        settings
    }
}
