//! Opening a file is not making one: a file that is no store is refused as it lies there, byte for byte.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use super::queue::{LONG_LOG, Queue};
use super::{BUSY, MIGRATIONS, SqliteStore, known};
use crate::schema::{self, Migrated, Tables};
use crate::{Error, Made};

/// Beside the file: what was written and is not in it yet.
pub(super) fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// Beside the file: where to find what in the log.
fn index_of(path: &Path) -> PathBuf {
    beside(path, "-shm")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn has_log(path: &Path) -> bool {
    fs::metadata(log_of(path)).is_ok_and(|meta| meta.len() > 0)
}

fn has_index(path: &Path) -> bool {
    index_of(path).exists()
}

/// Whether a writer can work here: it writes the file, and makes what lies beside it or finds it there. SQLite
/// would take a file that it may only read, and lay beside it what nobody can write afterwards.
#[cfg(unix)]
fn can_write(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let may = |path: &Path| accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let makes = may(folder.unwrap_or(Path::new(".")));
    let finds = |path: &Path| path.exists() && may(path);
    may(path) && (makes || (finds(&log_of(path)) && finds(&index_of(path))))
}

#[cfg(not(unix))]
fn can_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.permissions().readonly())
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

/// As the store is used. On macOS `FULL` alone does not flush the drive's own cache; `EXTRA` is `FULL` in WAL mode,
/// and what survives power loss in the other one, which a file of an application's own may be in. The mode of a
/// file that is there is not changed.
fn working(path: &Path, busy: Duration) -> SqliteConnectOptions {
    settings(path)
        .synchronous(SqliteSynchronous::Extra)
        .pragma("fullfsync", "1")
        .pragma("checkpoint_fullfsync", "1")
        // A log that had to grow is cut to this when it begins anew.
        .pragma("journal_size_limit", LONG_LOG.to_string())
        .busy_timeout(busy)
        // Pages of rows come from another thread: it need not wait for each to be taken.
        .row_buffer_size(500)
}

/// What is in a file.
#[derive(Clone, Copy)]
struct Found {
    tables: Tables,
    /// Whether others keep something there.
    others: bool,
}

/// Reads which tables there are and changes nothing: neither the file nor what lies beside it.
async fn look(path: &Path, busy: Duration) -> Result<Found, Error> {
    let quiet = settings(path).read_only(true).busy_timeout(busy);
    let unlocked = quiet.clone().immutable(true);
    for _ in 0..LOOKS {
        if has_log(path) {
            break;
        }
        let before = stamp(path);
        match tables_of(&unlocked, Some(path)).await {
            Ok(found) => return Ok(found),
            // Another process may have begun to write meanwhile: what it has half written is no damage.
            Err(error) if stamp(path) == before && !has_log(path) => return Err(error),
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
    if !has_index(path) {
        // To read a log is to make its index. Where the file itself shows that it is another's, that is not done.
        match tables_of(&unlocked, None).await {
            Ok(found) if found.tables == Tables::None && found.others => return Ok(found),
            Err(error @ Error::NotADatabase(_)) => return Err(error),
            _ => {}
        }
    }
    match tables_of(&quiet, None).await {
        Err(Error::CannotOpen(error)) if !can_write(path) => Err(Error::ReadOnly(error)),
        other => other,
    }
}

/// How often a file is looked at that others change at the same moment, and with how long between.
const LOOKS: u32 = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

fn stamp(path: &Path) -> Option<(u64, std::time::SystemTime)> {
    let meta = fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

/// `whole` is for a file that all of the database lies in: then its length is told by its pages.
async fn tables_of(options: &SqliteConnectOptions, whole: Option<&Path>) -> Result<Found, Error> {
    let mut connection = options.connect().await.map_err(Error::sqlite)?;
    let mut found = read_tables(&mut connection).await;
    if let (Ok(Found { tables, .. }), Some(path)) = (&found, whole)
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

async fn read_tables(connection: &mut SqliteConnection) -> Result<Found, Error> {
    let others: i64 = sqlx::query_scalar(
        r"SELECT count(*) FROM sqlite_master WHERE tbl_name NOT LIKE 'twofa\_%' ESCAPE '\'",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(Error::sqlite)?;
    let applied = super::applied(connection).await?;
    let tables = schema::tables(&schema::migrations(MIGRATIONS), &applied)?;
    Ok(Found {
        tables,
        others: others > 0,
    })
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
        let found = look(path, busy).await.map_err(named(path))?;
        if found.tables == Tables::None {
            let why = if found.others {
                "it is another program's database"
            } else {
                "it is a database without tables"
            };
            return Err(Error::NotAStore { name, why });
        }
        let version = schema::usable(found.tables, known(), &name)?;
        Self::start(path, busy, version).await
    }

    /// Makes the store in the file at `path`, for its owner alone (mode 0600), or opens the one that is there.
    /// Says which.
    ///
    /// # Errors
    ///
    /// As for [`SqliteStore::open`]; [`Error::NoFolder`]. Another program's file is refused as it is.
    pub async fn create(path: impl AsRef<Path>) -> Result<(Self, Made), Error> {
        let path = path.as_ref();
        if let Lies::File = make_file(path)? {
            let found = look(path, BUSY).await.map_err(named(path))?;
            match found.tables {
                Tables::None if found.others => {
                    return Err(Error::NotAStore {
                        name: path.display().to_string(),
                        why: "it is another program's database",
                    });
                }
                Tables::None => {}
                _ => return Ok((Self::open(path).await?, Made::Before)),
            }
        }
        let own = working(path, BUSY).journal_mode(SqliteJournalMode::Wal);
        let made = prepare(&own, true).await.map_err(named(path))?;
        let store = Self::start(path, BUSY, known()).await?;
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
        if !can_write(path) {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            return Err(named(path)(Error::ReadOnly(sqlx::Error::Io(denied))));
        }
        let found = look(path, BUSY).await.map_err(named(path))?;
        let mut options = working(path, BUSY);
        if !found.others {
            options = options.journal_mode(SqliteJournalMode::Wal);
        }
        prepare(&options, false).await.map_err(named(path))
    }

    async fn start(path: &Path, busy: Duration, version: i64) -> Result<Self, Error> {
        let options = if can_write(path) {
            working(path, busy)
        } else {
            let quiet = settings(path).read_only(true).busy_timeout(busy);
            // With nothing beside the file that would have to be read along, nothing is laid there.
            quiet.immutable(!has_log(path) && !has_index(path))
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(busy)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        match first(&pool).await {
            Ok(()) | Err(Error::Busy(_)) => {}
            Err(error) => {
                pool.close().await;
                return Err(named(path)(error));
            }
        }
        Ok(Self::over(pool, busy, Some(Queue::at(path, busy)), version))
    }
}

/// The first connection reads, so that the log is there that writers stand in line at, and stays in the pool.
async fn first(pool: &SqlitePool) -> Result<(), Error> {
    let mut connection = pool.acquire().await.map_err(Error::sqlite)?;
    read_tables(&mut connection).await.map(drop)
}

/// One file is made at a time. Closing a file gives back every lock that the process holds on it: another task must
/// not have begun to use it between its making and its closing.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the file where there is none, for its owner alone; what SQLite lays beside it has the same rights. Says what
/// lies there now.
fn make_file(path: &Path) -> Result<Lies, Error> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match lies(path)? {
        Lies::Nothing => {}
        there => return Ok(there),
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    if folder.is_some_and(|p| !p.is_dir()) {
        return Err(Error::NoFolder { path: path.into() });
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(Error::NotAStore {
            name: path.display().to_string(),
            why: "it is a link to a file that does not exist",
        });
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(Lies::Empty),
        // Two processes that begin one store together.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => lies(path),
        Err(e) => Err(named(path)(match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::Full(sqlx::Error::Io(e))
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Error::ReadOnly(sqlx::Error::Io(e))
            }
            _ => Error::CannotOpen(sqlx::Error::Io(e)),
        })),
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
