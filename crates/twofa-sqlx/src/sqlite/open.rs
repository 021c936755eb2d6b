//! Opening a file is not making one: a file that is no store is refused as it lies there, byte for byte.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use super::queue::Queue;
use super::{BUSY, MIGRATIONS, SqliteStore};
use crate::schema::{self, Migrated, Tables};
use crate::{Error, Made};

/// Beside the file: what was written and is not in it yet.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn has_log(path: &Path) -> bool {
    fs::metadata(log_of(path)).is_ok_and(|meta| meta.len() > 0)
}

/// What lies at a path.
enum Lies {
    Nothing,
    /// A file of no bytes: what a start that was killed leaves.
    Empty,
    File,
}

/// Looks at the path without opening it, which could wait without end for a pipe.
fn lies(path: &Path) -> Result<Lies, Error> {
    let not = |why| Error::NotAStore {
        name: path.display().to_string(),
        why,
    };
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Err(Error::IsDirectory { path: path.into() }),
        Ok(meta) if !meta.is_file() => Err(not("it is a pipe, a socket or a device")),
        Ok(meta) if meta.len() == 0 => Ok(Lies::Empty),
        Ok(_) => Ok(Lies::File),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Lies::Nothing),
        Err(e) => Err(Error::Open {
            path: path.into(),
            why: Box::new(Error::CannotOpen(sqlx::Error::Io(e))),
        }),
    }
}

fn settings(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .disable_statement_logging()
}

/// As the store is used. On macOS `FULL` alone does not flush the drive's own cache.
fn working(path: &Path, busy: Duration) -> SqliteConnectOptions {
    settings(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "1")
        .pragma("checkpoint_fullfsync", "1")
        .busy_timeout(busy)
}

/// Reads which tables there are and changes nothing: neither the file nor what lies beside it.
async fn look(path: &Path, busy: Duration) -> Result<(Tables, bool), Error> {
    let quiet = settings(path).read_only(true).busy_timeout(busy);
    if !has_log(path) {
        let found = tables_of(&quiet.clone().immutable(true), Some(path)).await;
        match found {
            // Another process may have begun to write meanwhile: what it has half written is no damage.
            Err(Error::Corrupt(_)) if has_log(path) => {}
            other => return other,
        }
    }
    tables_of(&quiet, None).await
}

/// `whole` is for a file that all of the database lies in: then its length is told by its pages.
async fn tables_of(
    options: &SqliteConnectOptions,
    whole: Option<&Path>,
) -> Result<(Tables, bool), Error> {
    let mut connection = options.connect().await.map_err(Error::sqlite)?;
    let mut found = read_tables(&mut connection).await;
    if let (Ok((tables, _)), Some(path)) = (&found, whole)
        && *tables != Tables::None
        && is_cut(&mut connection, path).await?
    {
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        found = Err(Error::Corrupt(sqlx::Error::Io(end)));
    }
    let closed = connection.close().await.map_err(Error::sqlite);
    let found = found?;
    closed.map(|()| found)
}

/// Whether the last page is not all there, which SQLite itself finds when it needs it.
async fn is_cut(connection: &mut SqliteConnection, path: &Path) -> Result<bool, Error> {
    let page: i64 = sqlx::query_scalar("PRAGMA page_size")
        .fetch_one(connection)
        .await
        .map_err(Error::sqlite)?;
    let length = fs::metadata(path).map_or(0, |meta| meta.len());
    let page = u64::try_from(page).unwrap_or(0).max(512);
    Ok(!length.is_multiple_of(page))
}

/// The state of our tables, and whether there are others.
async fn read_tables(connection: &mut SqliteConnection) -> Result<(Tables, bool), Error> {
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::sqlite)?;
    let applied = super::applied(connection).await?;
    let tables = schema::tables(&schema::migrations(MIGRATIONS), &applied)?;
    Ok((tables, all > 0))
}

fn named(path: &Path) -> impl Fn(Error) -> Error + '_ {
    move |why| match why {
        Error::NoStore { .. } | Error::NotAStore { .. } => why,
        why => Error::Open {
            path: path.into(),
            why: Box::new(why),
        },
    }
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

impl SqliteStore {
    /// Opens the store in the file at `path`. Nothing is made: where there is no store, the folder stays as it
    /// is, byte for byte. A store one version behind is used as it is; [`SqliteStore::migrate`] brings it up to
    /// date. A copy on media that cannot be written is opened for reading.
    ///
    /// # Errors
    ///
    /// Says what lies there, where it is no store, and what to do: nothing, a directory, a pipe, another
    /// program's file, a damaged one, one with a schema newer than this program's or too old for it. Each has its
    /// [`code`](Error::code).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_within(path, BUSY).await
    }

    /// As [`SqliteStore::open`], waiting for other writers for so long and no longer, and then
    /// [`Error::Busy`]. The default is 30 seconds.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`].
    pub async fn open_within(path: impl AsRef<Path>, busy: Duration) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        match lies(path)? {
            Lies::Nothing => return Err(Error::NoStore { name }),
            Lies::Empty => {
                let why = "the file is empty";
                return Err(Error::NotAStore { name, why });
            }
            Lies::File => {}
        }
        let (tables, others) = look(path, busy).await.map_err(named(path))?;
        if tables == Tables::None {
            let why = if others {
                "it is another program's database"
            } else {
                "it is a database without tables"
            };
            return Err(Error::NotAStore { name, why });
        }
        schema::usable(tables, known(), &name)?;
        Self::start(path, busy, tables != Tables::Current).await
    }

    /// Makes the store in the file at `path`, for its owner alone (mode 0600), or opens the one that is there.
    /// Says which.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`]; [`Error::NoFolder`]. Another program's file is refused as it is.
    pub async fn create(path: impl AsRef<Path>) -> Result<(Self, Made), Error> {
        let path = path.as_ref();
        if let Lies::Nothing = lies(path)? {
            make_file(path)?;
        }
        if let Lies::File = lies(path)? {
            let (tables, others) = look(path, BUSY).await.map_err(named(path))?;
            match tables {
                Tables::None if others => {
                    return Err(Error::NotAStore {
                        name: path.display().to_string(),
                        why: "it is another program's database",
                    });
                }
                Tables::None => {}
                _ => return Ok((Self::open(path).await?, Made::Before)),
            }
        }
        let made = prepare(&working(path, BUSY), true)
            .await
            .map_err(named(path))?;
        let store = Self::start(path, BUSY, false).await?;
        Ok((
            store,
            if made.from == 0 {
                Made::Now
            } else {
                Made::Before
            },
        ))
    }

    /// Brings the tables of a store up to date.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`].
    pub async fn migrate(path: impl AsRef<Path>) -> Result<Migrated, Error> {
        let path = path.as_ref();
        Self::open(path).await?.close().await;
        prepare(&working(path, BUSY), false)
            .await
            .map_err(named(path))
    }

    async fn start(path: &Path, busy: Duration, older: bool) -> Result<Self, Error> {
        let mut options = working(path, busy);
        match options.connect().await.map_err(Error::sqlite) {
            Ok(connection) => connection
                .close()
                .await
                .map_err(Error::sqlite)
                .map_err(named(path))?,
            // Media that cannot be written, with nothing beside the file that would have to be read along.
            Err(Error::CannotOpen(_) | Error::ReadOnly(_)) if !has_log(path) => {
                options = settings(path).read_only(true).immutable(true);
                tables_of(&options, None).await.map_err(named(path))?;
            }
            Err(Error::Busy(_)) => {}
            Err(error) => return Err(named(path)(error)),
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(busy)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self::over(pool, busy, Some(Queue::at(path, busy)), older))
    }
}

/// For its owner alone; what SQLite lays beside it has the same rights.
fn make_file(path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    if folder.is_some_and(|p| !p.is_dir()) {
        return Err(Error::NoFolder { path: path.into() });
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Two that begin one store together.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::StorageFull => Err(Error::Full(sqlx::Error::Io(e))),
        Err(e) if e.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            Err(named(path)(Error::ReadOnly(sqlx::Error::Io(e))))
        }
        Err(e) => Err(named(path)(Error::CannotOpen(sqlx::Error::Io(e)))),
    }
}

/// Opens one connection and brings the tables up to date, or makes them.
async fn prepare(options: &SqliteConnectOptions, make: bool) -> Result<Migrated, Error> {
    let mut tries = 0_u32;
    let mut connection = loop {
        match options.connect().await.map_err(Error::sqlite) {
            // Changing to WAL does not wait for another process that is doing the same.
            Err(Error::Busy(_)) if tries < 100 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => break other?,
        }
    };
    let migrated = super::bring_up(&mut connection, make).await;
    let closed = connection.close().await.map_err(Error::sqlite);
    let migrated = migrated?;
    closed.map(|()| migrated)
}
