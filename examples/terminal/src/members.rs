//! `member`: who belongs to a project.

use serde_json::json;
use twofa::Directory as _;
use twofa::policy::Role;
use twofa::types::{ProjectId, UserId};

use crate::args;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::store::Opened;

/// How many members are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn member(out: Output, opened: &Opened, command: &args::Member) -> Outcome {
    match command {
        args::Member::Add { person, admin } => {
            let role = role(*admin);
            let added = opened
                .database
                .add_member(&person.project, &person.user, role);
            added.await?;
            print(out, &person.project, &person.user, role)?;
        }
        args::Member::Set { person, role: set } => {
            let role = role(set.admin);
            let changed = opened
                .database
                .set_role(&person.project, &person.user, role);
            changed.await?;
            print(out, &person.project, &person.user, role)?;
        }
        args::Member::Remove { person } => {
            let (project, user) = (&person.project, &person.user);
            opened.database.remove_member(project, user).await?;
            out.result(
                || json!({"removed": true, "project": project.as_str(), "user": user.as_str()}),
                || format!("{user} is no member of {project} any more"),
            )?;
        }
        args::Member::List { project } => list(out, opened, project).await?,
    }
    Ok(Exit::Done)
}

async fn list(out: Output, opened: &Opened, project: &ProjectId) -> Result<(), Failure> {
    opened.project(project).await?;
    let mut after: Option<UserId> = None;
    loop {
        let page = opened
            .database
            .members(project, after.as_ref(), PAGE)
            .await?;
        for (user, role) in &page {
            print(out, project, user, *role)?;
        }
        match page.last() {
            Some((user, _)) if u32::try_from(page.len()).is_ok_and(|read| read >= PAGE) => {
                after = Some(user.clone());
            }
            _ => return Ok(()),
        }
    }
}

fn print(out: Output, project: &ProjectId, user: &UserId, role: Role) -> Result<(), Failure> {
    let role = match role {
        Role::Administrator => "administrator",
        Role::Member => "member",
    };
    out.result(
        || json!({"project": project.as_str(), "user": user.as_str(), "role": role}),
        || format!("{:<32} {role} of {project}", user.as_str()),
    )
}

const fn role(admin: bool) -> Role {
    if admin {
        Role::Administrator
    } else {
        Role::Member
    }
}
