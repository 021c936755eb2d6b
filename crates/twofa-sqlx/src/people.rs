//! Projects and members, for applications that have no tables of their own for them: the same on both databases.

use twofa::policy::{Handover, Role, SelfReset};
use twofa::types::{ProjectId, UserId};
use twofa::{Project, Standing};

use crate::rows::{self, MemberLine, ProjectRow};
use crate::shared::Value::{self, Flag, MaybeNumber, MaybeText, Number, Text};
use crate::shared::{Backend, SqlStore};
use crate::{Error, sql};

impl<B: Backend> twofa::Directory for SqlStore<B> {
    type Error = Error;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Error> {
        let values = [Text(project.as_str()), Text(user.as_str())];
        self.one(sql::STANDING, &values, rows::standing).await
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Error> {
        let values = [Text(project.as_str())];
        let found = self.one(sql::PROJECT, &values, rows::project).await?;
        Ok(found.map(|(_, project)| project))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Error> {
        let after = after.map_or("", UserId::as_str);
        let span = (sql::MEMBERS, Some(project.as_str()), after);
        self.readable(span, limit, |row: &MemberLine| &row.0, rows::member)
            .await
    }
}

/// Keeping projects and members, for applications that have no tables of their own for them. Whether
/// the caller may do so is not asked here.
impl<B: Backend> SqlStore<B> {
    /// Adds a project.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateProject`] when there is one of this id, which stays as it is.
    pub async fn add_project(&self, id: &ProjectId, project: &Project) -> Result<(), Error> {
        match self.write_project(sql::ADD_PROJECT, id, project).await {
            Err(error) if error.is_duplicate() => {
                Err(Error::DuplicateProject(Box::new(id.clone())))
            }
            other => other.map(drop),
        }
    }

    /// Replaces a project's settings and issuer. Counts from the next decision on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`] when there is none of this id.
    pub async fn set_project(&self, id: &ProjectId, project: &Project) -> Result<(), Error> {
        let written = self.write_project(sql::SET_PROJECT, id, project).await?;
        found(written, || Error::UnknownProject(Box::new(id.clone())))
    }

    async fn write_project(
        &self,
        statement: &'static str,
        id: &ProjectId,
        project: &Project,
    ) -> Result<u64, Error> {
        let settings = &project.settings;
        let values = [
            Text(id.as_str()),
            MaybeNumber(rows::mandate_in(settings)),
            Text(settings.sso().code()),
            Flag(settings.handover() == Handover::Required),
            Flag(settings.self_reset() == SelfReset::Allowed),
            Number(settings.step_up_age().into()),
            MaybeText(project.issuer.as_deref()),
        ];
        self.0.run(statement, &values).await
    }

    /// The projects by id, after `after`, at most `limit`. One whose row cannot be read is left out; whoever asks for it
    /// is told.
    ///
    /// # Errors
    ///
    /// Trouble with the database.
    pub async fn list_projects(
        &self,
        after: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<(ProjectId, Project)>, Error> {
        let span = (sql::PROJECTS, None, after.map_or("", ProjectId::as_str));
        let readable = |row| rows::project(row).ok();
        self.readable(span, limit, |row: &ProjectRow| &row.0, readable)
            .await
    }

    /// Takes a person into a project.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], or [`Error::DuplicateMember`] when they are in it, whose role stays.
    pub async fn add_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
    ) -> Result<(), Error> {
        let values = member(project, user, role);
        match self.0.run(sql::ADD_MEMBER, &values).await {
            Ok(0) => Err(Error::UnknownProject(Box::new(project.clone()))),
            Err(error) if error.is_duplicate() => Err(Error::DuplicateMember {
                project: Box::new(project.clone()),
                user: Box::new(user.clone()),
            }),
            other => other.map(drop),
        }
    }

    /// Changes what a member is. Counts from the next decision on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMember`] when they are not in the project.
    pub async fn set_role(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
    ) -> Result<(), Error> {
        let values = member(project, user, role);
        let written = self.0.run(sql::SET_ROLE, &values).await?;
        found(written, || unknown_member(project, user))
    }

    /// Takes a person out of a project. Their factor and its events stay: they are asked for again should
    /// the person come back.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMember`] when they are not in the project.
    pub async fn remove_member(&self, project: &ProjectId, user: &UserId) -> Result<(), Error> {
        let values = [Text(project.as_str()), Text(user.as_str())];
        let removed = self.0.run(sql::REMOVE_MEMBER, &values).await?;
        found(removed, || unknown_member(project, user))
    }
}

/// An error where a statement found no row to change.
fn found(rows: u64, none: impl FnOnce() -> Error) -> Result<(), Error> {
    if rows == 0 { Err(none()) } else { Ok(()) }
}

fn member<'a>(project: &'a ProjectId, user: &'a UserId, role: Role) -> [Value<'a>; 3] {
    [
        Text(project.as_str()),
        Text(user.as_str()),
        Text(rows::role_code(role)),
    ]
}

fn unknown_member(project: &ProjectId, user: &UserId) -> Error {
    Error::UnknownMember {
        project: Box::new(project.clone()),
        user: Box::new(user.clone()),
    }
}
