//! `member`: who belongs to a project.

use serde_json::json;
use twofa::Directory as _;
use twofa::policy::Role;
use twofa::types::{ProjectId, UserId};

use crate::args;
use crate::failure::{Exit, Failure, Outcome};
use crate::operator::operator;
use crate::output::Output;
use crate::store::Opened;

/// How many members are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn member(out: Output, opened: &Opened, command: &args::Member) -> Outcome {
    let service = &opened.service;
    match command {
        args::Member::Add {
            person,
            admin,
            operator: by,
        } => {
            let (role, by) = (role(*admin), operator(by.name.as_ref())?);
            let added = service.add_member(&person.project, &person.user, role, &by);
            added.await?;
            print(out, &person.project, &person.user, role)?;
        }
        args::Member::Set {
            person,
            role: set,
            operator: by,
        } => {
            let (role, by) = (role(set.admin), operator(by.name.as_ref())?);
            let changed = service.set_role(&person.project, &person.user, role, &by);
            changed.await?;
            print(out, &person.project, &person.user, role)?;
        }
        args::Member::Remove {
            person,
            operator: by,
        } => {
            let (project, user) = (&person.project, &person.user);
            let by = operator(by.name.as_ref())?;
            service.remove_member(project, user, &by).await?;
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
    let role = role.code();
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
