//! A store's records and chains as rows to edit: what whoever holds the database can do.

use std::collections::BTreeMap;

use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::testkit::{MemoryHarness, Site, fine};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, AuditRow, Change, FactorRow, MemoryStoreError, Resumed, Store, Stored, Subject,
    SubjectEvent,
};

/// The rows, read as the audit's check reads them.
#[derive(Clone, PartialEq, Debug)]
pub struct Audit {
    /// Each record, where it still is.
    pub records: BTreeMap<Subject, Stored>,
    /// Each chain: one row to a number, in the order of the numbers.
    pub chains: BTreeMap<Subject, Vec<AuditRow>>,
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
        let chains = records
            .iter()
            .map(|(subject, _)| (subject.clone(), chain(subject)))
            .collect();
        let records = records.into_iter().collect();
        (Self { records, chains }, site.keyring().to_string())
    }
}

impl Store for Audit {
    type Error = MemoryStoreError;

    async fn subjects(
        &self,
        _: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<(Subject, Stored)>, Self::Error> {
        let rows = self
            .records
            .iter()
            .filter(|(subject, _)| after.is_none_or(|after| *subject > after));
        let page = rows.take(limit.try_into().unwrap());
        Ok(page
            .map(|(subject, stored)| (subject.clone(), stored.clone()))
            .collect())
    }

    async fn orphans(&self, _: Option<&ProjectId>, _: u32) -> Result<Vec<Subject>, Self::Error> {
        let orphan = |(subject, rows): &(&Subject, &Vec<AuditRow>)| {
            !rows.is_empty() && !self.records.contains_key(subject)
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
    ) -> Result<Vec<AuditRow>, Self::Error> {
        let rows = self.chains.get(subject).into_iter().flatten();
        Ok(rows
            .filter(|row| after == 0 || row.seq > after)
            .take(limit.try_into().unwrap())
            .cloned()
            .collect())
    }

    async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Self::Error> {
        Ok(self.records.get(subject).cloned())
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

    async fn project_events(
        &self,
        _: &ProjectId,
        _: u64,
        _: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        unreachable!("the check reads chains")
    }

    async fn notices(
        &self,
        _: &ProjectId,
        _: u64,
        _: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Self::Error> {
        unreachable!("the check reads chains")
    }
}
