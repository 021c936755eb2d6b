//! The store and its keys, which belong together: opened together, and made together at a first start. Where one
//! of them is missing, nothing is begun anew in its place: what rests in the one is worth nothing without the other.

use std::path::PathBuf;

use twofa::{KeySource, Keyring, KeyringError, Store as _, Subject};
use twofa_sqlx::sqlx::ConnectOptions as _;
use twofa_sqlx::sqlx::postgres::PgConnectOptions;
use twofa_sqlx::{Database, Error, Limits, Location, PgStore, SqliteStore};

use crate::app::StartError;
use crate::options::Options;
use crate::say;
use crate::tables::PATIENCE;

/// The environment variable that may hold the text of the keyring itself.
const VARIABLE: &str = "TWOFA_KEY";

/// Where the keys are.
#[derive(Debug, Clone)]
pub enum Keys {
    /// In [`VARIABLE`].
    Environment,
    /// In a file.
    File(PathBuf),
}

impl Keys {
    /// As the command line and the environment say; beside a store that is a file, where they say nothing.
    ///
    /// # Errors
    ///
    /// [`StartError::NoKeyFile`].
    pub fn of(options: &Options) -> Result<Self, StartError> {
        if let Some(file) = &options.key_file {
            return Ok(Self::File(file.clone()));
        }
        if std::env::var_os(VARIABLE).is_some() {
            return Ok(Self::Environment);
        }
        let Location::File(store) = Location::parse(&options.store)? else {
            return Err(StartError::NoKeyFile);
        };
        let mut beside = store.as_os_str().to_owned();
        beside.push(".key");
        Ok(Self::File(beside.into()))
    }

    /// For a service, which reads them again when they were rotated beside it.
    fn source(&self) -> Result<KeySource, KeyringError> {
        let source = match self {
            Self::Environment => KeySource::environment(VARIABLE),
            // A pipe gives what it holds once.
            Self::File(path) if path.starts_with("/dev/fd") => Keyring::load_file(path)?.into(),
            Self::File(path) => KeySource::file(path),
        };
        source.read()?;
        Ok(source)
    }

    /// Where, in words.
    fn place(&self) -> String {
        match self {
            Self::Environment => format!("the keys in {VARIABLE}"),
            Self::File(path) => format!("the key file {}", path.display()),
        }
    }

    /// Whether something is there; a link that leads nowhere is something, too.
    fn are_there(&self) -> bool {
        match self {
            Self::Environment => true,
            Self::File(path) => path.symlink_metadata().is_ok(),
        }
    }
}

/// Opens the store. It is made where it is missing and its keys are, too: at a first start.
///
/// # Errors
///
/// [`StartError::StoreGone`] where the keys are there, which are then of a store that was mistyped, not mounted or
/// lost; and what the store says.
pub async fn store(options: &Options, keys: &Keys) -> Result<Database, StartError> {
    match open(&options.store).await {
        Err(Error::NoStore { .. }) => {}
        other => return Ok(other?),
    }
    if keys.are_there() && !options.init {
        return Err(StartError::StoreGone {
            store: options.store.clone(),
            keys: keys.place(),
        });
    }
    Database::create(&options.store).await?.0.close().await;
    Ok(open(&options.store).await?)
}

/// Opens it to wait for others no longer than people wait for a page.
async fn open(store: &str) -> Result<Database, Error> {
    match Location::parse(store)? {
        Location::File(path) => {
            let store = SqliteStore::open_within(path, PATIENCE).await?;
            Ok(Database::Sqlite(store))
        }
        Location::Server => {
            let options: PgConnectOptions = store.parse().map_err(Error::Url)?;
            let limits = Limits::default()
                .with_connect(PATIENCE)
                .with_lock(PATIENCE)
                .with_statement(2 * PATIENCE);
            let store = PgStore::open_with(options.disable_statement_logging(), limits).await?;
            Ok(Database::Postgres(store))
        }
    }
}

/// Makes the keys of a store in which nothing rests yet, where there are none; and sees that they can be read.
///
/// # Errors
///
/// [`StartError::KeyFileGone`] where something rests in the store; [`StartError::Keys`]; and what the store says.
pub async fn keys_of(
    options: &Options,
    keys: &Keys,
    database: &Database,
) -> Result<KeySource, StartError> {
    let unusable = |source| StartError::Keys {
        place: keys.place(),
        source,
    };
    if let Keys::File(path) = keys
        && !keys.are_there()
    {
        let installed = database
            .load(&Subject::installation())
            .await?
            .stored
            .is_some();
        if installed || !database.subjects(None, None, 1).await?.is_empty() {
            return Err(StartError::KeyFileGone {
                store: options.store.clone(),
                key: path.clone(),
            });
        }
        let made = Keyring::generate().and_then(|keyring| keyring.create_file(path));
        made.map_err(unusable)?;
        say(&format!(
            "Made {}: the keys that everybody's second factor rests under. Keep a copy of it apart from the \
             store; without it no factor can be read, and everyone must be reset.",
            path.display()
        ));
    }
    keys.source().map_err(unusable)
}
