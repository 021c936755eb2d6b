use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::sync::{Semaphore, SemaphorePermit};
use twofa::{Applied, Change, Cut};

use crate::schema::{self, Migrated, Tables};
use crate::shared::{Backend, Beside, Row, Value, arguments};
use crate::{Error, SqlStore, sql};

mod cut;
#[cfg_attr(
    not(all(target_os = "linux", target_pointer_width = "64")),
    path = "sqlite/line_plain.rs"
)]
mod line;
mod open;
mod queue;
mod write;

use queue::{Place, Queue};

const MIGRATIONS: &[(&str, &str)] = &[
    ("init", include_str!("../migrations/sqlite/0001_init.sql")),
    (
        "logins",
        include_str!("../migrations/sqlite/0002_logins.sql"),
    ),
    (
        "record",
        include_str!("../migrations/sqlite/0003_record.sql"),
    ),
];

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
/// use twofa::lifecycle::Actor;
/// use twofa::policy::{ProjectSettings, Role};
/// use twofa::{Directory, Keyring, Project, TwoFactor};
/// use twofa_sqlx::SqliteStore;
///
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::create(folder.path().join("twofa.db")).await?.0;
/// // The store keeps the projects and members as well; the service changes them, with who did it on the record.
/// let twofa = TwoFactor::builder(store.clone(), store.clone(), Keyring::generate()?).build()?;
/// let (project, user) = ("acme".parse()?, "zoë@example.com".parse()?);
/// let (settings, by) = (ProjectSettings::default(), Actor::operator("grace".parse()?));
/// twofa.add_project(&project, &Project { settings, issuer: None }, &by).await?;
/// twofa.add_member(&project, &user, Role::Administrator, &by).await?;
/// let standing = store.standing(&project, &user).await?.expect("the project was just added");
/// assert_eq!(standing.role, Some(Role::Administrator));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).map_err(|e| e.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type SqliteStore = SqlStore<Sqlite>;

/// SQLite, for [`SqliteStore`].
#[derive(Debug, Clone)]
pub struct Sqlite {
    pool: SqlitePool,
    /// SQLite has one writer at a time. Writers of this process queue here, first come first served, instead
    /// of polling the file's lock.
    writer: Arc<Semaphore>,
    busy: Duration,
    /// And those of all processes; `None` on a pool of the application's own.
    queue: Option<Arc<Queue>>,
    version: i64,
}

impl SqliteStore {
    /// A store on a pool that the application has already, and makes its tables there or brings them up to date.
    /// All tables begin with `twofa_`. Call it where the application makes or migrates its own tables.
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
    /// let store = SqliteStore::create_in_pool(pool.clone()).await?; // and the pool is still the application's
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).map_err(|e| e.to_string())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); also [`Error::NotDurable`] when the pool's connections have `synchronous`
    /// below `FULL`, with which power loss takes back what was reported as done.
    pub async fn create_in_pool(pool: SqlitePool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::sqlite)?;
        durable(&mut connection).await?;
        bring_up(&mut connection, true).await?;
        drop(connection);
        Ok(Self::over(pool, BUSY, None, known()))
    }

    /// A store on a pool that the application has already, whose tables are there.
    ///
    /// # Errors
    ///
    /// As for [`create_in_pool`](Self::create_in_pool); [`Error::NoStore`] where the tables are not there.
    pub async fn from_pool(pool: SqlitePool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::sqlite)?;
        durable(&mut connection).await?;
        let tables = schema::tables(
            &schema::migrations(MIGRATIONS),
            &applied(&mut connection).await?,
        )?;
        let version = schema::usable(tables, known(), "this database")?;
        drop(connection);
        Ok(Self::over(pool, BUSY, None, version))
    }

    fn over(pool: SqlitePool, busy: Duration, queue: Option<Queue>, version: i64) -> Self {
        Self(Sqlite {
            pool,
            writer: Arc::new(Semaphore::new(1)),
            busy,
            queue: queue.map(Arc::new),
            version,
        })
    }

    /// The version of the tables when the store was opened, from 1 on.
    pub fn schema_version(&self) -> i64 {
        self.0.version
    }

    /// Whether the tables were those of a version before when the store was opened: see [`SqliteStore::migrate`].
    pub fn is_older(&self) -> bool {
        self.0.version < known()
    }

    /// How many bytes the log beside the file had at the last write, where somebody holds it open: a program that
    /// reads within one transaction for hours, such as a shell or a backup. It grows until that reader ends.
    /// `None` where all is well, where it has less than 64 MiB, and for a pool of the application's own. Also told
    /// through `tracing`, as a warning once a minute.
    pub fn held_log(&self) -> Option<u64> {
        self.0.queue.as_ref()?.held_log()
    }

    /// The pool, for the application's own statements.
    pub fn pool(&self) -> &SqlitePool {
        &self.0.pool
    }

    /// Waits for what is under way, writes the log back into the file and closes all connections.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Backend for Sqlite {
    const SWEEP: &'static str = "DELETE FROM twofa_login WHERE id IN (\
        SELECT id FROM twofa_login WHERE expires >= 0 AND expires < $1 ORDER BY expires LIMIT $2)";

    const HEADS: [[&'static str; 4]; 2] = sql::heads!(
        "twofa_event e ON e.project = f.project AND e.user_id = f.user_id \
         AND e.seq = (SELECT max(l.seq) FROM twofa_event l \
         WHERE l.project = f.project AND l.user_id = f.user_id AND l.id <= $1) "
    );
    fn versions(&self) -> (i64, i64) {
        (self.version, known())
    }

    async fn rows<R: Row>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, Error> {
        let arguments = arguments::<sqlx::Sqlite>(values).map_err(Error::sqlite)?;
        let found = sqlx::query_as_with(statement, arguments).fetch_all(&self.pool);
        found.await.map_err(Error::sqlite)
    }

    async fn run(&self, statement: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        let _turn = self.turn().await?;
        let arguments = arguments::<sqlx::Sqlite>(values).map_err(Error::sqlite)?;
        let done = sqlx::query_with(statement, arguments).execute(&self.pool);
        Ok(done.await.map_err(Error::sqlite)?.rows_affected())
    }

    async fn commit(&self, change: &Change, beside: Option<Beside<'_>>) -> Result<Applied, Error> {
        self.apply(change, beside).await
    }

    async fn cut(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        self.take_out(installation, cuts).await
    }

    /// Whoever writes here compares and writes in one exclusive transaction: there is nobody to wait for.
    async fn writers_have_ended(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Numbers are drawn by one writer at a time, and come to light in their order.
    async fn numbers_are_settled(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Sqlite {
    /// The right to write: within this process first, then among all.
    async fn turn(&self) -> Result<Turn<'_>, Error> {
        // Those behind a writer that waits for another process wait no longer than it does.
        let permit = tokio::time::timeout(self.busy, self.writer.acquire()).await;
        let permit = permit.map_err(|_| Error::Busy(sqlx::Error::PoolTimedOut))?;
        // Another error is impossible, since the semaphore is never closed; the file's own lock would still hold.
        let permit = permit.ok();
        let place = match &self.queue {
            Some(queue) => {
                if queue.look()? {
                    // Trouble with the file is told by the write itself.
                    queue.log_is_held(self.log_is_held().await.unwrap_or_default());
                }
                Some(queue.place().await?)
            }
            None => None,
        };
        Ok(Turn {
            _place: place,
            _permit: permit,
        })
    }

    /// Writes the log back as far as nobody reads in it, and says whether some of it had to stay.
    async fn log_is_held(&self) -> Result<bool, Error> {
        // Busy, the pages of the log, and those that are in the file now.
        let (_, pages, back): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
            .fetch_one(&self.pool)
            .await
            .map_err(Error::sqlite)?;
        Ok(back < pages)
    }
}

/// Whoever holds this writes. The place among processes is given back before that among tasks.
struct Turn<'a> {
    _place: Option<Place>,
    _permit: Option<SemaphorePermit<'a>>,
}

/// The version of the tables that this program makes.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Whether what is reported as done survives power loss.
async fn durable(connection: &mut SqliteConnection) -> Result<(), Error> {
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(connection)
        .await
        .map_err(Error::sqlite)?;
    if synchronous < 2 {
        return Err(Error::NotDurable {
            setting: "synchronous",
            value: if synchronous == 1 { "NORMAL" } else { "OFF" }.into(),
            wanted: "FULL",
        });
    }
    Ok(())
}

/// Brings the tables up to date, or makes them where that is asked for.
async fn bring_up(connection: &mut SqliteConnection, make: bool) -> Result<Migrated, Error> {
    let migrations = schema::migrations(MIGRATIONS);
    let to = known();
    let done = |tables| match tables {
        Tables::Current => Some(Migrated { from: to, to }),
        _ => None,
    };
    if let Some(done) = done(schema::tables(&migrations, &applied(connection).await?)?) {
        return Ok(done);
    }
    // One start at a time: whoever comes second finds the work done.
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(Error::sqlite)?;
    let tables = schema::tables(&migrations, &applied(&mut transaction).await?)?;
    let from = match tables {
        Tables::Current => to,
        Tables::Older(from) => from,
        Tables::None if make => 0,
        Tables::None => {
            return Err(Error::NoStore {
                name: "this file".into(),
            });
        }
    };
    if from != to {
        schema::apply(&mut *transaction, &migrations)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(Error::sqlite)?;
    Ok(Migrated { from, to })
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
