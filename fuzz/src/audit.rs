//! A store's records and chains as rows to edit: what whoever holds the database can do.

use std::collections::BTreeMap;

use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::testkit::{MemoryHarness, Site, fine};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, Change, Cut, EventQuery, FactorRow, Found, MemoryStoreError, RecordRow, Remains,
    Resumed, Store, Subject, SubjectEvent,
};

/// The rows, read as the audit's check reads them.
#[derive(Clone, PartialEq, Debug)]
pub struct Audit {
    /// Each record, where it still is, with what lists show of it.
    pub records: BTreeMap<Subject, RecordRow>,
    /// Each chain: one row to a number, in the order of the numbers.
    pub chains: BTreeMap<Subject, Vec<SubjectEvent>>,
    /// How many notices each project had.
    pub notices: BTreeMap<ProjectId, u64>,
}

impl Audit {
    /// What a site with a set-up, failures, logins and a reset wrote, and the keyring's text.
    pub fn written() -> (Self, String) {
        let site = Site::new(Box::leak(Box::<MemoryHarness>::default()));
        let (ada, ann, bob) = (site.ada.clone(), site.ann.clone(), site.bob.clone());
        let phone = site.enrol(&ann);
        site.fail(&ann, &phone, 2);
        site.sign_in(&ann, &phone);
        site.enrol(&bob);
        let proof = site.sign_in(&ada, &site.enrol(&ada));
        site.reset(&proof, &ann)
            .expect("an administrator, a fresh code");
        let store = site.open().0;
        let records = fine(site.wait(store.subjects(None, None, 100)));
        let chain = |subject: &Subject| fine(site.wait(store.chain(subject, 0, 100)));
        let chains: BTreeMap<_, _> = records
            .iter()
            .map(|row| (row.subject.clone(), chain(&row.subject)))
            .collect();
        let itself = Subject::project_itself(&site.project);
        let last = fine(site.wait(store.load(&itself))).last_notice;
        let records = records.into_iter().map(|row| (row.subject.clone(), row));
        let audit = Self {
            records: records.collect(),
            chains,
            notices: [(site.project.clone(), last)].into(),
        };
        (audit, site.keyring().to_string())
    }
}

impl Store for Audit {
    type Error = MemoryStoreError;

    async fn subjects(
        &self,
        _: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, Self::Error> {
        let rows = self
            .records
            .iter()
            .filter(|(subject, _)| after.is_none_or(|after| *subject > after));
        let page = rows.take(limit.try_into().unwrap());
        Ok(page.map(|(_, row)| row.clone()).collect())
    }

    async fn orphans(
        &self,
        _: Option<&ProjectId>,
        after: Option<&Subject>,
        _: u32,
    ) -> Result<Vec<Subject>, Self::Error> {
        let orphan = |(subject, rows): &(&Subject, &Vec<SubjectEvent>)| {
            !rows.is_empty()
                && !self.records.contains_key(subject)
                && after.is_none_or(|after| *subject > after)
        };
        Ok(self
            .chains
            .iter()
            .filter(orphan)
            .map(|(subject, _)| subject.clone())
            .collect())
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let rows = self.chains.get(subject).into_iter().flatten();
        Ok(rows
            .filter(|event| after == 0 || event.row.seq > after)
            .take(limit.try_into().unwrap())
            .cloned()
            .collect())
    }

    async fn checkpoint(&self, _: &Subject) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }

    async fn cut(&self, _: u64, _: &[Cut]) -> Result<Applied, Self::Error> {
        unreachable!("nothing is written")
    }

    async fn load(&self, subject: &Subject) -> Result<Found, Self::Error> {
        let last = self.chains.get(subject).and_then(|rows| rows.last());
        let notices = subject
            .project()
            .and_then(|project| self.notices.get(project));
        Ok(Found {
            stored: self.records.get(subject).map(|row| row.stored.clone()),
            last_event: last.map_or(0, |event| event.row.seq),
            last_notice: notices.copied().unwrap_or_default(),
        })
    }

    async fn remains(&self, _: &Subject) -> Result<Remains, Self::Error> {
        Ok(Remains::default())
    }

    async fn resume(&self, _: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        unreachable!("nobody signs in")
    }

    async fn apply(&self, _: &Change) -> Result<Applied, Self::Error> {
        unreachable!("nothing is written")
    }

    async fn park(&self, _: &Subject, _: &ParkedLogin) -> Result<(), Self::Error> {
        unreachable!("nobody signs in")
    }

    async fn sweep(&self, _: UnixTime, _: u32) -> Result<u64, Self::Error> {
        unreachable!("nothing is written")
    }

    async fn factors(
        &self,
        _: &ProjectId,
        _: Option<&UserId>,
        _: u32,
    ) -> Result<Vec<FactorRow>, Self::Error> {
        unreachable!("the check reads records")
    }

    async fn events(
        &self,
        _: Option<&ProjectId>,
        _: u64,
        _: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        unreachable!("the check reads chains")
    }

    async fn horizon(&self) -> Result<u64, Self::Error> {
        let all = self.chains.values().flatten();
        Ok(all.map(|event| event.cursor).max().unwrap_or_default())
    }

    async fn latest(
        &self,
        _: &ProjectId,
        _: &EventQuery<'_>,
        _: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        unreachable!("the check reads chains")
    }

    async fn notices(
        &self,
        _: &ProjectId,
        _: u64,
        _: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        unreachable!("the check reads chains")
    }
}
