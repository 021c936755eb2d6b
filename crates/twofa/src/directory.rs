//! Where the service asks who belongs to a project, and by which rules it lives: [`Directory`].

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use twofa_lifecycle::Listed;
use twofa_policy::{ProjectSettings, Role};
use twofa_types::{ProjectId, UserId};

/// A project, as far as two-factor authentication cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its rules.
    pub settings: ProjectSettings,
    /// The name that authenticator apps show above the code; the service's own issuer when `None`.
    pub issuer: Option<String>,
}

/// A person's place in a project, read at the moment it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The project.
    pub project: Project,
    /// What they are in it; `None` for someone who is no member.
    pub role: Option<Role>,
}

/// The application's own knowledge of projects and members. Read at every decision and never cached, so that
/// a demotion or a changed setting counts from the next call on.
pub trait Directory: Send + Sync {
    /// Trouble with the directory.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A project and a person's role in it; `None` when there is no such project.
    fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> impl Future<Output = Result<Option<Standing>, Self::Error>> + Send;

    /// A project; `None` when there is no such project.
    fn project(
        &self,
        project: &ProjectId,
    ) -> impl Future<Output = Result<Option<Project>, Self::Error>> + Send;

    /// The members of a project by user id, after `after`, at most `limit`.
    fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(UserId, Role)>, Self::Error>> + Send;
}

/// What is kept with a project's own record of what the directory says of it.
pub(crate) fn of_project(project: &Project) -> Listed {
    let issuer = match &project.issuer {
        Some(issuer) => format!(" issuer={issuer}"),
        None => String::new(),
    };
    digest(format_args!("project {}{issuer}", project.settings))
}

/// The same of a person, with a member's record.
pub(crate) fn of_member(role: Option<Role>) -> Listed {
    digest(format_args!("role {}", role.map_or("none", Role::code)))
}

fn digest(said: fmt::Arguments<'_>) -> Listed {
    let text = format!("twofa/listed/{said}");
    Listed::from_bytes(Sha256::digest(text.as_bytes()).into())
}

/// A directory that many share.
impl<D: Directory> Directory for Arc<D> {
    type Error = D::Error;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Self::Error> {
        D::standing(self, project, user).await
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Self::Error> {
        D::project(self, project).await
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Self::Error> {
        D::members(self, project, after, limit).await
    }
}
