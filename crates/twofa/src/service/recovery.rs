//! A record that cannot be read is recovered: made anew, with all from before void, and the damage on the record.
//!
//! Whoever damaged a record gains nothing by it: the next set-up asks for a hand-over code, failures in a row go on,
//! and no key, proof or login from before counts. What was found is kept, and told on two chains.

use sha2::{Digest as _, Sha256};
use twofa_lifecycle::{
    Actor, ChainHead, Command, Damage, EventKind, HandoverCode, Listed, Noted, Outcome, Record,
    Throttle,
};
use twofa_policy::{ResetActor, ResetGrant, Role};
use twofa_types::{Name, ProjectId, UnixTime};

use super::pages::Pages;
use super::record::{Beside, Loaded, change_of, ticket_of};
use super::seen::{Seen, Unreadable};
use super::verify::Fault;
use super::verify::chain::Chain;
use super::verify::recovered::{Evidence, TwinOn, twin_of};
use super::{TwoFactor, key_changes};
use crate::directory::{self, Directory};
use crate::error::{Error, RestError};
use crate::keyring::KeyringError;
use crate::keys::{Draft, Keys};
use crate::retry::Tries;
use crate::seal;
use crate::store::{
    Applied, Change, Found, RecordRow, Recovery, Store, Stored, Subject, SubjectEvent,
};

/// How many events or records are read at a time.
const PAGE: u32 = 500;

/// What is left to go on from, all of it as it lies there.
pub(super) struct Survey {
    pub(super) evidence: Evidence,
    pub(super) head: ChainHead,
    generation: u32,
    /// What the directory says, where that is kept with the record.
    listed: Option<Listed>,
}

/// The chain on which a recovery is told a second time, as it stands.
enum Twin {
    Project(Box<(Subject, Loaded)>),
    Store(Stored, Box<Draft>),
    None,
}

impl Twin {
    fn on(&self) -> TwinOn {
        match self {
            Self::Project(..) => TwinOn::Project,
            Self::Store(..) => TwinOn::Store,
            Self::None => TwinOn::None,
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// An operator repairs the record of a project itself, where it cannot be read: its chain goes on, with what was
    /// found on it. It holds nobody's factor. Says what was wrong; `None` where it can be read.
    ///
    /// The caller vouches that `operator` is one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`]; [`Error::Unreadable`] where no record of the store opens under this keyring, which is
    /// then another's; and as for [`TwoFactor::begin`].
    pub async fn repair_project(
        &self,
        project: &ProjectId,
        operator: &Name,
        ticket: &Name,
    ) -> Result<Option<Fault>, Error> {
        self.project(project).await?;
        let place = Subject::project_itself(project);
        let actor = Actor::Operator {
            name: operator.clone(),
            ticket: Some(ticket.clone()),
        };
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let Seen::Unreadable(broken) = self.see(&place).await? else {
                return Ok(None);
            };
            let noted = |survey: &Survey| {
                let mut record = Record::new();
                record.set_chain(survey.head);
                record.set_listed(survey.listed);
                (record, Command::Note(Noted::Recovered { actor: &actor }))
            };
            if self
                .make_anew(&place, &broken, &actor, noted)
                .await?
                .is_some()
            {
                return Ok(Some(broken.fault));
            }
            tries.again().await?;
        }
    }

    /// Recovers somebody's record. `None` when another writer came first, or the grant has lapsed.
    pub(super) async fn recover(
        &self,
        place: &Subject,
        broken: &Unreadable,
        grant: ResetGrant,
    ) -> Result<Option<HandoverCode>, Error> {
        let actor = match grant.by() {
            ResetActor::Administrator(user) => Actor::Member(user.clone()),
            ResetActor::Support { operator, ticket } => Actor::Operator {
                name: operator.clone(),
                ticket: Some(ticket.clone()),
            },
        };
        let recover = |survey: &Survey| {
            let found = Damage {
                generation_floor: survey.generation,
                chain: survey.head,
                failures_floor: survey.evidence.failures,
                listed: survey.listed,
            };
            (Record::new(), Command::Recover { grant, found })
        };
        let made = self.make_anew(place, broken, &actor, recover).await?;
        Ok(match made {
            Some(Outcome::Recovered { handover, .. }) => Some(handover),
            Some(_) | None => None,
        })
    }

    /// Steps from what stands for a record that cannot be read, and writes the result over it.
    async fn make_anew<'a>(
        &self,
        place: &Subject,
        broken: &Unreadable,
        actor: &Actor,
        command: impl FnOnce(&Survey) -> (Record, Command<'a>) + Send,
    ) -> Result<Option<Outcome>, Error> {
        self.ring_is_the_stores(&broken.keys, place).await?;
        let twin = self.twin_place(place).await?;
        let found = (broken.fault, &broken.found);
        let mut survey = self.survey(place, &broken.keys, found, twin.on()).await?;
        let listing = self.listing_as_found(place).await?;
        survey.listed = listing.as_ref().map(|(listed, _)| *listed);
        let now = self.now();
        let (record, command) = command(&survey);
        let loaded = Loaded {
            version: version_of(&broken.found),
            record,
            notices: broken.found.last_notice,
            keys: std::sync::Arc::clone(&broken.keys),
        };
        let transition = self.step(place, &loaded, command, now).await?;
        let mut detail = survey.evidence.to_string();
        let said = listing.map(|(_, said)| format!("found: {said}"));
        for more in said.into_iter().chain(ticket_of(actor)) {
            detail.push(' ');
            detail.push_str(&more);
        }
        let beside = Beside {
            detail: Some(detail),
            ..Beside::default()
        };
        let (change, outcome) = change_of(place, &loaded, transition, &beside)?;
        let Some(mut change) = change else {
            return Ok(Some(outcome));
        };
        let twin = self.twin(place, &change, twin, actor, now)?;
        change.recovery = Some(Box::new(Recovery {
            damaged: broken.found.stored.clone(),
            found_at: now,
            twin,
        }));
        let applied = self.write(&change).await?;
        self.keys.look_again();
        Ok((applied == Applied::Committed).then_some(outcome))
    }

    /// What the directory says at the time of a recovery, and the same in words: the recovery takes it as it stands, and
    /// tells of it.
    async fn listing_as_found(&self, place: &Subject) -> Result<Option<(Listed, String)>, Error> {
        let Some(project) = place.project() else {
            return Ok(None);
        };
        if !self.is_kept(project).await? {
            return Ok(None);
        }
        if let Some(user) = place.user() {
            let standing = self.directory.standing(project, user).await;
            let role = standing.map_err(Error::directory)?.and_then(|s| s.role);
            let said = format!("role={}", role.map_or("none", Role::code));
            return Ok(Some((directory::of_member(role), said)));
        }
        let found = self.directory.project(project).await;
        Ok(found.map_err(Error::directory)?.map(|found| {
            let said = found.settings.to_string();
            (directory::of_project(&found), said)
        }))
    }

    /// Whether the rows of a project are kept with its records: its own says so, and where that cannot be read, those of
    /// its members.
    async fn is_kept(&self, project: &ProjectId) -> Result<bool, Error> {
        let own = Subject::project_itself(project);
        if let Seen::Readable(loaded) = self.see(&own).await? {
            return Ok(loaded.record.listed().is_some());
        }
        let keys = self.keys().await?;
        let mut pages = Pages::of("subjects");
        loop {
            let page = self.store.subjects(Some(project), pages.after(), PAGE);
            let page = page.await.map_err(Error::store)?;
            let says = |row: &RecordRow| {
                let record = seal::open_record(&keys, &row.subject, &row.stored);
                record.is_ok_and(|record| record.listed().is_some())
            };
            if page.iter().any(says) {
                return Ok(true);
            }
            if !pages.read(&page, PAGE, |row| row.subject.clone())? {
                return Ok(false);
            }
        }
    }

    /// A wrong keyring must not make a whole store look damaged. Where the store keeps a record of its keys, that
    /// record has been opened; elsewhere one record at least must open.
    async fn ring_is_the_stores(&self, keys: &Keys, place: &Subject) -> Result<(), Error> {
        if keys.installation().is_some() {
            return Ok(());
        }
        let mut pages = Pages::of("subjects");
        loop {
            let page = self.store.subjects(None, pages.after(), PAGE).await;
            let page = page.map_err(Error::store)?;
            let opens =
                |row: &RecordRow| seal::open_record(keys, &row.subject, &row.stored).is_ok();
            if page.iter().any(opens) {
                return Ok(());
            }
            if !pages.read(&page, PAGE, |row| row.subject.clone())? {
                let id = keys.active_id();
                let source = RestError::Key(KeyringError::Mismatch { id });
                return Err(Error::unreadable(place, source));
            }
        }
    }

    /// That of the project; that of the installation for the project's own record, and where that is damaged as well.
    async fn twin_place(&self, place: &Subject) -> Result<Twin, Error> {
        if let (Some(project), Some(_)) = (place.project(), place.user()) {
            let project = Subject::project_itself(project);
            if let Seen::Readable(loaded) = self.see(&project).await? {
                return Ok(Twin::Project(Box::new((project, loaded))));
            }
        }
        let Some(stored) = self.installation_row().await? else {
            return Ok(Twin::None);
        };
        let ring = self.keys.ring()?;
        let draft = Draft::of(&ring, &stored).map_err(key_changes::at_rest)?;
        Ok(Twin::Store(stored, Box::new(draft)))
    }

    /// The change that tells of a recovery on the other chain.
    fn twin(
        &self,
        place: &Subject,
        change: &Change,
        twin: Twin,
        actor: &Actor,
        now: UnixTime,
    ) -> Result<Option<Change>, Error> {
        let Some(event) = change.events.last() else {
            return Ok(None);
        };
        let mut detail = twin_of(place, event.seq, &event.mac);
        if let Some(ticket) = ticket_of(actor) {
            detail = format!("{detail}, {ticket}");
        }
        match twin {
            Twin::None => Ok(None),
            Twin::Project(whose) => {
                let (project, mut loaded) = *whose;
                // Both are numbered by the project, and this one comes second.
                loaded.notices = change
                    .events
                    .iter()
                    .filter(|event| event.notice)
                    .fold(loaded.notices, |notices, _| notices + 1);
                let noted = Command::Note(Noted::Recovered { actor });
                let transition = self
                    .step_at_rest(&project, &loaded, noted, now)
                    .map_err(|source| Error::unreadable(&project, source))?;
                let beside = Beside {
                    detail: Some(detail),
                    ..Beside::default()
                };
                Ok(change_of(&project, &loaded, transition, &beside)?.0)
            }
            Twin::Store(stored, mut draft) => {
                let by = match actor {
                    Actor::Member(user) => user.as_str(),
                    Actor::Operator { name, .. } => name.as_str(),
                };
                let told = (EventKind::Recovered.code(), Some(detail), Some(by));
                Self::draft_change(stored.version, &mut draft, told, now).map(Some)
            }
        }
    }

    pub(super) async fn survey(
        &self,
        place: &Subject,
        keys: &Keys,
        (fault, found): (Fault, &Found),
        twin: TwinOn,
    ) -> Result<Survey, Error> {
        let mut chain = Chain::alone(keys, place);
        let checkpoint = self.store.checkpoint(place).await.map_err(Error::store)?;
        if let Some(checkpoint) = checkpoint {
            chain.go_on_after_stored(&checkpoint);
        }
        let stored = found.stored.as_ref();
        let (mut rows, mut failures) = (0, 0);
        let mut generation = stored.map_or(0, generation_in);
        let mut pages = Pages::of("chain");
        loop {
            let page = self.store.chain(place, chain.seq, PAGE).await;
            let page = page.map_err(Error::store)?;
            for event in &page {
                chain.next(event);
                rows += 1;
                generation = generation.max(event.row.generation);
                failures = failures_after(failures, event);
            }
            if !pages.read(&page, PAGE, |event| event.row.seq)? {
                break;
            }
        }
        let remains = self.store.remains(place).await.map_err(Error::store)?;
        let (whole_to, rest) = chain.stretch.found();
        let head = ChainHead {
            seq: chain.seq,
            mac: chain.mac,
        };
        Ok(Survey {
            evidence: Evidence {
                fault,
                version: stored.map_or(0, |stored| stored.version),
                record: stored.map(|stored| Sha256::digest(&stored.record).into()),
                rows,
                whole_to,
                rest,
                last: head.mac,
                failures: failures.clamp(Damage::LEAST_FAILURES, Throttle::HARD_STOP - 1),
                twin,
            },
            head,
            generation: generation.max(remains.parked_generation),
            listed: None,
        })
    }
}

/// The version that the new record counts from. A number that no record has is not gone on from.
pub(super) fn version_of(found: &Found) -> u64 {
    let version = found.stored.as_ref().map_or(0, |stored| stored.version);
    if version < u64::MAX / 4 { version } else { 0 }
}

/// The generation that a damaged record names, where it still reads as one. Not to be believed, and it need not be: a
/// greater one only voids more.
fn generation_in(stored: &Stored) -> u32 {
    let body = seal::unverified_body(stored).ok();
    let record = body.and_then(|(_, body)| Record::decode(body).ok());
    record.map_or(0, |record| record.generation())
}

/// Failures in a row after an event, as it lies there.
fn failures_after(failures: u32, event: &SubjectEvent) -> u32 {
    let detail = event.row.detail.as_deref().unwrap_or_default();
    match EventKind::from_code(&event.row.event) {
        Some(EventKind::Failed) => failures.saturating_add(1),
        Some(
            EventKind::Accepted
            | EventKind::EnrolmentConfirmed
            | EventKind::Replaced
            | EventKind::ResetGranted
            | EventKind::SupportReset
            | EventKind::Imported,
        ) => 0,
        Some(EventKind::Recovered) => Evidence::parse(detail).map_or(failures, |e| e.failures),
        _ => failures,
    }
}
