//! What a place that keeps factors must promise: [`Store`].

use twofa_lifecycle::{LoginEffect, LoginHash, ParkedLogin, Summary};
use twofa_types::{ProjectId, UnixTime, UserId};

mod chains;
mod forward;
mod people;
mod recovery;
mod subject;

pub use people::{Listing, People};
pub use recovery::{Recovery, Remains};
pub use subject::Subject;

pub use chains::{ChainSpan, Cut, HeadRow, Tip};

/// A record as it lies in the store: sealed and tagged bytes that only the service reads, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// 1 for the first write, one more for each write after it.
    pub version: u64,
    /// Opaque to the store; at most [`MAX_RECORD_BYTES`].
    pub record: Vec<u8>,
}

/// What a store has of a subject, all of it as of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The record; `None` where there is none.
    pub stored: Option<Stored>,
    /// The number of the subject's last event; 0 where there is none. The record says the same, or one of the two
    /// was put back or removed.
    pub last_event: u64,
    /// The number of the project's last notice; 0 where there is none.
    pub last_notice: u64,
}

/// A record in the list of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Whose.
    pub subject: Subject,
    /// The record.
    pub stored: Stored,
    /// What lists show of it; `None` where that cannot be read.
    pub summary: Option<Summary>,
    /// As in [`Found`].
    pub last_event: u64,
}

/// The longest record that is ever written, in bytes. A person's stays under 1 KiB; the installation's grows with
/// the keys that were ever in use.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// One event of a chain, as it lies in the store. The texts are what the event's code covers; a store keeps
/// them byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// 1 for the first event of its subject, with no gaps.
    pub seq: u64,
    /// When.
    pub at: UnixTime,
    /// What: the code of a [`twofa_lifecycle::EventKind`].
    pub event: String,
    /// Why: the code of a [`twofa_policy::Reason`], where there is one.
    pub reason: Option<String>,
    /// Who did it, where that is not the subject: a member's id, or an operator's name.
    pub actor: Option<String>,
    /// What else belongs on the record: a ticket's number, settings before and after.
    pub detail: Option<String>,
    /// The factor's generation.
    pub generation: u32,
    /// Whether a person must be told of it (see [`Store::notices`]).
    pub notice: bool,
    /// Of a notice: how many the project had when the event was made. Its own number is greater, so that it cannot
    /// be moved to where it was read past already.
    pub notices_before: u64,
    /// Which key of the ring made `mac`.
    pub key_id: u32,
    /// HMAC-SHA-256 over the event, its subject and the `mac` before it.
    pub mac: [u8; 32],
}

/// An [`AuditRow`] as it lies in the store, with the subject it belongs to and the numbers that the store gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectEvent {
    /// What [`Store::events`] goes on from. It grows with `seq` within a subject.
    pub cursor: u64,
    /// What [`Store::notices`] goes on from; `None` where nobody must be told. A project's begin at 1 and have no
    /// gaps.
    pub notice: Option<u64>,
    /// Whose chain it stands in.
    pub subject: Subject,
    /// The event.
    pub row: AuditRow,
}

/// Which of a project's events are looked for: all of them, narrowed by what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct EventQuery<'a> {
    /// Those on this person's chain.
    pub user: Option<&'a UserId>,
    /// Those of this kind: the code of a [`twofa_lifecycle::EventKind`].
    pub event: Option<&'a str>,
    /// Those from this time on.
    pub from: Option<UnixTime>,
    /// Those before this time.
    pub until: Option<UnixTime>,
    /// Those with a smaller cursor: the last one of the page before.
    pub before: Option<u64>,
}

/// Everything that one step writes, to be written whole or not at all.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whose record.
    pub subject: Subject,
    /// The version that must still stand; 0 when there must be no record yet.
    pub expected: u64,
    /// The version of the installation's record that this was made under; 0 where there was none. It must
    /// still stand when this is written, or nothing is ([`Applied::Stale`]): so that nothing comes to rest under
    /// a key that has ceased to be the active one. A change of the installation's own record has its
    /// [`expected`](Change::expected) here too.
    pub installation: u64,
    /// The record's new bytes, to stand as version `expected + 1`.
    pub record: Vec<u8>,
    /// What lists show of it.
    pub summary: Summary,
    /// Events to append, in order. A `seq` that already exists means that the record was rolled back behind
    /// its own events: the store answers with its error, and nothing is written.
    pub events: Vec<AuditRow>,
    /// A login to park with it.
    pub park: Option<ParkedLogin>,
    /// What becomes of the subject's logins that are parked already, before `park` is.
    pub ends: Ends,
    /// Where this takes the place of a record that cannot be read: what is done beside it.
    pub recovery: Option<Box<Recovery>>,
}

/// Which parked logins a [`Change`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ends {
    /// None.
    #[default]
    None,
    /// None, and one more failure is counted against this one. Of a login that is gone, nothing is counted.
    Counted(LoginHash),
    /// This one, where it is still there.
    One(LoginHash),
    /// All of the subject's.
    All,
}

impl Ends {
    /// What `effect` comes to for the login that a step answers.
    pub(crate) fn of(answers: Option<LoginHash>, effect: LoginEffect) -> Self {
        match (effect, answers) {
            (LoginEffect::EndAll, _) => Self::All,
            (LoginEffect::CountFailure, Some(login)) => Self::Counted(login),
            (LoginEffect::End, Some(login)) => Self::One(login),
            (LoginEffect::Keep, _) | (_, None) => Self::None,
        }
    }
}

/// What became of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// All of it is durable.
    Committed,
    /// Another writer came first, and nothing was written. The service loads and tries again.
    Conflict,
    /// The installation's record has moved on, and nothing was written. The service reads its keys anew and
    /// tries again. Where the record has moved on as well, either answer is right.
    Stale,
}

/// A parked login, and the record it will be answered against.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// Who is signing in.
    pub subject: Subject,
    /// The parked login.
    pub login: ParkedLogin,
    /// What is there of them, as by [`Store::load`].
    pub found: Found,
}

/// One line of a project's list of factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRow {
    /// Whose factor.
    pub user: UserId,
    /// Its state, when that began, and when a code was last accepted.
    pub summary: Summary,
}

/// A place that keeps factors, parked logins and events.
///
/// An application with tables of its own implements this; the `testkit` feature proves an implementation.
/// Four promises carry everything above:
///
/// 1. [`apply`](Store::apply) is atomic, and compares the version it finds with the one expected. That one
///    conditional write is what makes a code work once and a failure count, however many answers arrive at
///    the same moment.
/// 2. What `apply` reported as [`Applied::Committed`] is durable.
/// 3. A write is committed before the call returns, in a transaction of its own: a caller that rolls back
///    its own work cannot take a counted failure back.
/// 4. Trouble is an error, never an empty answer.
///
/// And a fifth carries the keys: `apply` compares the installation's version too, and [`drain`](Store::drain)
/// waits for writes that had compared it before it moved on.
///
/// Ids and texts hold any Unicode and compare byte for byte (`COLLATE "C"`, `BINARY`). Pages are ordered by
/// those bytes.
pub trait Store: Send + Sync {
    /// Trouble with the store.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The record of `subject`, and how far its events and its project's notices go: in one consistent read.
    fn load(&self, subject: &Subject) -> impl Future<Output = Result<Found, Self::Error>> + Send;

    /// A parked login and what is there of its subject, in one consistent read. `None` when no such login is
    /// parked. One that has expired and is not swept yet is returned all the same.
    fn resume(
        &self,
        login: &LoginHash,
    ) -> impl Future<Output = Result<Option<Resumed>, Self::Error>> + Send;

    /// Applies a change whole, or not at all. One that recovers a record is written on what was found, not on a
    /// version: see [`Recovery`].
    fn apply(&self, change: &Change) -> impl Future<Output = Result<Applied, Self::Error>> + Send;

    /// Returns once every write that began before this call has ended, so that each write from then on compares
    /// with the installation's record as it stands now. A store that compares and writes in one exclusive step
    /// has nothing to wait for, which is what it does where an implementation does not say otherwise.
    fn drain(&self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async { Ok(()) }
    }

    /// Parks a login.
    fn park(
        &self,
        subject: &Subject,
        login: &ParkedLogin,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Removes at most `limit` parked logins whose `expires` lies before `before`, and says how many.
    fn sweep(
        &self,
        before: UnixTime,
        limit: u32,
    ) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// The factors of a project that were ever set up, are being set up, or were reset (not those whose
    /// summary says none), by user id, after `after`, at most `limit`.
    fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<FactorRow>, Self::Error>> + Send;

    /// Every record of one project, or of all, with its subject, after `after`, at most `limit`. The
    /// installation's record, which belongs to no project, comes first of all; a project's own record comes
    /// before its members'.
    fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<RecordRow>, Self::Error>> + Send;

    /// Subjects that have events or a checkpoint but no record: what remains when a record was deleted behind the service's
    /// back. Of one project or of all, after `after`, at most `limit`.
    fn orphans(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Subject>, Self::Error>> + Send;

    /// What there is of a subject beside its record and its events.
    fn remains(
        &self,
        subject: &Subject,
    ) -> impl Future<Output = Result<Remains, Self::Error>> + Send;

    /// The events of one subject in the order of `seq`, after `after` (0 for the first), at most `limit`. A row
    /// numbered below 1, or one that cannot be read, is never written; where one was slipped in, reading from 0
    /// returns it, under whatever number and with a `mac` that fits nothing, so that
    /// [`audit_verify`](crate::TwoFactor::audit_verify) does not overlook it.
    fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SubjectEvent>, Self::Error>> + Send;

    /// Records as [`subjects`](Store::subjects) lists them, each with what its chain is compared with: the last
    /// event whose cursor is not beyond `up_to`, the checkpoint, and how far its project's notices go, all as of one
    /// moment. A store that can read them in one statement does.
    fn heads(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        up_to: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<HeadRow>, Self::Error>> + Send {
        chains::heads_one_by_one(self, project, after, up_to, limit)
    }

    /// The events of many chains, by their subjects and, within each, by `seq`, at most `limit`. Events of subjects
    /// without a record may be among them. As [`chain`](Store::chain) does, it returns also what was slipped in
    /// before the first.
    fn chains(
        &self,
        span: &ChainSpan<'_>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SubjectEvent>, Self::Error>> + Send {
        chains::chains_one_by_one(self, span, limit)
    }

    /// What was laid down when the beginning of a chain was taken out; `None` where it never was.
    fn checkpoint(
        &self,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send;

    /// Takes the beginnings of chains out, with the checkpoints in their place, all of them or none.
    /// [`Applied::Conflict`] where one of them does not stand as it says: it was cut by another meanwhile, or its
    /// events are not all there. [`Applied::Stale`] where the installation's record is not of this version, as in
    /// [`apply`](Store::apply).
    fn cut(
        &self,
        installation: u64,
        cuts: &[Cut],
    ) -> impl Future<Output = Result<Applied, Self::Error>> + Send;

    /// The events of one project, or of all and of the installation, by their cursors after `after` (0 for the
    /// first), at most `limit`. A reader who keeps the last cursor misses none, however many write: an event that
    /// comes to light later has a greater cursor than every one that was read.
    fn events(
        &self,
        project: Option<&ProjectId>,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SubjectEvent>, Self::Error>> + Send;

    /// The cursor of the last event of all, once every one with a smaller cursor has come to light; 0 where there
    /// is none.
    fn horizon(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// The latest events of a project that `which` describes, the last one first, at most `limit`: for people who
    /// read. Whoever copies events follows [`events`](Store::events).
    fn latest(
        &self,
        project: &ProjectId,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SubjectEvent>, Self::Error>> + Send;

    /// The events of a project that a person must be told of, by their numbers ([`SubjectEvent::notice`]) after
    /// `after` (0 for the first), at most `limit`. Numbers grow in the order in which the events were committed,
    /// so that a reader who keeps the last one misses none.
    fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SubjectEvent>, Self::Error>> + Send;
}

/// Whether a page that was asked for with `limit` came back full, so that more may follow.
pub(crate) fn is_full<T>(page: &[T], limit: u32) -> bool {
    u32::try_from(page.len()).is_ok_and(|len| len >= limit)
}
