//! Whether the audit is whole: every chain, link by link, up to the head that its record holds; and whether what
//! lists and cursors show agrees with it.

mod archived;
pub(super) mod chain;
mod check;
mod found;
mod many;
mod people;
pub(super) mod recovered;

pub use check::{Check, Looks, Watch};
pub use found::{BadPlace, Fault, Verification};
pub use recovered::Acknowledged;

pub(super) use chain::Numbers;
pub(super) use many::{ManyChains, RECORDS};

use twofa_types::ProjectId;

use super::TwoFactor;
use super::archive::ArchivedEvents;
use super::pages::Pages;
use super::restore::Held;
use crate::directory::Directory;
use crate::error::Error;
use crate::head::{Head, Heads};
use crate::keys::Keys;
use crate::retry::Tries;
use crate::store::{HeadRow, Store, Subject};
use archived::Archived;
use chain::{Bounds, Looked, Notices, begin, open};
use check::Each;
use people::Walk;
use recovered::Recoveries;

/// How many rows are read at a time.
const PAGE: u32 = 500;

/// Where a check stands.
struct Progress<'a> {
    found: Verification,
    watch: &'a mut dyn Watch,
    /// Events up to this cursor are not read again; 0 where all are.
    since: u64,
    /// Events were found of a subject that has no record.
    strays: bool,
    /// What the files of archived events hold.
    archived: Option<Archived>,
    missing: Option<Error>,
    /// Where all chains stand now.
    latest: Heads,
    /// Where they stood at the head that is compared.
    before: Option<Heads>,
    notices: Notices,
    /// The members of a project that is kept with its records.
    people: Option<Walk>,
    /// Those of projects that were looked at and did not have as many as they should.
    short: Vec<Notices>,
    recoveries: Recoveries,
    /// Whether rows of the directory are compared.
    reads_directory: bool,
}

impl Progress<'_> {
    fn bounds(&self) -> Bounds {
        let before = self.before.as_ref().map_or(0, |heads| heads.cursor);
        Bounds {
            cursors: [self.latest.cursor, before],
            last_notice: self.notices.last,
        }
    }

    fn bad(&mut self, subject: &Subject, seq: Option<u64>, fault: Fault) {
        let watch = &mut *self.watch;
        self.found
            .bad(subject, seq, fault, &mut |bad| watch.bad(bad));
    }

    /// What could not be looked at. All else is, and then this is said.
    fn missed(&mut self, error: Error) {
        self.missing.get_or_insert(error);
    }

    fn add(&mut self, subject: &Subject, mut looked: Looked) {
        self.compare_archived(subject, &mut looked);
        self.notices.explained |= looked.told.torn;
        self.acknowledge(subject, &mut looked);
        self.recoveries.add(subject, &mut looked, self.since);
        // The installation's chain is checked like any other, and counted as nobody's.
        let counts = u64::from(*subject != Subject::installation());
        self.found.events += looked.events * counts;
        // Members who never had a factor have a record all the same.
        let is_factor = subject.user().is_none() || !looked.is_none;
        self.found.factors += counts * u64::from(is_factor && looked.faults.is_empty());
        self.notices.seen.add(looked.notices);
        self.notices.explained |= !looked.faults.is_empty();
        let heads = [Some(&mut self.latest), self.before.as_mut()];
        for (heads, (seq, mac)) in heads.into_iter().zip(&looked.covered) {
            if let Some(heads) = heads {
                heads.add(subject, *seq, mac);
            }
        }
        for (seq, fault) in looked.faults {
            self.bad(subject, seq, fault);
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Checks every chain of a project, or of all. Logins may go on meanwhile, and rotations too.
    ///
    /// What it cannot find: a chain and its record removed or put back *together*. Against that, keep a
    /// [`Head`] elsewhere and give it to [`audit_check`](TwoFactor::audit_check).
    ///
    /// # Errors
    ///
    /// As for [`audit_check`](TwoFactor::audit_check).
    pub async fn audit_verify(&self, project: Option<&ProjectId>) -> Result<Verification, Error> {
        let check = Check {
            project,
            ..Check::default()
        };
        self.audit_check(&check, &mut |_| {}).await
    }

    /// As [`audit_verify`](TwoFactor::audit_verify), and says each bad place as it is found. It goes on after each:
    /// one that is known hides no other.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when the store cannot be read; [`Error::Contended`] when one factor never stands still;
    /// [`Error::Unreadable`] where a key that the store knows is missing, so that nothing can be said of what rests
    /// under it, and [`Error::ArchiveNeeded`] where the head is older than what was archived: all else has been
    /// checked then.
    pub async fn audit_check(
        &self,
        check: &Check<'_>,
        each: &mut (dyn FnMut(&BadPlace) + Send),
    ) -> Result<Verification, Error> {
        self.audit_check_with(check, None, &mut Each(each)).await
    }

    /// As [`audit_check`](TwoFactor::audit_check), and says how far it has come. Archived events are read along where
    /// they are given: all that were ever archived, since whatever is not there is taken for cut out.
    ///
    /// # Errors
    ///
    /// As for [`audit_check`](TwoFactor::audit_check); [`Error::Archive`] for what the files say of themselves.
    pub async fn audit_check_with(
        &self,
        check: &Check<'_>,
        archived: Option<&mut ArchivedEvents<'_>>,
        watch: &mut dyn Watch,
    ) -> Result<Verification, Error> {
        let from = check.from.filter(|_| check.project.is_none());
        let mut progress = self.begin_check(check, from, watch).await?;
        if let Some(events) = archived {
            self.read_archived(events, &mut progress).await?;
        }
        self.check_records(check.project, &mut progress).await?;
        self.project_done(&mut progress).await?;
        let before = progress.before.take();
        if check.project.is_none() {
            let keys = self.keys().await?;
            let store = keys.installation().map(|i| *i.store.as_bytes());
            let store = store.unwrap_or_default();
            let before = before.map(|heads| heads.finish(store));
            // Of a head that cannot be known, nothing is said but that.
            if before.as_ref() != from && progress.missing.is_none() {
                progress.bad(&Subject::installation(), None, Fault::StoreRolledBack);
            }
            let latest = std::mem::replace(&mut progress.latest, Heads::up_to(0));
            progress.found.head = Some(latest.finish(store));
        }
        // What is behind a head and gone altogether, with its record, makes the head another.
        if progress.since == 0 || progress.strays || progress.found.bad > 0 {
            self.check_orphans(check.project, &mut progress).await?;
        }
        self.check_recoveries(check.project.is_none(), &mut progress)
            .await?;
        for notices in std::mem::take(&mut progress.short) {
            if let Some(project) = notices.of.filter(|_| !notices.explained) {
                let project = Subject::project_itself(&project);
                progress.bad(&project, None, Fault::NoticesDiffer);
            }
        }
        progress.missing.map_or(Ok(progress.found), Err)
    }

    async fn begin_check<'a>(
        &self,
        check: &Check<'_>,
        from: Option<&Head>,
        watch: &'a mut dyn Watch,
    ) -> Result<Progress<'a>, Error> {
        // Of one project there is no head.
        let now = match check.project {
            None => self.store.horizon().await.map_err(Error::store)?,
            Some(_) => 0,
        };
        Ok(Progress {
            found: Verification {
                factors: 0,
                events: 0,
                archived: 0,
                bad: 0,
                first_bad: None,
                acknowledged: 0,
                head: None,
            },
            watch,
            since: from.filter(|_| !check.all).map_or(0, |head| head.cursor),
            strays: false,
            archived: None,
            missing: None,
            latest: Heads::up_to(now),
            before: from.map(|head| Heads::up_to(head.cursor)),
            notices: Notices::default(),
            people: None,
            short: Vec::new(),
            recoveries: Recoveries::default(),
            reads_directory: true,
        })
    }

    /// Where all chains stand now: a text to keep elsewhere, and to give to [`audit_check`](TwoFactor::audit_check)
    /// later. It reads the last event of each chain and checks nothing.
    ///
    /// # Errors
    ///
    /// As for [`audit_check`](TwoFactor::audit_check).
    pub async fn audit_head(&self) -> Result<Head, Error> {
        let mut none = |_: &BadPlace| {};
        let mut watch = Each(&mut none);
        let mut progress = self
            .begin_check(&Check::default(), None, &mut watch)
            .await?;
        progress.since = progress.latest.cursor;
        progress.reads_directory = false;
        self.check_records(None, &mut progress).await?;
        let keys = self.keys().await?;
        let store = keys.installation().map(|i| *i.store.as_bytes());
        Ok(progress.latest.finish(store.unwrap_or_default()))
    }

    /// Whether each of these events is still there: its subject, its number and its code, as they were exported.
    /// Since each code covers those before it, the last exported event of each subject says it of all. What is
    /// missing is added to what was `found`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; [`Error::ArchiveNeeded`] where one of them was archived: all others were compared then.
    pub async fn audit_compare(
        &self,
        exported: impl IntoIterator<Item = (Subject, u64, [u8; 32]), IntoIter: Send> + Send,
        found: &mut Verification,
        each: &mut (dyn FnMut(&BadPlace) + Send),
    ) -> Result<(), Error> {
        let mut archived = None;
        for (subject, seq, mac) in exported {
            match self.holds_event(&subject, seq, &mac).await? {
                Held::There => {}
                Held::Archived => {
                    archived.get_or_insert_with(|| Error::archive_needed(&subject));
                }
                Held::Missing => found.bad(&subject, Some(seq), Fault::NotAsExported, each),
            }
        }
        archived.map_or(Ok(()), Err)
    }

    /// The chains of a project are all looked at. Where not all of its notices were, some may be without a record.
    async fn project_done(&self, progress: &mut Progress<'_>) -> Result<(), Error> {
        self.check_rest(progress).await?;
        let notices = std::mem::take(&mut progress.notices);
        let Some(project) = notices.of.as_ref().filter(|_| !notices.explained) else {
            return Ok(());
        };
        let known = notices.seen.greatest <= notices.last;
        if known && (progress.since > 0 || notices.are_all_there()) {
            return Ok(());
        }
        let now = self.store.load(&Subject::project_itself(project)).await;
        let given_out = now.map_err(Error::store)?.last_notice;
        // Those that are not read again are not counted either.
        let all_there = progress.since > 0 || notices.are_all_there();
        if !all_there || notices.seen.greatest > given_out {
            progress.short.push(notices);
        }
        Ok(())
    }

    async fn check_orphans(
        &self,
        project: Option<&ProjectId>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let mut pages = Pages::of("orphans");
        loop {
            let page = self.store.orphans(project, pages.after(), PAGE).await;
            let page = page.map_err(Error::store)?;
            for subject in &page {
                // One that was made between the two looks is none.
                let found = self.store.load(subject).await.map_err(Error::store)?;
                if found.stored.is_none() {
                    progress.bad(subject, None, Fault::RecordMissing);
                    let of = subject.project();
                    for notices in progress.short.iter_mut().filter(|n| n.of.as_ref() == of) {
                        notices.explained = true;
                    }
                }
            }
            if !pages.read(&page, PAGE, Clone::clone)? {
                return Ok(());
            }
        }
    }

    /// A chain may have grown since its record was read, or the keys moved on, so that one that looks wrong counts
    /// only once both stand still.
    async fn check_subject(&self, mut row: HeadRow, bounds: Bounds) -> Result<Looked, Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let keys = self.keys().await?;
            let looked = self.check_chain(&keys, &row, bounds).await;
            if looked.as_ref().is_ok_and(|looked| looked.faults.is_empty()) {
                return looked;
            }
            if self.later_keys(&keys).await?.is_some() {
                tries.again().await?;
                continue;
            }
            let latest = self.store.load(&row.subject).await.map_err(Error::store)?;
            let checkpoint = self.store.checkpoint(&row.subject).await;
            let checkpoint = checkpoint.map_err(Error::store)?;
            let was_cut = checkpoint != row.checkpoint;
            row.checkpoint = checkpoint;
            match latest.stored {
                Some(stored) if stored.version != row.stored.version => {
                    // What lists show is compared as of the record's own version only.
                    row.stored = stored;
                    row.summary = match open(&keys, &row.subject, &row.stored) {
                        Ok(opened) => opened.summary,
                        Err(_) => row.summary,
                    };
                }
                _ if was_cut => {}
                _ => return looked,
            }
            tries.again().await?;
        }
    }

    async fn check_chain(
        &self,
        keys: &Keys,
        row: &HeadRow,
        bounds: Bounds,
    ) -> Result<Looked, Error> {
        let subject = &row.subject;
        let mut chain = begin(keys, row, bounds)?;
        let mut pages = Pages::of("chain");
        // Also what was put back before what was archived.
        let mut after = 0;
        loop {
            let page = self.store.chain(subject, after, PAGE).await;
            let page = page.map_err(Error::store)?;
            for event in &page {
                chain.next(event);
            }
            if !pages.read(&page, PAGE, |event| event.row.seq)? {
                return chain.finish();
            }
            after = chain.seq;
        }
    }
}
