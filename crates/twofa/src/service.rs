//! [`TwoFactor`]: the service that applications embed. The effects are here and nowhere below: it reads the
//! clock, draws randomness, loads, asks the pure crates, and stores what they answer.

mod admin;
mod login;
mod refusals;
mod report;
mod session;
mod upkeep;
mod verify;

pub use admin::{Authorized, ResetDone};
pub use report::{Impact, MemberImpact};
pub use upkeep::{Imported, Rotation};
pub use verify::{Fault, FirstBad, Verification};

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::Mac as _;
use twofa_lifecycle::{
    Actor, ChainHead, Command, Config, Context, Event, LoginHash, Noted, Outcome, ParkedLogin,
    Random, Record, Transition, TransitionParts,
};
use twofa_otpauth::KeyUri;
use twofa_totp::{Algorithm, Params, Secret};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::directory::{Directory, Project, Standing};
use crate::error::{Error, RestError};
use crate::keyring::Keyring;
use crate::seal::{self, SubjectVault};
use crate::store::{Applied, AuditRow, Change, Store, Stored, Subject};
use crate::{random, retry::Tries};

/// Two-factor authentication over a [`Store`] and a [`Directory`].
///
/// One of these serves a whole application; it holds no state of its own, so as many as one likes may share a
/// database. Every method that changes something does so in one conditional write, and tries again where
/// another writer came first: see [`TwoFactor::MAX_TRIES`].
///
/// ```
/// use twofa::{Answer, Attempt, Begin, Keyring, MemoryDirectory, MemoryStore, SignIn, TwoFactor};
/// use twofa::policy::{ProjectSettings, Role};
/// use twofa::types::UnixTime;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # futures_lite::future::block_on(async {
/// let (project, user) = ("acme".parse()?, "ann@example.com".parse()?);
/// let directory = MemoryDirectory::new();
/// directory.set_project(&project, ProjectSettings::mandatory_from(UnixTime::from_secs(1_669_852_800)));
/// directory.set_member(&project, &user, Role::Member);
///
/// let twofa = TwoFactor::builder(MemoryStore::new(), directory, Keyring::generate()?)
///     .issuer("Acme")
///     .build()?;
///
/// // The password was right. What now?
/// match twofa.begin(SignIn::password(&project, &user)).await? {
///     Begin::Enrol(set_up) => {
///         let image = set_up.qr()?.svg("QR code for your authenticator app");
///         assert!(image.expose_secret().starts_with("<svg"));
///         let attempt = Attempt::new(set_up.login(), "12 34 56");
///         match twofa.answer(attempt).await? {
///             Answer::Accepted(pass) => println!("welcome, {}", pass.user()),
///             Answer::Rejected(why) => println!("{}", why.reason().sentence()),
///         }
///     }
///     other => unreachable!("nobody has set up yet: {other:?}"),
/// }
/// # Ok(())
/// # })
/// # }
/// ```
pub struct TwoFactor<S, D> {
    store: S,
    directory: D,
    keyring: Keyring,
    issuer: String,
    config: Config,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    proofs_not_before: UnixTime,
}

impl<S, D> fmt::Debug for TwoFactor<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwoFactor")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Sets a [`TwoFactor`] up.
#[must_use]
pub struct Builder<S, D>(TwoFactor<S, D>);

impl<S, D> fmt::Debug for Builder<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.0).finish()
    }
}

impl<S, D> Builder<S, D> {
    /// The name that authenticator apps show above the code, where a project has none of its own. Without
    /// it: `twofa`.
    pub fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.0.issuer);
        self
    }

    /// Codes, window and lifetimes, where they are to differ from the default.
    pub fn config(mut self, config: Config) -> Self {
        self.0.config = config;
        self
    }

    /// A clock other than the system's, to rehearse another time.
    pub fn clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Voids every proof from before `time`: after a backup was restored, which can bring a lost phone back,
    /// or when sessions may have leaked. `reset-granted` and `support-reset` events since the backup say whom
    /// to reset again.
    pub fn proofs_not_before(mut self, time: UnixTime) -> Self {
        self.0.proofs_not_before = time;
        self
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUri`] for an issuer that cannot stand in a key URI: empty, with a colon, or with control
    /// characters.
    pub fn build(self) -> Result<TwoFactor<S, D>, Error> {
        let secret = Secret::from_random_bytes(Algorithm::Sha1, &[1; 64]);
        KeyUri::totp(&self.0.issuer, "account", secret, Params::default())?;
        Ok(self.0)
    }
}

impl<S, D> TwoFactor<S, D> {
    /// A service is made of a store, a directory and a keyring.
    pub fn builder(store: S, directory: D, keyring: Keyring) -> Builder<S, D> {
        Builder(Self {
            store,
            directory,
            keyring,
            issuer: "twofa".to_owned(),
            config: Config::default(),
            clock: Arc::new(system_time),
            proofs_not_before: UnixTime::EPOCH,
        })
    }

    /// The retry policy. A write that another writer came before is loaded and decided anew at once, giving
    /// way to other tasks in between, up to this many times; then [`Error::Contended`] says that nothing
    /// happened. Each loss means that somebody else's write went through, so that writers of one factor are
    /// served one after the other, and only more than this many at the same moment can starve one.
    pub const MAX_TRIES: u32 = 256;

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The directory.
    pub fn directory(&self) -> &D {
        &self.directory
    }

    /// The keyring.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The time that the next decision would be made at.
    pub fn now(&self) -> UnixTime {
        (self.clock)()
    }
}

fn system_time() -> UnixTime {
    // A clock before 1970 reads as 1970, which the rules then find to be behind.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}

/// A record and the version it was read at; a fresh record at version 0 where there is none.
struct Loaded {
    version: u64,
    record: Record,
}

/// What goes into the store beside a transition.
#[derive(Default)]
struct Beside {
    /// A login to park.
    park: Option<ParkedLogin>,
    /// The login that this answers.
    answers: Option<LoginHash>,
    /// What the events say in place of their own detail.
    detail: Option<String>,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    async fn standing(&self, project: &ProjectId, user: &UserId) -> Result<Standing, Error> {
        let standing = self
            .directory
            .standing(project, user)
            .await
            .map_err(Error::directory)?;
        standing.ok_or_else(|| Error::UnknownProject(Box::new(project.clone())))
    }

    /// The project of someone who is a member of it.
    async fn membership(&self, project: &ProjectId, user: &UserId) -> Result<Project, Error> {
        let standing = self.standing(project, user).await?;
        match standing.role {
            Some(_) => Ok(standing.project),
            None => Err(Error::UnknownMember(Box::new(Subject::member(
                project, user,
            )))),
        }
    }

    async fn project(&self, project: &ProjectId) -> Result<Project, Error> {
        let found = self
            .directory
            .project(project)
            .await
            .map_err(Error::directory)?;
        found.ok_or_else(|| Error::UnknownProject(Box::new(project.clone())))
    }

    async fn load(&self, subject: &Subject) -> Result<Loaded, Error> {
        let stored = self.store.load(subject).await.map_err(Error::store)?;
        self.read(subject, stored.as_ref()).await
    }

    /// Opens what the store gave. What was altered is noted on the project's chain before the error leaves.
    async fn read(&self, subject: &Subject, stored: Option<&Stored>) -> Result<Loaded, Error> {
        match self.read_at_rest(subject, stored) {
            Ok(loaded) => Ok(loaded),
            Err(source) => Err(self.unreadable(subject, source).await),
        }
    }

    fn read_at_rest(
        &self,
        subject: &Subject,
        stored: Option<&Stored>,
    ) -> Result<Loaded, RestError> {
        let Some(stored) = stored else {
            return Ok(Loaded {
                version: 0,
                record: Record::new(),
            });
        };
        Ok(Loaded {
            version: stored.version,
            record: seal::open_record(&self.keyring, subject, stored)?,
        })
    }

    /// One pure step of a loaded record.
    async fn step(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        command: Command<'_>,
        now: UnixTime,
    ) -> Result<Transition, Error> {
        match self.step_at_rest(subject, &loaded.record, command, now) {
            Ok(transition) => Ok(transition),
            Err(source) => Err(self.unreadable(subject, source).await),
        }
    }

    fn step_at_rest(
        &self,
        subject: &Subject,
        record: &Record,
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
        let vault = SubjectVault::new(&self.keyring, subject);
        let context = Context {
            now,
            random: &random,
            vault: &vault,
            config: &self.config,
        };
        twofa_lifecycle::step(record, command, &context)
    }

    /// Stores a transition whole. `None` when another writer came first.
    async fn commit(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        transition: Transition,
        beside: Beside,
    ) -> Result<Option<Outcome>, Error> {
        let TransitionParts {
            record,
            outcome,
            events,
            login,
            ..
        } = transition.into_parts();
        let Some(record) = record else {
            return Ok(Some(outcome));
        };
        let (record, events) = self
            .chain(
                subject,
                &loaded.record,
                record,
                &events,
                beside.detail.as_deref(),
            )
            .map_err(|source| Error::unreadable(subject, source))?;
        let login = match (beside.answers, login) {
            (Some(id), effect) => Some((id, effect)),
            (None, effect @ twofa_lifecycle::LoginEffect::EndAll) => {
                Some((LoginHash::from_bytes([0; 32]), effect))
            }
            (None, _) => None,
        };
        self.write(subject, loaded.version, &record, events, beside.park, login)
            .await
            .map(|applied| match applied {
                Applied::Committed => Some(outcome),
                Applied::Conflict => None,
            })
    }

    async fn write(
        &self,
        subject: &Subject,
        expected: u64,
        record: &Record,
        events: Vec<AuditRow>,
        park: Option<ParkedLogin>,
        login: Option<(LoginHash, twofa_lifecycle::LoginEffect)>,
    ) -> Result<Applied, Error> {
        let closed = seal::close_record(&self.keyring, subject, expected + 1, record)
            .map_err(|source| Error::unreadable(subject, source))?;
        let change = Change {
            subject: subject.clone(),
            expected,
            record: closed,
            summary: record.summary(),
            events,
            park,
            login,
        };
        let applied = self.store.apply(&change).await.map_err(Error::store)?;
        if applied == Applied::Committed {
            for event in &change.events {
                tracing::info!(
                    event = event.event,
                    reason = event.reason,
                    project = subject.project().as_str(),
                    user = subject.user_key(),
                    generation = event.generation,
                    "two-factor event"
                );
            }
        }
        Ok(applied)
    }

    /// Turns events into rows that continue the subject's chain, and moves the record's head to the last.
    fn chain(
        &self,
        subject: &Subject,
        before: &Record,
        mut record: Record,
        events: &[Event],
        detail: Option<&str>,
    ) -> Result<(Record, Vec<AuditRow>), RestError> {
        let mut head = before.chain();
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let (actor, ticket) = match event.actor.as_deref() {
                Some(Actor::Member(user)) => (Some(user.as_str().to_owned()), None),
                Some(Actor::Operator { name, ticket }) => (
                    Some(name.as_str().to_owned()),
                    Some(format!("ticket {ticket}")),
                ),
                None => (None, None),
            };
            let own = event.detail.as_ref().map(ToString::to_string);
            let mut row = AuditRow {
                seq: head.seq + 1,
                at: event.at,
                event: event.kind.code().to_owned(),
                reason: event.reason.map(|reason| reason.code().to_owned()),
                actor,
                detail: detail.map(ToOwned::to_owned).or(own).or(ticket),
                generation: event.generation,
                notice: event.kind.notice(),
                key_id: self.keyring.active_id(),
                mac: [0; 32],
            };
            let mac = seal::event_mac(&self.keyring, subject, &row, &head.mac)?;
            row.mac = mac.finalize().into_bytes().into();
            head = ChainHead {
                seq: row.seq,
                mac: row.mac,
            };
            rows.push(row);
        }
        record.set_chain(head);
        Ok((record, rows))
    }

    /// Writes one event on a subject's chain and changes nothing else.
    async fn note(
        &self,
        subject: &Subject,
        noted: Noted<'_>,
        detail: Option<String>,
    ) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let stored = self.store.load(subject).await.map_err(Error::store)?;
            let loaded = self
                .read_at_rest(subject, stored.as_ref())
                .map_err(|source| Error::unreadable(subject, source))?;
            let transition = self
                .step_at_rest(subject, &loaded.record, Command::Note(noted), self.now())
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
    /// chain: once in a row for each person, so that trying again and again fills nothing.
    async fn unreadable(&self, subject: &Subject, source: RestError) -> Error {
        if matches!(source, RestError::Altered | RestError::Record(_)) && subject.user().is_some() {
            let project = Subject::project_itself(subject.project());
            if !self.already_noted(&project, subject).await {
                let detail = Some(subject.user_key().to_owned());
                if let Err(error) = self.note(&project, Noted::Tampered, detail).await {
                    tracing::error!(%error, "a changed record could not be put on the record");
                }
            }
        }
        Error::unreadable(subject, source)
    }

    async fn already_noted(&self, project: &Subject, subject: &Subject) -> bool {
        let Ok(Some(stored)) = self.store.load(project).await else {
            return false;
        };
        let Ok(record) = seal::open_record(&self.keyring, project, &stored) else {
            return false;
        };
        let last = record.chain().seq.saturating_sub(1);
        let rows = self.store.chain(project, last, 1).await.unwrap_or_default();
        rows.first().is_some_and(|row| {
            row.event == twofa_lifecycle::EventKind::Tampered.code()
                && row.detail.as_deref() == Some(subject.user_key())
        })
    }
}
