//! Projects and members, for applications that have no tables of their own for them: the same on both databases.

use twofa::policy::{Handover, Passes, Role, SelfReset};
use twofa::types::{ProjectId, UserId};
use twofa::{Applied, Change, Listing, Project, Standing};

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
        let statement = self.of_version(sql::STANDING);
        self.one(statement, &values, rows::standing).await
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Error> {
        let values = [Text(project.as_str())];
        let statement = self.of_version(sql::PROJECT);
        let found = self.one(statement, &values, rows::project).await?;
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

impl<B: Backend> twofa::People for SqlStore<B> {
    async fn apply_with(&self, change: &Change, listing: &Listing<'_>) -> Result<Applied, Error> {
        let subject = &change.subject;
        let (project, user) = (Text(subject.project_key()), Text(subject.user_key()));
        if matches!(listing, Listing::AddProject(_) | Listing::SetProject(_)) {
            self.is_current()?;
        }
        let (statement, values) = match *listing {
            Listing::AddProject(listed) => (sql::ADD_PROJECT, rules(project, listed)),
            Listing::SetProject(listed) => (sql::SET_PROJECT, rules(project, listed)),
            Listing::AddMember(role) => (sql::ADD_MEMBER, vec![project, user, Text(role.code())]),
            Listing::SetRole(role) => (sql::SET_ROLE, vec![project, user, Text(role.code())]),
            Listing::RemoveMember => (sql::REMOVE_MEMBER, vec![project, user]),
        };
        self.write(change, Some((statement, &values))).await
    }
}

impl<B: Backend> SqlStore<B> {
    fn of_version(&self, [current, older]: [&'static str; 2]) -> &'static str {
        let (found, known) = self.0.versions();
        if found < known { older } else { current }
    }

    /// Whether the tables have all that this version writes.
    pub(crate) fn is_current(&self) -> Result<(), Error> {
        match self.0.versions() {
            (found, known) if found < known => Err(Error::OlderSchema { found, known }),
            _ => Ok(()),
        }
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
        let statement = self.of_version(sql::PROJECTS);
        let span = (statement, None, after.map_or("", ProjectId::as_str));
        let readable = |row| rows::project(row).ok();
        self.readable(span, limit, |row: &ProjectRow| &row.0, readable)
            .await
    }
}

/// A project's row.
fn rules<'a>(id: Value<'a>, project: &'a Project) -> Vec<Value<'a>> {
    let settings = &project.settings;
    vec![
        id,
        MaybeNumber(rows::mandate_in(settings)),
        Text(settings.sso().code()),
        Flag(settings.handover() == Handover::Required),
        Flag(settings.self_reset() == SelfReset::Allowed),
        Number(settings.step_up_age().into()),
        Flag(settings.passes() == Passes::Recorded),
        MaybeText(project.issuer.as_deref()),
    ]
}
