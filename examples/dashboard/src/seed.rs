//! A project and people to try it with, on an empty database.

use twofa::Project;
use twofa::lifecycle::Actor;
use twofa::policy::{Handover, PasswordUnderSso, ProjectSettings, Role, Sso};
use twofa::types::{ProjectId, UnixTime};

use crate::accounts::Account;
use crate::app::{App, StartError};
use crate::say;

/// 1 December 2022, 00:00:00 UTC.
const MANDATE: UnixTime = UnixTime::from_secs(1_669_852_800);

/// Makes the projects `acme` (mandatory), `harbor` (mandatory, with hand-over codes) and, where a provider is
/// named, `globex` (single sign-on), with people in them, and says their passwords this once.
///
/// # Errors
///
/// When the database fails.
pub async fn if_empty(app: &App) -> Result<(), StartError> {
    if !app.accounts.is_empty().await? {
        return Ok(());
    }
    let (twofa, by) = (&app.twofa, Actor::operator("dashboard".parse()?));
    let mandatory = ProjectSettings::mandatory_from(MANDATE);
    let mut projects = vec![
        ("acme", "Acme", mandatory),
        (
            "harbor",
            "Harbor",
            mandatory.with_handover(Handover::Required),
        ),
    ];
    if app.sso.is_some() {
        let sso = Sso::On(PasswordUnderSso::Challenge);
        projects.push(("globex", "Globex", mandatory.with_sso(sso)));
    }
    say("A new database. These accounts are in it; their passwords are shown this once:");
    for (id, issuer, settings) in projects {
        let project: ProjectId = id.parse()?;
        let entry = Project {
            settings,
            issuer: Some(issuer.to_owned()),
        };
        twofa.add_project(&project, &entry, &by).await?;
        for (name, role) in [
            ("admin", Role::Administrator),
            ("second", Role::Administrator),
            ("ann", Role::Member),
            ("ben", Role::Member),
        ] {
            let account = Account {
                project: project.clone(),
                user: format!("{name}@{id}.example").parse()?,
            };
            let password = password().map_err(|_| twofa::Error::Random)?;
            app.accounts.add(&account, &password).await?;
            twofa.add_member(&project, &account.user, role, &by).await?;
            let what = role.code();
            say(&format!(
                "  {:<24} {password}   {what} of {project}",
                account.user
            ));
        }
    }
    Ok(())
}

/// 80 random bits, in letters that can be typed.
fn password() -> Result<String, rand::rngs::SysError> {
    let mut random = [0_u8; 10];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut random)?;
    let hex = base16ct::lower::encode_string(&random);
    let groups: Vec<_> = hex
        .as_bytes()
        .chunks(5)
        .map(String::from_utf8_lossy)
        .collect();
    Ok(groups.join("-"))
}
