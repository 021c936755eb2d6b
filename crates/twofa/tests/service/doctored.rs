//! A hand in the database: a store whose rows somebody has edited.

use std::sync::Arc;

use twofa::lifecycle::LoginHash;
use twofa::types::ProjectId;
use twofa::{
    AuditRow, MemoryStore, MemoryStoreError, Resumed, Store, Stored, Subject, forward_store,
};

type Chains = Box<dyn Fn(&Subject, Vec<AuditRow>) -> Vec<AuditRow> + Send + Sync>;
type Records = Box<dyn Fn(&Subject, Stored) -> Option<Stored> + Send + Sync>;

/// What is read of `inner`, edited.
pub(crate) struct Doctored {
    inner: Arc<MemoryStore>,
    chains: Chains,
    records: Records,
}

impl Doctored {
    pub(crate) fn chains(
        inner: Arc<MemoryStore>,
        edit: impl Fn(&Subject, Vec<AuditRow>) -> Vec<AuditRow> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner,
            chains: Box::new(edit),
            records: Box::new(|_, stored| Some(stored)),
        }
    }

    pub(crate) fn records(
        inner: Arc<MemoryStore>,
        edit: impl Fn(&Subject, Stored) -> Option<Stored> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner,
            chains: Box::new(|_, rows| rows),
            records: Box::new(edit),
        }
    }
}

impl Store for Doctored {
    type Error = MemoryStoreError;

    async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Self::Error> {
        let stored = self.inner.load(subject).await?;
        Ok(stored.and_then(|stored| (self.records)(subject, stored)))
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let resumed = self.inner.resume(login).await?;
        Ok(resumed.map(|resumed| Resumed {
            stored: resumed
                .stored
                .and_then(|stored| (self.records)(&resumed.subject, stored)),
            ..resumed
        }))
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<(Subject, Stored)>, Self::Error> {
        let page = self.inner.subjects(project, after, limit).await?;
        let edited = page.into_iter().filter_map(|(subject, stored)| {
            (self.records)(&subject, stored).map(|stored| (subject, stored))
        });
        Ok(edited.collect())
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        let mut orphans = Vec::new();
        for (subject, stored) in self.inner.subjects(project, None, u32::MAX).await? {
            let gone = (self.records)(&subject, stored).is_none();
            if gone && !self.chain(&subject, 0, 1).await?.is_empty() {
                orphans.push(subject);
            }
        }
        orphans.truncate(usize::try_from(limit).unwrap());
        Ok(orphans)
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Self::Error> {
        let rows = self.inner.chain(subject, 0, u32::MAX).await?;
        let mut rows = (self.chains)(subject, rows);
        // As a table keeps them: one row to a number, read in the order of the numbers.
        rows.sort_by_key(|row| row.seq);
        rows.retain(|row| row.seq > after);
        rows.truncate(usize::try_from(limit).unwrap());
        Ok(rows)
    }

    forward_store! { self => self.inner;
        apply, park, sweep, factors, project_events, notices
    }
}
