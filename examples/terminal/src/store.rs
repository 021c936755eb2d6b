//! Opening the store and its key file: new both, or both as they were; never a store under another's keys.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Directory as _, Error, KeySource, Keyring, KeyringError, Project, Store as _, TwoFactor,
};
use twofa_sqlx::{Database, Location};

use crate::args::Global;
use crate::failure::Failure;

pub(crate) type Service = TwoFactor<Database, Database>;

/// A store that can be used.
pub(crate) struct Opened {
    pub(crate) service: Service,
    pub(crate) database: Database,
}

/// How much of the store is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// A record must open with these keys.
    Keys,
    /// Nothing: what does not open is what is looked for.
    Nothing,
}

impl Opened {
    /// Opens the store that was named, and makes it where it is new.
    pub(crate) async fn open(global: &Global, check: Check) -> Result<Self, Failure> {
        let location = Location::parse(&global.store)?;
        let key_file = key_file(global)?;
        let (database, keyring) = match location {
            Location::File(path) => open_file(&global.store, path, &key_file).await?,
            Location::Server => open_server(&global.store, &key_file).await?,
        };
        match check {
            Check::Keys => Self::fitting(database, keyring, &key_file, global.at).await,
            Check::Nothing => Self::with(database, keyring, global.at),
        }
    }

    /// With keys that open the store. A rotation may have put records under a key that came into the file after
    /// it was read, so that it is read again for as long as that brings a new one.
    pub(crate) async fn fitting(
        database: Database,
        _keyring: Keyring,
        key_file: &Path,
        at: Option<UnixTime>,
    ) -> Result<Self, Failure> {
        let opened = Self::with(database, KeySource::file(key_file), at)?;
        match opened.service.check_keyring().await {
            Ok(()) => Ok(opened),
            Err(error) => Err(does_not_fit(error, key_file)),
        }
    }

    pub(crate) fn with(
        database: Database,
        keys: impl Into<KeySource>,
        at: Option<UnixTime>,
    ) -> Result<Self, Failure> {
        let mut builder = TwoFactor::builder(database.clone(), database.clone(), keys);
        if let Some(at) = at {
            builder = builder.clock(move || at);
        }
        let service = builder.build()?;
        Ok(Self { service, database })
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

/// The key file: as named, or beside the store's file.
pub(crate) fn key_file(global: &Global) -> Result<PathBuf, Failure> {
    match (&global.key_file, Location::parse(&global.store)?) {
        (Some(path), _) => Ok(path.clone()),
        (None, Location::File(path)) => {
            let mut beside = OsString::from(path);
            beside.push(".key");
            Ok(beside.into())
        }
        (None, Location::Server) => Err(Failure::usage(
            "key-file-needed",
            "a store on a server has no place for its keys: name a key file with --key-file or TWOFA_KEY_FILE",
        )),
    }
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
        other => Failure::store("keyring", other.to_string()),
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

fn does_not_fit(error: Error, key_file: &Path) -> Failure {
    let hint = format!(
        "; the keys in {} may belong to another store: name the right file with --key-file",
        key_file.display()
    );
    Failure::from(error).hint(&hint)
}

async fn open_file(
    store: &str,
    path: &Path,
    key_file: &Path,
) -> Result<(Database, Keyring), Failure> {
    match start(path) {
        Start::New => {
            let keyring = new_keys(key_file)?;
            Ok((Database::connect(store).await?, keyring))
        }
        Start::Database if key_file.exists() => {
            let keyring = load_keys(key_file)?;
            Ok((Database::connect(store).await?, keyring))
        }
        Start::Database => {
            // It may be an application's own, in which no factor was ever kept.
            let database = Database::connect(store).await?;
            let keyring = keys_of(&database, key_file).await?;
            Ok((database, keyring))
        }
        Start::Other => {
            // No store can be there, which counts for more than a missing key file; nothing is made beside it.
            let database = Database::connect(store).await?;
            Ok((database, load_keys(key_file)?))
        }
    }
}

/// What a file looks like from its first bytes.
enum Start {
    New,
    Database,
    Other,
}

fn start(path: &Path) -> Start {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Start::Other;
    }
    let mut bytes = [0; 16];
    match fs::File::open(path).and_then(|mut file| file.read(&mut bytes)) {
        Ok(0) => Start::New,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Start::New,
        // "SQLite format 3" and a zero byte begin every SQLite file (sqlite.org/fileformat.html section 1.3).
        Ok(16) if &bytes == b"SQLite format 3\0" => Start::Database,
        _ => Start::Other,
    }
}

async fn open_server(store: &str, key_file: &Path) -> Result<(Database, Keyring), Failure> {
    let database = Database::connect(store).await?;
    let keyring = keys_of(&database, key_file).await?;
    Ok((database, keyring))
}

/// The keys of a store that is open, and new ones where it is new.
async fn keys_of(database: &Database, key_file: &Path) -> Result<Keyring, Failure> {
    if !key_file.exists() && is_empty(database).await? {
        return new_keys(key_file);
    }
    // A program that began the store meanwhile made its keys before it kept anything there.
    load_keys(key_file)
}

/// Whether nothing was ever kept there.
async fn is_empty(database: &Database) -> Result<bool, Failure> {
    Ok(database.list_projects(None, 1).await?.is_empty()
        && database.subjects(None, None, 1).await?.is_empty()
        && database.orphans(None, 1).await?.is_empty())
}

/// Keys for a new store. Of two programs that begin one at the same moment, both use the keys of the first.
fn new_keys(path: &Path) -> Result<Keyring, Failure> {
    if path.exists() {
        return load_keys(path);
    }
    // Told by the name that was given, whatever file it happened to.
    let failed = |e: KeyringError| {
        let told = match e {
            KeyringError::File { source, .. } => format!("key file {}: {source}", path.display()),
            other => other.to_string(),
        };
        Failure::store("keyring", told)
    };
    let keyring = Keyring::generate().map_err(failed)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    // One of a program that was killed, under the same number.
    let _ = fs::remove_file(&beside);
    keyring.create_file(&beside).map_err(failed)?;
    // A link gives the file its name whole or not at all, and never takes the place of one that is there.
    let linked = fs::hard_link(&beside, path);
    let removed = fs::remove_file(&beside);
    match linked {
        Ok(()) => removed
            .map(|()| keyring)
            .map_err(|e| Failure::store("keyring", format!("{}: {e}", beside.display()))),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => load_keys(path),
        // Some file systems have no links.
        Err(_) => keyring.create_file(path).map(|()| keyring).map_err(failed),
    }
}
