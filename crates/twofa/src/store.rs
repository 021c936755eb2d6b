//! What a place that keeps factors must promise: [`Store`].

use std::sync::Arc;

use twofa_lifecycle::{LoginEffect, LoginHash, ParkedLogin, Summary};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::forward_store;

mod forward;

/// Whose record, and whose chain of events: a person's within a project, the project's own, or that of the
/// installation.
///
/// The project's own chain (no user) holds what concerns nobody's factor: changed settings, and attempts on
/// people who are no members. The installation's record (no project, no user) says which store this is and
/// which keys it rests under. Stores keep a part that is missing as the empty text, which no [`ProjectId`] and
/// no [`UserId`] can be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    project: Option<ProjectId>,
    user: Option<UserId>,
}

impl Subject {
    /// A person's factor within a project.
    pub fn member(project: &ProjectId, user: &UserId) -> Self {
        Self {
            project: Some(project.clone()),
            user: Some(user.clone()),
        }
    }

    /// The project itself.
    pub fn project_itself(project: &ProjectId) -> Self {
        Self {
            project: Some(project.clone()),
            user: None,
        }
    }

    /// The installation: the store as a whole.
    pub const fn installation() -> Self {
        Self {
            project: None,
            user: None,
        }
    }

    /// The project, unless this is the installation.
    pub fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    /// The person, unless this is a project itself or the installation.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The project's id as stores keep it: empty for the installation.
    pub fn project_key(&self) -> &str {
        self.project.as_ref().map_or("", ProjectId::as_str)
    }

    /// The person's id as stores keep it: empty for a project itself and for the installation.
    pub fn user_key(&self) -> &str {
        self.user.as_ref().map_or("", UserId::as_str)
    }
}

/// A record as it lies in the store: sealed and tagged bytes that only the service reads, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// 1 for the first write, one more for each write after it.
    pub version: u64,
    /// Opaque to the store; at most [`MAX_RECORD_BYTES`].
    pub record: Vec<u8>,
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
    /// Which key of the ring made `mac`.
    pub key_id: u32,
    /// HMAC-SHA-256 over the event, its subject and the `mac` before it.
    pub mac: [u8; 32],
}

/// An [`AuditRow`] with the subject it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectEvent {
    /// Whose chain it stands in.
    pub subject: Subject,
    /// The event.
    pub row: AuditRow,
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
    /// What becomes of the parked login that this step answers. [`LoginEffect::EndAll`] needs no login and
    /// ends every parked login of the subject.
    pub login: Option<(LoginHash, LoginEffect)>,
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
    /// The record, as by [`Store::load`].
    pub stored: Option<Stored>,
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

    /// The record of `subject`; `None` when it has none.
    fn load(
        &self,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<Stored>, Self::Error>> + Send;

    /// A parked login and the record of its subject, in one consistent read. `None` when no such login is
    /// parked. One that has expired and is not swept yet is returned all the same.
    fn resume(
        &self,
        login: &LoginHash,
    ) -> impl Future<Output = Result<Option<Resumed>, Self::Error>> + Send;

    /// Applies a change whole, or not at all.
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
    ) -> impl Future<Output = Result<Vec<(Subject, Stored)>, Self::Error>> + Send;

    /// Subjects that have events but no record: what remains when a record was deleted behind the service's
    /// back. At most `limit`, of one project or of all.
    fn orphans(
        &self,
        project: Option<&ProjectId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Subject>, Self::Error>> + Send;

    /// The events of one subject in the order of `seq`, after `after` (0 for the first), at most `limit`. A row
    /// numbered below 1 is never written; where one was slipped in, reading from 0 returns it or fails, so that
    /// [`audit_verify`](crate::TwoFactor::audit_verify) does not overlook it.
    fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AuditRow>, Self::Error>> + Send;

    /// The events of a whole project in the order in which they were written, each with its cursor, after the
    /// cursor `after` (0 for the first), at most `limit`.
    fn project_events(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(u64, SubjectEvent)>, Self::Error>> + Send;

    /// The events of a project that a person must be told of, with their cursors, after the cursor `after`
    /// (0 for the first), at most `limit`. Cursors grow in the order in which the events were committed, so
    /// that a reader who keeps the last one misses none.
    fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(u64, SubjectEvent)>, Self::Error>> + Send;
}

/// A store that many share.
impl<S: Store> Store for Arc<S> {
    type Error = S::Error;

    forward_store! { self => **self;
        load, resume, apply, drain, park, sweep, factors, subjects, orphans, chain, project_events, notices
    }
}

/// Whether a page that was asked for with `limit` came back full, so that more may follow.
pub(crate) fn is_full<T>(page: &[T], limit: u32) -> bool {
    u32::try_from(page.len()).is_ok_and(|len| len >= limit)
}
