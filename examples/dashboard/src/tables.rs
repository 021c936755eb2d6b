//! Where the application's own tables lie: in the database of the factors, but reached through connections of its
//! own, so that a page that needs no factor does not wait behind those that do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx;
use twofa_sqlx::sqlx::postgres::{PgPool, PgPoolOptions};
use twofa_sqlx::sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

/// How long a page waits for another process that writes. Well below the longest request, so that there is time
/// to say so.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// As many pages as look something up at the same moment.
const CONNECTIONS: u32 = 8;

/// Connections to the tables, on either database.
#[derive(Debug, Clone)]
pub enum Tables {
    /// SQLite has one writer at a time. Writers queue for their turn without a connection, so that readers, who
    /// wait for nobody, always find one.
    Sqlite(SqlitePool, Arc<Semaphore>),
    /// PostgreSQL.
    Postgres(PgPool),
}

/// Does the same on either database; both read `$1`.
macro_rules! on {
    ($tables:expr, $pool:ident => $run:expr) => {
        match $tables {
            $crate::tables::Tables::Sqlite($pool, _) => $run,
            $crate::tables::Tables::Postgres($pool) => $run,
        }
    };
}
pub(crate) use on;

impl Tables {
    /// Connections beside those of the factors, made as they are needed.
    ///
    /// # Errors
    ///
    /// A database that there are no statements for here.
    pub fn beside(database: &Database) -> Result<Self, sqlx::Error> {
        match database {
            Database::Sqlite(store) => {
                let options = store.pool().connect_options();
                // A file that is gone is not made again, with sessions in it and no factors.
                let options = options.as_ref().clone().create_if_missing(false);
                let pool = SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(PATIENCE)
                    .test_before_acquire(false)
                    .connect_lazy_with(options.busy_timeout(PATIENCE));
                Ok(Self::Sqlite(pool, Arc::new(Semaphore::new(1))))
            }
            Database::Postgres(store) => {
                let pool = PgPoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(PATIENCE)
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            let set = "SELECT set_config('lock_timeout', '5s', false), \
                                set_config('statement_timeout', '10s', false)";
                            sqlx::query(set).execute(connection).await.map(drop)
                        })
                    })
                    .connect_lazy_with(store.pool().connect_options().as_ref().clone());
                Ok(Self::Postgres(pool))
            }
            _ => Err(sqlx::Error::Configuration("an unknown database".into())),
        }
    }

    /// The right to write, to be held while writing.
    ///
    /// # Errors
    ///
    /// [`sqlx::Error::PoolTimedOut`] when others write for longer than [`PATIENCE`].
    pub async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>, sqlx::Error> {
        let Self::Sqlite(_, writer) = self else {
            return Ok(None);
        };
        let turn = Arc::clone(writer).acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => turn.map(Some).map_err(|_| sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Makes a table where there is none.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn make(&self, table: &'static str) -> Result<(), sqlx::Error> {
        let _turn = self.turn().await?;
        on!(self, pool => sqlx::query(table).execute(pool).await.map(drop))
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        on!(self, pool => pool.close().await);
    }
}
