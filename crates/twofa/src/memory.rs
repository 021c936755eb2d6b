//! A store and a directory in memory: for tests, examples and learning. Nothing outlives the process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twofa_lifecycle::{LoginHash, ParkedLogin, Summary, SummaryState};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::store::{
    Applied, ChainSpan, Change, Cut, Ends, EventQuery, FactorRow, Found, HeadRow, RecordRow,
    Remains, Resumed, Store, Stored, Subject, SubjectEvent, Tip,
};

mod chains;
#[cfg(feature = "testkit")]
mod hand;
mod people;

pub use people::MemoryDirectory;
use people::Projects;

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default, Clone)]
struct Tables {
    factors: BTreeMap<Subject, (Stored, Summary)>,
    logins: HashMap<LoginHash, (Subject, ParkedLogin)>,
    /// By their cursors, in the order of writing.
    events: BTreeMap<u64, SubjectEvent>,
    /// The cursors of each subject's events.
    chains: BTreeMap<Subject, Vec<u64>>,
    /// How far each chain was taken out, and what was laid down in its place.
    checkpoints: BTreeMap<Subject, (u64, Vec<u8>)>,
    /// How many notices each project has.
    notices: BTreeMap<ProjectId, u64>,
    projects: Projects,
    /// Damaged records that were recovered.
    damaged: BTreeMap<Subject, Vec<Stored>>,
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
    fn chain<'a>(&'a self, subject: &Subject) -> impl DoubleEndedIterator<Item = &'a SubjectEvent> {
        let places = self
            .chains
            .get(subject)
            .map_or([].as_slice(), Vec::as_slice)
            .iter();
        places.filter_map(|place| self.events.get(place))
    }

    fn last_event(&self, subject: &Subject) -> u64 {
        let last = self.chain(subject).next_back();
        last.map_or(0, |event| event.row.seq)
    }

    /// The version of the installation's record.
    fn installation(&self) -> u64 {
        let found = self.factors.get(&Subject::installation());
        found.map_or(0, |(stored, _)| stored.version)
    }

    fn found(&self, subject: &Subject) -> Found {
        let notices = subject
            .project()
            .and_then(|project| self.notices.get(project));
        Found {
            stored: self.factors.get(subject).map(|(stored, _)| stored.clone()),
            last_event: self.last_event(subject),
            last_notice: notices.copied().unwrap_or_default(),
        }
    }

    fn apply(&mut self, change: &Change) -> Result<Applied, MemoryStoreError> {
        let Some(recovery) = change.recovery.as_deref() else {
            return self.write(change, change.expected);
        };
        let lies = self.factors.get(&change.subject).map(|(stored, _)| stored);
        if lies != recovery.damaged.as_ref() {
            return Ok(Applied::Conflict);
        }
        // All of it or nothing.
        let mut after = self.clone();
        after.factors.remove(&change.subject);
        if let Some(damaged) = &recovery.damaged {
            let kept = after.damaged.entry(change.subject.clone()).or_default();
            kept.push(damaged.clone());
        }
        let mut applied = after.write(change, 0)?;
        if let (Applied::Committed, Some(twin)) = (applied, &recovery.twin) {
            applied = after.write(twin, twin.expected)?;
        }
        if applied == Applied::Committed {
            *self = after;
        }
        Ok(applied)
    }

    /// Writes a change where the record is of version `expected`.
    fn write(&mut self, change: &Change, expected: u64) -> Result<Applied, MemoryStoreError> {
        let found = self
            .factors
            .get(&change.subject)
            .map_or(0, |(stored, _)| stored.version);
        if found != expected {
            return Ok(Applied::Conflict);
        }
        if self.installation() != change.installation {
            return Ok(Applied::Stale);
        }
        let last = self.last_event(&change.subject);
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
            // The last event of all is never taken out.
            let cursor = self.horizon() + 1;
            self.chains
                .entry(change.subject.clone())
                .or_default()
                .push(cursor);
            let notice = match change.subject.project() {
                Some(project) if row.notice => {
                    let last = self.notices.entry(project.clone()).or_default();
                    *last += 1;
                    Some(*last)
                }
                _ => None,
            };
            let event = SubjectEvent {
                cursor,
                notice,
                subject: change.subject.clone(),
                row: row.clone(),
            };
            self.events.insert(cursor, event);
        }
        match change.ends {
            Ends::None => {}
            Ends::Counted(id) => {
                if let Some((_, login)) = self.logins.get_mut(&id) {
                    login.failures = login.failures.saturating_add(1);
                }
            }
            Ends::One(id) => {
                self.logins.remove(&id);
            }
            Ends::All => {
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
}

fn first<T>(limit: u32, rows: impl Iterator<Item = T>) -> Vec<T> {
    rows.take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect()
}

impl Store for MemoryStore {
    type Error = MemoryStoreError;

    async fn load(&self, subject: &Subject) -> Result<Found, Self::Error> {
        Ok(self.tables().found(subject))
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let tables = self.tables();
        Ok(tables.logins.get(login).map(|(subject, login)| Resumed {
            subject: subject.clone(),
            login: *login,
            found: tables.found(subject),
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
    ) -> Result<Vec<RecordRow>, Self::Error> {
        let tables = self.tables();
        let rows = tables
            .factors
            .iter()
            .filter(|(subject, _)| {
                project.is_none_or(|project| subject.project() == Some(project))
                    && after.is_none_or(|after| *subject > after)
            })
            .map(|(subject, (stored, summary))| RecordRow {
                subject: subject.clone(),
                stored: stored.clone(),
                summary: Some(*summary),
                last_event: tables.last_event(subject),
            });
        Ok(first(limit, rows))
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        let tables = self.tables();
        let orphans = tables.chains.keys().chain(tables.checkpoints.keys());
        let orphans: BTreeSet<&Subject> = orphans.collect();
        let orphans = orphans.into_iter().filter(|subject| {
            project.is_none_or(|project| subject.project() == Some(project))
                && after.is_none_or(|after| *subject > after)
                && !tables.factors.contains_key(subject)
        });
        Ok(first(limit, orphans.cloned()))
    }

    async fn remains(&self, subject: &Subject) -> Result<Remains, Self::Error> {
        let tables = self.tables();
        let parked = tables.logins.values().filter(|(of, _)| of == subject);
        let generation = parked.map(|(_, login)| login.generation).max();
        Ok(Remains {
            parked_generation: generation.unwrap_or_default(),
            damaged: tables.damaged.get(subject).cloned().unwrap_or_default(),
        })
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let tables = self.tables();
        let rows = tables.chain(subject).filter(|event| event.row.seq > after);
        Ok(first(limit, rows.cloned()))
    }

    async fn heads(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<HeadRow>, Self::Error> {
        let tables = self.tables();
        Ok(first(limit, tables.heads(project, after, up_to)))
    }

    async fn chains(
        &self,
        span: &ChainSpan<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let tables = self.tables();
        Ok(first(limit, tables.span(span).cloned()))
    }

    async fn checkpoint(&self, subject: &Subject) -> Result<Option<Vec<u8>>, Self::Error> {
        let tables = self.tables();
        let found = tables.checkpoints.get(subject);
        Ok(found.map(|(_, checkpoint)| checkpoint.clone()))
    }

    async fn cut(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Self::Error> {
        Ok(self.tables().cut(installation, cuts))
    }

    async fn events(
        &self,
        project: Option<&ProjectId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let tables = self.tables();
        let from = (Bound::Excluded(after), Bound::Unbounded);
        let rows = tables.events.range(from).map(|(_, event)| event);
        let of = |event: &&SubjectEvent| {
            project.is_none_or(|project| event.subject.project() == Some(project))
        };
        Ok(first(limit, rows.filter(of).cloned()))
    }

    async fn horizon(&self) -> Result<u64, Self::Error> {
        Ok(self.tables().horizon())
    }

    async fn latest(
        &self,
        project: &ProjectId,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let tables = self.tables();
        let rows = tables.events.values().rev().filter(|event| {
            event.subject.project() == Some(project)
                && which.before.is_none_or(|before| event.cursor < before)
                && which
                    .user
                    .is_none_or(|user| event.subject.user() == Some(user))
                && which.event.is_none_or(|code| event.row.event == code)
                && which.from.is_none_or(|from| event.row.at >= from)
                && which.until.is_none_or(|until| event.row.at < until)
        });
        Ok(first(limit, rows.cloned()))
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let tables = self.tables();
        let rows = tables.events.values().filter(|event| {
            event.subject.project() == Some(project)
                && event.notice.is_some_and(|notice| notice > after)
        });
        Ok(first(limit, rows.cloned()))
    }
}
