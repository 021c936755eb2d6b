//! A subject's record and its chain: loaded, stepped, stored whole.

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
use crate::keys::Keys;
use crate::random;
use crate::retry::Tries;
use crate::seal::{self, SubjectVault};
use crate::store::{Applied, AuditRow, Change, Ends, Store, Subject, SubjectEvent};

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
    /// A record that must be readable for what is asked.
    pub(super) async fn load(&self, subject: &Subject) -> Result<Loaded, Error> {
        self.see(subject).await?.readable(subject)
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

    pub(super) fn step_at_rest(
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
        let (change, outcome) = change_of(subject, loaded, transition, &beside)?;
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
            let seen = self.look_into(keys, subject, found).await?;
            let loaded = seen.readable(subject)?;
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

    /// The error for a secret that cannot be opened or sealed.
    async fn unreadable(&self, subject: &Subject, source: RestError) -> Error {
        if matches!(source, RestError::Altered) {
            Box::pin(self.note_tampered(subject)).await;
        }
        Error::unreadable(subject, source)
    }

    /// Signs of a hand in the database go on the project's chain: once for each person, as far as the last few events
    /// there go, so that trying again fills nothing.
    pub(super) async fn note_tampered(&self, subject: &Subject) {
        let (Some(user), Some(project)) = (subject.user(), subject.project()) else {
            return;
        };
        let project = Subject::project_itself(project);
        let alike = |found: &SubjectEvent| {
            found.row.event == EventKind::Tampered.code()
                && found.row.detail.as_deref() == Some(user.as_str())
        };
        if let Ok(None) = self.lately_on(&project, alike).await {
            let detail = Some(user.as_str().to_owned());
            if let Err(error) = self.note(&project, Noted::Tampered, detail).await {
                tracing::error!(%error, "a changed record could not be put on the record");
            }
        }
    }
}

/// What a transition writes, where it writes anything, and its outcome.
pub(super) fn change_of(
    subject: &Subject,
    loaded: &Loaded,
    transition: Transition,
    beside: &Beside,
) -> Result<(Option<Change>, Outcome), Error> {
    let TransitionParts {
        record,
        outcome,
        events,
        login,
        ..
    } = transition.into_parts();
    let Some(record) = record else {
        return Ok((None, outcome));
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
        recovery: None,
    };
    Ok((Some(change), outcome))
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
    let mut head = record.chain();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let actor = event.actor.as_deref().map(|actor| match actor {
            Actor::Member(user) => user.as_str().to_owned(),
            Actor::Operator { name, .. } => name.as_str().to_owned(),
        });
        let ticket = event.actor.as_deref().and_then(ticket_of);
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

/// The ticket that an operator acts on, as details name it.
pub(super) fn ticket_of(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Member(_) => None,
        Actor::Operator { ticket, .. } => ticket.as_ref().map(|t| format!("ticket {t}")),
    }
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
