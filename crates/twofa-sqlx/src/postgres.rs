use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use twofa::{Applied, Change, Cut};

use crate::error::sql_state;
use crate::schema::{self, Migrated, Tables};
use crate::shared::{Backend, Beside, Row, Value, arguments};
use crate::{Error, Made, SqlStore, sql};

mod cut;
mod limits;
mod write;

pub use limits::Limits;

const MIGRATIONS: &[(&str, &str)] = &[
    ("init", include_str!("../migrations/postgres/0001_init.sql")),
    (
        "logins",
        include_str!("../migrations/postgres/0002_logins.sql"),
    ),
    (
        "record",
        include_str!("../migrations/postgres/0003_record.sql"),
    ),
];

/// A connection that lay idle for longer is tried before it is used.
const IDLE: Duration = Duration::from_secs(5);

/// A store and a directory in a PostgreSQL database, or in an engine that speaks its protocol.
///
/// Needs READ COMMITTED and nothing beyond: no extension, no advisory lock, no `LISTEN`, no trigger, no session
/// state. A connection pooler between may hand every statement to another session where prepared statements
/// follow. A stricter isolation works as well: what it aborts is reported as a conflict and tried again.
///
/// Cloning is cheap and gives another handle on the same pool. For TLS, enable the feature `tls`.
pub type PgStore = SqlStore<Postgres>;

/// PostgreSQL, for [`PgStore`].
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    version: i64,
}

impl PgStore {
    /// Opens the store in the database at `url`, `postgres://user:password@host:port/database`. Nothing is made. A
    /// store one version behind is used as it is; [`PgStore::migrate`] brings it up to date.
    ///
    /// `sslmode` in the URL is libpq's. To another machine the connection is always encrypted (feature `tls`):
    /// `prefer`, which stands where nothing is said, is taken as `require` there, and `disable` and `allow` are
    /// refused before anything is sent.
    ///
    /// # Errors
    ///
    /// Says what is amiss and what to do: a URL that cannot be read, a server that does not answer, a database
    /// without our tables, an encoding that cannot hold every id, `synchronous_commit = off`, a schema newer than
    /// this program's. Each has its [`code`](Error::code).
    pub async fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(Self::options(url)?, Limits::default()).await
    }

    /// As [`open`](Self::open), with options and limits of the application's own.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(options: PgConnectOptions, limits: Limits) -> Result<Self, Error> {
        let options = encrypted(options)?;
        let tables = on_one(&options, limits, |connection| {
            Box::pin(async move {
                sound(connection).await?;
                let migrations = schema::migrations(MIGRATIONS);
                schema::tables(&migrations, &applied(connection).await?)
            })
        })
        .await?;
        let version = schema::usable(tables, known(), &place(&options))?;
        Ok(Self::over(options, limits, version))
    }

    /// Makes the store in the database at `url`, or opens the one that is there, and says which. The role needs
    /// the right to create tables when they are not there; later on it needs to read and write them.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn create(url: &str) -> Result<(Self, Made), Error> {
        Self::create_with(Self::options(url)?, Limits::default()).await
    }

    /// As [`create`](Self::create), with options and limits of the application's own.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn create_with(
        options: PgConnectOptions,
        limits: Limits,
    ) -> Result<(Self, Made), Error> {
        let options = encrypted(options)?;
        match Self::open_with(options.clone(), limits).await {
            Err(Error::NoStore { .. }) => {}
            other => return other.map(|store| (store, Made::Before)),
        }
        let made = bring_up_on_one(&options, limits, true).await?;
        let store = Self::over(options, limits, known());
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
    /// As [`open`](Self::open).
    pub async fn migrate(url: &str) -> Result<Migrated, Error> {
        Self::migrate_with(Self::options(url)?, Limits::default()).await
    }

    /// As [`migrate`](Self::migrate), with options and limits of the application's own. A migration may take longer
    /// than a statement, and waits for locks no longer than any.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn migrate_with(
        options: PgConnectOptions,
        limits: Limits,
    ) -> Result<Migrated, Error> {
        bring_up_on_one(&encrypted(options)?, limits, false).await
    }

    fn options(url: &str) -> Result<PgConnectOptions, Error> {
        let options = PgConnectOptions::from_str(url).map_err(Error::Url)?;
        // As libpq does: whoever names an authority wants it asked.
        let names_authority = url
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(is_root_certificate))
            || std::env::var_os("PGSSLROOTCERT").is_some();
        let options = match options.get_ssl_mode() {
            PgSslMode::Require if names_authority => options.ssl_mode(PgSslMode::VerifyCa),
            _ => options,
        };
        Ok(options.disable_statement_logging())
    }

    fn over(options: PgConnectOptions, limits: Limits, version: i64) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(limits.connections.max(1))
            .acquire_timeout(limits.connect)
            // One round trip less on a busy connection; an idle one may have been dropped on the way.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                Box::pin(async move { limits.set(connection).await })
            })
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Self(Postgres { pool, version })
    }

    /// A store on a pool that the application has already, whose tables are there. They stand in the first schema
    /// of the connection's search path.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn from_pool(pool: PgPool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::postgres)?;
        sound(&mut connection).await?;
        let migrations = schema::migrations(MIGRATIONS);
        let tables = schema::tables(&migrations, &applied(&mut connection).await?)?;
        let version = schema::usable(tables, known(), "this database")?;
        drop(connection);
        Ok(Self(Postgres { pool, version }))
    }

    /// As [`from_pool`](Self::from_pool), and makes the tables where they are not there, or brings them up to
    /// date. All tables begin with `twofa_`. Call it where the application makes or migrates its own.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn create_in_pool(pool: PgPool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::postgres)?;
        sound(&mut connection).await?;
        bring_up(&mut connection, true).await?;
        drop(connection);
        Ok(Self(Postgres {
            pool,
            version: known(),
        }))
    }

    /// The version of the tables when the store was opened, from 1 on.
    pub fn schema_version(&self) -> i64 {
        self.0.version
    }

    /// Whether the tables were those of a version before when the store was opened: see [`PgStore::migrate`].
    pub fn is_older(&self) -> bool {
        self.0.version < known()
    }

    /// The pool, for the application's own statements.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Backend for Postgres {
    // Two sweeps at once take different rows, and neither waits.
    const SWEEP: &'static str = "DELETE FROM twofa_login WHERE id IN (\
        SELECT id FROM twofa_login WHERE expires >= 0 AND expires < $1 ORDER BY expires LIMIT $2 \
        FOR UPDATE SKIP LOCKED)";

    const HEADS: [[&'static str; 4]; 2] = sql::heads!(
        "LATERAL (SELECT l.seq, l.mac, l.id FROM twofa_event l \
         WHERE l.project = f.project AND l.user_id = f.user_id AND l.id <= $1 \
         ORDER BY l.seq DESC LIMIT 1) e ON TRUE "
    );
    fn versions(&self) -> (i64, i64) {
        (self.version, known())
    }

    async fn rows<R: Row>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, Error> {
        let arguments = arguments::<sqlx::Postgres>(values).map_err(Error::postgres)?;
        let found = sqlx::query_as_with(statement, arguments).fetch_all(&self.pool);
        found.await.map_err(Error::postgres)
    }

    async fn run(&self, statement: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        let arguments = arguments::<sqlx::Postgres>(values).map_err(Error::postgres)?;
        let done = sqlx::query_with(statement, arguments).execute(&self.pool);
        Ok(done.await.map_err(Error::postgres)?.rows_affected())
    }

    async fn commit(&self, change: &Change, beside: Option<Beside<'_>>) -> Result<Applied, Error> {
        self.apply(change, beside).await
    }

    async fn cut(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        self.take_out(installation, cuts).await
    }

    async fn writers_have_ended(&self) -> Result<(), Error> {
        self.drain().await
    }

    async fn numbers_are_settled(&self) -> Result<(), Error> {
        self.settle().await
    }
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Where a store is, without the password.
fn place(options: &PgConnectOptions) -> String {
    let host =
        socket(options).unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()));
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{host}, database {database}")
}

/// The folder of the socket that the server listens on, where the connection goes through one.
fn socket(options: &PgConnectOptions) -> Option<String> {
    let given = options.get_socket().map(|path| path.display().to_string());
    let host = options.get_host();
    given.or_else(|| host.starts_with('/').then(|| host.to_owned()))
}

fn is_this_machine(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    socket(options).is_some()
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a parameter of a URL names a file of authorities, by any of its names.
fn is_root_certificate(parameter: &str) -> bool {
    let name = parameter
        .split_once('=')
        .map_or(parameter, |(name, _)| name);
    matches!(name, "sslrootcert" | "ssl-root-cert" | "ssl-ca")
}

/// The same options, encrypted wherever they lead to another machine.
fn encrypted(options: PgConnectOptions) -> Result<PgConnectOptions, Error> {
    if is_this_machine(&options) {
        return Ok(options);
    }
    let refused = |without| Error::InTheClear {
        host: options.get_host().into(),
        without,
    };
    if !cfg!(feature = "tls") {
        return Err(refused(
            ", with a build that has TLS: the feature `tls` of twofa-sqlx",
        ));
    }
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow => Err(refused("")),
        PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::Require)),
        _ => Ok(options),
    }
}

type Done<'c, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

/// Does something on one connection of its own.
async fn on_one<T>(
    options: &PgConnectOptions,
    limits: Limits,
    act: impl for<'c> FnOnce(&'c mut PgConnection) -> Done<'c, T>,
) -> Result<T, Error> {
    let unreachable = |cause| Error::Unreachable {
        place: place(options),
        cause: Box::new(cause),
    };
    let mut connection = match tokio::time::timeout(limits.connect, options.connect()).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(unreachable(sqlx::Error::PoolTimedOut)),
    };
    limits.set(&mut connection).await.map_err(Error::postgres)?;
    let done = act(&mut connection).await;
    let closed = connection.close().await.map_err(Error::postgres);
    let done = done?;
    closed.map(|()| done)
}

async fn bring_up_on_one(
    options: &PgConnectOptions,
    limits: Limits,
    make: bool,
) -> Result<Migrated, Error> {
    let done = on_one(options, limits, |connection| {
        Box::pin(async move {
            sound(connection).await?;
            bring_up(connection, make).await
        })
    });
    done.await.map_err(|error| match error {
        Error::NoStore { .. } => Error::NoStore {
            name: place(options),
        },
        other => other,
    })
}

/// Whether the database can hold every id, and what it reports as done survives a crash.
async fn sound(connection: &mut PgConnection) -> Result<(), Error> {
    // Engines that have no such setting answer NULL.
    let (encoding, commit): (Option<String>, Option<String>) = sqlx::query_as(
        "SELECT current_setting('server_encoding', true), current_setting('synchronous_commit', true)",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(Error::postgres)?;
    if let Some(found) = encoding.filter(|e| !matches!(e.to_uppercase().as_str(), "UTF8" | "UTF-8"))
    {
        return Err(Error::Encoding { found });
    }
    if let Some(value) = commit.filter(|c| c == "off") {
        return Err(Error::NotDurable {
            setting: "synchronous_commit",
            value,
            wanted: "on",
        });
    }
    Ok(())
}

/// Brings the tables up to date, or makes them where that is asked for.
async fn bring_up(connection: &mut PgConnection, make: bool) -> Result<Migrated, Error> {
    let mut tries = 0_u32;
    loop {
        match bring_up_once(connection, make).await {
            // Another start was creating the same tables: what it did is seen the next time.
            Err(Error::Migrate(error)) if tries < 50 && lost_a_race(&error) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Error::Migrate(error)) => return Err(failed(error)),
            other => return other,
        }
    }
}

/// All or nothing, with no lock: the catalog's own unique keys let one of two starts through, and the other
/// rolls back.
async fn bring_up_once(connection: &mut PgConnection, make: bool) -> Result<Migrated, Error> {
    let migrations = schema::migrations(MIGRATIONS);
    let to = known();
    let from = match schema::tables(&migrations, &applied(connection).await?)? {
        Tables::Current => return Ok(Migrated { from: to, to }),
        Tables::Older(from) => from,
        Tables::None if make => 0,
        Tables::None => {
            return Err(Error::NoStore {
                name: "this database".into(),
            });
        }
    };
    let mut transaction = connection.begin().await.map_err(Error::postgres)?;
    // Larger tables than anybody thought of must not make it impossible.
    sqlx::query("SELECT set_config('statement_timeout', '0', true)")
        .persistent(false)
        .execute(&mut *transaction)
        .await
        .map_err(Error::postgres)?;
    schema::apply(&mut *transaction, &migrations)
        .await
        .map_err(Error::Migrate)?;
    transaction
        .commit()
        .await
        .map_err(|e| Error::Migrate(e.into()))?;
    Ok(Migrated { from, to })
}

/// What the database says under the name that says what to do.
fn failed(error: sqlx::migrate::MigrateError) -> Error {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    match error {
        Execute(e) | ExecuteMigration(e, _) => Error::postgres(e),
        other => Error::Migrate(other),
    }
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let applied = sqlx::query_as(schema::APPLIED)
        .persistent(false)
        .fetch_all(connection)
        .await;
    match applied {
        // undefined_table
        Err(error) if sql_state(&error).as_deref() == Some("42P01") => Ok(Vec::new()),
        other => other.map_err(Error::postgres),
    }
}

fn lost_a_race(error: &sqlx::migrate::MigrateError) -> bool {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    let (Execute(error) | ExecuteMigration(error, _)) = error else {
        return false;
    };
    // unique_violation, duplicate_table, duplicate_object, and what stricter isolation answers
    let states = ["23505", "42P07", "42710", "40001", "40P01"];
    sql_state(error).is_some_and(|state| states.contains(&state.as_str()))
}
