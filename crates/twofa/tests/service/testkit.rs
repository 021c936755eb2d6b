//! The testkit itself: no check is left out of the suite, and a store that breaks a promise is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::policy::{ProjectSettings, Role};
use twofa::testkit::{self, Harness, MemoryHarness};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, Change, Ends, FactorRow, Found, MemoryDirectory, MemoryStore, MemoryStoreError,
    Resumed, Store, Subject, SubjectEvent, forward_store,
};

/// Names of the checks that the sources hold: public functions of a harness alone.
fn checks_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            checks_in(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let name = line
                .strip_prefix("pub fn ")
                .and_then(|rest| rest.split_once("<H: Harness>"));
            if let Some((name, "(harness: &H) {")) = name {
                assert!(found.insert(name.to_owned()), "{name} twice");
            }
        }
    }
}

#[test]
fn every_check_is_in_the_suite_and_run_by_run_all() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testkit");
    let mut written = BTreeSet::new();
    checks_in(&sources, &mut written);
    assert!(written.len() > 60, "{written:?}");
    let mut run = BTreeSet::new();
    testkit::run_all(MemoryHarness::default, |name| {
        assert!(run.insert(name.to_owned()), "{name} twice");
    });
    assert_eq!(run, written);
}

#[test]
fn a_ready_future_and_one_that_is_woken_elsewhere_are_waited_for() {
    assert_eq!(testkit::block_on(async { 7 }), 7);
    let mut sent = None;
    let woken = std::future::poll_fn(|context| {
        if sent.is_some() {
            return std::task::Poll::Ready(());
        }
        let waker = context.waker().clone();
        sent = Some(std::thread::spawn(move || waker.wake()));
        std::task::Poll::Pending
    });
    testkit::block_on(woken);
}

/// A promise, broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    ClaimsThatALostWriteIsThere,
    IgnoresTheVersion,
    WritesEventsOfALostRace,
    OverwritesAnEventThatExists,
    CallsARolledBackRecordAConflict,
    ForgetsToCount,
    ForgetsToEnd,
    EndsNobodyElses,
    EndsEverybodys,
    SweepsWithoutBound,
    SweepsWhatHasNotExpired,
    ForgetsWithTheHandle,
    FoldsCase,
    FactorsAreOrderedByCase,
    ListsThoseThatNeverWere,
    PagesOverlap,
    NoticesOutOfOrder,
    ShortensRecords,
    ResumesWithoutTheRecord,
    CutsTimes,
}

struct BrokenStore {
    inner: Arc<MemoryStore>,
    how: Broken,
    calls: AtomicU64,
}

impl BrokenStore {
    fn is(&self, how: Broken) -> bool {
        self.how == how
    }

    /// A subject as this store knows it.
    fn known(&self, subject: &Subject) -> Subject {
        match subject.user() {
            Some(user) if self.is(Broken::FoldsCase) => {
                let user = user.as_str().to_ascii_lowercase().parse().unwrap();
                Subject::member(subject.project().unwrap(), &user)
            }
            _ => subject.clone(),
        }
    }

    /// The version that stands, for stores that write without comparing in one step.
    async fn standing(&self, subject: &Subject) -> u64 {
        let stored = self.inner.load(subject).await.unwrap();
        stored.stored.map_or(0, |stored| stored.version)
    }
}

impl Store for BrokenStore {
    type Error = MemoryStoreError;

    async fn load(&self, subject: &Subject) -> Result<Found, Self::Error> {
        self.inner.load(&self.known(subject)).await
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Self::Error> {
        let mut resumed = self.inner.resume(login).await?;
        if let Some(resumed) = &mut resumed
            && self.is(Broken::ResumesWithoutTheRecord)
        {
            resumed.found.stored = None;
        }
        Ok(resumed)
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Self::Error> {
        let mut change = change.clone();
        change.subject = self.known(&change.subject);
        match self.how {
            Broken::ClaimsThatALostWriteIsThere => {
                let applied = self.inner.apply(&change).await?;
                assert!(matches!(applied, Applied::Committed | Applied::Conflict));
                return Ok(Applied::Committed);
            }
            Broken::IgnoresTheVersion => {
                change.expected = self.standing(&change.subject).await;
            }
            Broken::WritesEventsOfALostRace => {
                let standing = self.standing(&change.subject).await;
                if standing != change.expected {
                    if let Some(login) = &change.park {
                        self.inner.park(&change.subject, login).await?;
                    }
                    return Ok(Applied::Conflict);
                }
            }
            Broken::OverwritesAnEventThatExists => {
                let rows = self.inner.chain(&change.subject, 0, u32::MAX).await?;
                let last = rows.last().map_or(0, |event| event.row.seq);
                change.events.retain(|event| event.seq > last);
            }
            Broken::CallsARolledBackRecordAConflict => {
                return self.inner.apply(&change).await.or(Ok(Applied::Conflict));
            }
            Broken::ForgetsToCount if matches!(change.ends, Ends::Counted(_)) => {
                change.ends = Ends::None;
            }
            Broken::ForgetsToEnd if matches!(change.ends, Ends::One(_)) => {
                change.ends = Ends::None;
            }
            Broken::EndsNobodyElses if change.ends == Ends::All => change.ends = Ends::None,
            Broken::EndsEverybodys if change.ends == Ends::All => {
                self.inner.sweep(UnixTime::MAX, u32::MAX).await?;
            }
            Broken::ShortensRecords => change.record.truncate(2048),
            Broken::CutsTimes => {
                for event in &mut change.events {
                    event.at = UnixTime::from_secs(event.at.as_secs() & 0xffff_ffff);
                }
            }
            _ => {}
        }
        self.inner.apply(&change).await
    }

    async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Self::Error> {
        self.inner.park(&self.known(subject), login).await
    }

    async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Self::Error> {
        match self.how {
            Broken::SweepsWithoutBound => self.inner.sweep(before, u32::MAX).await,
            Broken::SweepsWhatHasNotExpired => {
                self.inner.sweep(before.saturating_add(1), limit).await
            }
            _ => self.inner.sweep(before, limit).await,
        }
    }

    async fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<FactorRow>, Self::Error> {
        let mut rows = self.inner.factors(project, after, limit).await?;
        if self.is(Broken::FactorsAreOrderedByCase) {
            rows.sort_by_key(|row| row.user.as_str().to_lowercase());
        }
        if self.is(Broken::ListsThoseThatNeverWere) {
            let all = self.inner.subjects(Some(project), None, u32::MAX).await?;
            for row in all {
                if let Some(user) = row.subject.user()
                    && after.is_none_or(|after| user > after)
                    && !rows.iter().any(|row| row.user == *user)
                    && rows.len() < usize::try_from(limit).unwrap()
                    && let Some(summary) = rows.first().map(|row| row.summary)
                {
                    let user = user.clone();
                    rows.push(FactorRow { user, summary });
                }
            }
        }
        Ok(rows)
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let overlap = self.is(Broken::PagesOverlap) && after > 1 && calls < 1_000;
        let after = if overlap { after - 1 } else { after };
        self.inner.chain(&self.known(subject), after, limit).await
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        let mut rows = self.inner.notices(project, after, limit).await?;
        if self.is(Broken::NoticesOutOfOrder) {
            rows.sort_by(|one, other| one.subject.cmp(&other.subject));
        }
        Ok(rows)
    }

    forward_store! { self => self.inner;
        subjects, orphans, remains, checkpoint, cut, events, horizon, latest
    }
}

struct BrokenHarness {
    store: Arc<MemoryStore>,
    directory: Arc<MemoryDirectory>,
    how: Broken,
}

impl Harness for BrokenHarness {
    type Store = BrokenStore;
    type Directory = Arc<MemoryDirectory>;

    async fn open(&self) -> (Self::Store, Self::Directory) {
        let inner = match self.how {
            Broken::ForgetsWithTheHandle => Arc::default(),
            _ => Arc::clone(&self.store),
        };
        let calls = AtomicU64::new(0);
        let how = self.how;
        (
            BrokenStore { inner, how, calls },
            Arc::clone(&self.directory),
        )
    }

    async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
        self.directory.set_project(project, settings);
    }

    async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
        match role {
            Some(role) => self.directory.set_member(project, user, role),
            None => self.directory.remove_member(project, user),
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        testkit::block_on(future)
    }
}

/// Each broken promise is found by the check that is named for it.
#[test]
fn broken_stores_are_found() {
    use testkit::{contract, failures};
    type Check = fn(&BrokenHarness);
    let cases: [(Broken, Check); 20] = [
        (
            Broken::ClaimsThatALostWriteIsThere,
            contract::one_of_many_writers_wins,
        ),
        (
            Broken::IgnoresTheVersion,
            contract::a_stale_write_changes_nothing,
        ),
        (
            Broken::WritesEventsOfALostRace,
            contract::a_stale_write_changes_nothing,
        ),
        (
            Broken::OverwritesAnEventThatExists,
            contract::an_event_that_exists_is_an_error,
        ),
        (
            Broken::CallsARolledBackRecordAConflict,
            contract::an_event_that_exists_is_an_error,
        ),
        (
            Broken::ForgetsToCount,
            contract::a_login_counts_and_ends_with_the_change,
        ),
        (Broken::ForgetsToEnd, failures::f15_failures_end_the_login),
        (
            Broken::EndsNobodyElses,
            contract::a_login_counts_and_ends_with_the_change,
        ),
        (
            Broken::EndsEverybodys,
            contract::a_login_counts_and_ends_with_the_change,
        ),
        (
            Broken::SweepsWithoutBound,
            contract::a_sweep_is_bounded_and_exact,
        ),
        (
            Broken::SweepsWhatHasNotExpired,
            contract::a_sweep_is_bounded_and_exact,
        ),
        (
            Broken::ForgetsWithTheHandle,
            contract::what_is_committed_outlives_the_handle,
        ),
        (Broken::FoldsCase, contract::text_is_kept_byte_for_byte),
        (
            Broken::FactorsAreOrderedByCase,
            contract::text_is_kept_byte_for_byte,
        ),
        (
            Broken::ListsThoseThatNeverWere,
            contract::factors_are_listed_in_pages,
        ),
        (Broken::PagesOverlap, contract::a_chain_is_read_in_pages),
        (
            Broken::NoticesOutOfOrder,
            contract::notices_are_read_in_order,
        ),
        (
            Broken::ShortensRecords,
            contract::what_is_written_is_read_back,
        ),
        (
            Broken::ResumesWithoutTheRecord,
            contract::a_parked_login_is_resumed_with_its_record,
        ),
        (Broken::CutsTimes, contract::every_time_survives),
    ];
    for (how, check) in cases {
        let harness = BrokenHarness {
            store: Arc::default(),
            directory: Arc::default(),
            how,
        };
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&harness)));
        assert!(checked.is_err(), "{how:?} goes unnoticed");
    }
}
