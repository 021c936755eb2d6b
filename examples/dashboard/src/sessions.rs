//! Where sessions are kept: in the database of the factors, under the hash of their id, and sealed under a key
//! that only the id gives, which is in the visitor's cookie and nowhere else. Whoever reads the table learns
//! nothing of anybody, and a row that is copied under another id opens nothing.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, ExpiredDeletion, Result, SessionStore};
use twofa_sqlx::sqlx::{self, Row as _};
use zeroize::Zeroizing;

use crate::tables::{Tables, on};

/// Sessions in SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct Sessions {
    tables: Tables,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err hands errors over by value"
)]
fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

/// What a session is found by.
fn name(id: &Id) -> String {
    base16ct::lower::encode_string(&Sha256::digest(id.0.to_be_bytes()))
}

/// An id has 128 random bits, so that a hash of it is as good a key as a slow one would give.
fn cipher(id: &Id) -> XChaCha20Poly1305 {
    let mut hash = Sha256::new_with_prefix(b"twofa-dashboard/session/");
    hash.update(id.0.to_be_bytes());
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
    XChaCha20Poly1305::new((&*key).into())
}

const NONCE: usize = 24;

/// Nonce and ciphertext, in hexadecimal digits.
fn seal(record: &Record) -> Result<String> {
    let encode = |error: &dyn std::fmt::Display| Error::Encode(error.to_string());
    let plain = Zeroizing::new(serde_json::to_vec(&record.data).map_err(|e| encode(&e))?);
    let mut nonce = [0; NONCE];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut nonce).map_err(|e| encode(&e))?;
    let sealed = cipher(&record.id).encrypt(&XNonce::from(nonce), plain.as_slice());
    let sealed = sealed.map_err(|e| encode(&e))?;
    let digits = base16ct::lower::encode_string(&[nonce.as_slice(), &sealed].concat());
    Ok(digits)
}

/// `None` for what was not sealed for this id.
fn open(id: Id, data: &str, expires: i64) -> Option<Record> {
    let sealed = base16ct::lower::decode_vec(data).ok()?;
    let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg, aad: &[] };
    let plain = cipher(&id).decrypt(&XNonce::from(*nonce), payload).ok()?;
    Some(Record {
        id,
        data: serde_json::from_slice(&Zeroizing::new(plain)).ok()?,
        expiry_date: OffsetDateTime::from_unix_timestamp(expires).ok()?,
    })
}

impl Sessions {
    /// Opens the table, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn open(tables: Tables) -> std::result::Result<Self, sqlx::Error> {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS dashboard_session (\
            id TEXT PRIMARY KEY, data TEXT NOT NULL, expires BIGINT NOT NULL)";
        tables.make(TABLE).await?;
        Ok(Self { tables })
    }

    /// Runs a statement that writes a session's three columns, and says how many rows it wrote.
    async fn write(&self, statement: &'static str, record: &Record) -> Result<u64> {
        let data = seal(record)?;
        let expires = record.expiry_date.unix_timestamp();
        let name = name(&record.id);
        let _turn = self.tables.turn().await.map_err(backend)?;
        on!(&self.tables, pool => {
            let query = sqlx::query(statement).bind(name).bind(data).bind(expires);
            query.execute(pool).await.map(|done| done.rows_affected())
        })
        .map_err(backend)
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        const INSERT: &str = "INSERT INTO dashboard_session (id, data, expires) \
            VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        while self.write(INSERT, record).await? == 0 {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // No insert: a request that was under way when its session ended must not bring it back.
        const UPDATE: &str = "UPDATE dashboard_session SET data = $2, expires = $3 WHERE id = $1";
        self.write(UPDATE, record).await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        const SELECT: &str =
            "SELECT data, expires FROM dashboard_session WHERE id = $1 AND expires > $2";
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let row: Option<(String, i64)> = on!(&self.tables, pool => {
            let query = sqlx::query(SELECT).bind(name(id)).bind(now);
            query.fetch_optional(pool).await.and_then(|row| {
                row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
            })
        })
        .map_err(backend)?;
        Ok(row.and_then(|(data, expires)| open(*id, &data, expires)))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        const DELETE: &str = "DELETE FROM dashboard_session WHERE id = $1";
        let _turn = self.tables.turn().await.map_err(backend)?;
        on!(&self.tables, pool => sqlx::query(DELETE).bind(name(id)).execute(pool).await.map(drop))
            .map_err(backend)
    }
}

#[async_trait::async_trait]
impl ExpiredDeletion for Sessions {
    async fn delete_expired(&self) -> Result<()> {
        const DELETE: &str = "DELETE FROM dashboard_session WHERE expires <= $1";
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let _turn = self.tables.turn().await.map_err(backend)?;
        on!(&self.tables, pool => sqlx::query(DELETE).bind(now).execute(pool).await.map(drop))
            .map_err(backend)
    }
}
