//! Projects and members in memory: a directory by itself, and as a store keeps it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twofa_policy::{ProjectSettings, Role};
use twofa_types::{ProjectId, UserId};

use super::{MemoryStore, MemoryStoreError, first};
use crate::directory::{Directory, Project, Standing};
use crate::store::{Applied, Change, Listing, People, Subject};

/// A [`Directory`] in memory, for applications whose store does not keep one: in tests.
#[derive(Debug, Default)]
pub struct MemoryDirectory(Mutex<Projects>);

#[derive(Debug, Default, Clone)]
pub(super) struct Projects(BTreeMap<ProjectId, (Project, BTreeMap<UserId, Role>)>);

impl Projects {
    fn project(&self, project: &ProjectId) -> Option<Project> {
        self.0.get(project).map(|(project, _)| project.clone())
    }

    fn standing(&self, project: &ProjectId, user: &UserId) -> Option<Standing> {
        self.0.get(project).map(|(project, members)| Standing {
            project: project.clone(),
            role: members.get(user).copied(),
        })
    }

    fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Vec<(UserId, Role)> {
        let members = self
            .0
            .get(project)
            .into_iter()
            .flat_map(|(_, members)| members);
        let rows = members
            .filter(|(user, _)| after.is_none_or(|after| *user > after))
            .map(|(user, role)| (user.clone(), *role));
        first(limit, rows)
    }

    /// Whether the rows are as a listing takes them to be.
    fn admit(&self, subject: &Subject, listing: &Listing<'_>) -> bool {
        let there = subject.project().and_then(|project| self.0.get(project));
        let role = subject
            .user()
            .zip(there)
            .and_then(|(user, (_, members))| members.get(user));
        match listing {
            Listing::AddProject(_) => there.is_none(),
            Listing::SetProject(_) => there.is_some(),
            Listing::AddMember(_) => there.is_some() && role.is_none(),
            Listing::SetRole(_) | Listing::RemoveMember => role.is_some(),
        }
    }

    fn list(&mut self, subject: &Subject, listing: &Listing<'_>) {
        let Some(id) = subject.project() else {
            return;
        };
        if let Listing::AddProject(project) = listing {
            self.0
                .insert(id.clone(), ((*project).clone(), BTreeMap::new()));
        }
        let Some((there, members)) = self.0.get_mut(id) else {
            return;
        };
        match (listing, subject.user()) {
            (Listing::SetProject(project), _) => there.clone_from(project),
            (Listing::AddMember(role) | Listing::SetRole(role), Some(user)) => {
                members.insert(user.clone(), *role);
            }
            (Listing::RemoveMember, Some(user)) => {
                members.remove(user);
            }
            _ => {}
        }
    }
}

impl MemoryDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    fn projects(&self) -> MutexGuard<'_, Projects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a project, or changes the settings of one that is there.
    pub fn set_project(&self, project: &ProjectId, settings: ProjectSettings) {
        let mut projects = self.projects();
        let (entry, _) = projects.0.entry(project.clone()).or_insert_with(|| {
            (
                Project {
                    settings,
                    issuer: None,
                },
                BTreeMap::new(),
            )
        });
        entry.settings = settings;
    }

    /// Adds a member, or changes what they are. Without the project, nothing happens.
    pub fn set_member(&self, project: &ProjectId, user: &UserId, role: Role) {
        if let Some((_, members)) = self.projects().0.get_mut(project) {
            members.insert(user.clone(), role);
        }
    }

    /// Takes a member out of a project.
    pub fn remove_member(&self, project: &ProjectId, user: &UserId) {
        if let Some((_, members)) = self.projects().0.get_mut(project) {
            members.remove(user);
        }
    }
}

impl Directory for MemoryDirectory {
    type Error = Infallible;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Infallible> {
        Ok(self.projects().standing(project, user))
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Infallible> {
        Ok(self.projects().project(project))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        Ok(self.projects().members(project, after, limit))
    }
}

/// The projects and members that the store keeps itself.
impl Directory for MemoryStore {
    type Error = Infallible;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Infallible> {
        Ok(self.tables().projects.standing(project, user))
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Infallible> {
        Ok(self.tables().projects.project(project))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        Ok(self.tables().projects.members(project, after, limit))
    }
}

impl People for MemoryStore {
    async fn apply_with(
        &self,
        change: &Change,
        listing: &Listing<'_>,
    ) -> Result<Applied, MemoryStoreError> {
        let mut tables = self.tables();
        if !tables.projects.admit(&change.subject, listing) {
            return Ok(Applied::Conflict);
        }
        let applied = tables.apply(change)?;
        if applied == Applied::Committed {
            tables.projects.list(&change.subject, listing);
        }
        Ok(applied)
    }
}
