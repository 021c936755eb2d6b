//! What a check of the audit finds.

use super::Acknowledged;
use crate::head::Head;
use crate::store::Subject;

/// What a check of the audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Factors, and records of projects themselves, whose chains were checked to the end.
    pub factors: u64,
    /// Events that were checked.
    pub events: u64,
    /// Archived events that were checked.
    pub archived: u64,
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

    pub(super) fn bad(
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
    /// What stands in the place of archived events is not what was written.
    CheckpointAltered,
    /// An archived event is not what was taken out, or stands elsewhere in its file.
    ArchiveAltered,
    /// An archived event is in none of the files.
    ArchiveCut,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 23] = [
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
        Self::SettingsAltered,
        Self::MemberAltered,
        Self::NotAsExported,
        Self::CheckpointAltered,
        Self::ArchiveAltered,
        Self::ArchiveCut,
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
            Self::CheckpointAltered => "checkpoint-altered",
            Self::ArchiveAltered => "archive-altered",
            Self::ArchiveCut => "archive-cut",
        }
    }
}
