//! A hand in the database: [`SwappedStore`].

use twofa_lifecycle::LoginHash;
use twofa_types::ProjectId;

use crate::{Found, RecordRow, Resumed, Store, Stored, Subject, forward_store};

/// A store in which somebody has exchanged the records of two people: what is read of one is the other's.
/// Everything else is as in the store beneath.
#[derive(Debug)]
pub struct SwappedStore<S> {
    inner: S,
    pair: [Subject; 2],
    replaced: Option<Stored>,
}

impl<S: Store> SwappedStore<S> {
    /// Exchanges the records of `one` and `other`.
    pub fn new(inner: S, one: Subject, other: Subject) -> Self {
        Self {
            inner,
            pair: [one, other],
            replaced: None,
        }
    }

    /// Puts `stored` in the place of what lies there of `subject`, as of the version that stands.
    pub fn replaced(inner: S, subject: Subject, stored: Option<Stored>) -> Self {
        Self {
            inner,
            pair: [subject.clone(), subject],
            replaced: stored,
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

    async fn load(&self, subject: &Subject) -> Result<Found, Self::Error> {
        let found = self.inner.load(subject).await?;
        if !self.pair.contains(subject) {
            return Ok(found);
        }
        let stored = match &self.replaced {
            Some(stored) => Some(stored.clone()),
            None => self.inner.load(self.other(subject)).await?.stored,
        };
        Ok(Found { stored, ..found })
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
        let mut page = self.inner.subjects(project, after, limit).await?;
        for row in &mut page {
            if let Some(exchanged) = self.load(&row.subject).await?.stored {
                row.stored = exchanged;
            }
        }
        Ok(page)
    }

    forward_store! { self => self.inner;
        apply, drain, park, sweep, factors, orphans, remains, chain, checkpoint, cut, events,
        horizon, latest, notices
    }
}
