//! A store and a directory in memory: for tests, examples and learning. Nothing outlives the process.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twofa_lifecycle::{LoginEffect, LoginHash, ParkedLogin, Summary, SummaryState};
use twofa_policy::{ProjectSettings, Role};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::directory::{Directory, Project, Standing};
use crate::store::{
    Applied, AuditRow, Change, FactorRow, Resumed, Store, Stored, Subject, SubjectEvent,
};

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    factors: BTreeMap<Subject, (Stored, Summary)>,
    logins: HashMap<LoginHash, (Subject, ParkedLogin)>,
    /// In the order of writing: an event's cursor is its index plus one.
    events: Vec<SubjectEvent>,
    /// Where each subject's events stand in `events`.
    chains: BTreeMap<Subject, Vec<usize>>,
}

/// The store refuses to append an event that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryStoreError {
    /// The record was rolled back behind its own events.
    #[error("event {seq} of this factor exists already: its record was rolled back")]
    EventExists {
        /// Its number.
        seq: u64,
    },
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Every write is whole before the lock is given back, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn chain<'a>(&'a self, subject: &Subject) -> impl DoubleEndedIterator<Item = &'a AuditRow> {
        let places = self
            .chains
            .get(subject)
            .map_or([].as_slice(), Vec::as_slice)
            .iter();
        places
            .filter_map(|place| self.events.get(*place))
            .map(|event| &event.row)
    }

    fn apply(&mut self, change: &Change) -> Result<Applied, MemoryStoreError> {
        let found = self
            .factors
            .get(&change.subject)
            .map_or(0, |(stored, _)| stored.version);
        if found != change.expected {
            return Ok(Applied::Conflict);
        }
        let installation = self.factors.get(&Subject::installation());
        if installation.map_or(0, |(stored, _)| stored.version) != change.installation {
            return Ok(Applied::Stale);
        }
        let last = self
            .chain(&change.subject)
            .next_back()
            .map_or(0, |row| row.seq);
        if let Some(event) = change.events.iter().find(|event| event.seq <= last) {
            return Err(MemoryStoreError::EventExists { seq: event.seq });
        }
        let stored = Stored {
            version: change.expected + 1,
            record: change.record.clone(),
        };
        self.factors
            .insert(change.subject.clone(), (stored, change.summary));
        for row in &change.events {
            self.chains
                .entry(change.subject.clone())
                .or_default()
                .push(self.events.len());
            self.events.push(SubjectEvent {
                subject: change.subject.clone(),
                row: row.clone(),
            });
        }
        match &change.login {
            Some((_, LoginEffect::Keep)) | None => {}
            Some((id, LoginEffect::CountFailure)) => {
                if let Some((_, login)) = self.logins.get_mut(id) {
                    login.failures = login.failures.saturating_add(1);
                }
            }
            Some((id, LoginEffect::End)) => {
                self.logins.remove(id);
            }
            Some((_, LoginEffect::EndAll)) => {
                self.logins
                    .retain(|_, (subject, _)| *subject != change.subject);
            }
        }
        if let Some(login) = &change.park {
            self.logins
                .insert(login.id, (change.subject.clone(), *login));
        }
        Ok(Applied::Committed)
    }

    fn events_of<'a>(
        &'a self,
        project: &'a ProjectId,
        after: u64,
    ) -> impl Iterator<Item = (u64, SubjectEvent)> + 'a {
        (1_u64..)
            .zip(&self.events)
            .filter(move |(cursor, event)| {
                *cursor > after && event.subject.project() == Some(project)
            })
            .map(|(cursor, event)| (cursor, event.clone()))
    }
}

fn first<T>(limit: u32, rows: impl Iterator<Item = T>) -> Vec<T> {
    rows.take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect()
}

impl Store for MemoryStore {
    type Error = MemoryStoreError;

    async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Self::Error> {
        Ok(self
            .tables()
            .factors
            .get(subject)
            .map(|(stored, _)| stored.clone()))
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let tables = self.tables();
        Ok(tables.logins.get(login).map(|(subject, login)| Resumed {
            subject: subject.clone(),
            login: *login,
            stored: tables
                .factors
                .get(subject)
                .map(|(stored, _)| stored.clone()),
        }))
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Self::Error> {
        self.tables().apply(change)
    }

    async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Self::Error> {
        self.tables()
            .logins
            .insert(login.id, (subject.clone(), *login));
        Ok(())
    }

    async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Self::Error> {
        let mut tables = self.tables();
        let expired = tables
            .logins
            .iter()
            .filter(|(_, (_, login))| login.expires < before);
        let ids = first(limit, expired.map(|(id, _)| *id));
        for id in &ids {
            tables.logins.remove(id);
        }
        Ok(ids.len().try_into().unwrap_or(u64::MAX))
    }

    async fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<FactorRow>, Self::Error> {
        let tables = self.tables();
        let rows = tables.factors.iter().filter_map(|(subject, (_, summary))| {
            let user = subject
                .user()
                .filter(|user| after.is_none_or(|after| *user > after))?;
            let listed = subject.project() == Some(project) && summary.state != SummaryState::None;
            listed.then(|| FactorRow {
                user: user.clone(),
                summary: *summary,
            })
        });
        Ok(first(limit, rows))
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<(Subject, Stored)>, Self::Error> {
        let tables = self.tables();
        let rows = tables
            .factors
            .iter()
            .filter(|(subject, _)| {
                project.is_none_or(|project| subject.project() == Some(project))
                    && after.is_none_or(|after| *subject > after)
            })
            .map(|(subject, (stored, _))| (subject.clone(), stored.clone()));
        Ok(first(limit, rows))
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        let tables = self.tables();
        let mut subjects: Vec<_> = tables
            .events
            .iter()
            .map(|event| &event.subject)
            .filter(|subject| {
                project.is_none_or(|project| subject.project() == Some(project))
                    && !tables.factors.contains_key(subject)
            })
            .cloned()
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        Ok(first(limit, subjects.into_iter()))
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Self::Error> {
        let tables = self.tables();
        Ok(first(
            limit,
            tables.chain(subject).filter(|row| row.seq > after).cloned(),
        ))
    }

    async fn project_events(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        Ok(first(limit, self.tables().events_of(project, after)))
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        let tables = self.tables();
        Ok(first(
            limit,
            tables
                .events_of(project, after)
                .filter(|(_, event)| event.row.notice),
        ))
    }
}

/// A [`Directory`] in memory.
#[derive(Debug, Default)]
pub struct MemoryDirectory(Mutex<Projects>);

type Projects = BTreeMap<ProjectId, (Project, BTreeMap<UserId, Role>)>;

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
        let (entry, _) = projects.entry(project.clone()).or_insert_with(|| {
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
        if let Some((_, members)) = self.projects().get_mut(project) {
            members.insert(user.clone(), role);
        }
    }

    /// Takes a member out of a project.
    pub fn remove_member(&self, project: &ProjectId, user: &UserId) {
        if let Some((_, members)) = self.projects().get_mut(project) {
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
        Ok(self
            .projects()
            .get(project)
            .map(|(project, members)| Standing {
                project: project.clone(),
                role: members.get(user).copied(),
            }))
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Infallible> {
        Ok(self
            .projects()
            .get(project)
            .map(|(project, _)| project.clone()))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        let projects = self.projects();
        let members = projects
            .get(project)
            .into_iter()
            .flat_map(|(_, members)| members);
        let rows = members
            .filter(|(user, _)| after.is_none_or(|after| *user > after))
            .map(|(user, role)| (user.clone(), *role));
        Ok(first(limit, rows))
    }
}
