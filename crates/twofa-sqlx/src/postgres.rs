use std::cmp::Ordering;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, FromRow};
use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::policy::{Handover, Role, SelfReset};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, AuditRow, Change, FactorRow, Project, Resumed, Standing, Stored, Subject, SubjectEvent,
};

use crate::error::sql_state;
use crate::rows::{self, Cursor};
use crate::shared::{Query, Statement, store_and_directory};
use crate::{Error, schema, sql};

mod write;

const MIGRATIONS: &[(&str, &str)] =
    &[("init", include_str!("../migrations/postgres/0001_init.sql"))];

/// How long to wait for a free connection, or for the server to let one in.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that lay idle for longer is tried before it is used.
const IDLE: Duration = Duration::from_secs(5);

/// A store and a directory in a PostgreSQL database, or in an engine that speaks its protocol.
///
/// Needs READ COMMITTED and nothing beyond: no extension, no advisory lock, no `LISTEN`, no trigger, no session
/// state. A connection pooler between may hand every statement to another session where prepared statements
/// follow. A stricter isolation works as well: what it aborts is reported as a conflict and tried again.
///
/// Cloning is cheap and gives another handle on the same pool. For TLS, enable one of sqlx's `tls-` features in
/// the application.
#[derive(Debug, Clone)]
pub struct PgStore {
    pub(crate) pool: PgPool,
}

impl PgStore {
    // Two sweeps at once take different rows, and neither waits.
    const SWEEP: &'static str = "DELETE FROM twofa_login WHERE id IN (\
        SELECT id FROM twofa_login WHERE expires >= 0 AND expires < $1 ORDER BY expires LIMIT $2 \
        FOR UPDATE SKIP LOCKED)";

    /// Connects to the database at `url`, `postgres://user:password@host:port/database`, and brings its tables
    /// up to date. The role needs the right to create tables when they are not; later on it needs to read and
    /// write them.
    ///
    /// # Errors
    ///
    /// Says what is amiss and what to do: a URL that cannot be read, a server that does not answer, an encoding
    /// that cannot hold every id, `synchronous_commit = off`, a schema newer than this program's.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)
            .map_err(Error::Url)?
            .disable_statement_logging();
        Self::connect_with(options, 16).await
    }

    /// As [`connect`](Self::connect), with options of the application's own and at most `connections` at once.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with(options: PgConnectOptions, connections: u32) -> Result<Self, Error> {
        let unreachable = |reason| Error::Unreachable {
            host: options.get_host().into(),
            port: options.get_port(),
            reason: Box::new(reason),
        };
        let mut connection = match tokio::time::timeout(PATIENCE, options.connect()).await {
            Ok(connected) => connected.map_err(unreachable)?,
            Err(_) => return Err(unreachable(sqlx::Error::PoolTimedOut)),
        };
        let prepared = prepare(&mut connection).await;
        let closed = connection.close().await.map_err(Error::postgres);
        prepared.and(closed)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(PATIENCE)
            // One round trip less on a busy connection; an idle one may have been dropped on the way.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// A store on a pool that the application has already, and brings its tables up to date. All tables begin
    /// with `twofa_`, and stand in the first schema of the connection's search path.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn from_pool(pool: PgPool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await.map_err(Error::postgres)?;
        prepare(&mut connection).await?;
        drop(connection);
        Ok(Self { pool })
    }

    /// The pool, for the application's own statements.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Writers need no queue here.
    #[expect(clippy::unused_async, reason = "SQLite's counterpart waits")]
    async fn turn(&self) {}
}

store_and_directory!(PgStore, sqlx::Postgres, Error::postgres);

async fn prepare(connection: &mut PgConnection) -> Result<(), Error> {
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
    let mut tries = 0_u32;
    loop {
        match migrate(connection).await {
            // Another start was creating the same tables: what it did is seen the next time.
            Err(Error::Migrate(error)) if tries < 50 && lost_a_race(&error) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

/// All or nothing, with no lock: the catalog's own unique keys let one of two starts through, and the other
/// rolls back.
async fn migrate(connection: &mut PgConnection) -> Result<(), Error> {
    let migrations = schema::migrations(MIGRATIONS);
    if schema::is_current(&migrations, &applied(connection).await?)? {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(Error::postgres)?;
    schema::apply(&mut *transaction, &migrations)
        .await
        .map_err(Error::Migrate)?;
    transaction
        .commit()
        .await
        .map_err(|e| Error::Migrate(e.into()))
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
