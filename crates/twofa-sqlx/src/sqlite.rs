use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, FromRow};
use tokio::sync::{Semaphore, SemaphorePermit};
use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::policy::{Handover, Role, SelfReset};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, AuditRow, Change, FactorRow, Project, Resumed, Standing, Stored, Subject, SubjectEvent,
};

use crate::rows::{self, Cursor};
use crate::shared::{Query, Statement, store_and_directory};
use crate::{Error, schema, sql};

mod write;

const MIGRATIONS: &[(&str, &str)] = &[("init", include_str!("../migrations/sqlite/0001_init.sql"))];

/// How long one process waits for another that is writing.
const BUSY: Duration = Duration::from_secs(30);

/// A store and a directory in one SQLite file.
///
/// The file is in WAL mode, with `synchronous = FULL`: what was reported as done survives power loss. Several
/// processes may use it at once, on one machine; on a network file system SQLite's locks do not hold.
///
/// Cloning is cheap and gives another handle on the same pool.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use twofa::{Directory, Project};
/// use twofa::policy::{ProjectSettings, Role};
/// use twofa_sqlx::SqliteStore;
///
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::connect(folder.path().join("twofa.db")).await?;
/// let (project, user) = ("acme".parse()?, "zoë@example.com".parse()?);
/// let settings = ProjectSettings::default();
/// store.add_project(&project, &Project { settings, issuer: None }).await?;
/// store.add_member(&project, &user, Role::Administrator).await?;
/// let standing = store.standing(&project, &user).await?.expect("the project was just added");
/// assert_eq!(standing.role, Some(Role::Administrator));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).map_err(|e| e.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(crate) pool: SqlitePool,
    /// SQLite has one writer at a time. Writers of this process queue here, first come first served, instead
    /// of polling the file's lock.
    writer: Arc<Semaphore>,
}

impl SqliteStore {
    const SWEEP: &'static str = "DELETE FROM twofa_login WHERE id IN (\
        SELECT id FROM twofa_login WHERE expires >= 0 AND expires < $1 ORDER BY expires LIMIT $2)";

    /// Opens the store in the file at `path`, which is made where there is none, and brings its tables up to
    /// date.
    ///
    /// # Errors
    ///
    /// Says what the file is, where it cannot be a store, and what to do: a directory, a folder that does not
    /// exist, no database, a damaged one, a read-only one, or one with a schema newer than this program's.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.is_dir() {
            return Err(Error::IsDirectory { path: path.into() });
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        if folder.is_some_and(|p| !p.is_dir()) {
            return Err(Error::NoFolder { path: path.into() });
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        prepare(&options).await.map_err(|reason| Error::Open {
            path: path.into(),
            reason: Box::new(reason),
        })?;
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(BUSY)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self::over(pool))
    }

    /// A store on a pool that the application has already, and brings its tables up to date. All tables begin
    /// with `twofa_`.
    ///
    /// Ask for WAL, and for a busy timeout of several seconds.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::time::Duration;
    /// use twofa_sqlx::SqliteStore;
    /// use twofa_sqlx::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("app.db");
    /// let options = SqliteConnectOptions::new()
    ///     .filename(file)
    ///     .create_if_missing(true)
    ///     .journal_mode(SqliteJournalMode::Wal)
    ///     .synchronous(SqliteSynchronous::Full)
    ///     .busy_timeout(Duration::from_secs(30));
    /// let pool = SqlitePool::connect_with(options).await?;
    /// let store = SqliteStore::from_pool(pool.clone()).await?; // and the pool is still the application's
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).map_err(|e| e.to_string())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); also [`Error::NotDurable`] when the pool's connections have `synchronous`
    /// below `FULL`, with which power loss takes back what was reported as done.
    pub async fn from_pool(pool: SqlitePool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::sqlite)?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::sqlite)?;
        if synchronous < 2 {
            return Err(Error::NotDurable {
                setting: "synchronous",
                value: if synchronous == 1 { "NORMAL" } else { "OFF" }.into(),
                wanted: "FULL",
            });
        }
        migrate(&mut connection).await?;
        drop(connection);
        Ok(Self::over(pool))
    }

    fn over(pool: SqlitePool) -> Self {
        Self {
            pool,
            writer: Arc::new(Semaphore::new(1)),
        }
    }

    /// The pool, for the application's own statements.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits for what is under way, writes the log back into the file and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The right to write. An error is impossible, since the semaphore is never closed; the file's own lock
    /// would still hold.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.writer.acquire().await.ok()
    }
}

store_and_directory!(SqliteStore, sqlx::Sqlite, Error::sqlite);

/// Opens one connection to see that the file can be used, and brings the tables up to date.
async fn prepare(options: &SqliteConnectOptions) -> Result<(), Error> {
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
    let migrated = migrate(&mut connection).await;
    let closed = connection.close().await.map_err(Error::sqlite);
    migrated.and(closed)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    let migrations = schema::migrations(MIGRATIONS);
    if schema::is_current(&migrations, &applied(connection).await?)? {
        return Ok(());
    }
    // One start at a time: whoever comes second finds the work done.
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(Error::sqlite)?;
    if !schema::is_current(&migrations, &applied(&mut transaction).await?)? {
        schema::apply(&mut *transaction, &migrations)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(Error::sqlite)
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = $1")
        .bind(schema::TABLE)
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::sqlite)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_as(schema::APPLIED)
        .fetch_all(connection)
        .await
        .map_err(Error::sqlite)
}

fn failed(error: sqlx::migrate::MigrateError) -> Error {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    match error {
        Execute(e) => Error::sqlite(e),
        ExecuteMigration(e, version) => match Error::sqlite(e) {
            Error::Database(e) => Error::Migrate(ExecuteMigration(e, version)),
            plain => plain,
        },
        other => Error::Migrate(other),
    }
}
