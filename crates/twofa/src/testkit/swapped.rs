//! A hand in the database: [`SwappedStore`].

use twofa_lifecycle::{LoginHash, ParkedLogin};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::{Applied, AuditRow, Change, FactorRow, Resumed, Store, Stored, Subject, SubjectEvent};

/// A store in which somebody has exchanged the records of two people: what is read of one is the other's.
/// Everything else is as in the store beneath.
#[derive(Debug)]
pub struct SwappedStore<S> {
    inner: S,
    pair: [Subject; 2],
}

impl<S: Store> SwappedStore<S> {
    /// Exchanges the records of `one` and `other`.
    pub fn new(inner: S, one: Subject, other: Subject) -> Self {
        Self {
            inner,
            pair: [one, other],
        }
    }

    fn other<'a>(&'a self, subject: &'a Subject) -> &'a Subject {
        let [one, other] = &self.pair;
        if subject == one {
            other
        } else if subject == other {
            one
        } else {
            subject
        }
    }
}

impl<S: Store> Store for SwappedStore<S> {
    type Error = S::Error;

    async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Self::Error> {
        self.inner.load(self.other(subject)).await
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let Some(resumed) = self.inner.resume(login).await? else {
            return Ok(None);
        };
        let stored = self.load(&resumed.subject).await?;
        Ok(Some(Resumed { stored, ..resumed }))
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Self::Error> {
        self.inner.apply(change).await
    }

    async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Self::Error> {
        self.inner.park(subject, login).await
    }

    async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Self::Error> {
        self.inner.sweep(before, limit).await
    }

    async fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<FactorRow>, Self::Error> {
        self.inner.factors(project, after, limit).await
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<(Subject, Stored)>, Self::Error> {
        let mut page = self.inner.subjects(project, after, limit).await?;
        for (subject, stored) in &mut page {
            if let Some(exchanged) = self.load(subject).await? {
                *stored = exchanged;
            }
        }
        Ok(page)
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        self.inner.orphans(project, limit).await
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Self::Error> {
        self.inner.chain(subject, after, limit).await
    }

    async fn project_events(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        self.inner.project_events(project, after, limit).await
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        self.inner.notices(project, after, limit).await
    }
}
