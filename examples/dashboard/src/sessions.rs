//! Where sessions are kept: in the database of the factors, under the hash of their id, so that whoever reads
//! the table can step into none of them.

use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, ExpiredDeletion, Result, SessionStore};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, Row as _};

use crate::accounts::on;

/// Sessions in SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct Sessions {
    database: Database,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err hands errors over by value"
)]
fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

fn key(id: &Id) -> String {
    base16ct::lower::encode_string(&Sha256::digest(id.0.to_be_bytes()))
}

impl Sessions {
    /// Opens the table, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn open(database: Database) -> std::result::Result<Self, sqlx::Error> {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS dashboard_session (\
            id TEXT PRIMARY KEY, data TEXT NOT NULL, expires BIGINT NOT NULL)";
        on!(&database, sqlx::query(TABLE), execute)?;
        Ok(Self { database })
    }
}

/// Binds the three columns of a session and runs the statement.
macro_rules! write {
    ($sessions:expr, $statement:expr, $record:expr) => {{
        // The id stays out of what is stored: only its hash is the key.
        let data =
            serde_json::to_string(&$record.data).map_err(|e| Error::Encode(e.to_string()))?;
        let expires = $record.expiry_date.unix_timestamp();
        let query = || key(&$record.id);
        match &$sessions.database {
            Database::Sqlite(store) => {
                let query = sqlx::query($statement)
                    .bind(query())
                    .bind(data)
                    .bind(expires);
                query
                    .execute(store.pool())
                    .await
                    .map(|done| done.rows_affected())
            }
            Database::Postgres(store) => {
                let query = sqlx::query($statement)
                    .bind(query())
                    .bind(data)
                    .bind(expires);
                query
                    .execute(store.pool())
                    .await
                    .map(|done| done.rows_affected())
            }
            _ => Ok(0),
        }
        .map_err(backend)?
    }};
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        const INSERT: &str = "INSERT INTO dashboard_session (id, data, expires) \
            VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        while write!(self, INSERT, record) == 0 {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // No insert: a request that was under way when its session ended must not bring it back.
        const UPDATE: &str = "UPDATE dashboard_session SET data = $2, expires = $3 WHERE id = $1";
        write!(self, UPDATE, record);
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        const SELECT: &str =
            "SELECT data, expires FROM dashboard_session WHERE id = $1 AND expires > $2";
        let now = OffsetDateTime::now_utc().unix_timestamp();
        macro_rules! fetch {
            ($store:expr) => {
                sqlx::query(SELECT)
                    .bind(key(id))
                    .bind(now)
                    .fetch_optional($store.pool())
                    .await
                    .and_then(|row| {
                        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                            .transpose()
                    })
            };
        }
        let row: Option<(String, i64)> = match &self.database {
            Database::Sqlite(store) => fetch!(store),
            Database::Postgres(store) => fetch!(store),
            _ => Ok(None),
        }
        .map_err(backend)?;
        row.map(|(data, expires)| {
            Ok(Record {
                id: *id,
                data: serde_json::from_str(&data).map_err(|e| Error::Decode(e.to_string()))?,
                expiry_date: OffsetDateTime::from_unix_timestamp(expires)
                    .map_err(|e| Error::Decode(e.to_string()))?,
            })
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        const DELETE: &str = "DELETE FROM dashboard_session WHERE id = $1";
        on!(&self.database, sqlx::query(DELETE).bind(key(id)), execute).map_err(backend)
    }
}

#[async_trait::async_trait]
impl ExpiredDeletion for Sessions {
    async fn delete_expired(&self) -> Result<()> {
        const DELETE: &str = "DELETE FROM dashboard_session WHERE expires <= $1";
        let now = OffsetDateTime::now_utc().unix_timestamp();
        on!(&self.database, sqlx::query(DELETE).bind(now), execute).map_err(backend)
    }
}
