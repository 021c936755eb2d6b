//! Whether the audit is whole: every chain, link by link, up to the head that its record holds; and whether what
//! lists and cursors show agrees with it.

pub(super) mod chain;
mod people;
pub(super) mod recovered;

use twofa_lifecycle::SummaryState;
use twofa_types::ProjectId;

use super::TwoFactor;
use super::pages::Pages;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::head::{Head, Heads};
use crate::keyring::KeyringError;
use crate::keys::Keys;
use crate::retry::Tries;
use crate::store::{RecordRow, Store, Subject};
use chain::{Bounds, Chain, Looked, Notices, Said, open};
use people::Walk;
pub use recovered::Acknowledged;
use recovered::Recoveries;

/// How many rows are read at a time.
const PAGE: u32 = 500;

/// What a check of the audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Factors, and records of projects themselves, whose chains were checked to the end.
    pub factors: u64,
    /// Events that were checked.
    pub events: u64,
    /// How many places are not as they were written.
    pub bad: u64,
    /// The first of them; `None` when everything is as it was written.
    pub first_bad: Option<BadPlace>,
    /// How many places are not as they were written and were answered for when a record was recovered. They are
    /// not among the bad ones.
    pub acknowledged: u64,
    /// Where all chains stand; `None` where only one project's were checked.
    pub head: Option<Head>,
}

impl Verification {
    /// Whether everything is as it was written, or was answered for.
    pub fn is_whole(&self) -> bool {
        self.bad == 0
    }

    fn bad(
        &mut self,
        subject: &Subject,
        seq: Option<u64>,
        fault: Fault,
        each: &mut (dyn FnMut(&BadPlace) + Send),
    ) {
        let bad = BadPlace {
            subject: subject.clone(),
            seq,
            fault,
            acknowledged: None,
        };
        each(&bad);
        self.bad += 1;
        self.first_bad.get_or_insert(bad);
    }
}

/// A place in the audit that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPlace {
    /// Whose chain; the installation where it is the store as a whole.
    pub subject: Subject,
    /// The number of the event, where one is at fault.
    pub seq: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
    /// Who answered for it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
}

/// What is wrong with a place in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// An event is not what was written: edited, inserted, reordered, or moved here from elsewhere.
    EventAltered,
    /// An event is missing before this one.
    EventMissing,
    /// Events are missing at the end.
    ChainCut,
    /// Events go on past the record's head: the record was put back to an earlier state.
    RecordRolledBack,
    /// The record is not what was written for this subject.
    RecordAltered,
    /// The record is what was written, and still none that this version can read.
    RecordMalformed,
    /// There are events but no record.
    RecordMissing,
    /// The key that it rests under is missing, so that nothing can be said of it.
    KeyMissing,
    /// A record was recovered, and that is not told on the other chain where it should be.
    RecoveryUntold,
    /// Another chain tells of a recovery that is not there.
    RecoveryMissing,
    /// The damaged record that a recovery took the place of is not kept as it was found.
    DamagedRecordLost,
    /// The row's keys are no ids: another hand wrote it.
    RowForeign,
    /// What lists show of the factor is not what its record says.
    ListAltered,
    /// The event stands in another place of the list of all than it was written at.
    EventMoved,
    /// A notice has a number that it was not given: behind what readers have read already, twice, or none.
    NoticeMoved,
    /// The numbers of a project's notices have a gap, or go on past the last one.
    NoticesDiffer,
    /// The store as a whole was put back: what a head stands for is not all there any more.
    StoreRolledBack,
    /// The project's settings or its issuer are not what was last set here.
    SettingsAltered,
    /// The person is a member, or is none, or has a role, otherwise than was last set here.
    MemberAltered,
    /// An event that was exported is not there, or another stands in its place.
    NotAsExported,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 18] = [
        Self::EventAltered,
        Self::EventMissing,
        Self::ChainCut,
        Self::RecordRolledBack,
        Self::RecordAltered,
        Self::RecordMalformed,
        Self::RecordMissing,
        Self::KeyMissing,
        Self::RecoveryUntold,
        Self::RecoveryMissing,
        Self::DamagedRecordLost,
        Self::RowForeign,
        Self::ListAltered,
        Self::EventMoved,
        Self::NoticeMoved,
        Self::NoticesDiffer,
        Self::StoreRolledBack,
        Self::NotAsExported,
    ];

    /// The fault of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }

    /// A stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::EventAltered => "event-altered",
            Self::EventMissing => "event-missing",
            Self::ChainCut => "chain-cut",
            Self::RecordRolledBack => "record-rolled-back",
            Self::RecordAltered => "record-altered",
            Self::RecordMalformed => "record-malformed",
            Self::RecordMissing => "record-missing",
            Self::KeyMissing => "key-missing",
            Self::RecoveryUntold => "recovery-untold",
            Self::RecoveryMissing => "recovery-missing",
            Self::DamagedRecordLost => "damaged-record-lost",
            Self::RowForeign => "row-foreign",
            Self::ListAltered => "list-altered",
            Self::EventMoved => "event-moved",
            Self::NoticeMoved => "notice-moved",
            Self::NoticesDiffer => "notices-differ",
            Self::StoreRolledBack => "store-rolled-back",
            Self::SettingsAltered => "settings-altered",
            Self::MemberAltered => "member-altered",
            Self::NotAsExported => "not-as-exported",
        }
    }
}

/// What is to be checked of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Check<'a> {
    /// Only the chains of this project.
    pub project: Option<&'a ProjectId>,
    /// Also that nothing this head stands for was put back since. It stands for the whole store, so it is looked
    /// at only where no project is named.
    pub from: Option<&'a Head>,
}

/// Where a check stands.
struct Progress<'a> {
    found: Verification,
    each: &'a mut (dyn FnMut(&BadPlace) + Send),
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
        self.found.bad(subject, seq, fault, self.each);
    }

    fn add(&mut self, subject: &Subject, mut looked: Looked) {
        self.notices.explained |= looked.told.torn;
        self.acknowledge(subject, &mut looked);
        self.recoveries.add(subject, &mut looked);
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
            from: None,
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
    /// under it: all else has been checked then.
    pub async fn audit_check(
        &self,
        check: &Check<'_>,
        each: &mut (dyn FnMut(&BadPlace) + Send),
    ) -> Result<Verification, Error> {
        let from = check.from.filter(|_| check.project.is_none());
        // Of one project there is no head.
        let now = match check.project {
            None => self.store.horizon().await.map_err(Error::store)?,
            Some(_) => 0,
        };
        let mut progress = Progress {
            found: Verification {
                factors: 0,
                events: 0,
                bad: 0,
                first_bad: None,
                acknowledged: 0,
                head: None,
            },
            each,
            latest: Heads::up_to(now),
            before: from.map(|head| Heads::up_to(head.cursor)),
            notices: Notices::default(),
            people: None,
            short: Vec::new(),
            recoveries: Recoveries::default(),
        };
        let mut missing = None;
        let mut pages = Pages::of("subjects");
        loop {
            let page = self
                .store
                .subjects(check.project, pages.after(), PAGE)
                .await;
            let page = page.map_err(Error::store)?;
            let more = pages.read(&page, PAGE, |row| row.subject.clone())?;
            for row in page {
                match self.check_row(row, &mut progress).await {
                    Err(error @ Error::Unreadable { .. }) => {
                        missing.get_or_insert(error);
                    }
                    other => other?,
                }
            }
            if !more {
                break;
            }
        }
        self.project_done(&mut progress).await?;
        self.check_orphans(check.project, &mut progress).await?;
        self.check_recoveries(check.project.is_none(), &mut progress)
            .await?;
        for notices in std::mem::take(&mut progress.short) {
            if let Some(project) = notices.of.filter(|_| !notices.explained) {
                let project = Subject::project_itself(&project);
                progress.bad(&project, None, Fault::NoticesDiffer);
            }
        }
        if check.project.is_none() {
            let keys = self.keys().await?;
            let store = keys.installation().map(|i| *i.store.as_bytes());
            let store = store.unwrap_or_default();
            let before = progress.before.take().map(|heads| heads.finish(store));
            if before.as_ref() != from {
                progress.bad(&Subject::installation(), None, Fault::StoreRolledBack);
            }
            progress.found.head = Some(progress.latest.finish(store));
        }
        missing.map_or(Ok(progress.found), Err)
    }

    /// Where all chains stand now: a text to keep elsewhere, and to give to [`audit_check`](TwoFactor::audit_check)
    /// later.
    ///
    /// # Errors
    ///
    /// As for [`audit_check`](TwoFactor::audit_check).
    pub async fn audit_head(&self) -> Result<Head, Error> {
        let found = self.audit_check(&Check::default(), &mut |_| {}).await?;
        let none = || Heads::up_to(0).finish([0; 16]);
        Ok(found.head.unwrap_or_else(none))
    }

    /// Whether each of these events is still there: its subject, its number and its code, as they were exported.
    /// Since each code covers those before it, the last exported event of each subject says it of all. What is
    /// missing is added to what was `found`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn audit_compare(
        &self,
        exported: impl IntoIterator<Item = (Subject, u64, [u8; 32]), IntoIter: Send> + Send,
        found: &mut Verification,
        each: &mut (dyn FnMut(&BadPlace) + Send),
    ) -> Result<(), Error> {
        for (subject, seq, mac) in exported {
            if !self.holds_event(&subject, seq, &mac).await? {
                found.bad(&subject, Some(seq), Fault::NotAsExported, each);
            }
        }
        Ok(())
    }

    async fn check_row(&self, row: RecordRow, progress: &mut Progress<'_>) -> Result<(), Error> {
        if row.subject.is_foreign() {
            progress.bad(&row.subject, None, Fault::RowForeign);
            progress.notices.explained = true;
            return Ok(());
        }
        if row.subject.project() != progress.notices.of.as_ref() {
            self.project_done(progress).await?;
            let found = self.store.load(&row.subject).await.map_err(Error::store)?;
            progress.notices = Notices {
                of: row.subject.project().cloned(),
                last: found.last_notice,
                ..Notices::default()
            };
        }
        let subject = row.subject.clone();
        let bounds = progress.bounds();
        let looked = self.check_subject(row, bounds).await?;
        let said = looked.said;
        progress.add(&subject, looked);
        self.check_listing(&subject, said, progress).await
    }

    /// The chains of a project are all looked at. Where not all of its notices were, some may be without a record.
    async fn project_done(&self, progress: &mut Progress<'_>) -> Result<(), Error> {
        self.check_rest(progress).await?;
        let notices = std::mem::take(&mut progress.notices);
        let Some(project) = notices.of.as_ref().filter(|_| !notices.explained) else {
            return Ok(());
        };
        let now = self.store.load(&Subject::project_itself(project)).await;
        let given_out = now.map_err(Error::store)?.last_notice;
        if !notices.are_all_there() || notices.seen.greatest > given_out {
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
    async fn check_subject(&self, mut row: RecordRow, bounds: Bounds) -> Result<Looked, Error> {
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
            match latest.stored {
                Some(stored) if stored.version != row.stored.version => {
                    // What lists show is compared as of the record's own version only.
                    row.stored = stored;
                    row.summary = match open(&keys, &row.subject, &row.stored) {
                        Ok(opened) => opened.summary,
                        Err(_) => row.summary,
                    };
                }
                _ => return looked,
            }
            tries.again().await?;
        }
    }

    async fn check_chain(
        &self,
        keys: &Keys,
        row: &RecordRow,
        bounds: Bounds,
    ) -> Result<Looked, Error> {
        let subject = &row.subject;
        let mut chain = Chain::new(keys, subject, bounds);
        match open(keys, subject, &row.stored) {
            Ok(opened) => {
                chain.head = Some(opened.head);
                chain.is_listed_right = opened.summary == row.summary;
                chain.looked.said = Said::by(opened.listed);
                chain.looked.is_none = opened
                    .summary
                    .is_some_and(|s| s.state == SummaryState::None);
            }
            Err(RestError::Key(KeyringError::Unknown { id })) if keys.knows(id) => {
                return Err(Error::unreadable(
                    subject,
                    KeyringError::Unknown { id }.into(),
                ));
            }
            Err(RestError::Record(_) | RestError::Newer) => {
                chain.fault(None, Fault::RecordMalformed);
            }
            Err(_) => chain.fault(None, Fault::RecordAltered),
        }
        let mut pages = Pages::of("chain");
        loop {
            let page = self.store.chain(subject, chain.seq, PAGE).await;
            let page = page.map_err(Error::store)?;
            for event in &page {
                chain.next(event);
            }
            if !pages.read(&page, PAGE, |event| event.row.seq)? {
                return chain.finish();
            }
        }
    }
}
