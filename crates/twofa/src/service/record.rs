//! A subject's record and its chain: loaded, stepped, stored whole, and what cannot be read noted.

use std::cmp::Ordering;
use std::sync::Arc;

use hmac::Mac as _;
use twofa_lifecycle::{
    Actor, ChainHead, Command, Context, Event, EventKind, LoginHash, Noted, Outcome, ParkedLogin,
    Random, Record, Transition, TransitionParts,
};
use twofa_types::UnixTime;

use super::TwoFactor;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::keyring::KeyringError;
use crate::keys::Keys;
use crate::random;
use crate::retry::Tries;
use crate::seal::{self, SubjectVault};
use crate::store::{Applied, AuditRow, Change, Ends, Found, Store, Subject, SubjectEvent};

/// A record, the version it was read at, and the keys that it was opened with; a fresh record at version 0 where
/// there is none.
pub(super) struct Loaded {
    pub(super) version: u64,
    pub(super) record: Record,
    /// How many notices the project had.
    pub(super) notices: u64,
    pub(super) keys: Arc<Keys>,
}

/// What goes into the store beside a transition.
#[derive(Default)]
pub(super) struct Beside {
    /// A login to park.
    pub(super) park: Option<ParkedLogin>,
    /// The login that this answers.
    pub(super) answers: Option<LoginHash>,
    /// The login that the parked one takes the place of.
    pub(super) ends: Option<LoginHash>,
    /// What the events say in place of their own detail.
    pub(super) detail: Option<String>,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    pub(super) async fn load(&self, subject: &Subject) -> Result<Loaded, Error> {
        // The keys before the record: it is written under these keys or older ones, or these are read again.
        let keys = self.keys().await?;
        let found = self.store.load(subject).await.map_err(Error::store)?;
        self.read(keys, subject, &found).await
    }

    /// Opens what the store gave. A key that has come since is fetched; what was altered is noted on the project's
    /// chain before the error leaves.
    pub(super) async fn read(
        &self,
        mut keys: Arc<Keys>,
        subject: &Subject,
        found: &Found,
    ) -> Result<Loaded, Error> {
        loop {
            let source = match read_at_rest(&keys, subject, found) {
                Ok(loaded) => return Ok(loaded),
                Err(source) => source,
            };
            // Before anything is called altered: are these the keys of the store as it stands?
            let newer = match source {
                RestError::Key(KeyringError::Unknown { id }) => self.newer_keys(&keys, id).await?,
                _ => self.later_keys(&keys).await?,
            };
            match newer {
                Some(newer) => keys = newer,
                None => return Err(self.unreadable(subject, source).await),
            }
        }
    }

    /// One pure step of a loaded record.
    pub(super) async fn step(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        command: Command<'_>,
        now: UnixTime,
    ) -> Result<Transition, Error> {
        match self.step_at_rest(subject, loaded, command, now) {
            Ok(transition) => Ok(transition),
            Err(source) => Err(self.unreadable(subject, source).await),
        }
    }

    fn step_at_rest(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        command: Command<'_>,
        now: UnixTime,
    ) -> Result<Transition, RestError> {
        let mut random = Random {
            secret: [0; 64],
            nonce: [0; 24],
            handover: [0; 10],
        };
        random::fill(&mut random.secret)
            .and_then(|()| random::fill(&mut random.nonce))
            .and_then(|()| random::fill(&mut random.handover))
            .map_err(|_| RestError::Random)?;
        let vault = SubjectVault::new(&loaded.keys, subject);
        let context = Context {
            now,
            random: &random,
            vault: &vault,
            config: &self.config,
        };
        twofa_lifecycle::step(&loaded.record, command, &context)
    }

    /// Stores a transition whole. `None` when another writer came first, of the record or of the keys.
    pub(super) async fn commit(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        transition: Transition,
        beside: Beside,
    ) -> Result<Option<Outcome>, Error> {
        let (outcome, change) = change_of(subject, loaded, transition, &beside)?;
        let Some(change) = change else {
            return Ok(Some(outcome));
        };
        let applied = self.write(&change).await?;
        Ok((applied == Applied::Committed).then_some(outcome))
    }

    /// Writes a change, with the keys read anew where they have moved on.
    pub(super) async fn write(&self, change: &Change) -> Result<Applied, Error> {
        let applied = self.store.apply(change).await.map_err(Error::store);
        self.written(change, applied)
    }

    /// Looks at the keys again where they have moved on, and logs what was written.
    pub(super) fn written(
        &self,
        change: &Change,
        applied: Result<Applied, Error>,
    ) -> Result<Applied, Error> {
        if !matches!(applied, Ok(Applied::Committed | Applied::Conflict)) {
            self.keys.look_again();
        }
        let applied = applied?;
        if applied == Applied::Committed {
            let subject = &change.subject;
            for event in &change.events {
                tracing::info!(
                    event = event.event,
                    reason = event.reason,
                    project = subject.project_key(),
                    user = subject.user_key(),
                    generation = event.generation,
                    "two-factor event"
                );
            }
        }
        Ok(applied)
    }

    /// Writes one event on a subject's chain and changes nothing else.
    pub(super) async fn note(
        &self,
        subject: &Subject,
        noted: Noted<'_>,
        detail: Option<String>,
    ) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let keys = self.keys().await?;
            let found = self.store.load(subject).await.map_err(Error::store)?;
            let loaded = read_at_rest(&keys, subject, &found)
                .map_err(|source| Error::unreadable(subject, source))?;
            let transition = self
                .step_at_rest(subject, &loaded, Command::Note(noted), self.now())
                .map_err(|source| Error::unreadable(subject, source))?;
            let beside = Beside {
                detail: detail.clone(),
                ..Beside::default()
            };
            if self
                .commit(subject, &loaded, transition, beside)
                .await?
                .is_some()
            {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    /// The error for something that cannot be read. Signs of a hand in the database go on the project's
    /// chain: once for each person, as far as the last few events there go, so that trying again fills nothing.
    pub(super) async fn unreadable(&self, subject: &Subject, source: RestError) -> Error {
        let altered = matches!(
            source,
            RestError::Altered
                | RestError::Missing
                | RestError::RolledBack
                | RestError::EventsMissing
                | RestError::Record(_)
                | RestError::Key(KeyringError::Retired { .. })
        );
        if altered
            && subject.user().is_some()
            && let Some(project) = subject.project()
        {
            let project = Subject::project_itself(project);
            let alike = |found: &SubjectEvent| {
                found.row.event == EventKind::Tampered.code()
                    && found.row.detail.as_deref() == Some(subject.user_key())
            };
            if let Ok(None) = self.lately_on(&project, alike).await {
                let detail = Some(subject.user_key().to_owned());
                if let Err(error) = self.note(&project, Noted::Tampered, detail).await {
                    tracing::error!(%error, "a changed record could not be put on the record");
                }
            }
        }
        Error::unreadable(subject, source)
    }
}

/// What a transition writes, and its outcome; no change where it writes nothing.
pub(super) fn change_of(
    subject: &Subject,
    loaded: &Loaded,
    transition: Transition,
    beside: &Beside,
) -> Result<(Outcome, Option<Change>), Error> {
    let TransitionParts {
        record,
        outcome,
        events,
        login,
        ..
    } = transition.into_parts();
    let Some(record) = record else {
        return Ok((outcome, None));
    };
    let detail = beside.detail.as_deref();
    let (record, events) = chain(&loaded.keys, subject, loaded, record, &events, detail)
        .map_err(|source| Error::unreadable(subject, source))?;
    let ends = match beside.ends {
        Some(replaced) => Ends::One(replaced),
        None => Ends::of(beside.answers, login),
    };
    let closed = seal::close_record(&loaded.keys, subject, loaded.version + 1, &record)
        .map_err(|source| Error::unreadable(subject, source))?;
    let change = Change {
        subject: subject.clone(),
        expected: loaded.version,
        installation: loaded.keys.version(),
        record: closed,
        summary: record.summary(),
        events,
        park: beside.park,
        ends,
    };
    Ok((outcome, Some(change)))
}

/// Opens what the store gave, with these keys.
pub(super) fn read_at_rest(
    keys: &Arc<Keys>,
    subject: &Subject,
    found: &Found,
) -> Result<Loaded, RestError> {
    let (version, record) = match &found.stored {
        None => (0, Record::new()),
        Some(stored) => (stored.version, seal::open_record(keys, subject, stored)?),
    };
    match record.chain().seq.cmp(&found.last_event) {
        Ordering::Equal => {}
        Ordering::Less if found.stored.is_none() => return Err(RestError::Missing),
        Ordering::Less => return Err(RestError::RolledBack),
        Ordering::Greater => return Err(RestError::EventsMissing),
    }
    Ok(Loaded {
        version,
        record,
        notices: found.last_notice,
        keys: Arc::clone(keys),
    })
}

/// Turns events into rows that continue the subject's chain, and moves the record's head to the last.
fn chain(
    keys: &Keys,
    subject: &Subject,
    before: &Loaded,
    mut record: Record,
    events: &[Event],
    detail: Option<&str>,
) -> Result<(Record, Vec<AuditRow>), RestError> {
    let mut head = before.record.chain();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let (actor, ticket) = match event.actor.as_deref() {
            Some(Actor::Member(user)) => (Some(user.as_str().to_owned()), None),
            Some(Actor::Operator { name, ticket }) => (
                Some(name.as_str().to_owned()),
                ticket.as_ref().map(|ticket| format!("ticket {ticket}")),
            ),
            None => (None, None),
        };
        let own = event.detail.as_ref().map(ToString::to_string);
        let row = AuditRow {
            seq: 0,
            at: event.at,
            event: event.kind.code().to_owned(),
            reason: event.reason.map(|reason| reason.code().to_owned()),
            actor,
            detail: detail.map(ToOwned::to_owned).or(own).or(ticket),
            generation: event.generation,
            notice: event.kind.notice(),
            notices_before: if event.kind.notice() {
                before.notices
            } else {
                0
            },
            key_id: 0,
            mac: [0; 32],
        };
        rows.push(link(keys, subject, row, &mut head)?);
    }
    record.set_chain(head);
    Ok((record, rows))
}

/// The row as the next link of a chain, whose head moves to it.
pub(super) fn link(
    keys: &Keys,
    subject: &Subject,
    mut row: AuditRow,
    head: &mut ChainHead,
) -> Result<AuditRow, RestError> {
    row.seq = head.seq + 1;
    row.key_id = keys.active_id().number();
    let mac = seal::event_mac(keys, subject, &row, &head.mac)?;
    row.mac = mac.finalize().into_bytes().into();
    *head = ChainHead {
        seq: row.seq,
        mac: row.mac,
    };
    Ok(row)
}
