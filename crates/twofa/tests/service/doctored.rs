//! A hand in the database: a store whose rows somebody has edited.

use std::sync::Arc;

use twofa::lifecycle::LoginHash;
use twofa::types::ProjectId;
use twofa::{
    AuditRow, Found, MemoryStore, MemoryStoreError, RecordRow, Resumed, Store, Stored, Subject,
    SubjectEvent, forward_store,
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

    pub(crate) fn both(
        inner: Arc<MemoryStore>,
        records: impl Fn(&Subject, Stored) -> Option<Stored> + Send + Sync + 'static,
        chains: impl Fn(&Subject, Vec<AuditRow>) -> Vec<AuditRow> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner,
            chains: Box::new(chains),
            records: Box::new(records),
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

    async fn load(&self, subject: &Subject) -> Result<Found, Self::Error> {
        let found = self.inner.load(subject).await?;
        let last_event = (self.chains)(subject, self.rows(subject).await?);
        let last_event = last_event.iter().map(|row| row.seq).max();
        Ok(Found {
            stored: found
                .stored
                .and_then(|stored| (self.records)(subject, stored)),
            last_event: last_event.unwrap_or_default(),
            ..found
        })
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let Some(resumed) = self.inner.resume(login).await? else {
            return Ok(None);
        };
        let found = self.load(&resumed.subject).await?;
        Ok(Some(Resumed { found, ..resumed }))
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, Self::Error> {
        let page = self.inner.subjects(project, after, limit).await?;
        let edited = page.into_iter().filter_map(|row| {
            let stored = (self.records)(&row.subject, row.stored)?;
            Some(RecordRow { stored, ..row })
        });
        Ok(edited.collect())
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        let mut orphans = Vec::new();
        for row in self.inner.subjects(project, after, u32::MAX).await? {
            let gone = (self.records)(&row.subject, row.stored).is_none();
            if gone && !self.chain(&row.subject, 0, 1).await?.is_empty() {
                orphans.push(row.subject);
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
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let mut rows = (self.chains)(subject, self.rows(subject).await?);
        // As a table keeps them: one row to a number, read in the order of the numbers.
        rows.sort_by_key(|row| row.seq);
        let mut notices = 0;
        let numbered = (1_u64..).zip(rows).map(|(cursor, row)| SubjectEvent {
            cursor,
            notice: row.notice.then(|| {
                notices = (notices + 1).max(row.notices_before + 1);
                notices
            }),
            subject: subject.clone(),
            row,
        });
        let mut rows: Vec<_> = numbered.collect();
        rows.retain(|event| event.row.seq > after);
        rows.truncate(usize::try_from(limit).unwrap());
        Ok(rows)
    }

    forward_store! { self => self.inner;
        apply, park, sweep, factors, remains, checkpoint, cut, events, horizon, latest, notices
    }
}

impl Doctored {
    async fn rows(&self, subject: &Subject) -> Result<Vec<AuditRow>, MemoryStoreError> {
        let rows = self.inner.chain(subject, 0, u32::MAX).await?;
        Ok(rows.into_iter().map(|event| event.row).collect())
    }
}
