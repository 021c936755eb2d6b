//! [`TwoFactor`]: the service that applications embed. The effects are here and nowhere below: it reads the
//! clock, draws randomness, loads, asks the pure crates, and stores what they answer.

mod admin;
mod archive;
mod checkpoint;
mod key_changes;
mod keys;
mod login;
mod pages;
mod people;
mod record;
mod recovery;
mod refusals;
mod repair;
mod report;
mod restore;
mod seen;
mod session;
mod upkeep;
mod verify;
mod ways_back;

pub use admin::{Authorized, ResetDone};
pub use archive::{ArchiveDone, ArchiveSink, ArchivedEvent, ArchivedEvents};
pub use key_changes::{InstallationView, KeyUse, ProofsOfOld};
pub use report::{Events, Impact, MemberImpact};
pub use restore::Behind;
pub use upkeep::{Imported, Rotation};
pub use verify::{Acknowledged, BadPlace, Check, Fault, Looks, Verification, Watch};

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use twofa_lifecycle::Config;
use twofa_otpauth::KeyUri;
use twofa_totp::{Algorithm, Params, Secret};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::directory::{Directory, Project, Standing};
use crate::error::Error;
use crate::keyring::KeySource;
use crate::store::{Store, Subject};
use keys::Held;
use record::{Beside, Loaded};
use refusals::Refusals;
use seen::Seen;

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
    keys: Held,
    issuer: String,
    config: Config,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    proofs_not_before: UnixTime,
    refusals: Refusals,
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

    /// Voids every proof from before `time`, in this service. [`TwoFactor::void_proofs`] does it in all of them, and
    /// durably.
    pub fn proofs_not_before(mut self, time: UnixTime) -> Self {
        self.0.proofs_not_before = time;
        self
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUri`] for an issuer that cannot stand in a key URI: empty, with a colon, or with control
    /// characters; [`Error::Keyring`] for a source that gives no keyring.
    pub fn build(self) -> Result<TwoFactor<S, D>, Error> {
        let secret = Secret::from_random_bytes(Algorithm::Sha1, &[1; 64]);
        KeyUri::totp(&self.0.issuer, "account", secret, Params::default())?;
        self.0.keys.ring()?;
        Ok(self.0)
    }
}

impl<S, D> TwoFactor<S, D> {
    /// A service is made of a store, a directory, and a keyring or the [`KeySource`] that it is read from. With a
    /// source it follows a rotation by another process; with a keyring it stays with that.
    pub fn builder(store: S, directory: D, keys: impl Into<KeySource>) -> Builder<S, D> {
        Builder(Self {
            store,
            directory,
            keys: Held::new(keys.into()),
            issuer: "twofa".to_owned(),
            config: Config::default(),
            clock: Arc::new(system_time),
            proofs_not_before: UnixTime::EPOCH,
            refusals: Refusals::default(),
        })
    }

    /// The retry policy. A write that another writer came before is loaded and decided anew at once, giving
    /// way to other tasks in between, up to this many times; then [`Error::Contended`] says that nothing
    /// happened. Each loss means that somebody else's write of the same record went through. Writers of one record that
    /// never stop can starve another, however few they are; whose refusals could be such writers write elsewhere, and
    /// seldom.
    pub const MAX_TRIES: u32 = 256;

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The directory.
    pub fn directory(&self) -> &D {
        &self.directory
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
}
