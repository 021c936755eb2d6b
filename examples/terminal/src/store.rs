//! Opening the store and its keys: made by the commands that make, opened by all others, and never under the keys
//! of another store.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Directory as _, Error, KeySource, Keyring, KeyringError, Project, Purpose, Store as _,
    TwoFactor,
};
use twofa_sqlx::{Database, Error as StoreError, Location, Made};

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) type Service = TwoFactor<Database, Database>;

/// The environment variable that may hold the keyring itself.
const KEY_VARIABLE: &str = "TWOFA_KEY";

/// A store that can be used.
pub(crate) struct Opened {
    pub(crate) service: Service,
    pub(crate) database: Database,
    pub(crate) keys: Place,
}

/// What a command does to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// It reads, at whatever time.
    Reads,
    /// It writes: at another time only where the store is for rehearsals.
    Writes,
    /// It may begin a store, and then writes.
    Makes,
}

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    /// In [`KEY_VARIABLE`].
    Variable,
}

impl Place {
    /// As named, or in the environment, or beside the store's file.
    pub(crate) fn of(global: &Global) -> Result<Self, Failure> {
        if let Some(path) = &global.key_file {
            return Ok(Self::File(path.clone()));
        }
        if std::env::var_os(KEY_VARIABLE).is_some() {
            return Ok(Self::Variable);
        }
        match Location::parse(&global.store)? {
            Location::File(path) => {
                let mut beside = OsString::from(path);
                beside.push(".key");
                Ok(Self::File(beside.into()))
            }
            Location::Server => Err(Failure::usage(
                "key-file-needed",
                "a store on a server has no place for its keys: name a key file with --key-file or TWOFA_KEY_FILE, or put the keyring into TWOFA_KEY",
            )),
        }
    }

    /// The key file, for a command that changes it.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        match self {
            Self::File(path) => Ok(path),
            Self::Variable => Err(Failure::usage(
                "keys-in-environment",
                format!(
                    "the keys come from {KEY_VARIABLE}, which a command cannot change: put the keyring into a file that only you can read, run this with --key-file, and give the services the new text"
                ),
            )),
        }
    }

    /// The ring, and where it is read again.
    pub(crate) fn source(&self) -> Result<KeySource, Failure> {
        match self {
            Self::Variable => {
                Keyring::from_env(KEY_VARIABLE)
                    .map_err(|e| Failure::store(e.code(), format!("{KEY_VARIABLE}: {e}")))?;
                Ok(KeySource::environment(KEY_VARIABLE))
            }
            // A pipe gives what it holds once.
            Self::File(path) if path.starts_with("/dev/fd") => Ok(load_keys(path)?.into()),
            Self::File(path) => {
                load_keys(path)?;
                Ok(KeySource::file(path))
            }
        }
    }

    fn is_there(&self) -> bool {
        match self {
            Self::Variable => true,
            Self::File(path) => fs::symlink_metadata(path).is_ok(),
        }
    }
}

impl Opened {
    /// Opens the store that was named.
    pub(crate) async fn open(out: Output, global: &Global, does: Does) -> Result<Self, Failure> {
        let keys = Place::of(global)?;
        if does == Does::Makes && global.at.is_none() {
            return Ok(Self::make(out, global, Purpose::Production).await?.0);
        }
        let database = match Database::open(&global.store).await {
            Err(StoreError::NoStore { .. }) if does == Does::Makes => return Err(rehearsal_only()),
            other => other?,
        };
        let opened = Self::with(database, keys, global.at).await?;
        if global.at.is_some() && does != Does::Reads {
            opened.rehearses().await?;
        }
        Ok(opened)
    }

    /// Opens the store that was named, and makes it and its keys where there is none.
    pub(crate) async fn make(
        out: Output,
        global: &Global,
        purpose: Purpose,
    ) -> Result<(Self, Made), Failure> {
        let keys = Place::of(global)?;
        match Database::open(&global.store).await {
            Ok(database) => {
                return Ok((Self::with(database, keys, global.at).await?, Made::Before));
            }
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(error.into()),
        }
        // Its keys first: whoever begins the same store at this moment finds them.
        let fresh = !keys.is_there();
        if let Place::File(path) = &keys
            && fresh
        {
            folder_of_the_store(&global.store)?;
            new_keys(path)?;
        }
        keys.source()?;
        let (database, made) = Database::create(&global.store).await?;
        let opened = Self::with(database, keys, None).await?;
        opened.service.install(purpose).await?;
        if let Place::File(path) = &opened.keys {
            let (path, what) = (
                path.display(),
                if fresh { "are" } else { "were, and stay," },
            );
            out.note(
                "keys",
                &format!(
                    "the store's keys {what} in {path}: keep that file apart from the store's backups; without it no secret can be read, and everyone must be reset"
                ),
            );
        }
        let opened = Self::with(opened.database, opened.keys, global.at).await?;
        Ok((opened, made))
    }

    /// Opens the store under keys that may not be its own, for a repair; where `fresh`, they are made if they are not
    /// there.
    pub(crate) async fn to_repair(global: &Global, fresh: bool) -> Result<Self, Failure> {
        if global.at.is_some() {
            return Err(rehearsal_only());
        }
        let keys = Place::of(global)?;
        let database = Database::open(&global.store).await?;
        if let Place::File(path) = &keys
            && fresh
            && !keys.is_there()
        {
            new_keys(path)?;
        }
        let (store, directory) = (database.clone(), database.clone());
        let service = TwoFactor::builder(store, directory, keys.source()?).build()?;
        Ok(Self {
            service,
            database,
            keys,
        })
    }

    /// With keys that are the store's.
    async fn with(database: Database, keys: Place, at: Option<UnixTime>) -> Result<Self, Failure> {
        let mut builder = TwoFactor::builder(database.clone(), database.clone(), keys.source()?);
        if let Some(at) = at {
            builder = builder.clock(move || at);
        }
        let service = builder.build()?;
        match service.check_keyring().await {
            Ok(()) => Ok(Self {
                service,
                database,
                keys,
            }),
            Err(error) => Err(does_not_fit(error, &keys)),
        }
    }

    /// Whether the store is one that a rehearsal may write to.
    async fn rehearses(&self) -> Result<(), Failure> {
        let view = self.service.installation().await?;
        if view.is_none_or(|view| view.purpose != Purpose::Rehearsal) {
            return Err(rehearsal_only());
        }
        Ok(())
    }

    /// Whether nothing was ever kept here but the store's own record of its keys.
    pub(crate) async fn is_empty(&self) -> Result<bool, Failure> {
        let itself = twofa::Subject::installation();
        let records = self.database.subjects(None, None, 2).await?;
        Ok(self.database.list_projects(None, 1).await?.is_empty()
            && records.iter().all(|row| row.subject == itself)
            && self.database.orphans(None, None, 1).await?.is_empty())
    }

    /// The rules of a project that must be there.
    pub(crate) async fn project(&self, id: &ProjectId) -> Result<Project, Failure> {
        let found = self.database.project(id).await?;
        found.ok_or_else(|| Error::UnknownProject(Box::new(id.clone())).into())
    }

    /// Whether someone is a member of a project that must be there.
    pub(crate) async fn is_member(&self, id: &ProjectId, user: &UserId) -> Result<bool, Failure> {
        let standing = self.database.standing(id, user).await?;
        let Some(standing) = standing else {
            return Err(Error::UnknownProject(Box::new(id.clone())).into());
        };
        Ok(standing.role.is_some())
    }
}

fn rehearsal_only() -> Failure {
    Failure::usage(
        "rehearsal-only",
        "--at with a command that writes is for a store that rehearses: make one with `twofa init --rehearsal`, under another name; nothing was written",
    )
}

/// Whether a store may be begun where this was answered: no file, or what a start that was killed has left.
fn is_nothing(error: &StoreError) -> bool {
    match error {
        StoreError::NoStore { .. } => true,
        StoreError::NotAStore { why, .. } => {
            matches!(
                *why,
                "the file is empty" | "it is a database without tables"
            )
        }
        _ => false,
    }
}

fn folder_of_the_store(store: &str) -> Result<(), Failure> {
    if let Location::File(path) = Location::parse(store)? {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(StoreError::NoFolder { path: path.into() }.into());
        }
    }
    Ok(())
}

/// Reads the key file, and says what to do where that fails.
pub(crate) fn load_keys(path: &Path) -> Result<Keyring, Failure> {
    Keyring::load_file(path).map_err(|e| match e {
        KeyringError::File { ref source, .. } if source.kind() == io::ErrorKind::NotFound => {
            missing(path)
        }
        KeyringError::Malformed { .. } => Failure::store(
            "keyring",
            format!(
                "{} is no key file: {e}; name the right one with --key-file",
                path.display()
            ),
        ),
        other => Failure::store(other.code(), other.to_string()),
    })
}

fn missing(path: &Path) -> Failure {
    let message = format!(
        "the store has its secrets under the keys in {}, which is not there; put that file back, or name \
         where it is with --key-file (without it no secret can be read, and everyone must be reset)",
        path.display()
    );
    Failure::store("key-missing", message)
}

/// Only where the keys are at fault is it they that are spoken of.
fn does_not_fit(error: Error, keys: &Place) -> Failure {
    let failure = Failure::from(error);
    match (failure.code(), keys) {
        ("keyring-mismatch", Place::File(path)) => {
            let hint = format!(
                "; the keys in {} may belong to another store: name the right file with --key-file",
                path.display()
            );
            failure.hint(&hint)
        }
        ("keyring-mismatch", Place::Variable) => {
            failure.hint("; the keys in TWOFA_KEY may belong to another store")
        }
        _ => failure,
    }
}

/// Keys for a new store. Of two programs that begin one at the same moment, both use the keys of the first.
fn new_keys(path: &Path) -> Result<(), Failure> {
    let keyring = Keyring::generate()?;
    match keyring.create_file(path) {
        Err(KeyringError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            Ok(())
        }
        other => Ok(other?),
    }
}
