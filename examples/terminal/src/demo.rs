//! `demo`: the whole story, on the default store.

use twofa::policy::{ProjectSettings, Role};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Error, Project};

use crate::failure::{Exit, Failure, Outcome};
use crate::login::login;
use crate::operator::operator;
use crate::output::Output;
use crate::store::Opened;

/// 1 December 2022, 00:00 UTC.
const MANDATE: UnixTime = UnixTime::from_secs(1_669_852_800);

/// Makes the project and its administrator where they are not there yet, and signs the administrator in.
pub(crate) async fn demo(out: Output, opened: &Opened, email: &UserId) -> Outcome {
    let project = ProjectId::new("demo").map_err(|e| Failure::usage("name", e.to_string()))?;
    let settings = ProjectSettings::mandatory_from(MANDATE);
    let issuer = Some("twofa demo".to_owned());
    let by = operator(None)?;
    let project_made = Project { settings, issuer };
    let service = &opened.service;
    match service.add_project(&project, &project_made, &by).await {
        Ok(()) => tell(
            out,
            &format!(
                "Made the project \"demo\", where two-factor authentication is mandatory from {MANDATE}."
            ),
        )?,
        Err(Error::DuplicateProject(_)) => {}
        Err(e) => return Err(e.into()),
    }
    let role = Role::Administrator;
    match service.add_member(&project, email, role, &by).await {
        Ok(()) => tell(out, &format!("Made {email} its administrator.\n"))?,
        Err(Error::DuplicateMember(_)) => {}
        Err(e) => return Err(e.into()),
    }
    tell(
        out,
        &format!("Signing in {email}; the password was right. What next?"),
    )?;
    let outcome = login(out, &opened.service, &project, email, false).await?;
    if outcome == Exit::Done {
        tell(
            out,
            "\nRun this again at any time: it now asks for the next code alone.",
        )?;
    }
    Ok(outcome)
}

fn tell(out: Output, text: &str) -> Result<(), Failure> {
    if out.json { Ok(()) } else { out.line(text) }
}
